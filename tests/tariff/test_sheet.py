"""What is booked: by period, by day, in money."""

import json
from datetime import date, timedelta

import pytest

from envoy_mqtt.tariff.sheet import MONEY_DAYS, Sheet
from envoy_mqtt.tariff.spread import Booked, Rate

TODAY = date(2026, 11, 21)


def booked(name: str, wh: float, price: float | None = 0.5, day: date = TODAY, guess: float = 0.0) -> Booked:
    return Booked(Rate(name, price, day.isoformat()), wh, guess)


def test_energies_and_money_are_kept_in_all_and_by_day() -> None:
    sheet = Sheet()
    sheet.enter(booked("day", 2000.0, day=TODAY - timedelta(1)))
    sheet.enter(booked("day", 1000.0, guess=100.0))
    sheet.enter(booked("night", 500.0, -0.1))
    assert (sheet.energy_wh("day"), sheet.energy_wh("day", TODAY), sheet.energy_wh("night")) == (
        3000,
        1000,
        500,
    )
    assert sheet.money == pytest.approx(1.0 + 0.5 - 0.05)
    assert sheet.money_between(TODAY, TODAY) == pytest.approx(0.45)
    assert sheet.money_between(TODAY - timedelta(30), TODAY) == pytest.approx(1.45)
    assert sheet.estimated_wh == 100.0


def test_what_has_no_price_has_energy_and_is_free() -> None:
    sheet = Sheet()
    sheet.enter(booked("day", 2000.0, None))
    assert (sheet.energy_wh("day"), sheet.money) == (2000.0, 0.0)


def test_a_period_that_is_no_longer_named_keeps_its_sum() -> None:
    sheet = Sheet()
    sheet.enter(booked("old", 2000.0))
    sheet.enter(booked("older", 100.0, day=TODAY - timedelta(1)))
    sheet.enter(booked("day", 1.0))
    assert sheet.former_wh(("day",)) == 2100.0
    assert sheet.former_wh(("day",), TODAY) == 2000.0
    assert sheet.former_wh(("day", "old", "older")) == 0.0


def test_a_day_that_is_still_booked_is_not_the_oldest() -> None:
    """A clock that was set ahead for a while has other days in it, none of them today."""
    sheet = Sheet()
    for n in range(60):
        sheet.enter(booked("day", 1000.0, 1.0, TODAY + timedelta(n)))
        sheet.enter(booked("day", 1000.0, 1.0))
    assert sheet.money_between(TODAY, TODAY) == pytest.approx(61.0)
    assert sheet.energy_wh("day", TODAY) == 61_000.0


def test_the_longest_bill_and_few_days_of_energies_are_kept_across_a_restart() -> None:
    sheet = Sheet()
    for n in range(60):
        sheet.enter(booked("day", 1000.0, 1.0, TODAY + timedelta(n)))
    again = Sheet(json.loads(json.dumps(sheet.memory)))
    last = TODAY + timedelta(59)
    assert again.money == pytest.approx(60.0)
    assert again.money_between(TODAY, last) == pytest.approx(MONEY_DAYS)
    assert again.energy_wh("day", last) == 1000.0
    assert again.energy_wh("day", TODAY) == 0.0
    assert again.memory == sheet.memory
