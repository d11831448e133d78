"""docs/topics.md beside what the bridge says of every layout of a simulated gateway: no key more or less."""

import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import product

import pytest

from envoy_mqtt.bridge import Bridge
from envoy_mqtt.energy.keys import Energy
from envoy_mqtt.errors import BadAnswer
from envoy_mqtt.gateway.answers import read_info, read_meters
from envoy_mqtt.gateway.ladder import Source, Step
from envoy_mqtt.gateway.plan import Wanted, page_of
from envoy_mqtt.health import Broker, Gateway, Latency, broker_table, table
from envoy_mqtt.model import Instant, Quantity, Site
from envoy_mqtt.mqtt.about import Access
from envoy_mqtt.mqtt.message import Message
from envoy_mqtt.mqtt.payload import Publish
from envoy_mqtt.mqtt.requests import REQUESTS
from envoy_mqtt.problems import WORDS
from envoy_mqtt.pulse import Pulse
from envoy_mqtt.simulator.installation import Installation
from envoy_mqtt.simulator.options import Battery, Layout, Options, Wiring
from tests.pages import rows, text

NAME = "docs/topics.md"
PAGE, ROWS = text(NAME), rows(NAME)
NOON = 1_780_000_000.0

# Said by others than a gateway's bridge; their own tests hold their keys.
ELSEWHERE = {"bridge/state", "bridge/info", "bridge/health", "SERIAL/tariff"}


