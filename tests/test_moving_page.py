"""What docs/moving.md says is so: its entities exist, its templates read what they are said to."""

import json
import re
from typing import Any

import jinja2
import pytest

from envoy_mqtt.compat import livedata, readings, stream
from envoy_mqtt.config.keys import KEYS
from envoy_mqtt.model import Kind, Phase, Phases, Site
from envoy_mqtt.mqtt.discovery import Discovery, gateway_device, inverter_device
from envoy_mqtt.mqtt.payload import Payloads, Publish
from tests.compat.sites import CHARGE, EXPORT, IMPORT, MADE, N, P, S, reading, site
from tests.mqtt.layouts import LAYOUTS, SERIAL, state
from tests.pages import rows, text

NAME = "docs/moving.md"
PAGE, ROWS = text(NAME), rows(NAME)

# What Home Assistant's integration calls its entities, and the bridge's page says are the same (notes on
# conventions, section 7); the sevens and the flags are not ours.
SAME = [row for row in ROWS if len(row) == 2 and row[1].startswith("the same")]


def offered() -> set[str]:
    """The ids of all entities of all layouts."""
    inverter = inverter_device(SERIAL, "SN", Discovery())
    devices = [gateway_device(each, state(each), Discovery()) for each in LAYOUTS.values()]
    found = (part for device in [*devices, inverter] for part in device.components.values())
    return {each["def_ent_id"].replace(SERIAL, "SERIAL") for each in found}


def test_every_entity_that_it_names_exists_but_those_said_to_have_none() -> None:
    gone = {id_ for row in ROWS if row[1:2] and row[1].startswith("none") for id_ in ids(row[0])}
    named = set(ids(PAGE))
    assert len(named) > 30
    assert named - gone <= offered()
    assert not gone & offered()


def ids(words: str) -> list[str]:
    return re.findall(r"`(sensor\.[A-Za-z0-9_]+)`", words)


def test_what_is_the_same_is_in_the_first_column_alone() -> None:
    assert len(SAME) > 15
    assert all(ids(row[0]) and not ids(row[1]) for row in SAME)


def test_its_keys_are_keys() -> None:
    known = {".".join(map(str, key)) for key in KEYS}
    named = set(re.findall(r"`((?:homeassistant|inverters|energy|log|mqtt)\.[a-z_]+)(?: = [^`]*)?`", PAGE))
    assert {"homeassistant.enabled", "energy.interval_s"} <= named <= known
    shapes = {row[2].strip('`"') for row in ROWS if len(row) == 3 and row[0].startswith("`value_json")}
    assert shapes == {"readings", "stream", "livedata"}


# Templates

OTHER = Phase(1250.0, 50.0, 1251.0, 0.999, 229.0, 5.463, 50.0)
HOUSES: dict[str, tuple[Site, dict[Kind, Phases]]] = {
    "one phase": (site(P, N), {P: (MADE,), N: (EXPORT,)}),
    "three phases": (site(P, N, phases=3), {P: (MADE, MADE, OTHER), N: (EXPORT, IMPORT, EXPORT)}),
    "a battery": (site(P, N, S), {P: (MADE,), N: (IMPORT,), S: (CHARGE,)}),
}
TEMPLATES = [row for row in ROWS if len(row) == 4 and row[0].startswith("`value_json")]


def test_every_template_is_tried() -> None:
    assert len(TEMPLATES) > 15


@pytest.mark.parametrize("row", TEMPLATES, ids=lambda row: row[0])
def test_each_template_reads_what_the_key_beside_it_is(row: list[str]) -> None:
    template, house, entity, key = (cell.strip("`") for cell in row)
    layout, measured = HOUSES.get(house, HOUSES["one phase"])
    said = reading(layout, measured, charge=63.0)
    payloads = Payloads(layout, Publish())
    live = json.loads(next(iter(payloads.write(said, steady=0.0))).payload)
    documents: dict[str, Any] = {
        "value_json[0]": readings.filled(readings.blank(layout), measured, layout, said.time),
        "value_json[1]": readings.filled(readings.blank(layout), measured, layout, said.time),
        'value_json["meters"]': livedata.filled(livedata.blank(layout), said, layout),
    }
    (beginning,) = re.findall(r"^value_json\[[^]]+\]", template)
    document = documents.get(beginning, stream.event(measured, layout))
    rendered = jinja2.Environment(autoescape=True).from_string("{{ " + template + " }}")
    assert float(rendered.render(value_json=document)) == pytest.approx(live[key], abs=0.06)
    device = gateway_device(layout, payloads.live_keys, Discovery())
    ids_by_key = {name: part["def_ent_id"] for name, part in device.components.items()}
    assert ids_by_key[key].replace(layout.identity.serial, "SERIAL") == entity
