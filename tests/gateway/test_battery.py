"""Batteries, as the recorded gateways tell of them and as a gateway does that has just started."""

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings

from envoy_mqtt.errors import BadAnswer
from envoy_mqtt.gateway.battery import has_ac_battery, has_battery, read_power, read_state_of_charge

from .hostile import PAGES, bodies
from .recorded import recorded

READERS = [has_battery, has_ac_battery, read_power, read_state_of_charge]


def sent(answer: object) -> bytes:
    return json.dumps(answer, indent=4).encode()


# Is there one?


@pytest.mark.parametrize(
    ("firmware", "battery"),
    [
        ("7.3.130", False),
        ("7.6.175", False),
        ("7.6.185", True),
        ("8.2.127", True),
        ("8.2.4264", False),
        ("8.3.5167", True),
        ("8.3.5289", False),
        ("8.3.5433", False),
    ],
)
def test_recorded_gateways_have_the_batteries_they_have(firmware: str, battery: bool) -> None:
    for body in recorded(firmware, "ivp_ensemble_inventory"):
        assert has_battery(body) == battery
    for body in recorded(firmware, "production.json"):
        assert not has_ac_battery(body)


@pytest.mark.parametrize("kind", ["ENPOWER", "COLLAR", "C6 RGM", "C6 COMBINER CONTROLLER", None, 5])
def test_a_system_controller_is_no_battery(kind: object) -> None:
    assert not has_battery(sent([{"type": kind, "devices": [{"serial_num": "1"}]}]))


@pytest.mark.parametrize("devices", [[], None, 0])
def test_a_group_without_devices_is_no_battery(devices: object) -> None:
    assert not has_battery(sent([{"type": "ENCHARGE", "devices": devices}, {"type": "ENCHARGE"}]))


def test_a_battery_whose_numbers_are_unknown_is_one() -> None:
    assert has_battery(sent([{"type": "ENCHARGE", "devices": [{"percentFull": "unknown"}]}]))


@pytest.mark.parametrize(
    ("storage", "battery"),
    [
        ([{"type": "acb", "activeCount": 3, "wNow": 260, "percentFull": 25}], True),
        ([{"type": "acb", "activeCount": 0, "wNow": 0}], False),
        ([None, {"type": "acb", "activeCount": 1}], True),
        ([{"type": "acb", "activeCount": "unknown"}], False),
        ([{"type": "acb"}, {"activeCount": 2}, 5], False),
        ([], False),
    ],
)
def test_an_ac_battery_is_counted_in_the_production(storage: list[object], battery: bool) -> None:
    assert has_ac_battery(sent({"production": [], "storage": storage})) == battery


def test_an_old_firmware_has_no_storage_in_it() -> None:
    assert not has_ac_battery(sent({"production": []}))


# How much?


@pytest.mark.parametrize(("firmware", "power_w"), [("7.6.185", 0.0), ("8.2.127", -641.0), ("8.3.5167", 32.0)])
def test_the_power_is_the_sum_and_negative_on_charge(firmware: str, power_w: float) -> None:
    """8.2.127: −136 − 3 × 128 − 121 W into five batteries; 8.3.5167: 2 × 16 W."""
    for body in recorded(firmware, "ivp_ensemble_power"):
        assert read_power(body) == power_w


@pytest.mark.parametrize("firmware", ["4.10.35", "7.3.130", "7.6.175", "8.2.4264", "8.3.5289", "8.3.5433"])
def test_an_answer_without_batteries_is_no_battery_at_rest(firmware: str) -> None:
    """An error, a page of HTML, empty lists."""
    for body in recorded(firmware, "ivp_ensemble_power"):
        with pytest.raises(BadAnswer, match="/ivp/ensemble/power"):
            read_power(body)


def test_a_firmware_may_lose_the_colon() -> None:
    assert read_power(sent({"devices": [{"real_power_mw": 1500}, {"real_power_mw": -250}]})) == 1.25


@pytest.mark.parametrize("value", ["unknown", None, True, "5", [1], 1e13])
def test_a_power_that_is_unknown_is_not_0(value: object) -> None:
    with pytest.raises(BadAnswer, match=r"/ivp/ensemble/power is not what it should be .*real_power_mw"):
        read_power(sent({"devices:": [{"real_power_mw": 1}, {"real_power_mw": value}]}))


# How full?


@pytest.mark.parametrize(("firmware", "percent"), [("7.6.185", 15.0), ("8.2.127", 21.0), ("8.3.5167", 100.0)])
def test_the_charge_is_that_of_all_batteries(firmware: str, percent: float) -> None:
    for body in recorded(firmware, "ivp_ensemble_secctrl"):
        assert read_state_of_charge(body) == percent


@pytest.mark.parametrize("value", ["unknown", None, -1, 101, True, "21"])
def test_a_charge_that_is_unknown_is_not_0(value: object) -> None:
    with pytest.raises(BadAnswer, match=r"/ivp/ensemble/secctrl is not what it should be .*agg_soc"):
        read_state_of_charge(sent({"agg_soc": value, "ENC_agg_soc": 21}))


# Whatever comes


@pytest.mark.parametrize("body", PAGES, ids=lambda body: repr(body[:20]))
def test_what_is_no_answer_of_these_is_bad(body: bytes) -> None:
    for read in READERS:
        with pytest.raises(BadAnswer):
            read(body)


GOOD = [
    [{"type": "ENCHARGE", "devices": [{"serial_num": "1"}]}],
    {"storage": [{"type": "acb", "activeCount": 1}]},
    {"devices:": [{"real_power_mw": 5, "soc": 4}]},
    {"agg_soc": 55},
]


@settings(max_examples=500)
@given(bodies(GOOD[0]) | bodies(GOOD[1]) | bodies(GOOD[2]) | bodies(GOOD[3]))
def test_whatever_comes_is_read_or_bad_and_nothing_else(body: bytes) -> None:
    for read in READERS:
        with suppress(BadAnswer):
            assert type(read(body)) in (bool, float)
