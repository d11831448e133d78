"""Every discovery payload of every layout, in both styles, through Home Assistant's own schemas."""

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from envoy_mqtt.mqtt.discovery import Discovery, Style, gateway_device, inverter_device, messages
from envoy_mqtt.mqtt.message import Message
from tests.homeassistant.environment import PYTHON
from tests.mqtt.layouts import LAYOUTS, SERIAL, N, P, site, state
from tests.tariff.ausgrid import TARIFF

SCHEMAS = Path(__file__).with_name("schemas.py")


def complaints(messages: Iterable[Message]) -> list[list[str]]:
    """What Home Assistant has to say against each of them."""
    asked = json.dumps([[message.topic, message.payload.decode()] for message in messages])
    told = subprocess.run(
        [PYTHON, SCHEMAS], input=asked, capture_output=True, text=True, timeout=120, check=True
    )
    said: list[list[str]] = json.loads(told.stdout)
    return said


@pytest.mark.parametrize("style", ["device", "component"])
def test_home_assistant_takes_every_payload_as_it_is(style: Style) -> None:
    options = Discovery(style=style, version="0.1.0", configuration_url="https://[fe80::1]:8443/")
    devices = [gateway_device(layout, state(layout), options) for layout in LAYOUTS.values()]
    devices += [gateway_device(site(P, N), state(site(P, N)), options, TARIFF)]
    devices.append(inverter_device(SERIAL, "121800000001", options))
    sent = [message for device in devices for message in messages(device)]
    said = complaints(sent)
    assert len(said) == len(sent)
    assert [each for each in said if each] == []


# What is right, what would be wrong, and what Home Assistant says then.
MISTAKES = (
    (b'"o":{', b'"o":{"x":1,', "extra keys not allowed"),
    (b'"dev":{', b'"dev":{"x":1,', "extra keys not allowed"),
    (b'"avty_mode":', b'"obj_id":"x","avty_mode":', "extra keys not allowed"),
    (b'"https://192.0.2.1/"', b'"192.0.2.1"', "invalid url"),
    (b'"uniq_id":"122100000017_net_power",', b"", "required key not provided"),
    (b'"sug_dsp_prc":2', b'"sug_dsp_prcs":2', "does not know ['sug_dsp_prcs']"),
    (b"{{ value_json.net_power }}", b"{{ value_json.net_power", "invalid template"),
    (b'"unit_of_meas":"V"', b'"unit_of_meas":"Volt"', "Volt"),
)


def test_it_would_say_so_if_it_did_not() -> None:
    layout = site(P, N)
    options = Discovery(version="0.1.0", configuration_url="https://192.0.2.1/")
    (message,) = messages(gateway_device(layout, state(layout), options))
    assert all(right in message.payload for right, _, _ in MISTAKES)
    spoilt = [message._replace(payload=message.payload.replace(*mistake[:2])) for mistake in MISTAKES]
    for (_, _, expected), said in zip(MISTAKES, complaints(spoilt), strict=True):
        assert expected in " ".join(said)
