"""A battery that is forgotten for minutes stays, inverters that sleep are no news, a book may be anything."""

from typing import Any

import pytest

from envoy_mqtt.gateway.inverters import Inverter
from envoy_mqtt.inventory import Inventory

ONE, OTHER = "121935144671", "121935144672"


def said(serial: str, unix: float) -> Inverter:
    return Inverter(serial, unix, 120.0, 300.0)


def test_what_one_process_knew_the_next_one_knows() -> None:
    before = Inventory({}, inverters=True)
    before.ac_battery, before.zone = True, "Europe/Paris"
    before.report([said(ONE, 1.0), said(OTHER, 2.0)])
    after = Inventory(before.book, inverters=True)
    assert (after.ac_battery, after.zone, after.inverters) == (True, "Europe/Paris", (ONE, OTHER))


def test_inverters_that_nobody_wants_are_not_remembered() -> None:
    assert Inventory({"inverters": [ONE]}, inverters=False).inverters == ()


@pytest.mark.parametrize("told", [None, 7, "121935144671", {"a": 1}, [7, None, "../../etc", ""]])
def test_a_book_that_is_none_is_as_good_as_an_empty_one(told: Any) -> None:
    book = {"inverters": told, "ac_battery": "yes", "zone": told if not isinstance(told, str) else 3}
    inventory = Inventory(book, inverters=True)
    assert (inventory.inverters, inventory.ac_battery, inventory.zone) == ((), None, None)


def test_only_a_new_report_is_news() -> None:
    inventory = Inventory({}, inverters=True)
    assert inventory.report([said(ONE, 1.0), said(OTHER, 1.0)]) == [said(ONE, 1.0), said(OTHER, 1.0)]
    assert inventory.report([said(ONE, 1.0), said(OTHER, 2.0)]) == [said(OTHER, 2.0)]


def test_one_that_is_missing_is_gone_and_an_empty_answer_takes_nobody() -> None:
    inventory = Inventory({}, inverters=True)
    inventory.report([said(ONE, 1.0), said(OTHER, 1.0)])
    inventory.report([])
    assert list(inventory.inverters) == [ONE, OTHER]
    inventory.report([said(OTHER, 1.0)])
    assert list(inventory.inverters) == [OTHER]


def test_a_battery_goes_with_the_third_answer_in_a_row_that_does_not_list_it() -> None:
    inventory = Inventory({}, inverters=False)
    listed = (True, False, False, True, False, False, False)
    there = True
    seen = [there := inventory.has_battery(listed=each, before=there) for each in listed]
    assert seen == [True, True, True, True, True, True, False]


def test_a_battery_that_was_never_there_does_not_come_by_itself() -> None:
    assert not Inventory({}, inverters=False).has_battery(listed=False, before=False)
