"""What of a broker's retained topics is a bridge's own, and what stays."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoy_mqtt.mqtt.discovery import Discovery, gateway_device, inverter_device, messages
from envoy_mqtt.mqtt.leavings import Place, Running, leavings, running
from tests.mqtt.layouts import LAYOUTS, SERIAL, state

OTHER = "122100000025"
SITE = LAYOUTS["1 phase, production and net"]
ALL = Place("envoy", "homeassistant")
OURS = (
    "envoy/122100000017/availability",
    "envoy/122100000017/energy",
    "envoy/122100000017/inverter/121200000001",
    "envoy/122100000017/live",
    "envoy/122100000017/sensor/net_power",
    "envoy/bridge/health",
    "envoy/bridge/info",
    "envoy/bridge/state",
)
FOREIGN = (
    "envoy",
    "envoy/json",
    "envoy/122100000017",
    "envoy/122100000017/notes",
    "envoy/122100000017/inverter/1/2",
    "envoy/garage/live",
    "envoy/bridge/response/health",
    "other/122100000017/live",
    "envoy/bridge/state/x",
)


def kept(*topics: str) -> dict[str, bytes]:
    return dict.fromkeys(topics, b"{}")


def test_under_the_base_topic_the_bridges_own_go_and_the_rest_stays() -> None:
    assert leavings(kept(*FOREIGN, *OURS), ALL) == list(OURS)


def test_a_base_topic_of_several_levels_is_one() -> None:
    place = Place("house/pv/envoy", "homeassistant")
    assert leavings(kept(*OURS, *(f"house/pv/{topic}" for topic in OURS)), place) == [
        f"house/pv/{topic}" for topic in OURS
    ]


def test_of_one_gateway_nothing_of_others_and_of_the_bridge_goes() -> None:
    others = [topic.replace(SERIAL, OTHER) for topic in OURS]
    assert leavings(kept(*OURS, *others), ALL._replace(serial=SERIAL)) == list(OURS[:5])


def announced(options: Discovery) -> dict[str, bytes]:
    """Everything that is said to Home Assistant of a gateway and one microinverter."""
    devices = (
        gateway_device(SITE, list(state(SITE)), options),
        inverter_device(SERIAL, "121200000001", options),
    )
    return {message.topic: message.payload for device in devices for message in messages(device)}


@pytest.mark.parametrize("style", ["device", "component"])
def test_whatever_was_said_to_home_assistant_goes_and_goes_first(style: str) -> None:
    said = announced(Discovery(style="device" if style == "device" else "component"))
    found = leavings({**kept(*OURS), **said}, ALL)
    assert found[: len(said)] == sorted(said)
    assert found[len(said) :] == list(OURS)
    assert leavings(said, ALL._replace(serial=OTHER)) == []
    assert len(leavings(said, ALL._replace(serial=SERIAL))) == len(said) >= 2


def test_what_another_bridge_said_under_another_base_topic_stays() -> None:
    assert leavings(announced(Discovery(base_topic="garage")), ALL) == []


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"[]",
        b'{"o":{"name":"zigbee2mqtt"},"avty":[{"t":"envoy/bridge/state"}]}',
        b'{"o":"envoy-mqtt","avty":[{"t":"envoy/bridge/state"}]}',
        b'{"o":{"name":"envoy-mqtt"},"avty":"envoy/bridge/state"}',
        b'{"o":{"name":"envoy-mqtt"},"avty":[{"t":["envoy/bridge/state"]},7]}',
    ],
)
def test_another_programs_device_stays_whatever_it_is_called(payload: bytes) -> None:
    assert leavings({f"homeassistant/device/envoy_{SERIAL}/config": payload}, ALL) == []


def test_ours_under_another_name_stays() -> None:
    (payload, *_) = announced(Discovery()).values()
    assert leavings({"homeassistant/device/solar/config": payload}, ALL) == []


def test_a_bridge_that_is_online_is_noticed() -> None:
    about = json.dumps({"host": "pi", "version": "0.1.0"}).encode()
    there = {"envoy/bridge/state": b"online", "envoy/bridge/info": about}
    assert running(there, "envoy") == Running("pi", "0.1.0")
    assert running({"envoy/bridge/state": b"online"}, "envoy") == Running("", "")
    assert running({**there, "envoy/bridge/state": b"offline"}, "envoy") is None
    assert running(there, "garage") is None


@given(st.dictionaries(st.text(max_size=40), st.binary(max_size=40)))
def test_whatever_a_broker_keeps_it_is_not_ours(kept: dict[str, bytes]) -> None:
    assert leavings(kept, ALL) == []
