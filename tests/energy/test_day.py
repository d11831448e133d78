"""Today's sum, whatever the clock does. Berlin is two hours ahead of UTC in summer and one in winter."""

import json
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoy_mqtt.energy.day import Day, day_of, midnight
from envoy_mqtt.model import Instant

BERLIN = ZoneInfo("Europe/Berlin")
HOUR, DAY_S = 3600.0, 86400.0


def unix(text: str, zone: ZoneInfo = BERLIN) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def clock(text: str, steady: float | None = None) -> Instant:
    """A moment by the local clock; a steady clock of its own goes with it unless it is said."""
    return Instant(unix(text) - 1.7e9 if steady is None else steady, unix(text))


def day_with(*readings: tuple[str, float], zone: ZoneInfo = BERLIN) -> Day:
    day = Day(zone)
    for text, wh in readings:
        day.read(wh, 0.0, clock(text))
    return day


def test_the_sum_is_what_came_since_midnight() -> None:
    day = day_with(("2026-05-28 23:30", 1000.0), ("2026-05-29 00:00", 1200.0), ("2026-05-29 08:00", 1500.0))
    assert day.sum_wh(1500.0, clock("2026-05-29 08:00")) == 300.0


def test_a_rise_across_midnight_is_divided_by_time() -> None:
    """Down from ten to four: a third of 600 Wh was yesterday's."""
    day = day_with(("2026-05-28 12:00", 0.0), ("2026-05-28 22:00", 1000.0), ("2026-05-29 04:00", 1600.0))
    assert day.sum_wh(1600.0, clock("2026-05-29 04:00")) == pytest.approx(400.0)


def test_so_is_a_rise_of_several_days() -> None:
    """Three days and twelve hours: a seventh of it lies in the last twelve."""
    day = day_with(("2026-05-25 00:00", 1000.0), ("2026-05-28 12:00", 8000.0))
    assert day.sum_wh(8000.0, clock("2026-05-28 12:00")) == pytest.approx(1000.0)


def test_at_midnight_the_sum_is_nothing_before_anything_is_read() -> None:
    day = day_with(("2026-05-28 12:00", 0.0), ("2026-05-28 23:59", 1000.0))
    assert day.sum_wh(1000.0, clock("2026-05-29 00:00")) == 0.0
    day.read(1000.0, 61.0, clock("2026-05-29 00:00:01"))  # the same one again
    assert day.sum_wh(1000.0, clock("2026-05-29 00:00:01")) == 0.0
    day.read(1020.0, 0.0, clock("2026-05-29 00:01"))
    assert day.sum_wh(1020.0, clock("2026-05-29 00:01")) == 10.0


def test_an_old_value_belongs_to_the_day_on_which_it_was_so() -> None:
    """A counter read at 23:59 is told at 00:01; the next is read at 00:04."""
    day = day_with(("2026-05-28 23:54", 1000.0))
    day.read(1050.0, 120.0, clock("2026-05-29 00:01"))
    assert day.sum_wh(1050.0, clock("2026-05-29 00:01")) == 0.0
    day.read(1100.0, 0.0, clock("2026-05-29 00:04"))
    assert day.sum_wh(1100.0, clock("2026-05-29 00:04")) == 40.0


@pytest.mark.parametrize(
    ("zone", "first", "hours"),
    [
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("America/Santiago", "2025-09-07", 23),  # where midnight itself is skipped
        ("America/Havana", "2025-11-02", 25),
        ("Australia/Lord_Howe", "2026-10-04", 23.5),
    ],
)
def test_a_day_of_a_clock_change_has_its_own_hours(zone: str, first: str, hours: float) -> None:
    """100 Wh an hour all the time: the day's sum tells its length."""
    where, began = ZoneInfo(zone), date.fromisoformat(first)
    day, start = Day(where), midnight(began, where)
    for minute in range(-600, int(hours * 60)):
        now = start + 60.0 * minute + 30.0
        day.read(100.0 / 60.0 * minute, 0.0, Instant(now - 1.7e9, now))
        total = day.sum_wh(100.0 / 60.0 * minute, Instant(now - 1.7e9, now))
        assert day_of(now, where) == began or minute < 0
        assert total == pytest.approx(100.0 / 60.0 * (minute if minute >= 0 else minute + 600), abs=1.0)
    assert day_of(start + hours * HOUR - 1.0, where) == began
    assert day_of(start + hours * HOUR, where) > began


def restarted(day: Day, now: Instant) -> Day:
    return Day(BERLIN, json.loads(json.dumps(day.memory(now))))


def test_another_process_goes_on_with_the_day() -> None:
    day = day_with(("2026-05-28 22:00", 1000.0), ("2026-05-29 02:00", 1400.0))
    day = restarted(day, clock("2026-05-29 02:00"))
    day.read(1500.0, 0.0, clock("2026-05-29 03:00", 5.0))
    assert day.sum_wh(1500.0, clock("2026-05-29 03:00", 5.0)) == pytest.approx(300.0)