def heading(title: str) -> list[list[str]]:
    """The rows of the tables below a heading."""
    (part,) = re.findall(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    lines = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def names(cell: str) -> list[str]:
    return re.findall("`([^`]+)`", cell)


@cache
def said() -> tuple[Message, ...]:
    """What is published of every layout of meters, phases and batteries."""
    kinds = product(Layout, (Wiring.SINGLE_THREE, Wiring.SPLIT, Wiring.THREE), Battery)
    return tuple(message for kind in kinds for message in of_a_house(*kind))


def of_a_house(layout: Layout, wiring: Wiring, battery: Battery) -> Iterator[Message]:
    house = Installation(Options(layout=layout, phases=wiring, battery=battery), NOON)
    site = site_of(house)
    source = Source.READINGS if site.metered else Source.PRODUCTION
    bridge = Bridge(Publish(scalars=True, journal=True), Wanted(inverters_s=300.0))
    step = Step(source, "")
    yield from bridge.identify(site, Access("192.168.1.20"), step)
    yield from bridge.open(Instant(0.0, NOON), step)
    for second in range(3):
        now = Instant(float(second), NOON + second)
        for path in (*(poll.path for poll in bridge.polls), page_of(site, source)):
            answer = house.answer(path, now.unix)
            if answer is not None:
                yield from answered(bridge, path, answer.body, now)
        yield from bridge.sum_up(now)


def answered(bridge: Bridge, path: str, body: bytes, now: Instant) -> Iterable[Message]:
    try:
        return list(bridge.answer(path, body, now))
    except BadAnswer:
        return []


def site_of(house: Installation) -> Site:
    info, meters = house.answer("/info", NOON), house.answer("/ivp/meters", NOON)
    assert info is not None
    assert meters is not None
    return Site(read_info(info.body), read_meters(meters.body))


def general(topic: str) -> str:
    """A topic as the page writes it."""
    below = re.sub(r"^envoy/[0-9]{12}/", "SERIAL/", topic)
    return re.sub(r"^(SERIAL/inverter/).*", r"\1SN", re.sub(r"^(SERIAL/sensor/).*", r"\1KEY", below))


def keys_of(topic: str) -> set[str]:
    return {
        key
        for message in said()
        if message.payload and general(message.topic) == topic
        for key in json.loads(message.payload)
    }


# Topics


def documented() -> dict[str, tuple[bool, int]]:
    """Whether a topic is kept, and with which quality of service it is sent."""
    table = heading("Topics and when they are sent")
    return {
        names(row[0])[0].removeprefix("envoy/"): (row[1] == "yes", int(row[2]))
        for row in table
        if row[0].startswith("`envoy/")
    }


def test_its_topics_are_those_that_are_published_kept_and_sent_as_it_says() -> None:
    found = {general(message.topic): (message.retain, message.qos) for message in said() if message.payload}
    assert {topic: it for topic, it in documented().items() if topic not in ELSEWHERE} == found
    assert documented().keys() >= ELSEWHERE


def test_gone_topics_are_emptied_whatever_their_quality_of_service() -> None:
    assert {message.qos for message in said() if not message.payload} <= {1}


# Keys


def each(pattern: str) -> set[str]:
    """Every key that a documented one stands for."""
    found = {pattern}
    for word, values in {
        "METER": [*Quantity],
        "ENERGY": [each.key().removesuffix("_energy") for each in Energy],
        "LEG": [each.key(n).removesuffix("_energy") for each in Energy for n in range(3)],
        "lN": ["l1", "l2", "l3"],
    }.items():
        found = {key.replace(word, value) for key in found for value in values}
    return found


def column(title: str, number: int) -> set[str]:
    table = [row for row in heading(title) if not row[0].startswith("key")]
    return {key for row in table for name in names(row[number]) for key in each(name)}


LIVE = column("Keys of each reading", 0)
ENERGY = column("Keys of `energy`", 0)


def test_live_has_the_documented_keys_and_no_other() -> None:
    assert keys_of("SERIAL/live") == LIVE


@pytest.mark.parametrize("quantity", Quantity)
def test_a_meters_topic_has_the_documented_keys_and_no_other(quantity: Quantity) -> None:
    shown = {
        key
        for row in heading("Keys of each reading")
        for name in names(row[1])
        for key in each(name)
        if row[3] in ("", f"on `{quantity}`") or not row[3].startswith("on `")
    }
    assert keys_of(f"SERIAL/{quantity}") == shown


def test_a_scalar_is_a_number_of_live() -> None:
    sent = {message.topic.rpartition("/")[2] for message in said() if "/sensor/" in message.topic}
    assert sent <= LIVE - {"time", "timestamp", "sequence", "source"}
    assert {"net_power", "storage_l1_power"} <= sent


def test_energy_has_the_documented_keys_and_no_other() -> None:
    assert keys_of("SERIAL/energy") == ENERGY


def test_state_has_those_of_both_and_its_interval() -> None:
    sources = {key for key in ENERGY if key.endswith("_source")}
    assert keys_of("SERIAL/state") == LIVE | (ENERGY - sources) | {"interval_s"}


@pytest.mark.parametrize("topic", ["gateway", "inverter/SN"])
def test_the_other_topics_keys_are_in_their_row(topic: str) -> None:
    (row,) = [
        row for row in heading("Keys of `gateway`, `inverter/SN` and `bridge/info`") if f"`{topic}`" in row
    ]
    assert keys_of(f"SERIAL/{topic}") == set(names(row[1]))


# Requests and health


def test_its_requests_are_those_there_are_each_with_its_keys() -> None:
    shown = {names(row[0])[0]: set(names(row[1])[:1]) for row in heading("Requests") if names(row[0])}
    assert shown == {name: set(keys) for name, keys in REQUESTS.items()}


def test_its_codes_and_remedies_are_those_that_are_said() -> None:
    shown = {
        names(row[0])[0]: (row[1], row[2]) for row in heading("Health") if len(row) == 3 and names(row[0])
    }
    assert shown == {code: (words.what, words.remedy) for code, words in WORDS.items()}


def test_its_tables_of_health_have_the_keys_of_gateways_and_broker() -> None:
    shown = [name for row in heading("Health") if len(row) == 2 for name in names(row[0])]
    now = Instant(0.0, NOON)
    told = [*table(Gateway("", False, Pulse()), now), *broker_table(Broker(True, 1, "5", latency=Latency()))]
    assert sorted(shown) == sorted(told)
