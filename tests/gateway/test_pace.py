"""The contract's section "Time", sentence by sentence; all times are seconds on a steady clock."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from math import floor
from random import Random
from statistics import median
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envoy_mqtt.gateway.pace import Pace, WallClock


def stamps(pace: Pace, *arrivals: float) -> list[float]:
    return [pace.stamp(arrival) for arrival in arrivals]


def opened(at: float = 0.0) -> Pace:
    pace = Pace()
    pace.open(at)
    return pace


def burst(at: float, events: int, apart: float = 0.001) -> list[float]:
    """Arrivals of a burst, as gateways send them: within some 30 ms."""
    return [at + n * apart for n in range(events)]


def learned(period: float, *, until: float = 100.0) -> Pace:
    """A gateway whose silences of `period` seconds each ended with one event, the last one at `until`."""
    pace = opened(until - 15 * period)
    for n in range(14, -1, -1):
        pace.stamp(until - n * period)
    return pace


def close_to(*expected: float) -> object:
    return pytest.approx(list(expected), abs=1e-9)


# One event a second


def test_at_one_event_a_second_the_stamp_is_the_arrival() -> None:
    assert stamps(opened(100), 101, 102, 103, 104) == [101, 102, 103, 104]


def test_an_unsteady_second_is_a_second() -> None:
    """Notes, section 1.5: every 3/4 to 1 second; ⌊0.75 ÷ 1 + ½⌋ = 1."""
    assert stamps(opened(100), 100.75, 101.75, 102.5, 103.5) == [100.75, 101.75, 102.5, 103.5]


def test_the_first_event_of_a_connection_within_a_fifth_of_a_second_has_its_arrival() -> None:
    assert stamps(opened(100), 100.125, 100.25) == [100.125, 100.25]


# A silence and what comes with its end


def test_23_events_after_23_seconds_from_the_start_are_a_second_apart() -> None:
    """Firmware 7.0.88: nothing is learned yet, so a period is 1 s, n = 23, the k-th at 0 + k × 23 ÷ 23."""
    assert stamps(opened(0), *burst(23, 23)) == close_to(*range(1, 24))


def test_23_events_after_23_seconds_are_a_second_apart_after_learning_too() -> None:
    """23 ÷ 23 = 1 s is what every such silence teaches; each begins with the last event of the one before."""
    pace = opened(0)
    for n in range(20):
        arrivals = burst(23 * (n + 1), 23)
        began = 0.0 if n == 0 else 23 * n + 0.022
        step = (arrivals[0] - began) / 23
        assert stamps(pace, *arrivals) == close_to(*[began + k * step for k in range(1, 24)])


def test_8_events_after_8_seconds_at_one_a_second_are_a_second_apart() -> None:
    """Firmware 8.3.6086 holds its events 3–13 s."""
    assert stamps(learned(1.0), *burst(108, 8, apart=0.004)) == close_to(*range(101, 109))


def test_events_beyond_what_the_silence_was_worth_have_their_arrival() -> None:
    """A silence of 4 s is worth 4 events at one a second; the 5th and 6th came at 104.04 and 104.05."""
    assert stamps(learned(1.0), *burst(104, 6, apart=0.01)) == close_to(101, 102, 103, 104, 104.04, 104.05)


def test_fewer_events_than_the_silence_was_worth_stand_at_its_beginning() -> None:
    """The first leaves before anyone knows how many follow: n = 10, so 1 s apart, and 7 s unaccounted for."""
    assert stamps(learned(1.0), *burst(110, 3)) == close_to(101, 102, 103)


def test_the_silence_is_shared_out_evenly_where_it_is_no_whole_number_of_periods() -> None:
    """3.6 s: n = ⌊3.6 + ½⌋ = 4, so 0.9 s each."""
    assert stamps(learned(1.0), *burst(103.6, 4)) == close_to(100.9, 101.8, 102.7, 103.6)


def test_a_half_is_rounded_up() -> None:
    """2.5 s: n = ⌊2.5 + ½⌋ = 3, so 2.5 ÷ 3 s each."""
    assert stamps(learned(1.0), *burst(102.5, 3)) == close_to(100 + 2.5 / 3, 100 + 5 / 3, 102.5)


def test_a_silence_shorter_than_half_a_period_is_worth_one_event() -> None:
    assert stamps(learned(1.0), 100.25, 101) == close_to(100.25, 101)


def test_a_burst_goes_on_while_each_event_is_near_the_one_before() -> None:
    """0.15 s apart for 0.6 s: one burst, and the fourth is never after its arrival."""
    assert stamps(learned(1.0), 104, 104.15, 104.3, 104.45, 104.6) == close_to(101, 102, 103, 104, 104.6)


def test_a_fifth_of_a_second_is_still_together_and_anything_more_is_a_silence() -> None:
    """After 0.2 s the second event is beyond n = 1; after 0.25 s it ends a silence of its own, n = 1."""
    assert stamps(opened(0.0), 0.2) == [0.2]
    pace = learned(4.0)
    assert stamps(pace, 108) == close_to(104)  # n = 2, one came
    assert stamps(pace, 108.1875) == close_to(108)  # together: the second of them
    assert stamps(pace, 108.5) == close_to(108.5)  # 0.3125 s later: a silence of its own, n = 1


def test_exactly_a_fifth_of_a_second_apart_is_one_burst() -> None:
    """4 s are worth 4 events; 0.2 s after 0.0 comes the second of them."""
    assert stamps(opened(-4.0), 0.0, 0.2) == [-3.0, -2.0]


def test_a_burst_that_follows_on_a_short_silence_begins_where_the_last_event_arrived() -> None:
    assert stamps(learned(1.0), *burst(103, 3), *burst(105.002, 2)) == close_to(
        101, 102, 103, 104.002, 105.002
    )


# More than 30 seconds


def test_30_seconds_are_shared_out() -> None:
    assert stamps(learned(1.0), *burst(130, 30)) == close_to(*range(101, 131))


def test_after_more_than_30_seconds_all_have_their_arrival() -> None:
    arrivals = burst(130.125, 40)
    assert stamps(learned(1.0), *arrivals) == arrivals


def test_more_than_30_seconds_teach_nothing() -> None:
    """An hour and one event, fifteen times: a silence of 3 s is worth three events still."""
    pace = learned(1.0)
    for hour in range(1, 16):
        assert pace.stamp(hour * 3600) == hour * 3600
    assert stamps(pace, *burst(15 * 3600 + 3, 3)) == close_to(*(15 * 3600 + k for k in (1, 2, 3)))


# A new connection


def test_on_a_new_connection_the_silence_begins_with_the_answer() -> None:
    pace = learned(1.0)
    pace.open(500)
    assert stamps(pace, *burst(503, 4)) == close_to(501, 502, 503, 503.003)


def test_what_the_connection_before_was_owed_does_not_come_on_the_new_one() -> None:
    """Of 10 expected events 3 came; what comes at once on the next connection has its arrival."""
    pace = learned(1.0)
    assert stamps(pace, *burst(110, 3)) == close_to(101, 102, 103)
    pace.open(110.5)
    assert stamps(pace, 110.5, 110.625) == [110.5, 110.625]


def test_more_than_30_seconds_after_the_answer_all_have_their_arrival() -> None:
    pace = learned(1.0)
    pace.open(500)
    assert stamps(pace, 531, 531.125) == [531, 531.125]


def test_what_was_learned_outlives_the_connection() -> None:
    pace = learned(2.0)
    pace.open(200)
    assert stamps(pace, *burst(204, 2)) == close_to(202, 204)


def test_a_connection_without_events_teaches_nothing() -> None:
    pace = learned(2.0)
    for at in range(200, 300, 5):
        pace.open(at)
    assert stamps(pace, *burst(299, 2)) == close_to(297, 299)


# The period


def test_one_silence_teaches_nothing_yet() -> None:
    """4 events after 2 s would be half a second each; after one such silence a period is 1 s still."""
    pace = opened(0)
    assert stamps(pace, *burst(2, 4)) == close_to(1, 2, 2.002, 2.003)
    assert stamps(pace, *burst(4.003, 4)) == close_to(3.003, 4.003, 4.005, 4.006)


def test_two_silences_teach() -> None:
    """2 ÷ 4 = half a second, twice: a silence of 2 s is worth 4 events."""
    pace = opened(0)
    stamps(pace, *burst(2, 4), *burst(4.003, 4))
    assert stamps(pace, *burst(6.006, 4)) == close_to(4.506, 5.006, 5.506, 6.006)


def test_the_median_of_two_is_their_mean() -> None:
    """1 and 3 s a reading: 2 s; 8 s are worth 4."""
    pace = opened(0)
    stamps(pace, 1, 4)
    assert stamps(pace, *burst(12, 4)) == close_to(6, 8, 10, 12)


def test_the_median_does_not_follow_an_outlier() -> None:
    """Ten silences of 1 s and one of 29 s, each with one event."""
    pace = learned(1.0)
    pace.stamp(129)
    assert stamps(pace, *burst(132, 3)) == close_to(130, 131, 132)


def test_only_the_last_15_silences_count() -> None:
    """After 15 of 2 s come some of 1 s: 7 leave the median of 15 at 2 s, the 8th brings it to 1 s."""
    for ones, first in ((7, 102), (8, 101)):
        pace = learned(2.0, until=100.0 - ones)
        stamps(pace, *(100.0 - ones + n for n in range(1, ones + 1)))
        assert pace.stamp(104.0) == pytest.approx(first), f"after {ones} silences of 1 s"


def test_a_period_is_never_less_than_a_fifth_of_a_second() -> None:
    """40 events after 1 s would be 25 ms each: 2 s are worth 10 events, not 80."""
    pace = opened(0)
    stamps(pace, *burst(1, 40), *burst(2.039, 40))
    assert stamps(pace, *burst(4.078, 2)) == close_to(2.278, 2.478)


def test_a_period_is_never_more_than_5_seconds() -> None:
    """One event after 25 s, twice: 25 s are worth 5 events."""
    pace = opened(0)
    stamps(pace, 25, 50)
    assert stamps(pace, *burst(75, 2)) == close_to(55, 60)


# Against the contract's rule, written down with all arrivals in sight


class Opened(NamedTuple):
    """A 200 answer."""

    at: float


class Came(NamedTuple):
    """An event."""

    at: float


Story = list[Opened | Came]


class Silence(NamedTuple):
    """`gap` seconds from `began`, and the arrivals of the event that ended it and those near it."""

    began: float
    gap: float
    arrivals: list[float]


def silences(story: Story) -> Iterator[Silence]:
    """The story in silences; what came within a fifth of a second of an answer has a gap of 0."""
    current: Silence | None = None
    before = 0.0
    for happened in story:
        if isinstance(happened, Opened) or current is None or happened.at - before > 0.2:
            if current is not None and current.arrivals:
                yield current
            gap = happened.at - before if isinstance(happened, Came) and happened.at - before > 0.2 else 0.0
            current = Silence(before, gap, [])
        if isinstance(happened, Came):
            current.arrivals.append(happened.at)
        before = happened.at
    if current is not None and current.arrivals:
        yield current


def by_the_contract(story: Story) -> list[float]:
    stamped: list[float] = []
    ratios: list[float] = []
    for began, gap, arrivals in silences(story):
        if gap == 0 or gap > 30:
            stamped += arrivals
            continue
        period = min(max(median(ratios[-15:]), 0.2), 5.0) if len(ratios) >= 2 else 1.0
        n = max(1, floor(gap / period + 0.5))
        stamped += [began + k * gap / n if k <= n else at for k, at in enumerate(arrivals, 1)]
        ratios.append(gap / len(arrivals))
    return stamped


def by_the_code(story: Story) -> list[float]:
    pace, stamped = Pace(), []
    for happened in story:
        if isinstance(happened, Opened):
            pace.open(happened.at)
        else:
            stamped.append(pace.stamp(happened.at))
    return stamped


def told(steps: Iterable[tuple[int, bool]]) -> Story:
    """A story from delays in 1/1024 s, so that every difference is exact and none is 0.2 s."""
    story: Story = [Opened(1000.0)]
    for delay, reopened in steps:
        at = story[-1].at + delay / 1024
        story.append(Opened(at) if reopened else Came(at))
    return story


DELAYS = st.one_of(
    st.integers(0, 4),
    st.integers(0, 240),
    st.integers(700, 1200),
    st.integers(3 * 1024, 13 * 1024),
    st.sampled_from([1024, 204, 205, 8 * 1024, 23 * 1024, 30 * 1024, 30 * 1024 + 1]),
    st.integers(20 * 1024, 60 * 1024),
)
STORIES = st.lists(st.tuples(DELAYS, st.integers(0, 19).map(lambda n: n == 0)), min_size=1, max_size=80).map(
    told
)


def check(story: Story, stamped: list[float]) -> None:
    """Never after now, never falling, and never more behind than the last silence was long."""
    assert stamped == sorted(stamped)
    spread = [(arrival, s.gap if s.gap <= 30 else 0.0) for s in silences(story) for arrival in s.arrivals]
    for (arrival, longest), stamp in zip(spread, stamped, strict=True):
        assert arrival - longest <= stamp <= arrival


@settings(max_examples=600)
@given(STORIES)
def test_any_arrivals_are_stamped_by_the_contracts_rule(story: Story) -> None:
    assert by_the_code(story) == pytest.approx(by_the_contract(story), abs=1e-6)


@settings(max_examples=600)
@given(STORIES)
def test_stamps_never_fall_never_pass_now_and_lag_no_longer_than_the_silence(story: Story) -> None:
    check(story, by_the_code(story))


def test_not_even_a_rounding_error_is_after_now() -> None:
    """0.43 + 3 × 2.72 ÷ 3 is 3.1500000000000004 in floating point."""
    assert stamps(opened(0.43), 3.15, 3.15, 3.15)[-1] == 3.15


@settings(max_examples=300)
@given(st.lists(st.floats(0, 0.2) | st.floats(0, 31), min_size=1, max_size=60))
def test_no_rounding_lets_a_stamp_fall_or_pass_now(delays: list[float]) -> None:
    pace, now, before = opened(1000.1), 1000.1, 0.0
    for delay in delays:
        now += delay
        stamp = pace.stamp(now)
        assert before <= stamp <= now
        before = stamp


def a_day_of_bursts(random: Random) -> tuple[Story, list[float]]:
    """One reading a second for a day, held 3–13 s and sent within 30 ms; and when each was really taken."""
    story: Story = [Opened(0.0)]
    taken: list[float] = []
    while len(taken) < 86_400:
        release = story[-1].at + random.uniform(3, 13)
        at = release
        while len(taken) + 1 <= release:
            taken.append(float(len(taken) + 1))
            story.append(Came(at))
            at += random.uniform(0, 0.004)
    return story, taken


def test_over_a_day_of_bursts_every_stamp_is_near_the_moment_its_reading_was_taken() -> None:
    """Nobody can know a reading's moment better than to about the second between two."""
    story, taken = a_day_of_bursts(Random(7))
    stamped = by_the_code(story)
    check(story, stamped)
    errors = [abs(stamp - moment) for stamp, moment in zip(stamped, taken, strict=True)]
    assert max(errors) < 2.0
    assert sum(errors) / len(errors) < 0.75


