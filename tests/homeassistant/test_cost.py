"""A workday with all of a tariff's periods, in a minute: what Home Assistant says it cost, and what we say.

The bridge is the pure one, in the time of a simulated house in Sydney: what it has to say of each minute goes
to the broker in its order, as fast as Home Assistant takes it. That one multiplies each rise of the energy it
sees by the price it sees then: at a change of period the energy of one interval at most gets the other price.
"""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import aiomqtt
import pytest

from envoy_mqtt.bridge import Bridge
from envoy_mqtt.gateway.answers import read_info, read_meters
from envoy_mqtt.model import Instant, Site
from envoy_mqtt.mqtt.about import Access
from envoy_mqtt.mqtt.discovery import Discovery, gateway_device, messages
from envoy_mqtt.mqtt.message import ONLINE, Message
from envoy_mqtt.mqtt.payload import Publish
from envoy_mqtt.simulator.installation import Installation
from envoy_mqtt.simulator.options import Options
from envoy_mqtt.summary import Sums
from tests.homeassistant.core import HomeAssistant
from tests.homeassistant.entities import States, entity
from tests.homeassistant.test_tariff import BY_PRICE
from tests.mosquitto import Mosquitto
from tests.tariff.ausgrid import PRICES, TARIFF

SYDNEY = ZoneInfo("Australia/Sydney")
HOUSE = Options(utc_offset_s=11 * 3600.0, array_w=20_000.0)

# A Monday in summer, a few minutes before the day and after it.
BEGIN = datetime(2026, 11, 22, 23, 55, tzinfo=SYDNEY).timestamp()
END = datetime(2026, 11, 24, 0, 5, tzinfo=SYDNEY).timestamp()

READINGS = "/ivp/meters/readings"
INTERVAL_S = 60
READING_S = 10

IMPORTED, EXPORTED = entity("lifetime_net_energy_consumption"), entity("lifetime_net_energy_production")


class Day:
    """A house, its gateway and a bridge; `said` is the last payload by topic."""

    def __init__(self) -> None:
        self._house = Installation(HOUSE, BEGIN)
        sums = Sums(energy_s=INTERVAL_S, state_s=INTERVAL_S, zone=SYDNEY, tariff=TARIFF)
        self._bridge = Bridge(Publish(), sums=sums)
        self._unix = BEGIN
        info, meters = (self._house.answer(path, BEGIN) for path in ("/info", "/ivp/meters"))
        assert info is not None
        assert meters is not None
        self.site = Site(read_info(info.body), read_meters(meters.body))
        self._bridge.identify(self.site, Access("127.0.0.1"))
        self._bridge.open(self._now)
        self.said: dict[str, dict[str, Any]] = {}

    @property
    def _now(self) -> Instant:
        return Instant(self._unix - BEGIN, self._unix)

    def devices(self) -> list[Message]:
        """What Home Assistant is told before anything else."""
        head = f"envoy/{HOUSE.serial}/availability"
        there = [Message("envoy/bridge/state", ONLINE), Message(head, ONLINE)]
        return messages(gateway_device(self.site, self._bridge.keys, Discovery(), TARIFF)) + there

    def minutes(self, count: int) -> Iterator[Message]:
        """What is said in so many minutes of what entities read."""
        end = self._unix + 60.0 * count
        while self._unix < end:
            self._unix += READING_S
            changes = self._bridge.changes
            yield from self._say(self._bridge.receive(self._house.event(self._unix), self._now))
            yield from self._say(self._bridge.sum_up(self._now))
            if self._bridge.changes != changes or self._unix % INTERVAL_S == 0:
                yield from self._count()

    def _count(self) -> Iterator[Message]:
        """The counters are read a moment later, and what they say is told at the next second."""
        unix = self._unix
        self._unix = unix + 1.3
        counted = self._house.answer(READINGS, self._unix)
        assert counted is not None
        yield from self._say(list(self._bridge.answer(READINGS, counted.body, self._now)))
        self._unix = unix + 2.0
        yield from self._say(self._bridge.sum_up(self._now))
        self._unix = unix

    def _say(self, told: list[Message]) -> Iterator[Message]:
        for message in told:
            name = message.topic.rpartition("/")[2]
            if name in ("state", "tariff"):
                self.said[name] = json.loads(message.payload)
                yield message


def shown(states: States, name: str) -> float | None:
    """A number of Home Assistant; `None` where there is none yet."""
    state = states.get(name, {"state": "unknown"})["state"]
    return None if state in ("unknown", "unavailable") else float(state)


@asynccontextmanager
async def telling(port: int) -> AsyncIterator[Any]:
    """Tell the broker messages in their order, each when the one before is acknowledged."""
    async with aiomqtt.Client("127.0.0.1", port, timeout=60) as client:

        async def tell(told: Iterator[Message] | list[Message]) -> None:
            for each in told:
                await client.publish(each.topic, each.payload, qos=1, retain=True)

        yield tell


@pytest.mark.timeout(600)
async def test_its_own_cost_and_ours_agree_within_one_intervals_energy(
    house: HomeAssistant, broker: Mosquitto
) -> None:
    day = Day()
    async with telling(broker.port) as tell:
        await tell(day.devices())
        await tell(day.minutes(4))
        first = day.said["state"]["grid_import_energy"]
        await house.until(lambda it: shown(it, IMPORTED) == first)
        await house.ask("energy/save_prefs", energy_sources=[BY_PRICE])
        states = await house.until(lambda it: f"{EXPORTED}_compensation" in it and f"{IMPORTED}_cost" in it)
        assert float(states[f"{IMPORTED}_cost"]["state"]) == 0.0
        before = day.said
        day.said = {}
        most_kwh = 0.0
        last = first
        for _ in range(24 * 60 + 6):
            await tell(day.minutes(1))
            imported = day.said["state"]["grid_import_energy"]
            most_kwh, last = max(most_kwh, imported - last), imported
        told = day.said
        states = await house.until(lambda it: shown(it, IMPORTED) == last)
        await house.do("statistics_now.compile")
        assert await house.ask("energy/validate") == {"energy_sources": [[]], "device_consumption": []}

    rise = {key: told["tariff"][key] - before["tariff"][key] for key in ("import_cost", "export_revenue")}
    theirs = {
        "import_cost": float(states[f"{IMPORTED}_cost"]["state"]),
        "export_revenue": float(states[f"{EXPORTED}_compensation"]["state"]),
    }
    for period in PRICES:
        key = f"grid_import_energy_{period}"
        assert told["tariff"][key] - before["tariff"][key] > 0.5, "all periods are in the day"
    assert theirs["import_cost"] == pytest.approx(rise["import_cost"], abs=most_kwh * max(PRICES.values()))
    assert theirs["export_revenue"] == pytest.approx(rise["export_revenue"], abs=1e-3)
    assert house.warnings() == []
