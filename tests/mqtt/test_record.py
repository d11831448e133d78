"""The journal's lines: whole, or known not to be."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoy_mqtt.mqtt.record import Kept, Read, reading_line, state_line, understand

KEPT = Kept(17, Read("122312345678", 4711, 1_760_000_000.123, b'{"time":1760000000.123,"sequence":4711}'))
LINE = reading_line(KEPT)[:-1]


def test_a_reading_comes_back_as_it_went() -> None:
    assert understand(LINE) == KEPT
    assert LINE[9:] == b'R 17 122312345678 4711 1760000000.123 {"time":1760000000.123,"sequence":4711}'


def test_a_bookmark_comes_back_as_it_went() -> None:
    assert understand(state_line({"acked": 3, "passed": {"1": [1, None, 0]}})[:-1]) == {
        "acked": 3,
        "passed": {"1": [1, None, 0]},
    }


@given(cut=st.integers(0, len(LINE) - 1))
def test_a_torn_line_is_none_of_ours(cut: int) -> None:
    assert understand(LINE[:cut]) is None


@given(where=st.integers(0, len(LINE) - 1), to=st.sampled_from(string.printable.encode()))
def test_one_wrong_byte_is_noticed(where: int, to: int) -> None:
    """But for capitals in the checksum, which mean the same."""
    damaged = LINE[:where] + bytes([to]) + LINE[where + 1 :]
    if damaged.lower() != LINE.lower():
        assert understand(damaged) is None


@given(st.binary(max_size=200))
def test_whatever_lies_there_is_no_line(raw: bytes) -> None:
    assert understand(raw) is None


@pytest.mark.parametrize("body", [b"", b"R 1", b"R a b c d e", b"S [1]", b"S {", b"X", b"S " + b"[" * 60_000])
def test_a_checksum_alone_makes_no_line(body: bytes) -> None:
    from zlib import crc32

    assert understand(b"%08x %s" % (crc32(body), body)) is None
