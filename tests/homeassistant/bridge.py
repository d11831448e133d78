"""`envoy-mqtt run` before a simulated gateway: it can be stopped, killed, and started with other settings."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

import aiomqtt

from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options
from tests.e2e.harness import Process, eventually, listening
from tests.homeassistant.entities import HOUSE, SERIAL
from tests.mosquitto import Mosquitto

# All as fast as a configuration allows where a test waits for it.
BRISK = {"homeassistant__interval_s": 1, "energy__interval_s": 5, "availability__timeout_s": 2}


class Bridge:
    """One installation with its folder; `keys` are settings, dots written `__`."""

    def __init__(self, folder: Path, port: int, gateway: Gateway, **keys: object) -> None:
        self._folder = folder
        self._keys = {
            **BRISK,
            "gateway__host": f"127.0.0.1:{gateway.port}",
            "gateway__token": gateway.owner_token,
            "mqtt__host": "127.0.0.1",
            "mqtt__port": port,
            **keys,
        }

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._process.__aexit__()

    async def start(self, **keys: object) -> None:
        """Run, with these settings changed from now on."""
        self._keys |= keys
        self._process = await Process(self._folder, **self._keys).__aenter__()

    async def stop(self) -> None:
        """End it as a service manager does."""
        status, _ = await self._process.stop(signal.SIGTERM)
        assert status == 0

    async def kill(self) -> None:
        """End it as a power cut does: nothing but its will is left to speak."""
        await self._process.stop(signal.SIGKILL)

    async def restart(self, **keys: object) -> None:
        """Stop it and start it with these settings changed."""
        await self.stop()
        await self.start(**keys)


class Stage:
    """A broker, and a folder for the bridges that play on it."""

    def __init__(self, folder: Path, broker: Mosquitto, keys: Keys) -> None:
        self._folder, self.broker, self._keys = folder, broker, keys

    @asynccontextmanager
    async def bridged(
        self, options: Options = HOUSE, folder: str = "bridge", **settings: object
    ) -> AsyncIterator[tuple[Bridge, Gateway]]:
        """A gateway, and the bridge that reads it."""
        place = self._folder / folder
        place.mkdir()
        async with (
            Gateway(options, keys=self._keys) as gateway,
            Bridge(place, self.broker.port, gateway, **settings) as bridge,
        ):
            yield bridge, gateway

    async def kept(self) -> dict[str, bytes]:
        """All that the broker keeps."""
        async with (
            listening(self.broker.port, "#") as ears,
            aiomqtt.Client("127.0.0.1", self.broker.port) as client,
        ):
            await client.publish("end", qos=1)
            await ears.hear("end")
        return {each.topic: each.payload for each in ears.heard if each.retain and each.payload}

    async def until_kept(self, enough: Callable[[Mapping[str, bytes]], bool]) -> None:
        """Wait until what the broker keeps is so; who is subscribed already is not told."""
        async with asyncio.timeout(60):
            while not enough(await self.kept()):  # noqa: ASYNC110
                await asyncio.sleep(0.2)

    async def until_gone(self, *names: str) -> None:
        """Wait until these topics of the gateway are empty."""
        topics = {f"envoy/{SERIAL}/{name}" for name in names}
        await self.until_kept(lambda kept: not topics & kept.keys())

    async def until_told(self, count: int) -> None:
        """Wait until so many discovery topics are kept."""
        await self.until_kept(lambda kept: sum(topic.endswith("/config") for topic in kept) == count)

    async def until_remembered(self, name: str, text: str) -> None:
        """Wait until a file of the bridge says this."""
        path = self._folder / "bridge" / "data" / name
        await eventually(lambda: path.exists() and text in path.read_text())
