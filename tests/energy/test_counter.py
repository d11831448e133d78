"""The guard of one counter, sentence by sentence of the contract's section "Energy"."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoy_mqtt.energy.counter import Counter, Verdict
from envoy_mqtt.model import Instant
from tests.energy.sites import NOON, at

GOOD, HELD, RESET = Verdict.GOOD, Verdict.HELD, Verdict.RESET
MINUTE, DAY = 60.0, 86400.0


def counting(wh: float, *, limit_w: float = 50_000.0) -> Counter:
    counter = Counter(limit_w)
    assert counter.read(wh, at(0)) is GOOD
    return counter


def restarted(counter: Counter, now: Instant) -> Counter:
    return Counter(memory=json.loads(json.dumps(counter.memory(now))))


def every_minute(counter: Counter, *raw_wh: float, since: float = MINUTE) -> list[Verdict]:
    return [counter.read(wh, at(since + MINUTE * n)) for n, wh in enumerate(raw_wh)]


def test_a_counter_is_told_as_it_is() -> None:
    counter = counting(1_000_000.0)
    assert counter.wh == 1_000_000.0
    assert every_minute(counter, 1_000_050.0, 1_000_050.0) == [GOOD, GOOD]
    assert counter.wh == 1_000_050.0


@pytest.mark.parametrize("bad", [0.0, 999_000.0, 999_998.9, -5.0, 1_000_934.0, 2_190_000.0])
def test_a_zero_a_lower_value_and_an_impossible_rise_are_held_back(bad: float) -> None:
    """In a minute 50 kW are 833.3 Wh, and 0.1 kWh more is let pass."""
    counter = counting(1_000_000.0)
    assert every_minute(counter, bad) == [HELD]
    assert counter.wh == 1_000_000.0
    assert counter.held
    assert counter.read(1_000_010.0, at(120)) is GOOD
    assert (counter.wh, counter.held) == (1_000_010.0, False)


def test_the_largest_possible_rise_is_good() -> None:
    assert every_minute(counting(1_000_000.0), 1_000_933.0) == [GOOD]
    assert every_minute(counting(1_000_000.0, limit_w=150_000.0), 1_002_599.0) == [GOOD]


def test_what_is_possible_grows_with_the_time_since_the_last_good_reading() -> None:
    counter = counting(1_000_000.0)
    assert every_minute(counter, *(0.0,) * 9) == [HELD] * 9
    assert counter.read(1_005_000.0, at(10 * MINUTE)) is GOOD  # ten minutes are worth 8,433 Wh


def test_a_lower_value_is_believed_after_a_quarter_of_an_hour_and_carried_on_from() -> None:
    """The counter begins again at 5 Wh and counts 10 Wh a minute: 150 of them by the time it is believed."""
    counter = counting(1_000_000.0)
    verdicts = every_minute(counter, *(5.0 + 10.0 * n for n in range(16)))
    assert verdicts == [HELD] * 15 + [RESET]
    assert counter.wh == 1_000_150.0
    assert every_minute(counter, 165.0, since=17 * MINUTE) == [GOOD]
    assert counter.wh == 1_000_160.0


def test_a_jump_that_stays_is_carried_on_from_too() -> None:
    counter = counting(1_000_000.0)
    assert every_minute(counter, *(2_190_000.0,) * 16)[-1] is RESET
    assert counter.wh == 1_000_000.0


def test_it_takes_three_readings_to_be_believed() -> None:
    counter = counting(1_000_000.0)
    assert counter.read(500.0, at(600)) is HELD
    assert counter.read(500.0, at(1600)) is HELD
    assert counter.read(500.0, at(1601)) is RESET


def test_readings_that_do_not_agree_are_not_believed() -> None:
    counter = counting(1_000_000.0)
    shown = [900_000.0 if n % 2 else 500_000.0 for n in range(60)]
    assert set(every_minute(counter, *shown)) == {HELD}
    assert counter.wh == 1_000_000.0


def test_the_quarter_of_an_hour_begins_with_the_first_that_agrees() -> None:
    counter = counting(1_000_000.0)
    verdicts = every_minute(counter, 900.0, *(0.0,) * 16)
    assert verdicts == [HELD] * 16 + [RESET]


def test_decimals_that_tremble_are_no_lower_value() -> None:
    counter = counting(1_000_000.5)
    assert every_minute(counter, 1_000_000.0, 1_000_000.4) == [GOOD, GOOD]
    assert counter.wh == 1_000_000.5


def test_a_meter_of_zeros_is_not_believed_at_once_when_nothing_is_known_of_it() -> None:
    """Minutes after a gateway's start; then come the 14 MWh that it really has."""
    counter = Counter()
    assert counter.read(0.0, at(0), blank=True) is HELD
    assert counter.wh is None
    assert counter.read(14_000_000.0, at(60)) is GOOD
    assert counter.wh == 14_000_000.0


