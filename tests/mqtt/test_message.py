"""How values are written; expected bytes and instants are worked out by hand."""

import json
import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoy_mqtt.mqtt.message import OFFLINE, ONLINE, Message, encode, iso, milliseconds


def test_a_payload_is_compact_json_in_its_own_order() -> None:
    payload = {"b": 1.5, "a": None, "ok": True, "text": "Zähler", "list": [1, "x"]}
    assert encode(payload) == '{"b":1.5,"a":null,"ok":true,"text":"Zähler","list":[1,"x"]}'.encode()


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_never_leaves(number: float) -> None:
    """The contract: no `NaN`; were one ever computed, nothing else may read it as a number either."""
    assert json.loads(encode({"power": number, "n": 1}), parse_constant=pytest.fail)["power"] is None


@pytest.mark.parametrize(
    ("unix", "time", "timestamp"),
    [
        (0.0, 0.0, "1970-01-01T00:00:00.000Z"),
        (1_700_000_000.0, 1_700_000_000.0, "2023-11-14T22:13:20.000Z"),
        (1_700_000_000.25, 1_700_000_000.25, "2023-11-14T22:13:20.250Z"),
        (1_700_000_000.1234, 1_700_000_000.123, "2023-11-14T22:13:20.123Z"),
        (1_700_000_000.007, 1_700_000_000.007, "2023-11-14T22:13:20.007Z"),
        (1_709_210_096.5, 1_709_210_096.5, "2024-02-29T12:34:56.500Z"),
        (5.5, 5.5, "1970-01-01T00:00:05.500Z"),
        (-1.5, -1.5, "1969-12-31T23:59:58.500Z"),
    ],
)
def test_an_instant_is_written_twice(unix: float, time: float, timestamp: str) -> None:
    assert milliseconds(unix) == (time, timestamp)


@given(st.floats(0, 4e9))
def test_both_forms_of_an_instant_are_the_same_instant(unix: float) -> None:
    time, timestamp = milliseconds(unix)
    assert abs(time - unix) <= 0.001
    assert timestamp.endswith("Z")
    parsed = datetime.fromisoformat(timestamp) - datetime(1970, 1, 1, tzinfo=UTC)
    assert parsed.total_seconds() == pytest.approx(time, abs=1e-6)
    assert float(encode({"time": time})[8:-1]) == time


def test_later_instants_are_never_written_as_earlier_ones() -> None:
    times = [milliseconds(1_790_000_000 + n / 3000)[0] for n in range(5000)]
    assert times == sorted(times)


def test_whole_seconds_for_what_needs_no_more() -> None:
    assert iso(1_700_000_000.9) == "2023-11-14T22:13:20Z"


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b'{"a":1}', "application/json"),
        (b"{}", "application/json"),
        (b"[{}]", "application/json"),
        (ONLINE, ""),
        (OFFLINE, ""),
        (b"-20.5", ""),
        (b"", ""),
    ],
)
def test_json_topics_have_a_content_type_and_plain_words_and_numbers_none(
    payload: bytes, expected: str
) -> None:
    assert Message("envoy/x", payload).content_type == expected


def test_the_words_of_availability() -> None:
    assert (ONLINE, OFFLINE) == (b"online", b"offline")


def test_a_message_is_retained_for_ever_unless_said_otherwise() -> None:
    assert Message("t", b"x") == Message("t", b"x", qos=0, retain=True, expiry_s=0, good_until=math.inf)