def test_over_a_day_of_bursts_the_readable_events_are_stamped_as_if_all_were_readable() -> None:
    """1 % unreadable: a skipped event is stamped too, so leaving its stamp out is all that it changes."""
    random = Random(8)
    story, _ = a_day_of_bursts(random)
    arrivals = [happened for happened in story if isinstance(happened, Came)]
    readable = [random.random() >= 0.01 for _ in arrivals]
    stamped = [stamp for stamp, good in zip(by_the_code(story), readable, strict=True) if good]
    expected = [stamp for stamp, good in zip(by_the_contract(story), readable, strict=True) if good]
    assert len(stamped) < len(arrivals)
    assert stamped == pytest.approx(expected, abs=1e-6)


# From the steady clock to the one that people read

UNIX = 1_790_000_000.0


def test_unix_time_is_the_steady_time_moved() -> None:
    wall = WallClock()
    assert wall.unix(100.0, now_steady=100.0, now_unix=UNIX) == UNIX
    assert wall.unix(93.0, now_steady=101.0, now_unix=UNIX + 1) == UNIX - 7


def test_a_trembling_clock_does_not_tremble_the_distance_between_readings() -> None:
    wall = WallClock()
    assert wall.unix(100.0, now_steady=100.0, now_unix=UNIX) == UNIX
    assert wall.unix(101.0, now_steady=108.0, now_unix=UNIX + 8.03) == UNIX + 1
    assert wall.unix(102.0, now_steady=108.0, now_unix=UNIX + 7.97) == UNIX + 2


