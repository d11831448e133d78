"""The same topics, keys and numbers whatever a gateway is read from, through a real broker.

What is expected is the simulated house's own truth: what it makes, what it uses, what its battery gives.
"""

import asyncio
import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.installation import Installation
from envoy_mqtt.simulator.options import Battery, Layout, Options, Wiring
from tests.e2e.harness import Ears, bridging, listening, settings, target
from tests.mosquitto import Mosquitto

SOURCES = ("stream", "readings", "livedata")

# A house that stands still, in the sun of a June noon.
STILL: dict[str, Any] = {"start": 1_750_500_000.0, "speed": 1e-6, "seed": 3}

# What power a source tells of everything but the production of sites without a meter of it.
POWERS = ("net", "consumption", "storage")


class House(NamedTuple):
    """A layout, and how its battery, if there is one, is known."""

    layout: str
    wiring: str
    battery: str = "none"
    firmware: str = "D8.3.5167"


HOUSES = (
    House("production+net", "single-three"),
    House("production+net", "three"),
    House("production+net", "split", "metered"),
    House("production+net", "three", "unmetered"),
    House("production+total", "split"),
    House("production", "single-three"),
    House("net", "three"),
    House("net", "split", "metered"),
)


class Truth(NamedTuple):
    """W of the whole house."""

    production: float
    net: float
    consumption: float
    storage: float


def truth(gateway: Gateway) -> Truth:
    source = gateway.source
    assert isinstance(source, Installation)
    phases = source.state(gateway.clock()).phases
    made = sum(phase.production_w for phase in phases)
    used = sum(phase.load_w for phase in phases)
    given = sum(phase.storage_w for phase in phases)
    return Truth(made, used - made - given, used, given)


def inverters_w(gateway: Gateway) -> float:
    """The sum of what the inverters reported, one by one."""
    answer = gateway.source.answer("/api/v1/production/inverters", gateway.clock())
    assert answer is not None
    return float(sum(each["lastReportWatts"] for each in json.loads(answer.body)))


async def published(
    broker: Mosquitto, keys: Keys, folder: Path, house: House, source: str, *, number: int
) -> tuple[dict[str, Any], set[str], Truth, float]:
    """The first reading of which everything is known, the topics, and what was true."""
    serial = str(122600000000 + number)
    options = Options(
        serial=serial,
        firmware=house.firmware,
        layout=Layout(house.layout),
        phases=Wiring(house.wiring),
        battery=Battery(house.battery),
        **STILL,
    )
    base = f"b{number}"

    def complete(ears: Ears) -> bool:
        lives = [each.json for each in ears.on("/live")]
        return any(None not in (live.get(f"{name}_power", 0.0) for name in POWERS[1:]) for live in lives[-1:])

    async with Gateway(options, keys=keys) as gateway, listening(broker.port, f"{base}/{serial}/#") as ears:
        where = target(
            gateway,
            broker.port,
            gateway__source=source,
            mqtt__base_topic=base,
            site__timezone="Europe/Berlin",
        )
        async with bridging(settings(folder, **where)):
            await ears.until(complete)
            await ears.hear("/energy")
        topics = {each.topic.rpartition("/")[2] for each in ears.heard} - {"state"}
        return ears.on("/live")[-1].json, topics, truth(gateway), inverters_w(gateway)


@pytest.mark.parametrize("house", HOUSES, ids="-".join)
async def test_every_source_tells_the_truth_with_the_same_topics_and_keys(
    broker: Mosquitto, keys: Keys, tmp_path: Path, house: House
) -> None:
    found = await asyncio.gather(
        *(
            published(broker, keys, tmp_path / source, house, source, number=number)
            for number, source in enumerate(SOURCES)
        )
    )
    for source, (live, topics, true, reported_w) in zip(SOURCES, found, strict=True):
        expected = true._asdict()
        if house.layout == "net":
            expected["production"] = reported_w
            expected["consumption"] = true.net + reported_w + true.storage
        # A battery's own figure is in whole W.
        within = 1.0 if house.battery == "unmetered" else 0.06
        told = {name: live.get(f"{name}_power") for name in expected}
        there = {name for name, power in told.items() if power is not None}
        assert told == {
            name: pytest.approx(expected[name], abs=within) if name in there else None for name in told
        }
        assert there == topics & set(expected), source
        assert live["source"] == source
        assert "grid_import_power" not in live or live["grid_import_power"] == max(0.0, live["net_power"])
    assert len({tuple(live) for live, *_ in found}) == 1
    assert len({frozenset(topics) for _, topics, *_ in found}) == 1


async def test_a_gateway_without_meters_is_read_from_its_inverters(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    """With metering hardware and without: another page, the same figure."""
    for number, metered in enumerate((True, False)):
        options = Options(layout=Layout.NONE, metered=metered, serial=str(122700000000 + number), **STILL)
        async with (
            Gateway(options, keys=keys) as gateway,
            listening(broker.port, f"envoy/{gateway.serial}/#") as ears,
        ):
            where = target(gateway, broker.port)
            async with bridging(settings(tmp_path / str(number), **where)):
                await ears.hear("/availability", b"online")
                (live,) = await ears.hear("/live")
                (about,) = await ears.hear("/gateway")
            assert live.json["production_power"] == inverters_w(gateway)
            unknown = {key for key, value in live.json.items() if value is None}
            assert unknown == {key for key in live.json if key.startswith("production_")} - {
                "production_power"
            }
            assert live.json["source"] == about.json["source"] == "production"
            assert about.json["source_reason"].startswith("No current transformer is fitted")
            asked = {visit.path for visit in gateway.visits.requests}
            assert {"/production.json", "/api/v1/production"} & asked == {
                "/production.json" if metered else "/api/v1/production"
            }
            assert "/stream/meter" not in asked
