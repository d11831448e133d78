"""Small files that outlive the process: written whole or not at all, and read with suspicion."""

import errno
import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envoy_mqtt import store
from envoy_mqtt.errors import ConfigError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "things.json"


def everything(content: dict[str, Any]) -> dict[str, Any]:
    return content


def number(content: dict[str, Any]) -> int:
    return int(content["number"])


def names(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


def test_what_is_written_is_read(path: Path) -> None:
    store.write(path, 3, {"things": [1, "ä", None]})
    assert store.read(path, 3, everything) == {"version": 3, "things": [1, "ä", None]}
    assert names(path.parent) == {"things.json"}


def test_what_its_reader_makes_of_it_is_what_is_read(path: Path) -> None:
    store.write(path, 1, {"number": 5})
    assert store.read(path, 1, number) == 5


def test_a_folder_made_for_it_is_its_owners_alone(path: Path) -> None:
    store.write(path.parent / "new" / path.name, 1, {})
    assert stat.S_IMODE((path.parent / "new").stat().st_mode) == 0o700
    assert names(path.parent / "new") == {path.name}


def test_where_there_is_nothing_nothing_is_read_and_nothing_made(path: Path) -> None:
    assert store.read(path, 1, everything) is None
    assert names(path.parent) == set()


def test_the_file_is_its_owners_alone_whatever_it_was_before(path: Path) -> None:
    path.write_text("{}")
    path.chmod(0o644)
    store.write(path, 1, {})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_older_versions_file_is_read(path: Path) -> None:
    store.write(path, 1, {"things": 1})
    assert store.read(path, 2, everything) == {"version": 1, "things": 1}


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00" * 100,
        b"\xff\xfe",
        b"{",
        b"[" * 100_000,
        b"5",
        b"null",
        b'"version"',
        b"[1]",
        b"{}",
        b'{"version": null}',
        b'{"version": true}',
        b'{"version": "1"}',
        b'{"version": 1.5}',
        b'{"version": 1' + b"0" * 5000 + b"}",
    ],
    ids=lambda raw: repr(raw[:20]),
)
def test_what_is_not_ours_is_kept_aside(path: Path, raw: bytes) -> None:
    path.write_bytes(raw)
    kept_aside(path, raw)
    assert names(path.parent) == {"things.json.broken"}
    assert store.read(path, 1, everything) is None


@pytest.mark.parametrize(
    "raw", [b'{"version":1}', b'{"version":1,"number":"x"}', b'{"version":1,"number":null}']
)
def test_what_its_reader_does_not_understand_is_kept_aside_too(path: Path, raw: bytes) -> None:
    path.write_bytes(raw)
    kept_aside(path, raw, number)


def kept_aside(path: Path, raw: bytes, understand: Callable[[dict[str, Any]], object] = everything) -> None:
    with pytest.raises(store.Broken) as caught:
        store.read(path, 1, understand)
    assert caught.value.aside == path.with_name("things.json.broken")
    assert caught.value.aside.read_bytes() == raw
    assert str(caught.value.aside) in str(caught.value)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=60))
def test_random_bytes_are_kept_aside_and_raise_nothing_else(path: Path, raw: bytes) -> None:
    path.write_bytes(raw)
    kept_aside(path, raw)


def test_a_newer_versions_file_is_refused_and_left_alone(path: Path) -> None:
    raw = json.dumps({"version": 2, "whatever": {}}).encode()
    path.write_bytes(raw)
    with pytest.raises(ConfigError, match="newer envoy-mqtt") as caught:
        store.read(path, 1, everything)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == raw


def test_what_cannot_be_replaced_leaves_nothing_behind(path: Path) -> None:
    path.mkdir()
    with pytest.raises(OSError, match="things"):
        store.write(path, 1, {})
    with pytest.raises(OSError, match="things"):
        store.read(path, 1, everything)
    assert names(path.parent) == {"things.json"}


def test_a_folder_that_is_none_raises_what_the_system_says(path: Path) -> None:
    path.write_text("")
    with pytest.raises(OSError, match="things"):
        store.write(path / "inner.json", 1, {})


def test_a_full_disk_needs_room_and_a_foreign_one_an_owner(tmp_path: Path) -> None:
    full = store.denied(tmp_path, "written", tmp_path, OSError(errno.ENOSPC, "No space left on device"))
    assert "make room" in full
    assert "chown" not in full
    assert "make room" in store.denied(tmp_path, "written", tmp_path, OSError(errno.EFBIG, "File too large"))
    assert "chown" in store.denied(tmp_path, "written", tmp_path, OSError(errno.EACCES, "Permission denied"))


def test_what_may_never_be_written_is_not_a_matter_of_owners() -> None:
    told = store.unwritable(Path("/data"), OSError(errno.EROFS, "Read-only file system"))
    assert "mount a folder at /data that can be written" in told
    assert "chown" not in told


def test_a_mounted_folder_has_another_name_outside(tmp_path: Path) -> None:
    denied = OSError(errno.EACCES, "Permission denied")
    assert "the folder on the host" not in store.unwritable(tmp_path, denied)
    told = store.unwritable(Path("/"), denied)  # always a mount point
    assert "/' (in a container: the folder on the host that is mounted there), or choose" in told
