"""Home Assistant is told of the devices there are, and what is gone is emptied, across restarts too.

What was told is remembered in `announced.json` in `data_dir`, by gateway. A change goes out in steps, with
time for Home Assistant between them (`mqtt.migration`); whoever is interrupted begins again with what he
remembers. Steps leave only while the broker is there: an outbox without one keeps the newest message of a
topic, and each of a step counts.
"""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from envoy_mqtt import store
from envoy_mqtt.bridge import Bridge
from envoy_mqtt.line import Line
from envoy_mqtt.mqtt.discovery import Device, Discovery, gateway_device, inverter_device
from envoy_mqtt.mqtt.message import Message
from envoy_mqtt.mqtt.migration import SETTLE_S, Known, changes, known
from envoy_mqtt.mqtt.publisher import Publisher
from envoy_mqtt.outbox import Outbox

NAME = "announced.json"
VERSION = 1

LOOK_EVERY_S = 1.0

UNWRITABLE = "announced devices not remembered"


class Told(NamedTuple):
    """What others were told of one gateway: its devices by node, and its retained topics."""

    devices: dict[str, Known]
    topics: tuple[str, ...]


class Announcer:
    """Follows all gateways; `options` is `None` where Home Assistant is not wanted."""

    def __init__(
        self,
        folder: Path,
        bridges: Sequence[Bridge],
        options: Discovery | None,
        *,
        outbox: Outbox,
        publisher: Publisher,
        line: Line,
    ) -> None:
        self._path = folder / NAME
        self._bridges, self._options = bridges, options
        self._outbox, self._publisher, self._line = outbox, publisher, line
        self._told = self._read()
        self._seen: dict[str, object] = {}

    async def run(self) -> NoReturn:
        """Tell what is new, for ever."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            news = {bridge.serial: bridge for bridge in self._bridges if self._is_new(bridge)}
            if news and self._publisher.connected:
                await self._announce({serial: bridge for serial, bridge in news.items() if serial})

    def _is_new(self, bridge: Bridge) -> bool:
        return bridge.site is not None and self._seen.get(bridge.site.identity.serial) != _face(bridge)

    async def _announce(self, news: Mapping[str, Bridge]) -> None:
        faces = {serial: _face(bridge) for serial, bridge in news.items()}
        devices = {serial: self._devices(bridge) for serial, bridge in news.items()}
        topics = {serial: tuple(sorted(bridge.topics)) for serial, bridge in news.items()}
        before = {node: was for serial in news for node, was in self._before(serial).devices.items()}
        connects = self._publisher.connects
        for step in changes(before, [device for each in devices.values() for device in each]):
            self._outbox.put(step)
            await asyncio.sleep(SETTLE_S)
        for serial, there in topics.items():
            gone = sorted(set(self._before(serial).topics).difference(there))
            self._outbox.put(Message(topic, b"", qos=1) for topic in gone)
        if self._publisher.connected and self._publisher.connects == connects:
            self._seen |= faces
            for serial, each in devices.items():
                self._told[serial] = Told({device.node: known(device) for device in each}, topics[serial])
            self._write()

    def _devices(self, bridge: Bridge) -> list[Device]:
        site, options = bridge.site, self._options
        if site is None or options is None:
            return []
        serial = site.identity.serial
        options = options._replace(configuration_url=bridge.page)
        inverters = [inverter_device(serial, inverter, options) for inverter in bridge.inverters]
        return [gateway_device(site, bridge.keys, options, bridge.tariff), *inverters]

    def _before(self, serial: str) -> Told:
        return self._told.get(serial, Told({}, ()))

    def _read(self) -> dict[str, Told]:
        try:
            return store.read(self._path, VERSION, _understand) or {}
        except store.Broken as error:
            self._line.warn("announced devices forgotten", error=str(error))
        except OSError as error:
            self._complain(store.denied(self._path, "read", self._path.parent, error))
        return {}

    def _write(self) -> None:
        content = {serial: told._asdict() for serial, told in self._told.items()}
        try:
            store.write(self._path, VERSION, {"gateways": content})
            self._line.mended(UNWRITABLE)
        except OSError as error:
            self._complain(store.unwritable(self._path.parent, error))

    def _complain(self, sentence: str) -> None:
        self._line.warn(UNWRITABLE, error=sentence, code="disk")


def _face(bridge: Bridge) -> object:
    """What changes whenever there is something new to tell."""
    return bridge.site, bridge.keys, bridge.inverters, bridge.topics


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
