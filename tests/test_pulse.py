"""The rhythm of a gateway's readings."""

import pytest

from envoy_mqtt.pulse import Pulse, stall_s


def beating(*times: float) -> Pulse:
    """A pulse that has had readings at these times, and a tick each second between them."""
    pulse = Pulse()
    second = 0.0
    for at in times:
        while second <= at:
            pulse.tick(second)
            second += 1.0
        pulse.read(at)
    return pulse


def test_before_the_first_reading_nothing_is_known() -> None:
    pulse = Pulse()
    pulse.tick(0.0)
    assert (pulse.readings, pulse.age_s(100.0), pulse.stalls(100.0)) == (0, None, 0)
    assert (pulse.longest_s(100.0), pulse.rate_hz(100.0)) == (0.0, 0.0)


def test_a_reading_a_second_is_one_hertz_without_a_stall() -> None:
    pulse = beating(*(n + 0.5 for n in range(200)))
    assert pulse.readings == 200
    assert pulse.rate_hz(200.0) == pytest.approx(1.0, abs=0.02)
    assert pulse.stalls(200.0) == 0
    assert pulse.longest_s(200.0) == 1.0
    assert pulse.age_s(201.25) == 1.75


def test_the_rate_is_the_last_minutes() -> None:
    """100 s at 1 Hz and then nothing for a minute and more."""
    pulse = beating(*(n + 0.5 for n in range(100)))
    for second in range(100, 170):
        pulse.tick(float(second))
    assert pulse.rate_hz(170.0) == 0.0


def test_soon_after_the_start_the_rate_is_since_then() -> None:
    pulse = beating(1.0, 2.0, 3.0, 4.0)
    assert pulse.rate_hz(4.0) == 1.0


def test_a_silence_of_more_than_five_seconds_is_a_stall() -> None:
    """5 s is none, 5.5 and 9 s are, and 6 s after a longer one is, too."""
    assert beating(0.0, 5.0).stalls(5.0) == 0
    pulse = beating(0.0, 5.5, 14.5, 20.5)
    assert pulse.stalls(20.5) == 3
    assert pulse.longest_s(20.5) == 9.0


def test_a_silence_that_lasts_counts_already_and_once() -> None:
    pulse = beating(0.0, 1.0)
    assert (pulse.stalls(6.0), pulse.longest_s(6.0)) == (0, 5.0)
    assert (pulse.stalls(41.0), pulse.longest_s(41.0)) == (1, 40.0)
    pulse.read(42.0)
    assert (pulse.stalls(42.0), pulse.longest_s(42.0)) == (1, 41.0)


def test_a_slower_source_may_be_silent_for_three_intervals() -> None:
    assert [stall_s(interval) for interval in (1.0, 5.0, 60.0, 300.0)] == [5.0, 15.0, 180.0, 900.0]


def test_what_cannot_be_read_is_told_while_it_comes() -> None:
    pulse = beating(0.0, 1.0)
    assert not pulse.unreadable(1.0)
    pulse.unreadable_at = 2.0
    assert pulse.unreadable(7.0)
    assert not pulse.unreadable(7.5)
    pulse.read(3.0)
    assert not pulse.unreadable(3.0)


def test_a_day_has_its_own_readings_and_its_own_longest_silence() -> None:
    """9 s on the first day, 3 s on the second, of which a silence across midnight is 2 s before it."""
    pulse = beating(0.0, 9.0, 10.0)
    assert pulse.turn(12.0) == (3, 9.0)
    pulse.read(13.0)
    assert pulse.longest_s(13.0) == 9.0
    assert pulse.turn(14.0) == (1, 3.0)
    assert pulse.turn(50.0) == (0, 37.0)
    assert pulse.longest_s(50.0) == 37.0


def test_another_day_counts_no_stall_twice_and_forgets_none() -> None:
    pulse = beating(0.0, 9.0)
    pulse.turn(10.0)
    pulse.read(17.0)
    assert pulse.stalls(17.0) == 2
