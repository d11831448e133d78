"""Discovery payloads: two written out whole, and what holds for every layout."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from envoy_mqtt.model import Identity, Meter, Site
from envoy_mqtt.mqtt.discovery import Device, Discovery, gateway_device, inverter_device, messages
from tests.mqtt.layouts import LAYOUTS, SERIAL, N, P, S, site, state

GOLDEN = Path(__file__).parents[1] / "golden"
OPTIONS = Discovery(version="0.1.0", configuration_url="https://192.168.1.20/")

# The closed lists of every version (HA notes, sections 1.1 and 1.8), as far as all versions know them.
ROOT = {"dev", "o", "cmps", "avty", "avty_mode", "avty_t", "avty_tpl", "pl_avail", "pl_not_avail"}
ROOT |= {"stat_t", "cmd_t"}
DEVICE = {"ids", "cns", "name", "mf", "mdl", "mdl_id", "sn", "sw", "hw", "cu", "sa", "via_device"}
ORIGIN = {"name", "sw", "url"}

# Device class, unit, state class (HA notes, section 1.6).
NUMBERS = {
    ("power", "W", "measurement"),
    ("energy", "kWh", "total_increasing"),
    ("energy", "kWh", "total"),
    ("voltage", "V", "measurement"),
    ("current", "A", "measurement"),
    ("frequency", "Hz", "measurement"),
    ("power_factor", None, "measurement"),
    ("apparent_power", "VA", "measurement"),
    ("reactive_power", "var", "measurement"),
    ("battery", "%", "measurement"),
    (None, "%", "measurement"),
}
WORDS = {(None, None, None), ("timestamp", None, None)}

every_layout = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())


def device(layout: Site, options: Discovery = OPTIONS) -> Device:
    return gateway_device(layout, state(layout), options)


def payload(layout: Site) -> dict[str, Any]:
    """The one message of the default style, as Home Assistant reads it."""
    (message,) = messages(device(layout))
    decoded: dict[str, Any] = json.loads(message.payload)
    return decoded


# Golden files

HOUSES = {
    "single-phase": Site(
        Identity("122100000011", "800-00654-r08", "D7.6.175", True, True), site(P, N).meters
    ),
    "three-phase-storage": Site(
        Identity("122100000044", "800-00649-r01", "D8.3.5167", True, True), site(P, N, S, phases=3).meters
    ),
}


@pytest.mark.parametrize("name", HOUSES)
def test_a_house_is_described_as_its_golden_file_says(name: str) -> None:
    """They were worked out from the tables of the HA notes, sections 7 and 8, not by the bridge."""
    text = (GOLDEN / f"{name}.discovery").read_text().splitlines()
    topic, *rest = [line for line in text if not line.startswith("#")]
    expected = {key: json.loads(value) for key, value in (line.split(" ", 1) for line in rest)}
    (message,) = messages(device(HOUSES[name]))
    told = json.loads(message.payload)
    flat = {key: value for key, value in told.items() if key != "cmps"} | told["cmps"]
    assert message.topic == topic
    for key in flat.keys() | expected.keys():
        assert flat.get(key) == expected.get(key)


# What Home Assistant wants


@every_layout
def test_nothing_stands_where_home_assistant_would_throw_all_of_it_away(layout: Site) -> None:
    told = payload(layout)
    assert told.keys() <= ROOT
    assert told["dev"].keys() <= DEVICE
    assert told["o"].keys() <= ORIGIN
    assert told["o"]["name"]
    assert told["dev"]["ids"]


@every_layout
def test_every_component_has_an_id_of_its_own(layout: Site) -> None:
    components = payload(layout)["cmps"]
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]+", key) for key in components)
    for key in ("uniq_id", "obj_id", "def_ent_id", "name"):
        assert len({component[key] for component in components.values()}) == len(components)


@every_layout
def test_both_keys_of_the_entity_id_say_the_same(layout: Site) -> None:
    for component in payload(layout)["cmps"].values():
        assert component["def_ent_id"] == f"{component['p']}.{component['obj_id']}"
        assert component["obj_id"].startswith(f"envoy_{SERIAL}_")


@every_layout
def test_classes_units_and_statistics_fit_together(layout: Site) -> None:
    for component in payload(layout)["cmps"].values():
        triple = tuple(component.get(key) for key in ("dev_cla", "unit_of_meas", "stat_cla"))
        if component["p"] == "sensor":
            assert triple in (NUMBERS if "stat_cla" in component else WORDS)
            assert component.get("ent_cat") in (None, "diagnostic")
            assert ("sug_dsp_prc" in component) == ("stat_cla" in component)


@every_layout
def test_every_template_reads_a_key_that_is_in_every_message(layout: Site) -> None:
    said = {
        f"envoy/{SERIAL}/state": state(layout),
        f"envoy/{SERIAL}/gateway": dict.fromkeys(("source", "firmware", "token_expires")),
    }
    for component in payload(layout)["cmps"].values():
        if "val_tpl" in component:
            (key,) = re.fullmatch(r"\{\{ value_json\.([a-z0-9_]+) \}\}", component["val_tpl"]).groups()  # type: ignore[union-attr]
            assert key in said[component["stat_t"]]


@every_layout
def test_nothing_expires_and_nothing_is_abbreviated_by_a_topic_base(layout: Site) -> None:
    told = payload(layout)
    for component in told["cmps"].values():
        assert not component.keys() & {"exp_aft", "~", "json_attr_t", "frc_upd", "avty_t"}


@every_layout
def test_entities_follow_the_bridge_and_the_gateway(layout: Site) -> None:
    told = payload(layout)
    assert told["avty_mode"] == "all"
    assert told["avty"] == [{"t": "envoy/bridge/state"}, {"t": f"envoy/{SERIAL}/availability"}]
    own = {key for key, component in told["cmps"].items() if "avty" in component}
    assert own - {"token_expires"} == {"connection", "source", "reconnect", "interval_s"}
    assert all(told["cmps"][key]["avty"] == [{"t": "envoy/bridge/state"}] for key in own)


# Options


def test_discovery_is_kept_and_acknowledged() -> None:
    (message,) = messages(device(site(P, N)))
    assert (message.retain, message.qos, message.expiry_s) == (True, 1, 0)


def test_the_base_topic_and_the_prefix_are_as_configured() -> None:
    (message,) = messages(device(site(P), Discovery("house/solar", "ha")))
    told = json.loads(message.payload)
    assert message.topic == f"ha/device/envoy_{SERIAL}/config"
    assert told["avty"][1] == {"t": f"house/solar/{SERIAL}/availability"}
    assert told["cmps"]["reconnect"]["cmd_t"] == "house/solar/bridge/request/reconnect"
    assert told["cmps"]["production_power"]["stat_t"] == f"house/solar/{SERIAL}/state"


def test_what_is_not_known_of_a_device_is_left_out() -> None:
    layout = Site(Identity(SERIAL, "", ""), ())
    (message,) = messages(gateway_device(layout, state(layout), Discovery()))
    told = json.loads(message.payload)
    assert told["dev"].keys() == {"ids", "name", "mf", "mdl", "sn"}
    assert told["o"].keys() == {"name"}


@every_layout
def test_in_the_other_style_each_entity_has_the_same_in_a_topic_of_its_own(layout: Site) -> None:
    whole = payload(layout)
    told = {
        message.topic: json.loads(message.payload)
        for message in messages(device(layout, OPTIONS._replace(style="component")))
    }
    components = whole.pop("cmps")
    expected = {
        f"homeassistant/{component.pop('p')}/envoy_{SERIAL}/{key}/config": whole | component
        for key, component in components.items()
    }
    assert told == expected


# Microinverters


def test_a_microinverter_is_a_device_behind_the_gateway() -> None:
    (message,) = messages(inverter_device(SERIAL, "121800000001", OPTIONS))
    told = json.loads(message.payload)
    assert message.topic == f"homeassistant/device/envoy_{SERIAL}_inverter_121800000001/config"
    assert told["dev"] == {
        "ids": [f"envoy_{SERIAL}_inverter_121800000001"],
        "name": "Inverter 121800000001",
        "mf": "Enphase",
        "mdl": "Microinverter",
        "sn": "121800000001",
        "via_device": f"envoy_{SERIAL}",
    }
    assert told["avty"] == [{"t": "envoy/bridge/state"}, {"t": f"envoy/{SERIAL}/availability"}]
    assert told["cmps"].keys() == {"power", "max_power", "reported"}
    assert told["cmps"]["power"] == {
        "p": "sensor",
        "uniq_id": "121800000001_power",
        "obj_id": "inverter_121800000001",
        "def_ent_id": "sensor.inverter_121800000001",
        "name": None,
        "dev_cla": "power",
        "unit_of_meas": "W",
        "stat_cla": "measurement",
        "sug_dsp_prc": 0,
        "stat_t": f"envoy/{SERIAL}/inverter/121800000001",
        "val_tpl": "{{ value_json.power }}",
    }
    assert told.keys() <= ROOT
    assert told["dev"].keys() <= DEVICE


def test_a_meter_without_a_kind_we_know_changes_nothing() -> None:
    more = site(P, N)
    other = more._replace(meters=(*more.meters, Meter(9, "evse", None, True, 1, "normal", ())))
    assert payload(other) == payload(more)
