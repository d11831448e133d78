"""A counter, and its power while it cannot be read."""

import json

import pytest

from envoy_mqtt.energy.amount import Amount, Source
from envoy_mqtt.energy.counter import Verdict
from envoy_mqtt.energy.tally import Tally
from tests.energy.sites import at

COUNTER, INTEGRATED = Source.COUNTER, Source.INTEGRATED


def counting(wh: float = 1000.0, **options: object) -> Tally:
    tally = Tally(50_000.0, 60.0, **options)  # type: ignore[arg-type]
    tally.count(wh, at(0))
    return tally


def test_while_it_is_read_it_is_what_the_counter_says() -> None:
    tally = counting()
    tally.flow(30.0)
    assert tally.amount(at(60)) == Amount(1000.0, 60.0, COUNTER)
    tally.count(1020.0, at(60))
    assert tally.amount(at(70)) == Amount(1020.0, 10.0, COUNTER)


def test_after_two_and_a_half_intervals_it_goes_on_by_its_power() -> None:
    tally = counting()
    tally.flow(30.0)
    assert tally.amount(at(150)) == Amount(1000.0, 150.0, COUNTER)
    assert tally.amount(at(151)) == Amount(1030.0, 0.0, INTEGRATED)


def test_where_no_power_is_known_either_it_is_an_old_counter() -> None:
    assert counting().amount(at(900)) == Amount(1000.0, 900.0, COUNTER)


def test_a_short_interval_does_not_make_a_stall_of_the_gateway_a_counter_that_is_gone() -> None:
    tally = Tally(50_000.0, 5.0)
    tally.count(1000.0, at(0))
    tally.flow(3.0)
    assert tally.amount(at(25)).source is COUNTER
    assert tally.amount(at(31)).source is INTEGRATED


def test_when_it_is_read_again_it_is_what_the_counter_says() -> None:
    """Downwards too: that nothing told falls is the ledger's business."""
    tally = counting()
    tally.flow(30.0)
    tally.amount(at(600))
    tally.count(1025.0, at(660))
    assert tally.amount(at(660)) == Amount(1025.0, 0.0, COUNTER)


def test_a_counter_that_is_held_is_repeated_and_not_helped() -> None:
    tally = counting()
    for minute in range(1, 10):
        tally.flow(5.0)
        assert tally.count(0.0, at(60.0 * minute)) is Verdict.HELD
        assert tally.amount(at(60.0 * minute))[0] == 1000.0
    assert tally.held


def test_what_was_told_while_it_could_not_be_read_is_not_lost_when_it_begins_again() -> None:
    """An hour by its power, 500 Wh, and then the counter starts from 0."""
    tally = counting()
    tally.flow(500.0)
    assert tally.amount(at(3600)).wh == 1500.0
    for minute in range(17):
        tally.count(2.0 * minute, at(3600 + 60.0 * minute))
        assert tally.amount(at(3600 + 60.0 * minute)).wh == (1500.0 if minute < 15 else 1500.0 + 2.0 * minute)
        tally.flow(5.0)


def test_what_no_counter_exists_for_begins_at_zero() -> None:
    tally = Tally(50_000.0, 60.0, uncounted=True)
    assert tally.amount(at(0)) == Amount(0.0, 0.0, INTEGRATED)
    tally.flow(12.5)
    assert tally.amount(at(9)) == Amount(12.5, 0.0, INTEGRATED)


def test_a_counter_that_was_never_read_is_unknown_for_an_hour_and_goes_on_by_its_power_then() -> None:
    tally = Tally(50_000.0, 60.0)
    tally.flow(700.0)
    assert tally.amount(at(0)).wh is None
    assert tally.amount(at(3600)).wh is None
    tally.amount(at(3601))
    tally.flow(40.0)
    assert tally.amount(at(3700)) == Amount(40.0, 0.0, INTEGRATED)
    tally.count(14_000_000.0, at(7200))
    assert tally.amount(at(7200)) == Amount(40.0, 0.0, COUNTER)
    tally.count(14_000_010.0, at(7260))
    assert tally.amount(at(7260)).wh == 50.0


@pytest.mark.parametrize("seconds", [10.0, 3000.0])
def test_another_process_goes_on_as_this_one_would(seconds: float) -> None:
    tally = counting()
    tally.flow(25.0)
    other = Tally(50_000.0, 60.0, memory=json.loads(json.dumps(tally.memory(at(seconds)))))
    assert other.amount(at(seconds)) == tally.amount(at(seconds))
