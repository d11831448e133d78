"""When a gateway is asked what: few requests, one at a time, and none for ever in vain."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from envoy_mqtt.gateway.schedule import Poll, Schedule


def asked(schedule: Schedule, until: float, *, takes_s: float = 0.25) -> list[tuple[float, str]]:
    """What is asked until then by someone who asks as soon as it is time and gets every answer."""
    story, now = [], 0.0
    while (following := schedule.next()) is not None and following[1] < until:
        path, at = following
        now = max(now, at)
        story.append((now, path))
        now += takes_s
        schedule.asked(path, now)
    return story


def test_all_are_due_at_the_start_and_two_gentle_ones_are_asked_a_minute() -> None:
    schedule = Schedule([Poll("/a", 60.0), Poll("/b", 300.0), Poll("/c", 900.0)], 0.0)
    assert asked(schedule, 181.0, takes_s=0.0) == [
        (0.0, "/a"),
        (0.0, "/b"),
        (60.0, "/c"),
        (60.0, "/a"),
        (120.0, "/a"),
        (180.0, "/a"),
    ]


def test_a_page_may_be_wanted_sooner_once() -> None:
    schedule = Schedule([Poll("/a", 60.0), Poll("/b", 300.0)], 0.0)
    assert asked(schedule, 100.0, takes_s=0.0) == [(0.0, "/a"), (0.0, "/b"), (60.0, "/a")]
    schedule.hasten("/a", 100.0)
    schedule.hasten("/unknown", 100.0)
    assert asked(schedule, 200.0, takes_s=0.0) == [(100.0, "/a"), (160.0, "/a")]


def test_what_is_wanted_sooner_waits_where_two_were_asked_or_it_failed() -> None:
    schedule = Schedule([Poll("/a", 60.0), Poll("/b", 300.0)], 0.0)
    asked(schedule, 10.0, takes_s=0.0)
    schedule.hasten("/a", 10.0)
    assert schedule.next() == ("/a", 60.0)
    schedule.failed("/a", 60.0)
    later = schedule.next()
    assert later is not None
    assert later[1] >= 120.0
    schedule.hasten("/a", 61.0)
    assert schedule.next() == later


def test_a_page_that_was_just_asked_is_due_an_interval_later() -> None:
    schedule = Schedule([Poll("/a", 60.0), Poll("/b", 300.0)], 0.0)
    schedule.put_off("/a", 0.0)
    assert asked(schedule, 100.0, takes_s=0.0) == [(0.0, "/b"), (60.0, "/a")]


def test_what_is_wanted_every_few_seconds_does_not_wait_for_the_rest() -> None:
    schedule = Schedule([Poll("/slow", 60.0), Poll("/battery", 5.0)], 0.0)
    times = [at for at, path in asked(schedule, 60.0) if path == "/battery"]
    assert len(times) == 12
    assert max(later - earlier for earlier, later in pairwise(times)) <= 5.5


@given(st.lists(st.sampled_from([60.0, 300.0, 900.0]), max_size=5))
def test_there_are_never_more_than_two_gentle_requests_a_minute(intervals: list[float]) -> None:
    schedule = Schedule([Poll(f"/{n}", every_s) for n, every_s in enumerate(intervals)], 0.0)
    times = [at for at, _ in asked(schedule, 3600.0)]
    for at in times:
        assert sum(at <= other < at + 60.0 for other in times) <= 2


def test_an_interval_does_not_drift_with_the_answers_delay() -> None:
    schedule = Schedule([Poll("/a", 60.0)], 0.0)
    assert [at for at, _ in asked(schedule, 301.0, takes_s=2.0)] == [0.0, 60.0, 120.0, 180.0, 240.0, 300.0]


def test_after_a_long_sleep_nothing_is_made_up_for() -> None:
    schedule = Schedule([Poll("/a", 60.0)], 0.0)
    schedule.asked("/a", 10_000.0)
    assert schedule.next() == ("/a", 10_030.0)


def test_what_fails_is_asked_ever_more_rarely_but_not_for_ever() -> None:
    schedule = Schedule([Poll("/a", 5.0)], 0.0)
    now, waits = 0.0, []
    for _ in range(5):
        schedule.failed("/a", now)
        following = schedule.next()
        assert following is not None
        waits.append(following[1] - now)
        now = following[1]
    assert waits == [10.0, 20.0, 40.0, 40.0, 40.0]
    schedule.asked("/a", now)
    following = schedule.next()
    assert following is not None
    assert following[1] - now == 5.0


def test_a_page_that_is_wanted_more_rarely_is_asked_so_from_its_next_answer_on() -> None:
    schedule = Schedule([Poll("/production.json", 60.0)], 0.0)
    schedule.want([Poll("/production.json", 300.0)], 20.0)
    schedule.asked("/production.json", 20.0)
    assert [at for at, _ in asked(schedule, 700.0, takes_s=0.0)] == [300.0, 600.0]


def test_an_answer_to_what_is_not_wanted_any_more_is_nothing() -> None:
    schedule = Schedule([Poll("/a", 60.0)], 0.0)
    schedule.want([], 1.0)
    schedule.asked("/a", 1.0)
    assert schedule.next() is None


def test_other_wishes_take_the_place_of_those_before() -> None:
    schedule = Schedule([Poll("/a", 60.0), Poll("/gone", 60.0)], 0.0)
    assert [path for _, path in asked(schedule, 10.0)] == ["/a", "/gone"]
    schedule.want([Poll("/a", 60.0), Poll("/new", 5.0)], 10.0)
    assert schedule.next() == ("/new", 10.0)
    assert {path for _, path in asked(schedule, 500.0)} == {"/a", "/new"}


def test_nothing_to_ask_is_no_next() -> None:
    assert Schedule([], 0.0).next() is None


def test_what_a_gateway_asks_to_wait_is_kept_to_up_to_ten_minutes() -> None:
    schedule = Schedule([Poll("/a", 60.0)], 0.0)
    schedule.failed("/a", 0.0, after_s=300.0)
    assert schedule.next() == ("/a", 300.0)
    schedule.failed("/a", 300.0, after_s=86_400.0)
    assert schedule.next() == ("/a", 900.0)
