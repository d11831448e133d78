"""Home Assistant is told of the devices there are, and what is gone is emptied, across restarts too.

What was told is remembered in `announced.json` in `data_dir`, by gateway. A change goes out in steps, with
time for Home Assistant between them (`mqtt.migration`); who is interrupted begins again with what is
remembered. A step is over when the broker has it: an outbox without one keeps the newest message of a topic,
and each of a step counts. A gateway is known only once it has said its availability, so that leaves first.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, Protocol

from envoy_mqtt import store
from envoy_mqtt.bridge import Bridge
from envoy_mqtt.line import Line
from envoy_mqtt.mqtt.discovery import Device, Discovery, gateway_device, inverter_device
from envoy_mqtt.mqtt.message import Message
from envoy_mqtt.mqtt.migration import SETTLE_S, Known, Step, changes, known
from envoy_mqtt.outbox import Outbox

NAME = "announced.json"
VERSION = 1

LOOK_EVERY_S = 1.0

# What could not be remembered is tried again after so many looks.
WRITE_AGAIN_LOOKS = 10

UNWRITABLE = "announced devices not remembered"


class Broker(Protocol):
    """Whether one is there, and the how manieth connection to it that is."""

    @property
    def connected(self) -> bool: ...

    connects: int


class Told(NamedTuple):
    """What others were told of one gateway: its devices by node, and its retained topics."""

    devices: dict[str, Known]
    topics: tuple[str, ...]


NOTHING = Told({}, ())


class _Plan(NamedTuple):
    """How one gateway is told of: the steps, what is remembered after the last, and what it was made from."""

    steps: list[Step]
    told: Told
    face: object


class Announcer:
    """Follows all gateways; `options` is `None` where Home Assistant is not wanted."""

    def __init__(
        self,
        folder: Path,
        bridges: Sequence[Bridge],
        options: Discovery | None,
        *,
        outbox: Outbox,
        broker: Broker,
        line: Line,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._path = folder / NAME
        self._bridges, self._options = bridges, options
        self._outbox, self._broker, self._line, self._sleep = outbox, broker, line, sleep
        self._told = self._read()
        self._seen: dict[str, object] = {}
        self._owed: int | None = None  # looks since what was told could not be remembered

    async def run(self) -> NoReturn:
        """Tell what is new, for ever."""
        while True:
            await self._sleep(LOOK_EVERY_S)
            news = self._news()
            if news and self._broker.connected:
                await self._announce(news)
            elif self._owed is not None:
                await self._write_again()

    async def _write_again(self) -> None:
        assert self._owed is not None
        self._owed += 1
        if self._owed >= WRITE_AGAIN_LOOKS:
            await self._write()

    def _news(self) -> dict[str, Bridge | None]:
        """By serial number; of a gateway that is read twice the first counts. Where nobody wants to know of
        them any more, gateways that have not answered yet are there without a bridge.
        """
        met = {each.serial: each for each in reversed(self._bridges) if each.serial and each.site}
        news = {serial: each for serial, each in met.items() if self._seen.get(serial) != _face(each)}
        unwanted = [serial for serial, told in self._told.items() if told.devices and not self._options]
        return {**dict.fromkeys(unwanted), **news}

    async def _announce(self, news: Mapping[str, Bridge | None]) -> None:
        plans = {}
        for serial, bridge in news.items():
            plans[serial] = self._plan(self._told.get(serial, NOTHING), bridge)
            await asyncio.sleep(0)  # a thousand gateways are a second's work
        for step in zip_longest(*(plan.steps for plan in plans.values()), fillvalue=[]):
            if not await self._lead(step):
                return
        self._seen |= {serial: plan.face for serial, plan in plans.items()}
        self._told |= {serial: plan.told for serial, plan in plans.items()}
        await self._write()

    def _plan(self, before: Told, bridge: Bridge | None) -> _Plan:
        devices = self._devices(bridge)
        topics = before.topics if bridge is None else tuple(sorted(bridge.topics))
        gone = [Message(topic, b"", qos=1) for topic in before.topics if topic not in topics]
        told = Told({device.node: known(device) for device in devices}, topics)
        return _Plan([*changes(before.devices, devices), gone], told, bridge and _face(bridge))

    async def _lead(self, step: Sequence[Step]) -> bool:
        """Send a step of all gateways and leave time to deal with it; false where the broker was lost."""
        connects = self._broker.connects
        for messages in step:
            self._outbox.put(messages)
            await asyncio.sleep(0)
        waiting = {message.topic for messages in step for message in messages}
        while waiting and self._broker.connected and self._broker.connects == connects:
            await self._sleep(SETTLE_S)
            waiting = {topic for topic in waiting if self._outbox.holds(topic)}
        return not waiting

    def _devices(self, bridge: Bridge | None) -> list[Device]:
        site, options = bridge.site if bridge else None, self._options
        if bridge is None or site is None or options is None:
            return []
        serial = site.identity.serial
        options = options._replace(configuration_url=bridge.page)
        inverters = [inverter_device(serial, inverter, options) for inverter in bridge.inverters]
        return [gateway_device(site, bridge.keys, options), *inverters]

    def _read(self) -> dict[str, Told]:
        try:
            return store.read(self._path, VERSION, _understand) or {}
        except store.Broken as error:
            self._line.warn("announced devices forgotten", error=str(error))
        except OSError as error:
            self._complain(store.denied(self._path, "read", self._path.parent, error))
        return {}

    async def _write(self) -> None:
        content = {"gateways": {serial: told._asdict() for serial, told in self._told.items()}}
        try:
            await asyncio.to_thread(store.write, self._path, VERSION, content)
            self._line.mended(UNWRITABLE)
            self._owed = None
        except OSError as error:
            self._owed = 0
            self._complain(store.unwritable(self._path.parent, error))

    def _complain(self, sentence: str) -> None:
        self._line.warn(UNWRITABLE, error=sentence, code="disk")


def _face(bridge: Bridge) -> object:
    """What changes whenever there is something new to tell; it is looked at once a second."""
    return bridge.site, bridge.inverters, bridge.page


def _understand(content: dict[str, Any]) -> dict[str, Told]:
    return {
        str(serial): Told(
            {node: _known(was) for node, was in told["devices"].items()}, tuple(map(str, told["topics"]))
        )
        for serial, told in content["gateways"].items()
    }


def _known(was: dict[str, Any]) -> Known:
    if was["style"] not in ("device", "component"):
        raise ValueError
    components = {str(key): str(platform) for key, platform in was["components"].items()}
    return Known(prefix=str(was["prefix"]), style=was["style"], components=components)
