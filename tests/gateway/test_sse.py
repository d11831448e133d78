"""The decoder against the WHATWG event stream format (HTML, section 9.2.6) and against its own limits."""

import re
import tracemalloc
from collections.abc import Iterable
from itertools import pairwise
from typing import SupportsIndex

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from envoy_mqtt.gateway.sse import TOO_LONG, Decoder, Event

KIB = 1024
LIMIT = 64 * KIB
BOM = b"\xef\xbb\xbf"


def decode(*chunks: bytes) -> list[Event]:
    decoder = Decoder()
    return [event for chunk in chunks for event in decoder.receive(chunk)]


def in_pieces(stream: bytes, size: int) -> list[bytes]:
    return [stream[at : at + size] for at in range(0, len(stream), size)]


def cut(stream: bytes, places: Iterable[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    return [stream[start:end] for start, end in pairwise(edges)]


def by_the_standard(stream: bytes) -> list[bytes]:
    """The standard's algorithm on the whole stream at once, without any limit."""
    events, data = [], b""
    *lines, _unfinished = re.split(rb"\r\n|\n|\r", stream.removeprefix(BOM))
    for line in lines:
        name, _, value = line.partition(b":")
        if line == b"":
            events += [data[:-1]] if data else []
            data = b""
        elif name == b"data":
            data += (value[1:] if value[:1] == b" " else value) + b"\n"
    return events


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_each_of_the_three_line_ends_ends_a_line(end: bytes) -> None:
    assert decode(b"data: 1" + end + end + b"data: 2" + end + end) == [b"1", b"2"]


def test_line_ends_may_be_mixed() -> None:
    assert decode(b"data: a\r\ndata: b\rdata: c\n\r\ndata: d\r\rdata: e\n\n") == [b"a\nb\nc", b"d", b"e"]


def test_what_a_gateway_sends() -> None:
    """Protocol notes, section 1.1: `data: `, one line of JSON, CR LF CR LF."""
    assert decode(b'data: {"production":{}}\r\n\r\n') == [b'{"production":{}}']


def test_one_byte_order_mark_at_the_very_beginning_is_dropped() -> None:
    assert decode(BOM + b"data: 1\n\n") == [b"1"]
    assert decode(*in_pieces(BOM + b"data: 1\n\n", 1)) == [b"1"]
    assert decode(BOM + BOM + b"data: 1\n\ndata: 2\n\n") == [b"2"]
    assert decode(b"data: 1\n\n" + BOM + b"data: 2\n\n") == [b"1"]


def test_comments_are_dropped_inside_and_between_events() -> None:
    assert decode(b": hello\n\n:\n:data: no\ndata: 1\n: keep-alive\ndata: 2\n\n") == [b"1\n2"]


def test_data_without_a_colon_is_an_empty_line_of_data() -> None:
    assert decode(b"data\n\n") == [b""]
    assert decode(b"data\ndata\n\n") == [b"\n"]
    assert decode(b"data:\n\n") == [b""]
    assert decode(b"data: \n\n") == [b""]


def test_exactly_one_leading_space_is_removed() -> None:
    assert decode(b"data:x\n\ndata: x\n\ndata:  x \n\ndata:\tx\n\n") == [b"x", b"x", b" x ", b"\tx"]


def test_several_lines_of_data_are_joined_by_line_feeds() -> None:
    assert decode(b"data: a\ndata:\ndata: b\n\n") == [b"a\n\nb"]


def test_other_fields_are_read_and_dropped() -> None:
    assert decode(b"event: add\nid: 7\nretry: 10\nfoo: bar\nnonsense\ndata: 1\nid\n\n") == [b"1"]


def test_without_a_line_of_data_a_blank_line_ends_nothing() -> None:
    assert decode(b"\n\r\n\revent: add\nid: 7\n\n: x\n\n") == []


@pytest.mark.parametrize("line", [b"Data: 1", b"DATA: 1", b" data: 1", b"data : 1", b"datas: 1", b"dat: 1"])
def test_a_field_name_is_exactly_data(line: bytes) -> None:
    assert decode(line + b"\n\n") == []


def test_colons_after_the_first_belong_to_the_value() -> None:
    assert decode(b"data::x:y\n\n") == [b":x:y"]


def test_what_the_end_of_the_stream_cuts_off_is_never_an_event() -> None:
    assert decode(b"data: 1\n\ndata: 2") == [b"1"]
    assert decode(b"data: 1\n\ndata: 2\n") == [b"1"]
    assert decode(b"data: 1\n\ndata: 2\r") == [b"1"]


def test_an_event_is_there_with_the_last_byte_that_ends_it() -> None:
    """A carriage return ends the line at once; the line feed that may follow is not waited for."""
    decoder = Decoder()
    assert list(decoder.receive(b"data: 1\r\n\r")) == [b"1"]
    assert list(decoder.receive(b"\n")) == []
    assert list(decoder.receive(b"\n")) == []
    assert list(decoder.receive(b"data: 2\r\r")) == [b"2"]


def test_a_crlf_cut_in_two_does_not_end_an_event_twice() -> None:
    assert decode(b"data: a\r", b"\ndata: b\r", b"", b"\n\r", b"\n") == [b"a\nb"]


MIXED = (
    BOM + b"data: 1\r\n\r\ndata\rdata:  a\n: hi\r\revent: x\r\ndata:\xc3\xa4\n\n\r\n\rdata: c\n\r\ndata: cut"
)


def test_the_sample_of_the_cutting_tests_is_what_the_standard_says() -> None:
    assert decode(MIXED) == by_the_standard(MIXED) == [b"1", b"\n a", b"\xc3\xa4", b"c"]


def test_one_cut_at_any_place_changes_nothing() -> None:
    for place in range(len(MIXED) + 1):
        assert decode(MIXED[:place], MIXED[place:]) == decode(MIXED)


def test_two_cuts_at_any_places_change_nothing() -> None:
    for first in range(len(MIXED) + 1):
        for second in range(first, len(MIXED) + 1):
            assert decode(MIXED[:first], MIXED[first:second], MIXED[second:]) == decode(MIXED)


def test_byte_by_byte_changes_nothing() -> None:
    assert decode(*in_pieces(MIXED, 1)) == decode(MIXED)


DATA = (b"data: 1", b"data:2", b"data", b"data:", b"data:  x", b'data: {"p":1.5}', b"data: \xff\xfe")
OTHERS = (b": hi", b":", b"event: a", b"id: 7", b"retry", b"data : no", BOM, BOM + b"data: 3", b"\x00")
LINES = st.one_of(st.just(b""), st.sampled_from(DATA), st.sampled_from(OTHERS))
ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])
LAID_OUT = st.lists(st.tuples(LINES, ENDS).map(b"".join), max_size=20).map(b"".join)
SCRAMBLED = st.lists(st.sampled_from(list(b"\r\n: data\xef\xbb\xbf")), max_size=60).map(bytes)
STREAMS = st.tuples(st.sampled_from([b"", BOM]), LAID_OUT | SCRAMBLED | st.binary(max_size=60)).map(b"".join)


