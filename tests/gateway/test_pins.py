"""The certificates we know, in a file that may be new, damaged, hostile, newer than we are, or not ours."""

import json
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envoy_mqtt.errors import ConfigError
from envoy_mqtt.gateway.pins import Pins

ONE, TWO = "122312345678", "122312345679"
A, B = "0a" * 32, "0b" * 32


def file_in(folder: Path) -> Path:
    return folder / "certificates.json"


def read_from(folder: Path) -> dict[str, str]:
    pins = Pins(folder)
    assert pins.reload()
    return dict(pins.known)


def test_what_is_kept_is_known_at_once_and_by_whoever_comes_after(tmp_path: Path) -> None:
    pins = Pins(tmp_path)
    pins.keep(ONE, A)
    pins.keep(TWO, B)
    assert pins.known == {ONE: A, TWO: B}
    assert read_from(tmp_path) == {ONE: A, TWO: B}
    assert json.loads(file_in(tmp_path).read_bytes()) == {"version": 1, "certificates": {ONE: A, TWO: B}}


def test_the_file_is_its_owners_alone_and_so_is_a_folder_made_for_it(tmp_path: Path) -> None:
    Pins(tmp_path / "new").keep(ONE, A)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    assert stat.S_IMODE(file_in(tmp_path / "new").stat().st_mode) == 0o600


def test_where_there_is_no_file_nothing_is_known_and_nothing_lost(tmp_path: Path) -> None:
    assert read_from(tmp_path) == {}
    assert list(tmp_path.iterdir()) == []


def test_what_another_process_pinned_meanwhile_counts_and_is_not_undone(tmp_path: Path) -> None:
    running, command = Pins(tmp_path), Pins(tmp_path)
    running.keep(ONE, A)
    command.keep(ONE, B)
    running.keep(TWO, A)
    assert running.known == {ONE: B, TWO: A}
    assert read_from(tmp_path) == {ONE: B, TWO: A}


HOSTILE = [
    b"",
    b"\x00" * 200,
    b"{",
    b"[]",
    b"[" * 100_000,
    b'{"version": 1}',
    {"version": 1, "certificates": None},
    {"version": 1, "certificates": []},
    {"version": 1, "certificates": A},
    {"version": 1, "certificates": {ONE: None}},
    {"version": 1, "certificates": {ONE: 5}},
    {"version": 1, "certificates": {ONE: [A]}},
    {"version": 1, "certificates": {ONE: ""}},
    {"version": 1, "certificates": {ONE: A[:-1]}},
    {"version": 1, "certificates": {ONE: A + "00"}},
    {"version": 1, "certificates": {ONE: A + "\n"}},
    {"version": 1, "certificates": {ONE: "0A" * 32}},
    {"version": 1, "certificates": {ONE: "zz" * 32}},
    {"version": 1, "certificates": {ONE: A, TWO: "x"}},
]


def spoil(folder: Path, content: object) -> bytes:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    file_in(folder).write_bytes(raw)
    return raw


@pytest.mark.parametrize("content", HOSTILE, ids=lambda content: repr(content)[:60])
def test_what_cannot_be_understood_is_told_once_and_kept_aside(tmp_path: Path, content: object) -> None:
    raw = spoil(tmp_path, content)
    pins = Pins(tmp_path)
    assert not pins.reload()
    assert pins.reload()
    assert pins.known == {}
    assert (tmp_path / "certificates.json.broken").read_bytes() == raw
    pins.keep(ONE, A)
    assert read_from(tmp_path) == {ONE: A}


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=60))
def test_random_bytes_raise_nothing(tmp_path: Path, content: bytes) -> None:
    spoil(tmp_path, content)
    pins = Pins(tmp_path)
    assert not pins.reload()
    assert pins.known == {}


@pytest.mark.parametrize("gone", [True, False], ids=["gone", "spoilt"])
def test_what_was_known_stays_known_while_the_file_is_gone_or_spoilt(tmp_path: Path, gone: bool) -> None:
    pins = Pins(tmp_path)
    pins.keep(ONE, A)
    if gone:
        file_in(tmp_path).unlink()
    else:
        spoil(tmp_path, b"{")
    pins.reload()
    assert pins.known == {ONE: A}
    pins.keep(TWO, B)
    assert read_from(tmp_path) == {ONE: A, TWO: B}


def test_a_newer_versions_file_is_a_sentence_and_is_left_alone(tmp_path: Path) -> None:
    raw = spoil(tmp_path, {"version": 2, "pins": {}})
    for use in (Pins(tmp_path).reload, lambda: Pins(tmp_path).keep(ONE, A)):
        with pytest.raises(ConfigError, match="newer envoy-mqtt"):
            use()
    assert file_in(tmp_path).read_bytes() == raw


def test_what_cannot_be_written_holds_for_this_process_and_is_written_with_the_next(tmp_path: Path) -> None:
    """Root may write anywhere, but not where a folder stands; and once that is gone it goes."""
    pins = Pins(tmp_path)
    file_in(tmp_path).mkdir()
    with pytest.raises(ConfigError, match="chown") as caught:
        pins.keep(ONE, A)
    assert str(file_in(tmp_path)) in str(caught.value)
    assert pins.known == {ONE: A}
    file_in(tmp_path).rmdir()
    pins.keep(TWO, B)
    assert read_from(tmp_path) == {ONE: A, TWO: B}


def test_a_data_folder_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="data_dir"):
        Pins(tmp_path / "file").keep(ONE, A)
