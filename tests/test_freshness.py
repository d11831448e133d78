"""The contract's section "Availability", for one gateway's readings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoy_mqtt.freshness import Freshness
from envoy_mqtt.model import UNKNOWN, Kind, Phase, Phases

MINUTE = 60.0


def powers(*watts: float | None) -> dict[Kind, Phases]:
    return {Kind.PRODUCTION: tuple(Phase(power=power, voltage=230.0) for power in watts)}


def test_a_start_is_offline_until_the_first_reading() -> None:
    fresh = Freshness(30.0)
    assert not fresh.online
    fresh.check(1e9)
    assert not fresh.online
    fresh.read(powers(500.0), 1e9)
    assert fresh.online


def test_no_reading_for_longer_than_the_timeout_is_offline() -> None:
    fresh = Freshness(30.0)
    fresh.read(powers(500.0), 100.0)
    fresh.check(130.0)
    assert fresh.online
    fresh.check(130.125)
    assert not fresh.online


def test_a_reading_brings_it_back_at_once() -> None:
    fresh = Freshness(30.0)
    fresh.read(powers(500.0), 100.0)
    fresh.check(1000.0)
    fresh.read(powers(501.0), 1000.0)
    assert fresh.online


def test_the_timeout_is_as_configured() -> None:
    fresh = Freshness(5.0)
    fresh.read(powers(500.0), 0.0)
    fresh.check(5.5)
    assert not fresh.online


def minutes_of(fresh: Freshness, values: dict[Kind, Phases], minutes: float, start: float = 0.0) -> float:
    """Read the same values once a second, and give back the last second."""
    last = start
    for second in range(int(minutes * MINUTE) + 1):
        last = start + second
        fresh.read(values, last)
        fresh.check(last + 0.5)
    return last


@pytest.mark.parametrize("watts", [(500.0,), (-20.5,), (0.0, 0.0, -700.0), (None, 500.0)])
def test_five_minutes_of_identical_readings_while_power_flows_are_offline(
    watts: tuple[float | None, ...],
) -> None:
    fresh = Freshness(30.0)
    minutes_of(fresh, powers(*watts), 4.95)
    assert fresh.online
    minutes_of(fresh, powers(*watts), 0.1, start=298.0)
    assert not fresh.online


def test_a_frozen_gateway_stays_offline_while_it_repeats_itself() -> None:
    fresh = Freshness(30.0)
    last = minutes_of(fresh, powers(500.0), 20)
    assert not fresh.online
    fresh.read(powers(500.1), last + 1)
    assert fresh.online


@pytest.mark.parametrize("watts", [(0.0,), (-0.0,), (0.0, 0.0, 0.0), (None,), (None, None), (0.3, -0.4)])
def test_a_night_without_power_is_online(watts: tuple[float | None, ...]) -> None:
    fresh = Freshness(30.0)
    minutes_of(fresh, powers(*watts), 15)
    assert fresh.online


def test_a_night_does_not_count_when_the_day_begins() -> None:
    fresh = Freshness(30.0)
    last = minutes_of(fresh, powers(0.0), 60)
    minutes_of(fresh, powers(500.0), 4.9, start=last + 1)
    assert fresh.online


def test_the_smallest_change_of_any_value_is_a_change() -> None:
    fresh = Freshness(30.0)
    for second in range(900):
        volts = 230.0 + 0.001 * (second % 200 == 0)
        fresh.read({Kind.PRODUCTION: (Phase(power=500.0, voltage=volts),)}, float(second))
    assert fresh.online


def test_a_gateway_that_was_silent_for_an_hour_is_not_frozen_when_it_comes_back_with_the_same() -> None:
    """Identical readings for five minutes: one before an outage and one after it are not that."""
    fresh = Freshness(30.0)
    fresh.read(powers(500.0), 0.0)
    fresh.check(3600.0)
    fresh.read(powers(500.0), 3600.0)
    assert fresh.online


def test_a_silent_gateway_is_silent_and_not_frozen() -> None:
    fresh = Freshness(30.0)
    minutes_of(fresh, powers(500.0), 10)
    assert fresh.frozen(600.0)
    assert not fresh.silent(600.0)
    assert fresh.silent(900.0)
    assert not fresh.frozen(900.0)


def test_a_layout_of_nothing_known_is_fresh_while_readings_come() -> None:
    fresh = Freshness(30.0)
    minutes_of(fresh, {Kind.PRODUCTION: (UNKNOWN,)}, 10)
    assert fresh.online


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 5.0, 500.0]), st.floats(0.1, 100.0)), min_size=1, max_size=40)
)
def test_online_never_outlasts_the_timeout(steps: list[tuple[float, float]]) -> None:
    fresh = Freshness(30.0)
    now = 0.0
    for watts, pause in steps:
        fresh.read(powers(watts), now)
        fresh.check(now + pause)
        assert not fresh.online or pause <= 30.0
        now += pause
