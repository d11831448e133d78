"""The bookmark: numbers are set aside before they are used, and no number comes twice."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoy_mqtt.mqtt.bookmark import Bookmark, Mark
from envoy_mqtt.mqtt.hole import Span
from envoy_mqtt.mqtt.record import Kept, Read

SERIAL, OTHER = "122100000017", "122100000025"


def kept(sequence: int, position: int, serial: str = SERIAL) -> Kept:
    return Kept(position, Read(serial, sequence, 1000.0 + sequence, b"{}"))


def again(bookmark: Bookmark) -> Bookmark:
    """Another process reads what this one wrote."""
    found = Bookmark()
    found.fold(json.loads(json.dumps(bookmark.content)))
    return found


def after_some(count: int) -> Bookmark:
    bookmark = Bookmark()
    bookmark.begin(damaged=False)
    for n in range(1, count + 1):
        bookmark.promise(SERIAL, n)
    bookmark.keep([kept(n, n - 1) for n in range(1, count + 1)])
    return bookmark


def test_the_first_process_begins_with_nothing() -> None:
    assert Bookmark().begin(damaged=False) == {}


def test_after_an_orderly_end_the_numbers_go_on() -> None:
    bookmark = after_some(40)
    bookmark.end({SERIAL: 40}, floor=0)
    restarted = again(bookmark)
    assert restarted.begin(damaged=False) == {SERIAL: 40}
    assert restarted.unused == {}


def test_after_a_crash_they_go_on_behind_the_block_and_its_rest_is_unused() -> None:
    restarted = again(after_some(40))
    assert restarted.begin(damaged=False) == {SERIAL: 1001}
    assert restarted.unused == {SERIAL: [Span(41, 1001)]}


def test_a_block_ahead_is_set_aside_when_half_of_one_is_left() -> None:
    assert again(after_some(501)).begin(damaged=False) == {SERIAL: 1001}
    assert again(after_some(502)).begin(damaged=False) == {SERIAL: 2001}


def test_of_a_damaged_file_one_more_block_is_left_out() -> None:
    assert again(after_some(40)).begin(damaged=True) == {SERIAL: 2001}


def test_several_crashes_without_a_reading_are_one_hole() -> None:
    bookmark = after_some(40)
    for _ in range(3):
        bookmark = again(bookmark)
        bookmark.begin(damaged=False)
    assert bookmark.unused == {SERIAL: [Span(41, 3001)]}


def test_a_gateway_met_after_a_crash_begins_behind_what_it_may_have_used_before() -> None:
    """It was met, its reading sent, and the process killed before anything was on the disk."""
    first = Bookmark()
    first.begin(damaged=False)
    second = again(first)
    assert second.floor == 1000
    second.begin(damaged=False)
    second.promise(SERIAL, 1001)
    assert second.unused == {SERIAL: [Span(1, 1000)]}


def test_what_is_acknowledged_is_passed_and_its_holes_are_forgotten() -> None:
    bookmark = again(after_some(40))
    bookmark.begin(damaged=False)
    bookmark.acknowledge(SERIAL, Mark(40, 1040.0, 39))
    assert (bookmark.acked, bookmark.unused[SERIAL]) == (40, [Span(41, 1001)])
    bookmark.acknowledge(SERIAL, Mark(1002, 2000.0, 40))
    assert (bookmark.acked, bookmark.unused[SERIAL]) == (41, [])


def test_only_what_changed_is_told() -> None:
    bookmark = after_some(3)
    bookmark.promise(OTHER, 1)
    bookmark.told(bookmark.content)
    assert bookmark.changes == {}
    bookmark.acknowledge(OTHER, Mark(1, 9.5, 3))
    assert bookmark.changes == {"acked": 4, "passed": {OTHER: Mark(1, 9.5, 3)}}
    bookmark.told(bookmark.changes)
    assert bookmark.changes == {}


LIVES = st.lists(st.tuples(st.integers(0, 1300), st.booleans(), st.booleans()), max_size=6)


@given(LIVES)
def test_no_number_comes_twice_however_processes_end(lives: list[tuple[int, bool, bool]]) -> None:
    """Each life uses some numbers, keeps them or not, and ends in order or not."""
    used: list[int] = []
    bookmark = Bookmark()
    for count, keeps, orderly in lives:
        floor = bookmark.floor
        number = bookmark.begin(damaged=False).get(SERIAL, floor)
        written = again(bookmark)
        for _ in range(count):
            number += 1
            used.append(number)
            bookmark.promise(SERIAL, number)
            if keeps:
                bookmark.keep([kept(number, bookmark.next)])
                written = again(bookmark)
            elif number % 400 == 0:
                written = again(bookmark)
        if orderly:
            bookmark.end({SERIAL: number} if SERIAL in bookmark.promised else {}, floor)
            written = again(bookmark)
        bookmark = written
    assert sorted(set(used)) == used


@pytest.mark.parametrize(
    "content",
    [
        {"acked": None},
        {"promised": []},
        {"passed": {SERIAL: [1]}},
        {"unused": {SERIAL: [1]}},
        {"last": {"1": {}}},
    ],
)
def test_what_is_no_bookmark_is_refused(content: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError, AttributeError)):
        Bookmark().fold(content)