@settings(max_examples=400)
@given(STREAMS)
def test_any_stream_gives_what_the_standard_says(stream: bytes) -> None:
    assert decode(stream) == by_the_standard(stream)


@settings(max_examples=400)
@given(STREAMS, st.lists(st.integers(0, 2000), max_size=12))
@example(b"data: 1\r\n\r\n", [8, 10])
def test_however_the_bytes_are_cut_the_events_are_the_same(stream: bytes, places: list[int]) -> None:
    assert decode(*cut(stream, places)) == decode(stream) == decode(*in_pieces(stream, 1))


# Limits


def test_a_line_of_exactly_64_kib_is_kept() -> None:
    line = b"data:" + b"x" * (LIMIT - 5)
    for size in (LIMIT + 2, 1000):
        assert decode(*in_pieces(line + b"\n\ndata: 2\n\n", size)) == [line[5:], b"2"]


def test_a_line_of_one_byte_more_is_reported_in_the_place_of_its_event() -> None:
    line = b"data:" + b"x" * (LIMIT - 4)
    for size in (LIMIT + 20, 1000):
        stream = b"data: 1\n\n" + line + b"\ndata: tail of it\n\ndata: 2\n\n"
        assert decode(*in_pieces(stream, size)) == [b"1", TOO_LONG, b"2"]


