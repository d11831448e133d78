"""The time zone that a gateway was told."""

import json
from contextlib import suppress

import pytest
from hypothesis import given

from envoy_mqtt.errors import BadAnswer
from envoy_mqtt.gateway.timezone import read_timezone

from .hostile import PAGES, bodies
from .recorded import recorded


def test_a_recorded_gateway_stands_in_belgium_8_3_5289() -> None:
    for body in recorded("8.3.5289", "home"):
        assert read_timezone(body) == "Europe/Brussels"


@pytest.mark.parametrize(
    "name", ["UTC", "US/Pacific", "America/Argentina/Ushuaia", "America/Port-au-Prince", "Etc/GMT+5"]
)
def test_a_name_of_a_zone_is_one(name: str) -> None:
    assert read_timezone(json.dumps({"timezone": name}).encode()) == name


@pytest.mark.parametrize(
    "name",
    [None, "", 5, ["UTC"], "../etc/passwd", "/etc/x", "A/../B", "a b", "A//B", "A/", "A/B/C/D", "x" * 99],
)
def test_what_is_no_name_of_a_zone_is_none(name: object) -> None:
    assert read_timezone(json.dumps({"timezone": name}).encode()) is None


def test_a_gateway_may_give_none() -> None:
    assert read_timezone(b'{"tariff": "none"}') is None


@pytest.mark.parametrize("body", PAGES[:10], ids=lambda body: repr(body[:20]))
def test_what_is_no_home_is_bad(body: bytes) -> None:
    with pytest.raises(BadAnswer, match="/home"):
        read_timezone(body)


@given(bodies({"timezone": "Europe/Brussels", "network": {"ip": None}}))
def test_whatever_comes_is_read_or_bad_and_nothing_else(body: bytes) -> None:
    with suppress(BadAnswer):
        assert ".." not in (read_timezone(body) or "")