def test_a_new_meter_of_zeros_is_believed_after_a_while_and_is_no_reset() -> None:
    counter = Counter()
    verdicts = [counter.read(0.0, at(MINUTE * n), blank=True) for n in range(16)]
    assert verdicts == [HELD] * 15 + [GOOD]
    assert counter.wh == 0.0


def test_a_zero_of_a_meter_that_counts_otherwise_is_one() -> None:
    assert Counter().read(0.0, at(0)) is GOOD


# Across restarts


def test_a_bridge_that_was_down_for_days_believes_what_is_possible() -> None:
    """Three days at 50 kW are 3,600 kWh."""
    for wh, verdict in ((1_060_000.0, GOOD), (5_000_000.0, HELD), (900_000.0, HELD)):
        counter = restarted(counting(1_000_000.0), at(0))
        assert counter.read(wh, Instant(7.0, NOON + 3 * DAY)) is verdict


def test_what_was_carried_on_stays_so() -> None:
    counter = counting(1_000_000.0)
    every_minute(counter, *(0.0,) * 16)
    counter = restarted(counter, at(17 * MINUTE))
    assert counter.read(40.0, at(18 * MINUTE)) is GOOD
    assert counter.wh == 1_000_040.0


def test_a_restart_does_not_begin_the_quarter_of_an_hour_again() -> None:
    counter = counting(1_000_000.0)
    every_minute(counter, *(0.0,) * 10)
    counter = restarted(counter, at(10 * MINUTE))
    verdicts = [counter.read(0.0, Instant(5.0 + MINUTE * n, NOON + MINUTE * (11 + n))) for n in range(6)]
    assert verdicts == [HELD] * 5 + [RESET]


@pytest.mark.parametrize("unix", [30.0, NOON - 3600.0])
def test_by_a_wrong_clock_a_rise_is_held_until_the_clock_is_right(unix: float) -> None:
    counter = restarted(counting(1_000_000.0), at(0))
    assert counter.read(1_000_050.0, Instant(1.0, unix)) is GOOD  # whatever the clock says, this may be
    counter = restarted(counting(1_000_000.0), at(0))
    assert counter.read(1_060_000.0, Instant(1.0, unix)) is HELD
    assert counter.read(1_060_001.0, Instant(61.0, NOON + 3 * DAY)) is GOOD
    assert counter.wh == 1_060_001.0


def test_by_a_clock_that_stays_wrong_a_rise_that_stays_is_believed_and_not_lost() -> None:
    counter = restarted(counting(1_000_000.0), at(0))
    verdicts = [counter.read(1_060_000.0 + n, Instant(MINUTE * n, MINUTE * n)) for n in range(16)]
    assert verdicts == [HELD] * 15 + [GOOD]
    assert counter.wh == 1_060_015.0


def test_a_clock_that_is_set_while_it_counts_changes_nothing() -> None:
    counter = counting(1_000_000.0)
    assert counter.read(1_000_050.0, Instant(1060.0, 12.0)) is GOOD
    assert counter.read(1_002_000.0, Instant(1120.0, NOON + 365 * DAY)) is HELD
    assert counter.read(1_000_100.0, Instant(1180.0, NOON - DAY)) is GOOD


RAW = st.one_of(
    st.floats(-100.0, 5e6), st.sampled_from([0.0, 1e6, 2.19e6]), st.integers(1_000_000, 1_002_000).map(float)
)
STEPS = st.lists(st.tuples(RAW, st.sampled_from([1.0, 60.0, 400.0, 1000.0, DAY]), st.booleans()), max_size=40)


@given(STEPS)
def test_whatever_a_counter_shows_it_never_steps_back_and_never_jumps(
    steps: list[tuple[float, float, bool]],
) -> None:
    counter, now = counting(1e6), 0.0
    told, told_at = 1e6, 0.0
    for raw, seconds, restart in steps:
        now += seconds
        if restart:
            counter = restarted(counter, at(now))
        counter.read(raw, at(now))
        assert counter.wh is not None
        # Trembles may add up to a rise within the slack; nothing may rise by more than the site can make.
        assert 0.0 <= counter.wh - told <= 50_000.0 * (now - told_at) / 3600.0 + 101.0
        if counter.wh != told or not counter.held:
            told, told_at = counter.wh, now
