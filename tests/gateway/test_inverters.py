"""Each microinverter's last report."""

import json
import re
from contextlib import suppress

import pytest
from hypothesis import given, settings

from envoy_mqtt.errors import BadAnswer
from envoy_mqtt.gateway.inverters import Inverter, read_inverters

from .hostile import PAGES, bodies
from .recorded import recorded

GOOD = {
    "serialNumber": "121547059079",
    "lastReportDate": 1694554838,
    "devType": 1,
    "lastReportWatts": 202,
    "maxReportWatts": 246,
}


def read(*entries: object) -> tuple[Inverter, ...]:
    return read_inverters(json.dumps(entries, indent=2).encode())


@pytest.mark.parametrize(
    ("firmware", "first", "count", "sum_w"),
    [
        ("4.10.35", Inverter("122002026181", 1695301309.0, 13.0, 287.0), 19, 245.0),
        ("5.0.62", Inverter("121547059079", 1694554838.0, 202.0, 246.0), 40, 7907.0),
        ("7.6.185", Inverter("482243033113", 1695752919.0, 0.0, 361.0), 5, 0.0),
        ("8.3.5289", Inverter("900000000013", 1782367371.0, 16.0, 242.0), 12, 1498.0),
    ],
)
def test_recorded_inverters_are_read(firmware: str, first: Inverter, count: int, sum_w: float) -> None:
    for body in recorded(firmware, "api_v1_production_inverters"):
        told = read_inverters(body)
        assert told[0] == first
        assert (len(told), sum(inverter.power_w for inverter in told)) == (count, sum_w)


def test_a_gateway_without_inverters_has_none() -> None:
    assert read() == ()


@pytest.mark.parametrize("serial", ["", "a/b", "1/+", "#", "1 2", "1\n", "1" * 33, "é", 121547059079, None])
def test_a_serial_number_that_cannot_be_a_level_of_a_topic_is_bad(serial: object) -> None:
    with pytest.raises(BadAnswer, match="serialNumber"):
        read(GOOD | {"serialNumber": serial})


@pytest.mark.parametrize("value", [None, "unknown", "5", True, [5], 1e13])
@pytest.mark.parametrize("key", ["lastReportDate", "lastReportWatts", "maxReportWatts"])
def test_what_is_no_number_is_bad(key: str, value: object) -> None:
    with pytest.raises(BadAnswer, match=key):
        read(GOOD, GOOD | {key: value})


@pytest.mark.parametrize("body", PAGES, ids=lambda body: repr(body[:20]))
def test_what_is_no_list_of_inverters_is_bad(body: bytes) -> None:
    with pytest.raises(BadAnswer, match="/api/v1/production/inverters"):
        read_inverters(body)


@settings(max_examples=500)
@given(bodies([GOOD, GOOD]))
def test_whatever_comes_is_read_or_bad_and_nothing_else(body: bytes) -> None:
    with suppress(BadAnswer):
        for inverter in read_inverters(body):
            assert re.fullmatch(r"[A-Za-z0-9_-]{1,32}", inverter.serial)
            assert all(type(number) is float for number in inverter[1:])
