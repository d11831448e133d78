"""What the pages show is true: their settings load, their commands work, their links lead somewhere."""

import json
import re

import aiomqtt
import pytest
import yaml

from tests.consumers.conftest import Capture
from tests.consumers.pages import FILES, FOLDER, PAGES, blocks, commands, subscribed
from tests.consumers.site import SERIAL
from tests.mosquitto import Mosquitto
from tests.pages import text

# Commands that the tests of these pages type, with the programs that they speak to.
ELSEWHERE = {
    "influxdb.md": ["curl", "curl"],
    "node-red.md": ["mosquitto_sub"],
    "emoncms.md": ["mosquitto_sub"],
    "prometheus-grafana.md": ["promtool", "curl"],
}
SUBSCRIBING = [(page, words) for page in PAGES for words in commands(page) if page not in ELSEWHERE]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_block_is_of_a_kind_that_is_tried(page: str) -> None:
    kinds = set(re.findall(r"^```(\w+)$", text(f"docs/consumers/{page}"), re.MULTILINE))
    assert kinds <= {"console", "toml", "yaml", "sql", "text"}
    programs = [words[0] for words in commands(page)]
    assert programs == ELSEWHERE.get(page, ["mosquitto_sub"] * len(programs))


@pytest.mark.parametrize(("page", "words"), SUBSCRIBING, ids=[page for page, _ in SUBSCRIBING])
async def test_what_a_page_subscribes_to_says_something(
    page: str, words: list[str], captures: dict[str, Capture], broker: Mosquitto
) -> None:
    kind = "an entity a message" if page == "domoticz.md" else "one phase"
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        for topic, payload in captures[kind].items():
            await client.publish(topic, payload, qos=1, retain=True)
    assert await subscribed(words, broker.port, 1)


def test_every_page_and_file_is_linked() -> None:
    index = (FOLDER / "README.md").read_text()
    for page in PAGES:
        assert page == "README.md" or f"]({page})" in index
    everything = "".join(text(f"docs/consumers/{page}") for page in PAGES)
    for path in FILES:
        assert path.suffix == ".md" or f"]({path.relative_to(FOLDER)})" in everything, path


@pytest.mark.parametrize(
    ("page", "name"),
    [("evcc.md", "evcc/evcc.yaml"), ("home-assistant.md", "home-assistant/power-flow-card-plus.yaml")],
)
def test_what_a_page_shows_of_a_file_is_in_it(page: str, name: str) -> None:
    shown = blocks(page, "yaml")[0]
    lines = [line.strip().removeprefix("- ") for line in (FOLDER / name).read_text().splitlines()]
    assert {line.strip().removeprefix("- ") for line in shown.splitlines()} <= set(lines)


def test_openhabs_line_is_in_its_file() -> None:
    (shown,) = blocks("openhab.md", "text")
    assert shown.strip() in (FOLDER / "openhab" / "envoy.things").read_text()


def test_openhabs_items_are_linked_to_its_channels() -> None:
    things = (FOLDER / "openhab" / "envoy.things").read_text()
    channels = re.findall(r"Type \w+ : (\w+)", things)
    (bridge,) = re.findall(r"^Bridge (mqtt):broker:(\w+)", things)
    (thing,) = re.findall(r"Thing topic (\w+)", things)
    links = re.findall(r'channel="([^"]+)"', (FOLDER / "openhab" / "envoy.items").read_text())
    assert links == [f"{bridge[0]}:topic:{bridge[1]}:{thing}:{channel}" for channel in channels]


def test_every_yaml_is_loaded() -> None:
    tagged = {"home-assistant.md"}  # `!include` is Home Assistant's own
    for page in PAGES:
        for shown in blocks(page, "yaml"):
            if page not in tagged or "!include" not in shown:
                assert yaml.safe_load(shown)


def test_iobrokers_states_are_topics(single: Capture) -> None:
    page = (FOLDER / "iobroker.md").read_text()
    states = re.findall(r"^\| `mqtt\.0\.([^`]+)`", page, re.MULTILINE)
    assert len(states) == 5
    for state in states:
        payload = single[state.replace(".", "/")]
        assert state.endswith("availability") or isinstance(json.loads(payload), float | int)
    (patterns,) = blocks("iobroker.md", "text")
    assert patterns.strip().split(",") == ["envoy/+/sensor/#", "envoy/+/availability", "envoy/bridge/state"]


def test_domoticz_finds_the_key_of_each_entity(captures: dict[str, Capture]) -> None:
    """It looks for these very words, and for no components."""
    told = {
        topic: json.loads(payload)
        for topic, payload in captures["an entity a message"].items()
        if topic.startswith("homeassistant/sensor/")
    }
    assert len(told) > 20
    for topic, config in told.items():
        key = topic.split("/")[-2]
        assert config["val_tpl"] == f"{{{{ value_json.{key} }}}}"
        assert config["stat_t"].startswith(f"envoy/{SERIAL}/")
        assert "cmps" not in config
