"""What an installation remembers, in a folder that may be new, damaged, newer than we are, or not ours."""

import json
import stat
import uuid
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envoy_mqtt.errors import ConfigError
from envoy_mqtt.installation import Installation, load, save

INSTANCE = "0123456789abcdef0123456789abcdef"
GOOD = {"version": 1, "instance": INSTANCE, "serials": ["122100000017", "122100000025"]}


def file_in(folder: Path) -> Path:
    return folder / "installation.json"


def write(folder: Path, content: object) -> bytes:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    file_in(folder).write_bytes(raw)
    return raw


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_installation_is_made_and_found_again(tmp_path: Path) -> None:
    made = load(tmp_path / "new" / "data")
    assert uuid.UUID(made.instance).version == 4
    assert made.serials == ()
    assert load(tmp_path / "new" / "data") == made


def test_gateways_are_remembered_until_none_of_ours_can_be_them() -> None:
    two = Installation(INSTANCE).met("122100000017").met("122100000025").met("122100000017")
    assert two.serials == ("122100000017", "122100000025")
    assert two.without_others(["122100000025", None]).serials == ("122100000025",)


def test_two_installations_are_different(tmp_path: Path) -> None:
    assert load(tmp_path / "a").instance != load(tmp_path / "b").instance


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    installation = Installation(INSTANCE, ("122100000017", "122100000025"))
    save(tmp_path, installation)
    assert load(tmp_path) == installation


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    save_into = load(folder)
    assert (mode(folder), mode(file_in(folder))) == (0o700, 0o600)
    file_in(folder).chmod(0o644)
    save(folder, save_into.met("122100000017"))
    assert mode(file_in(folder)) == 0o600


def test_nothing_else_is_left_in_the_folder(tmp_path: Path) -> None:
    installation = load(tmp_path)
    save(tmp_path, installation.met("1"))
    assert [path.name for path in tmp_path.iterdir()] == ["installation.json"]


def test_a_folder_that_is_there_keeps_its_mode_and_its_files(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "config.toml").write_text("x = 1")
    load(tmp_path)
    assert mode(tmp_path) == 0o755
    assert (tmp_path / "config.toml").read_text() == "x = 1"


def test_a_gateway_is_remembered_once_and_in_order() -> None:
    installation = Installation(INSTANCE).met("b").met("a").met("b")
    assert installation.serials == ("b", "a")
    assert installation.met("a") is installation


def test_the_client_id_is_stable_and_short_enough_for_every_broker() -> None:
    """MQTT 3.1.1, section 3.1.3.1: letters and digits, 23 characters are always accepted."""
    assert Installation(INSTANCE).client_id == "envoy-mqtt-0123456789ab"
    assert len(Installation(uuid.uuid4().hex).client_id) == 23


# Damaged

BROKEN = [
    b"",
    b"\x00" * 200,
    b"{",
    b"[]",
    b"null",
    b"5",
    b'"text"',
    b"{}",
    b"\xff\xfe",
    b"[" * 100_000,
    {"version": 1, "instance": INSTANCE},
    {"version": 1, "serials": []},
    {"instance": INSTANCE, "serials": []},
    {"version": 1, "instance": "not a uuid", "serials": []},
    {"version": 1, "instance": None, "serials": []},
    {"version": 1, "instance": 5, "serials": []},
    {"version": 1, "instance": [INSTANCE], "serials": []},
    {"version": 1, "instance": INSTANCE, "serials": None},
    {"version": 1, "instance": INSTANCE, "serials": 5},
    {"version": 1, "instance": INSTANCE, "serials": "122100000017"},
    {"version": 1, "instance": INSTANCE, "serials": {"122100000017": 1}},
]


@pytest.mark.parametrize("content", BROKEN, ids=lambda content: repr(content)[:60])
def test_a_file_that_cannot_be_read_as_ours_is_kept_aside(tmp_path: Path, content: object) -> None:
    raw = write(tmp_path, content)
    made = load(tmp_path)
    assert uuid.UUID(made.instance)
    assert made.serials == ()
    assert load(tmp_path) == made
    others = [path for path in tmp_path.iterdir() if path != file_in(tmp_path)]
    assert [path.read_bytes() for path in others] == [raw]


def test_an_instance_may_be_written_with_hyphens(tmp_path: Path) -> None:
    write(tmp_path, GOOD | {"instance": str(uuid.UUID(INSTANCE))})
    assert load(tmp_path).instance == INSTANCE


def test_what_is_there_beyond_what_we_know_does_not_matter(tmp_path: Path) -> None:
    write(tmp_path, GOOD | {"more": [1]})
    assert load(tmp_path) == Installation(INSTANCE, ("122100000017", "122100000025"))


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=60))
def test_random_bytes_never_keep_it_from_starting(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, content)
    assert uuid.UUID(load(tmp_path).instance)


# Newer


@pytest.mark.parametrize(
    "content", [GOOD | {"version": 2}, {"version": 99}, {"version": 2, "id": "x", "gateways": {}}]
)
def test_the_file_of_a_newer_version_is_refused_and_left_alone(
    tmp_path: Path, content: dict[str, object]
) -> None:
    """Whatever a newer version writes beside its number is nothing that we can judge."""
    raw = write(tmp_path, content)
    with pytest.raises(ConfigError, match="newer envoy-mqtt") as caught:
        load(tmp_path)
    assert "data_dir" in str(caught.value)
    assert file_in(tmp_path).read_bytes() == raw
    assert [path.name for path in tmp_path.iterdir()] == ["installation.json"]


# Not writable. Root may write anywhere, but not under a regular file.


def test_a_folder_that_cannot_be_written_is_a_sentence_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "data"):
        with pytest.raises(ConfigError) as caught:
            load(folder)
        (sentence,) = caught.value.mistakes
        assert sentence.startswith("data_dir: ")
        assert str(folder) in sentence
        assert "chown" in sentence
        assert "\n" not in sentence


def test_a_folder_in_the_place_of_the_file_is_said_too(tmp_path: Path) -> None:
    file_in(tmp_path).mkdir()
    with pytest.raises(ConfigError, match="data_dir"):
        load(tmp_path)


def test_saving_where_nobody_can_raises_what_the_system_says(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        save(tmp_path / "file", Installation(INSTANCE))


def test_a_file_that_could_not_be_replaced_leaves_nothing_behind(tmp_path: Path) -> None:
    file_in(tmp_path).mkdir()
    with pytest.raises(OSError, match="installation"):
        save(tmp_path, Installation(INSTANCE))
    assert [path.name for path in tmp_path.iterdir()] == ["installation.json"]