def test_another_process_divides_what_came_while_nothing_ran() -> None:
    day = restarted(day_with(("2026-05-28 22:00", 1000.0)), clock("2026-05-28 22:10"))
    assert day.sum_wh(1000.0, clock("2026-05-29 01:59", 5.0)) == 0.0
    day.read(1400.0, 0.0, clock("2026-05-29 02:00", 6.0))
    assert day.sum_wh(1400.0, clock("2026-05-29 02:00", 6.0)) == pytest.approx(200.0)


# Clocks that are wrong


def test_a_clock_in_1970_changes_no_day() -> None:
    """The bridge starts at eight without knowing the time, counts, and learns the time at half past."""
    day = restarted(
        day_with(("2026-05-29 00:00", 1000.0), ("2026-05-29 06:00", 1600.0)), clock("2026-05-29 06:00")
    )
    day.read(1800.0, 0.0, Instant(5.0, 5.0))
    assert day.sum_wh(1800.0, Instant(5.0, 5.0)) == 800.0
    day.read(1850.0, 0.0, clock("2026-05-29 08:30", 1805.0))
    assert day.sum_wh(1850.0, clock("2026-05-29 08:30", 1805.0)) == 850.0


def test_a_first_start_in_1970_counts_from_its_beginning() -> None:
    day = Day(BERLIN)
    day.read(1000.0, 0.0, Instant(5.0, 5.0))
    day.read(1010.0, 0.0, Instant(65.0, 65.0))
    assert day.sum_wh(1010.0, Instant(65.0, 65.0)) == 10.0
    day.read(1020.0, 0.0, clock("2026-05-29 08:30", 125.0))
    assert day.sum_wh(1020.0, clock("2026-05-29 08:30", 125.0)) == 20.0


def shown(day: Day, wh: float, text: str, steady: float) -> float:
    day.read(wh, 0.0, clock(text, steady))
    return day.sum_wh(wh, clock(text, steady))


def test_a_clock_that_was_two_days_ahead_for_a_while_loses_nothing() -> None:
    day = Day(BERLIN)
    shown(day, 1000.0, "2026-05-29 00:00", 0.0)
    assert shown(day, 1600.0, "2026-05-29 06:00", 21600.0) == 600.0
    assert shown(day, 1610.0, "2026-05-31 06:01", 21660.0) == 10.0
    assert shown(day, 1620.0, "2026-05-29 06:02", 21720.0) == 620.0


def test_a_clock_that_was_three_days_behind_for_a_while_loses_nothing() -> None:
    day = Day(BERLIN)
    shown(day, 1000.0, "2026-05-29 00:00", 0.0)
    shown(day, 1600.0, "2026-05-29 06:00", 21600.0)
    assert shown(day, 1610.0, "2026-05-26 06:01", 21660.0) == 10.0
    assert shown(day, 1620.0, "2026-05-29 06:02", 21720.0) == 620.0


def test_a_clock_set_back_over_midnight_passes_midnight_again() -> None:
    """100 Wh an hour; at half past twelve it is half past eleven after all."""
    day = Day(BERLIN)
    shown(day, 1000.0, "2026-05-28 00:00", 0.0)
    shown(day, 3400.0, "2026-05-29 00:00", 24 * HOUR)
    assert shown(day, 3450.0, "2026-05-29 00:30", 24.5 * HOUR) == 50.0
    assert shown(day, 3450.0, "2026-05-28 23:30", 24.5 * HOUR + 0.5) == 2450.0
    assert shown(day, 3550.0, "2026-05-29 00:30", 25.5 * HOUR) == pytest.approx(50.0, abs=0.1)


def test_a_clock_that_jumps_over_midnight_ends_the_day_where_it_was() -> None:
    day = Day(BERLIN)
    shown(day, 1000.0, "2026-05-28 00:00", 0.0)
    shown(day, 3300.0, "2026-05-28 23:00", 23 * HOUR)
    assert shown(day, 3301.0, "2026-05-29 05:00", 23 * HOUR + 36.0) == 1.0


def test_few_days_are_kept() -> None:
    day = Day(BERLIN)
    for n in range(100):
        now = unix("2026-01-01 12:00") + n * DAY_S
        day.read(100.0 * n, 0.0, Instant(now, now))
    assert len(json.dumps(day.memory(Instant(now, now)))) < 150


@given(st.lists(st.tuples(st.floats(1.0, 40 * HOUR), st.floats(0.0, 5e4)), min_size=1, max_size=30))
def test_the_days_add_up_to_the_whole(steps: list[tuple[float, float]]) -> None:
    """Read at both ends of every day, the sums of all days are the lifetime's rise."""
    day, now, wh, closed = Day(BERLIN), unix("2026-03-27 06:00"), 0.0, 0.0
    first = day_of(now, BERLIN)
    day.read(wh, 0.0, Instant(now, now))
    for seconds, rise in steps:
        before, now, wh = now, now + seconds, wh + rise
        if day_of(now, BERLIN) != day_of(before, BERLIN):
            began = midnight(day_of(now, BERLIN), BERLIN)
            at_midnight = wh - rise * (now - began) / seconds
            closed = at_midnight
        day.read(wh, 0.0, Instant(now, now))
        assert day.sum_wh(wh, Instant(now, now)) == pytest.approx(wh - closed, abs=1e-3)
    assert first <= day_of(now, BERLIN)
