"""Holes in the journal: exact where the bridge lost readings, of unknown size where it was killed."""

import json

from hypothesis import given
from hypothesis import strategies as st

from envoy_mqtt.mqtt.hole import FULL, KILLED, Hole, Span, gap, holes


def test_what_the_bridge_lost_is_counted() -> None:
    assert list(holes(Span(5, 9), [])) == [Hole(Span(5, 9), exact=True)]


def test_what_a_killed_process_had_set_aside_is_not_counted() -> None:
    assert list(holes(Span(5, 9), [Span(5, 9)])) == [Hole(Span(5, 9), exact=False)]


def test_a_hole_over_both_is_several() -> None:
    assert list(holes(Span(5, 30), [Span(1, 2), Span(10, 19), Span(25, 40)])) == [
        Hole(Span(5, 9), exact=True),
        Hole(Span(10, 19), exact=False),
        Hole(Span(20, 24), exact=True),
        Hole(Span(25, 30), exact=False),
    ]


NUMBERS = st.integers(1, 60)


@given(NUMBERS, NUMBERS, st.sets(NUMBERS, max_size=12))
def test_each_missing_number_is_in_one_hole(one: int, other: int, ends: set[int]) -> None:
    first, last = min(one, other), max(one, other)
    edges = sorted(ends)
    unused = [Span(a, b - 1) for a, b in zip(edges[::2], edges[1::2], strict=False)]
    dark = {n for a, b in unused for n in range(a, b + 1)}
    told = [(n, hole.exact) for hole in holes(Span(first, last), unused) for n in range(*hole.span)]
    told += [(hole.span.last, hole.exact) for hole in holes(Span(first, last), unused)]
    assert sorted(told) == [(n, n not in dark) for n in range(first, last + 1)]


def test_a_gap_is_said_as_the_contract_has_it() -> None:
    assert json.loads(gap(Hole(Span(5, 9), exact=True), 1.5, 7.25, FULL)) == {
        "gap": 5,
        "estimated": False,
        "from_sequence": 5,
        "to_sequence": 9,
        "from_time": 1.5,
        "to_time": 7.25,
        "reason": FULL,
    }


def test_nobody_knows_how_many_a_killed_bridge_had_read() -> None:
    said = json.loads(gap(Hole(Span(50, 1000), exact=False), None, 7.25, FULL))
    assert (said["gap"], said["estimated"], said["reason"]) == (None, False, KILLED)
    assert said["from_time"] is None
