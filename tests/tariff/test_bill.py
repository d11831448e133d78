"""When a bill begins."""

from datetime import date, timedelta

from envoy_mqtt.tariff.bill import begun, started

EVER = date(2020, 1, 1)


def test_a_bill_begins_on_its_day_of_the_month() -> None:
    assert started(date(2026, 11, 12), 12, EVER) == date(2026, 11, 12)
    assert started(date(2026, 11, 11), 12, EVER) == date(2026, 10, 12)
    assert started(date(2026, 1, 5), 28, EVER) == date(2025, 12, 28)
    assert started(date(2026, 3, 1), 28, EVER) == date(2026, 2, 28)


def test_the_first_bill_begins_with_the_tariff() -> None:
    assert started(date(2026, 11, 20), 12, date(2026, 11, 15)) == date(2026, 11, 15)
    assert started(date(2026, 12, 20), 12, date(2026, 11, 15)) == date(2026, 12, 12)


def test_a_clock_that_goes_back_before_the_first_day_has_a_bill_of_today() -> None:
    assert started(date(2026, 11, 10), 12, date(2026, 11, 15)) == date(2026, 11, 10)


def test_today_has_begun() -> None:
    assert begun(date(2026, 11, 12), date(2026, 11, 12)) == 1
    assert begun(date(2026, 10, 12), date(2026, 11, 11)) == 31


def test_every_day_of_four_years_is_in_one_bill() -> None:
    days = [date(2025, 1, 1) + timedelta(n) for n in range(4 * 365)]
    for billing_day in (1, 15, 28):
        for day in days:
            bill = started(day, billing_day, EVER)
            assert bill.day == billing_day
            assert 1 <= begun(bill, day) <= 31
