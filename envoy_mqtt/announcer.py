"""Home Assistant is told of the devices there are, and what is gone is emptied, across restarts too.

What was told is remembered in `announced.json` in `data_dir`, by gateway; of one that was replaced all goes,
once every configured gateway is read and none of them is it. A change goes out in steps, with
time for Home Assistant between them (`mqtt.migration`), remembered before the first; who is interrupted
begins again. A step is over when the broker has it: an outbox without one keeps the newest message of a
topic, and each of a step counts. A gateway is known only once it has said its availability, so that leaves
first.
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
from envoy_mqtt.mqtt.migration import SETTLE_S, Known, Step, changes, known, meanwhile
from envoy_mqtt.outbox import Outbox

NAME = "announced.json"
VERSION = 1

LOOK_EVERY_S = 1.0

# What could not be remembered is tried again after so many looks.
WRITE_AGAIN_LOOKS = 10
# How often to look whether the broker has taken a step.
TAKEN_EVERY_S = 0.1

UNWRITABLE = "announced devices not remembered"


class Broker(Protocol):
    """Whether one is there, and how many connections to it there have been."""

    @property
    def connected(self) -> bool: ...

    connects: int


class Told(NamedTuple):
    """What others were told of one gateway: its devices by node, and its retained topics."""

    devices: dict[str, Known]
    topics: tuple[str, ...]


NOTHING = Told({}, ())


class _Plan(NamedTuple):
    """How one gateway is told of: the steps, what is remembered before the first (`meanwhile`) and after the
    last (`told`), and what it was made from.
    """

    steps: list[Step]
    meanwhile: Told
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
        return {**dict.fromkeys(unwanted), **dict.fromkeys(self._replaced()), **news}

    def _replaced(self) -> set[str]:
        """Gateways that none of ours can be: each of those has said who it is, and is read."""
        if not self._bridges or not all(each.online for each in self._bridges):
            return set()
        ours = {each.serial for each in self._bridges}
        return {serial for serial, told in self._told.items() if told != NOTHING} - ours

    async def _announce(self, news: Mapping[str, Bridge | None]) -> None:
        plans, replaced = {}, self._replaced()
        for serial, bridge in news.items():
            plans[serial] = self._plan(self._told.get(serial, NOTHING), bridge, gone=serial in replaced)
            await asyncio.sleep(0)  # a thousand gateways are a second's work
        await self._remember({serial: plan.meanwhile for serial, plan in plans.items()})
        connects = self._broker.connects
        for number, step in enumerate(zip_longest(*(plan.steps for plan in plans.values()), fillvalue=[])):
            if number:
                await self._sleep(SETTLE_S)
            if not await self._lead(step, connects):
                return
        self._seen |= {serial: plan.face for serial, plan in plans.items()}
        await self._remember({serial: plan.told for serial, plan in plans.items()})
        for serial in replaced:
            self._line.note("replaced gateway's topics emptied", serial=serial)

    def _plan(self, before: Told, bridge: Bridge | None, *, gone: bool) -> _Plan:
        devices = self._devices(bridge)
        kept = () if gone else before.topics
        topics = kept if bridge is None else tuple(sorted(bridge.topics))
        farewell = [Message(topic, b"", qos=1) for topic in before.topics if topic not in topics]
        both = Told(meanwhile(before.devices, devices), tuple(sorted({*before.topics, *topics})))
        told = Told({device.node: known(device) for device in devices}, topics)
        steps = changes(before.devices, devices) + [farewell] * bool(farewell)
        return _Plan(steps, both, told, bridge and _face(bridge))

    async def _lead(self, step: Sequence[Step], connects: int) -> bool:
        """Send a step of all gateways; whether the broker has it, over this connection."""
        waiting = {message.topic for messages in step for message in messages}
        for messages in step if self._is_there(connects) else ():
            self._outbox.put(messages)
            await asyncio.sleep(0)
        while self._is_there(connects):
            waiting = {topic for topic in waiting if self._outbox.holds(topic)}
            if not waiting:
                return True
            await self._sleep(TAKEN_EVERY_S)
        return False

    def _is_there(self, connects: int) -> bool:
        return self._broker.connected and self._broker.connects == connects

    def _devices(self, bridge: Bridge | None) -> list[Device]:
        site, options = bridge.site if bridge else None, self._options
        if bridge is None or site is None or options is None:
            return []
        serial = site.identity.serial
        options = options._replace(configuration_url=options.configuration_url or bridge.page)
        inverters = [inverter_device(serial, inverter, options) for inverter in bridge.inverters]
        return [gateway_device(site, bridge.keys, options, bridge.tariff), *inverters]

    def _read(self) -> dict[str, Told]:
        try:
            return store.read(self._path, VERSION, _understand) or {}
        except store.Broken as error:
            self._line.warn("announced devices forgotten", error=str(error))
        except OSError as error:
            self._complain(store.denied(self._path, "read", self._path.parent, error))
        return {}

    async def _remember(self, told: Mapping[str, Told]) -> None:
        if any(self._told.get(serial) != each for serial, each in told.items()):
            self._told |= told
            await self._write()

    async def _write(self) -> None:
        told = {serial: each._asdict() for serial, each in self._told.items() if each != NOTHING}
        content = {"gateways": told}
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
