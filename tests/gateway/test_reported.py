"""What inverters say of themselves, in the two answers that tell it."""

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings

from envoy_mqtt.errors import BadAnswer
from envoy_mqtt.gateway.reported import (
    Reported,
    path_of,
    read_production_json,
    read_reported,
    read_v1_production,
)
from envoy_mqtt.model import Identity

from .hostile import PAGES, bodies
from .recorded import recorded

READERS = [read_production_json, read_v1_production]


def test_a_gateway_with_disabled_meters_tells_it_in_the_long_answer_8_2_4264() -> None:
    """Its short answer is the disabled meter's noise: 4 W of 5,521."""
    for body in recorded("8.2.4264", "production.json"):
        assert read_production_json(body) == Reported(5521.0, 32465106.0)
    for body in recorded("8.2.4264", "api_v1_production"):
        assert read_v1_production(body) == Reported(4.0, 1583.0)


def test_a_gateway_without_metering_hardware_tells_it_in_both_5_0_62() -> None:
    for body in recorded("5.0.62", "api_v1_production"):
        assert read_v1_production(body) == Reported(7907.0, 133798553.0)
    for body in recorded("5.0.62", "production.json"):
        assert read_production_json(body) == Reported(7904.0, 133798554.0)


@pytest.mark.parametrize(
    ("firmware", "power_w", "lifetime_wh"),
    [
        ("4.10.35", 246.0, 26890410.0),
        ("7.3.130", 4085.0, 943236.0),
        ("7.6.175", 751.0, 702919.0),
        ("7.6.185", 0.0, 45349.0),
        ("8.2.127", 1592.0, 821819.0),
        ("8.3.5167", 3554.0, 390554.0),
        ("8.3.5289", 1498.0, 10023493.0),
        ("8.3.5433", 304.0, 9791640.0),
    ],
)
def test_the_inverters_entry_is_not_the_meters(firmware: str, power_w: float, lifetime_wh: float) -> None:
    for body in recorded(firmware, "production.json"):
        assert read_production_json(body) == Reported(power_w, lifetime_wh)
        # Some firmware lists them in another order (protocol notes, section 3.4).
        turned = {"production": json.loads(body)["production"][::-1]}
        assert read_production_json(json.dumps(turned).encode()) == Reported(power_w, lifetime_wh)


@pytest.mark.parametrize(
    ("metered", "path"),
    [(True, "/production.json"), (False, "/api/v1/production"), (None, "/api/v1/production")],
)
def test_metering_hardware_decides_which_is_asked(metered: bool | None, path: str) -> None:
    assert path_of(Identity("1", "", "", metered)) == path


def test_each_path_has_its_reader() -> None:
    long, short = LONG, SHORT
    assert read_reported("/production.json", json.dumps(long).encode()) == Reported(5.0, 7.0)
    assert read_reported("/api/v1/production", json.dumps(short).encode()) == Reported(2.0, 3.0)


LONG = {
    "production": [
        {"type": "eim", "activeCount": 1, "wNow": 9.5, "whLifetime": 1.0},
        {"type": "inverters", "activeCount": 2, "wNow": 5, "whLifetime": 7},
    ]
}
SHORT = {"wattHoursToday": 1, "wattHoursSevenDays": 2, "wattHoursLifetime": 3, "wattsNow": 2}


@pytest.mark.parametrize(
    "entries", [[], [LONG["production"][0]], [None, 5, "inverters", {"type": ["inverters"]}]]
)
def test_without_an_entry_of_the_inverters_it_is_bad(entries: list[object]) -> None:
    with pytest.raises(BadAnswer, match="no entry of the inverters"):
        read_production_json(json.dumps({"production": entries}).encode())


@pytest.mark.parametrize("value", [None, "unknown", "5", True, [5], 1e13])
@pytest.mark.parametrize("key", ["wNow", "whLifetime"])
def test_what_is_no_number_is_bad(key: str, value: object) -> None:
    entry = {"type": "inverters", "wNow": 5, "whLifetime": 7} | {key: value}
    with pytest.raises(BadAnswer, match=key):
        read_production_json(json.dumps({"production": [entry]}).encode())
    names = {"wNow": "wattsNow", "whLifetime": "wattHoursLifetime"}
    with pytest.raises(BadAnswer, match=names[key]):
        read_v1_production(json.dumps(SHORT | {names[key]: value}).encode())


@pytest.mark.parametrize("body", [*PAGES, b"{}", b'{"error": "x"}'], ids=lambda body: repr(body[:20]))
def test_what_is_neither_answer_is_bad(body: bytes) -> None:
    for read in READERS:
        with pytest.raises(BadAnswer):
            read(body)


@settings(max_examples=500)
@given(bodies(LONG) | bodies(SHORT))
def test_whatever_comes_is_read_or_bad_and_nothing_else(body: bytes) -> None:
    for read in READERS:
        with suppress(BadAnswer):
            assert all(type(number) is float for number in read(body))