@pytest.mark.parametrize("start", [b": ", b"id: ", b"data", b"dat", b"x", b"", b"datas: "])
def test_a_megabyte_that_is_not_data_leaves_the_event_around_it_alive(start: bytes) -> None:
    stream = b"data: a\n" + start + b"x" * 1_000_000 + b"\r\ndata: b\n\ndata: 2\n\n"
    for size in (len(stream), 64 * KIB, 4097):
        events = decode(*in_pieces(stream, size))
        assert [event for event in events if isinstance(event, bytes)] == [b"a\nb", b"2"]
        assert events.count(TOO_LONG) == 1


def test_a_megabyte_without_an_end_is_nothing_yet() -> None:
    assert decode(*in_pieces(b"data: 1\n\ndata: " + b"x" * 1_000_000, 9999)) == [b"1"]


def test_many_lines_of_data_that_are_together_too_long_are_one_report() -> None:
    stream = (b"data: " + b"x" * 8 * KIB + b"\n") * 9 + b"\ndata: 2\n\n"
    for size in (len(stream), 1000):
        assert decode(*in_pieces(stream, size)) == [TOO_LONG, b"2"]


def test_many_lines_of_data_that_are_together_short_enough_are_one_event() -> None:
    lines = [b"x" * 8 * KIB] * 7
    assert decode(b"".join(b"data: " + line + b"\n" for line in lines) + b"\n") == [b"\n".join(lines)]


def test_empty_lines_of_data_count_too() -> None:
    assert decode(b"data\n" * (LIMIT + 2) + b"\ndata: 2\n\n") == [TOO_LONG, b"2"]


def test_a_first_line_with_a_byte_order_mark_that_is_too_long_is_data_still() -> None:
    assert decode(BOM + b"data: " + b"x" * LIMIT + b"\n\ndata: 2\n\n") == [TOO_LONG, b"2"]


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"data: ", b": ", b"data", b"d", b""]),
            st.integers(LIMIT - 8, LIMIT + 3) | st.integers(0, 3),
            ENDS,
        ),
        max_size=6,
    ),
    st.lists(st.integers(0, 400_000), max_size=8),
)
def test_limits_do_not_depend_on_the_cuts_either(
    lines: list[tuple[bytes, int, bytes]], places: list[int]
) -> None:
    stream = b"".join(start + b"x" * length + end for start, length, end in lines) + b"\n\ndata: 2\n\n"
    assert decode(*cut(stream, places)) == decode(stream) == decode(*in_pieces(stream, 4096))


# Memory and work


@pytest.mark.parametrize(
    ("chunk", "times"),
    [
        (b"x" * 64 * KIB, 1600),
        (b"data: " + b"x" * (64 * KIB - 6), 1600),
        (b"data: " + b"x" * (64 * KIB - 7) + b"\n", 1600),
        (b"data: " + b"x" * 1000 + b"\n", 20_000),
        (b": " + b"x" * (64 * KIB - 3) + b"\r", 1600),
        (b"data\n" * 2000, 20),
    ],
    ids=["no line end", "data in every chunk", "data without an end", "many data", "comments", "empty data"],
)
def test_memory_stays_bounded_however_much_comes(chunk: bytes, times: int) -> None:
    """Up to 100 MB; what is held is at most a few times the limit."""
    decoder = Decoder()
    tracemalloc.start()
    try:
        for _ in range(times):
            for event in decoder.receive(chunk):
                assert event is TOO_LONG
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * KIB * KIB


class Watched(bytes):
    """Bytes that count how many of them were looked at in searches."""

    looked_at = 0

    def find(
        self,
        sub: "bytes | SupportsIndex",  # type: ignore[override]
        start: SupportsIndex | None = 0,
        end: SupportsIndex | None = None,
        /,
    ) -> int:
        assert isinstance(sub, bytes)
        found = super().find(sub, start, end)
        last = found if found >= 0 else len(self) if end is None else int(end)
        self.looked_at += last - int(start or 0) + 1
        return found


@pytest.mark.parametrize("unit", [b"\n", b"\r", b"\r\n", b"data: 1\r\r", b"data: 1\n\n", b"xxxx\r", b"x\n"])
def test_work_grows_with_the_bytes_and_not_with_their_square(unit: bytes) -> None:
    chunk = Watched(unit * 4000)
    for _ in Decoder().receive(chunk):
        pass
    assert chunk.looked_at <= 6 * len(chunk)