@pytest.mark.parametrize("step", [3600.0, -3600.0, 1.0, -1.0, 0.5, -0.5, -1.7e9])
def test_a_clock_that_was_set_is_followed_at_once(step: float) -> None:
    wall = WallClock()
    for n in range(5):
        wall.unix(n, now_steady=n, now_unix=UNIX + n)
    assert wall.unix(5.0, now_steady=5.0, now_unix=UNIX + 5 + step) == UNIX + 5 + step
    assert wall.unix(1.0, now_steady=6.0, now_unix=UNIX + 6 + step) == UNIX + 1 + step


@settings(max_examples=300)
@given(STORIES, st.lists(st.floats(0, 0.04), min_size=81, max_size=81), st.floats(-0.0005, 0.0005))
def test_unix_times_never_fall_while_the_clock_only_trembles_and_drifts(
    story: Story, trembles: list[float], drift: float
) -> None:
    """Two clocks are read one after the other, and a time server slows or speeds one by up to 500 ppm."""
    pace, wall, written = Pace(), WallClock(), [0.0]
    latest = 0.0  # what the machine's clock shows never falls either
    for happened, tremble in zip(story, trembles, strict=False):
        latest = max(latest, UNIX + (happened.at - 1000) * (1 + drift) + tremble)
        if isinstance(happened, Opened):
            pace.open(happened.at)
        else:
            stamp = pace.stamp(happened.at)
            written.append(wall.unix(stamp, now_steady=happened.at, now_unix=latest))
            assert written[-1] <= latest
            assert latest - written[-1] <= happened.at - stamp + 0.1
    assert all(before <= after for before, after in pairwise(written))


def test_unix_times_never_fall_over_a_day_of_bursts_on_a_drifting_clock() -> None:
    story, _ = a_day_of_bursts(Random(9))
    for drift in (-0.0005, 0.0005):
        pace, wall, before = Pace(), WallClock(), 0.0
        pace.open(0.0)
        for happened in story[1:]:
            shown = UNIX + happened.at * (1 + drift)
            unix = wall.unix(pace.stamp(happened.at), now_steady=happened.at, now_unix=shown)
            assert before <= unix <= shown
            before = unix
