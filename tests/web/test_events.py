"""Messages as server-sent events, and as one document."""

import json

import pytest

from envoy_mqtt.mqtt.message import Message
from envoy_mqtt.web.events import document, event, health, place

SERIAL = "122100000017"


@pytest.mark.parametrize(
    ("topic", "where"),
    [
        ("envoy/122100000017/live", (SERIAL, "live")),
        ("envoy/122100000017/inverter/482100000001", (SERIAL, "inverter/482100000001")),
        ("envoy/122100000017/sensor/net_power", None),
        ("envoy/122100000017/journal", None),
        ("envoy/bridge/health", None),
        ("envoy/json", None),
        ("envoy/json/122100000017", None),
        ("envoy/122100000017", None),
        ("envoy/122100000017/", None),
        ("other/122100000017/live", None),
        ("homeassistant/device/envoy_122100000017/config", None),
    ],
)
def test_a_gateways_topics_have_a_place_and_others_none(topic: str, where: tuple[str, str] | None) -> None:
    assert place(topic, "envoy") == where


def test_a_base_topic_may_have_levels_of_its_own() -> None:
    assert place("home/solar/122100000017/live", "home/solar") == (SERIAL, "live")


def test_an_event_is_the_payload_with_its_serial_in_front() -> None:
    told = event(SERIAL, "live", b'{"time":1.5,"net_power":-3.0}')
    assert told == b'event: live\ndata: {"serial":"122100000017","time":1.5,"net_power":-3.0}\n\n'
    assert event(SERIAL, "state", b"{}") == b'event: state\ndata: {"serial":"122100000017"}\n\n'


def test_text_is_told_under_its_topics_name() -> None:
    told = event(SERIAL, "availability", b"online")
    assert told == b'event: availability\ndata: {"serial":"122100000017","availability":"online"}\n\n'


def test_health_is_an_event_in_one_line() -> None:
    told = health({"status": "ok", "problems": [{"text": "two\nlines"}]})
    name, data, *rest = told.decode().split("\n")
    assert (name, rest) == ("event: health", ["", ""])
    assert json.loads(data.removeprefix("data: "))["problems"][0]["text"] == "two\nlines"


def test_the_document_has_every_topic_by_gateway() -> None:
    last = {
        (SERIAL, "live"): Message("", b'{"net_power":1.0}'),
        ("1", "live"): Message("", b'{"net_power":2.0}'),
        (SERIAL, "availability"): Message("", b"online"),
    }
    assert json.loads(document(last, {"status": "ok"})) == {
        "gateways": {
            SERIAL: {"live": {"net_power": 1.0}, "availability": "online"},
            "1": {"live": {"net_power": 2.0}},
        },
        "health": {"status": "ok"},
    }
    assert json.loads(document({}, {"status": "ok"})) == {"gateways": {}, "health": {"status": "ok"}}
