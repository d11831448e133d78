"""A rise is told apart by the powers of its time, else by time, and always told whole."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoy_mqtt.tariff.spread import MOST_PARTS, Rate, Spread

DAY, NIGHT = Rate("day", 0.5, "2026-11-21"), Rate("night", 0.2, "2026-11-21")
TOMORROW = Rate("night", 0.2, "2026-11-22")


def spread(*parts: tuple[Rate, float, float, float]) -> Spread:
    """Each part: its rate, its seconds, how many of them the power was known, and what it made in Wh."""
    it = Spread()
    for rate, seconds, known_s, wh in parts:
        it.pass_by(rate, seconds)
        it.flow(wh, known_s)
    return it


def shared(it: Spread, rise_wh: float) -> list[tuple[str, Any, Any]]:
    return [(rate.name, pytest.approx(wh), pytest.approx(guess)) for rate, wh, guess in it.share(rise_wh)]


def test_known_powers_tell_apart_and_the_counter_tells_how_much() -> None:
    it = spread((DAY, 50.0, 50.0, 30.0), (NIGHT, 10.0, 10.0, 10.0))
    assert shared(it, 44.0) == [("day", 33.0, 0.0), ("night", 11.0, 0.0)]


def test_what_no_power_tells_is_divided_by_time_and_counted() -> None:
    it = spread((DAY, 3600.0, 0.0, 0.0), (NIGHT, 10_800.0, 0.0, 0.0))
    assert shared(it, 400.0) == [("day", 100.0, 100.0), ("night", 300.0, 300.0)]


def test_what_is_known_stays_and_only_what_is_left_goes_by_time() -> None:
    """An hour by day is known, an hour by day and two by night are not."""
    it = spread((DAY, 7200.0, 3600.0, 500.0), (NIGHT, 7200.0, 0.0, 0.0))
    assert shared(it, 800.0) == [("day", 600.0, 100.0), ("night", 200.0, 200.0)]


def test_less_than_the_powers_say_is_shared_as_they_say() -> None:
    it = spread((DAY, 3600.0, 3600.0, 500.0), (NIGHT, 3600.0, 0.0, 0.0))
    assert shared(it, 400.0) == [("day", 400.0, 0.0), ("night", 0.0, 0.0)]


def test_what_is_left_of_one_rate_only_is_no_estimate() -> None:
    it = spread((DAY, 7200.0, 3600.0, 500.0), (NIGHT, 2.0, 2.0, 1.0))
    assert shared(it, 800.0) == [("day", 799.0, 0.0), ("night", 1.0, 0.0)]


def test_gaps_as_between_readings_are_no_gaps() -> None:
    it = spread((DAY, 60.0, 50.0, 50.0), (NIGHT, 20.0, 10.0, 10.0))
    assert shared(it, 80.0) == [("day", 60.0, 0.0), ("night", 20.0, 0.0)]


def test_where_time_has_one_rate_nothing_is_estimated() -> None:
    assert shared(spread((DAY, 3600.0, 0.0, 0.0)), 800.0) == [("day", 800.0, 0.0)]
    assert shared(spread((DAY, 0.0, 0.0, 0.0)), 1.0) == [("day", 1.0, 0.0)]


def test_only_what_came_after_the_energy_was_known_is_kept() -> None:
    it = spread((DAY, 60.0, 60.0, 60.0), (NIGHT, 20.0, 20.0, 10.0))
    it.forget(5.0)
    assert it.memory == [[*NIGHT, 5.0, 5.0, 2.5]]
    it = spread((DAY, 60.0, 60.0, 60.0), (NIGHT, 20.0, 20.0, 10.0))
    it.forget(50.0)
    assert it.memory == [[*DAY, 30.0, 30.0, 30.0], [*NIGHT, 20.0, 20.0, 10.0]]
    it.forget(float("inf"))
    assert it.seconds == 50.0
    it.forget(0.0)
    assert it.memory == [[*NIGHT, 0.0, 0.0, 0.0]]


def test_it_never_grows_without_end() -> None:
    it = Spread()
    for n in range(2 * MOST_PARTS):
        it.pass_by((DAY, NIGHT)[n % 2], 1.0)
    assert len(it.memory) == MOST_PARTS
    assert it.seconds == 2 * MOST_PARTS


PARTS = st.lists(
    st.tuples(
        st.sampled_from([DAY, NIGHT, TOMORROW]),
        st.floats(0.0, 1e6),
        st.floats(0.0, 1e6),
        st.floats(0.0, 1e5),
    ),
    min_size=1,
    max_size=8,
)


@given(PARTS, st.floats(0.0, 1e6))
def test_together_the_shares_are_the_rise_and_none_is_negative(
    parts: list[tuple[Rate, float, float, float]], rise_wh: float
) -> None:
    it = spread(*parts)
    found = it.share(rise_wh)
    assert sum(each.wh for each in found) == pytest.approx(rise_wh, abs=1e-6, rel=1e-12)
    assert min(each.wh for each in found) >= -1e-6 * rise_wh
    assert all(-1e-6 <= each.estimated_wh <= each.wh + 1e-6 * (1.0 + rise_wh) for each in found)


@given(PARTS, st.floats(0.0, 1e6))
def test_another_process_shares_it_the_same(
    parts: list[tuple[Rate, float, float, float]], rise_wh: float
) -> None:
    it = spread(*parts)
    assert Spread(json.loads(json.dumps(it.memory))).share(rise_wh) == it.share(rise_wh)


def test_a_moment_of_which_nothing_is_known_is_as_the_one_before_it() -> None:
    """As after kill -9: two seconds before it were remembered, and the period changed while nobody looked."""
    it = spread((DAY, 10.0, 2.0, 2.0), (NIGHT, 10.0, 0.0, 0.0))
    assert shared(it, 20.0) == [("day", 10.0, 0.0), ("night", 10.0, 0.0)]
    it = spread((DAY, 5.0, 0.0, 0.0), (NIGHT, 15.0, 3.0, 3.0), (TOMORROW, 20.0, 10.0, 30.0))
    assert shared(it, 40.0) == [("day", 2.5, 0.0), ("night", 7.5, 0.0), ("night", 30.0, 0.0)]
