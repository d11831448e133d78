"""Every topic, key and entity that a page or a file names is one that the bridge really publishes."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.consumers.conftest import Capture
from tests.consumers.pages import FILES, FOLDER
from tests.consumers.site import SERIAL

# How the pages and their files write the gateway's serial number.
WHOSE = rf"(?:{SERIAL}|SERIAL|\+|\$serial)"
TOPIC = re.compile(rf"\b(?:emon/)?((?:envoy|homeassistant)/(?:{WHOSE}|bridge|sensor)/[\w/+#-]+)")
ENTITY = re.compile(rf"\b(?:sensor|binary_sensor|button|number)\.envoy_{SERIAL}_\w+")
# A key in a page's words; what begins with one of these is something else's.
KEY = re.compile(r"`([a-z0-9_]+_(?:power|energy|today|voltage|current|charge))`")

# What stands for a name of the reader's choice.
PLACES = {"KEY": "net_power", "SERIAL": SERIAL, "$serial": SERIAL, "NAME": "reconnect"}


class Reference(NamedTuple):
    """A topic that a file reads, and the keys that it takes from it."""

    topic: str
    keys: tuple[str, ...] = ()


def in_yaml(path: Path) -> Iterator[Reference]:
    """evcc's plugins and Home Assistant's sensors."""

    def walk(node: Any) -> Iterator[Reference]:
        if isinstance(node, list):
            for each in node:
                yield from walk(each)
        elif isinstance(node, dict):
            if node.get("source") == "mqtt":
                yield Reference(node["topic"], tuple(re.findall(r"\.([a-z]\w+)", node["jq"])))
            if "state_topic" in node:
                yield Reference(
                    node["state_topic"], tuple(re.findall(r"value_json\.(\w+)", node["value_template"]))
                )
            for each in node.values():
                yield from walk(each)

    yield from walk(yaml.safe_load(path.read_text()))


def in_things(path: Path) -> Iterator[Reference]:
    """openHAB's channels."""
    channel = r'stateTopic="([^"]+)", transformationPattern="JSONPATH:\$\.(\w+)"'
    for topic, key in re.findall(channel, path.read_text()):
        yield Reference(topic, (key,))


def in_panels(path: Path) -> Iterator[Reference]:
    """Grafana's panels over MQTT, and the fields that they show."""
    for panel in json.loads(path.read_text())["panels"]:
        (chosen,) = panel["transformations"]
        names = [name for name in chosen["options"]["include"]["names"] if name != "Time"]
        coloured = [each["matcher"]["options"] for each in panel["fieldConfig"]["overrides"]]
        for target in panel["targets"]:
            yield Reference(target["topic"], (*names, *coloured))


READERS = {
    "evcc/evcc.yaml": (in_yaml, 4),
    "evcc/battery.yaml": (in_yaml, 3),
    "evcc/three-phase.yaml": (in_yaml, 5),
    "home-assistant/live.yaml": (in_yaml, 3),
    "openhab/envoy.things": (in_things, 8),
    "grafana/live.json": (in_panels, 3),
}


def filled(topic: str) -> str:
    """The topic with what its reader puts in, but not its wildcards."""
    return "/".join(PLACES.get(part, part) for part in topic.split("/"))


def matching(topic: str, capture: Mapping[str, bytes]) -> list[str]:
    """Topics of a capture that this topic or filter means."""
    parts = [re.escape(part) if part not in "+#" else "[^/]+" for part in filled(topic).split("/")]
    ending = "(/.*)?" if topic.endswith("#") else ""
    pattern = re.compile("/".join(parts) + ending)
    return [each for each in capture if pattern.fullmatch(each)]


@pytest.mark.parametrize("name", READERS)
def test_every_key_a_file_takes_is_a_number_or_a_time_of_that_topic(name: str, whole: Capture) -> None:
    read, count = READERS[name]
    references = list(read(FOLDER / name))
    assert len(references) == count
    for topic, keys in references:
        (found,) = matching(topic, whole)
        said = json.loads(whole[found])
        assert keys
        for key in keys:
            assert isinstance(said[key], float | int) or key == "timestamp", (topic, key)


@pytest.mark.parametrize("name", ["evcc/evcc.yaml", "home-assistant/live.yaml", "openhab/envoy.things"])
def test_what_is_not_for_a_battery_needs_none_nor_a_second_phase(name: str, single: Capture) -> None:
    read, _ = READERS[name]
    for topic, keys in read(FOLDER / name):
        (found,) = matching(topic, single)
        assert set(keys) <= json.loads(single[found]).keys()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_every_topic_a_file_names_is_published(path: Path, captures: dict[str, Capture]) -> None:
    everything = {topic: payload for capture in captures.values() for topic, payload in capture.items()}
    for topic in TOPIC.findall(path.read_text()):
        whole_topic = topic.rstrip("/")
        if whole_topic == "envoy/bridge/request":
            continue
        assert matching(whole_topic, everything) or matching(f"{whole_topic}/#", everything), topic


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_every_entity_a_file_names_is_discovered(path: Path, whole: Capture) -> None:
    told = json.loads(whole[f"homeassistant/device/envoy_{SERIAL}/config"])
    there = {component["def_ent_id"] for component in told["cmps"].values()}
    assert set(ENTITY.findall(path.read_text())) <= there


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.md")), ids=lambda path: path.stem)
def test_every_key_a_page_names_is_published(path: Path, whole: Capture) -> None:
    known = {
        key for topic in ("live", "state", "energy") for key in json.loads(whole[f"envoy/{SERIAL}/{topic}"])
    }
    assert set(KEY.findall(path.read_text())) <= known


def test_the_live_sensors_are_those_of_the_card_and_the_recorder_leaves_them_out() -> None:
    folder = FOLDER / "home-assistant"
    package = yaml.safe_load((folder / "live.yaml").read_text())
    made = {"sensor." + each["name"].lower().replace(" ", "_") for each in package["mqtt"]["sensor"]}
    card = yaml.safe_load((folder / "live-card.yaml").read_text())
    assert {each["entity"] for each in card["entities"].values()} == made
    (excluded,) = package["recorder"]["exclude"]["entity_globs"]
    assert all(each.startswith(excluded.removesuffix("*")) for each in made)


def test_telegraf_is_given_topics_that_it_can_take_apart(single: Capture) -> None:
    config = tomllib.loads((FOLDER / "telegraf" / "telegraf.conf").read_text())
    (reader,) = config["inputs"]["mqtt_consumer"]
    (parsing,) = reader["topic_parsing"]
    for topic in reader["topics"]:
        (found,) = matching(topic, single)
        assert isinstance(json.loads(single[found])[reader["json_time_key"]], float | int)
        parts = dict(zip(parsing["tags"].split("/"), found.split("/"), strict=True))
        assert parts["serial"] == SERIAL
        assert parsing["measurement"].split("/")[-1] == "measurement"
        assert len(parsing["topic"].split("/")) == len(found.split("/"))
