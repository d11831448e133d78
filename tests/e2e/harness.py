"""What the end-to-end tests stand on: a bridge in this process or its own, and ears on the broker."""

import asyncio
import contextlib
import json
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import aiomqtt

from envoy_mqtt.app import App
from envoy_mqtt.config import Settings, load
from envoy_mqtt.simulator.gateway import Gateway

NODELAY = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)

# Far longer than anything takes, on a busy machine too; a test that waits this long has failed.
PATIENCE_S = 90.0


class Heard(NamedTuple):
    """One message as a subscriber got it, and when."""

    topic: str
    payload: bytes
    retain: bool
    at: float

    @property
    def json(self) -> Any:
        return json.loads(self.payload)


class Ears:
    """A subscriber that remembers everything."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self._news = asyncio.Event()

    def add(self, message: aiomqtt.Message) -> None:
        payload = message.payload if isinstance(message.payload, bytes) else b""
        self.heard.append(Heard(str(message.topic), payload, message.retain, time.monotonic()))
        self._news.set()

    def on(self, ending: str) -> list[Heard]:
        """What came on topics with this ending."""
        return [each for each in self.heard if each.topic.endswith(ending)]

    async def until(self, enough: Callable[["Ears"], bool], patience_s: float = PATIENCE_S) -> None:
        """Wait until what was heard is enough."""
        async with asyncio.timeout(patience_s):
            while not enough(self):
                self._news.clear()
                await self._news.wait()

    async def hear(self, ending: str, payload: bytes | None = None, count: int = 1) -> list[Heard]:
        """Wait for so many messages on topics with this ending, with this payload if one is given."""

        def fitting() -> list[Heard]:
            return [each for each in self.on(ending) if payload is None or each.payload == payload]

        await self.until(lambda _: len(fitting()) >= count)
        return fitting()


@asynccontextmanager
async def listening(port: int, topic: str = "envoy/#", ears: Ears | None = None) -> AsyncIterator[Ears]:
    """Ears on a broker, or those that are given."""
    ears = ears or Ears()

    async def listen(client: aiomqtt.Client) -> None:
        with contextlib.suppress(aiomqtt.MqttError):
            async for message in client.messages:
                ears.add(message)

    async with aiomqtt.Client("127.0.0.1", port, socket_options=NODELAY, timeout=10) as client:
        await client.subscribe(topic, qos=1)
        task = asyncio.create_task(listen(client))
        try:
            yield ears
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def retained(port: int, topics: set[str]) -> dict[str, bytes]:
    """What a broker keeps on topics below `envoy/`, once it keeps these.

    Who is subscribed when a message comes gets it as news; only who subscribes later sees what is kept.
    """
    for _ in range(2):
        async with listening(port) as ears:
            await ears.until(lambda it: topics <= {each.topic for each in it.heard})
    return {each.topic: each.payload for each in ears.heard if each.retain}


async def eventually(condition: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
    """Wait for something that tells nobody when it happens: a file, a counter, a process."""
    async with asyncio.timeout(patience_s):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def settings(folder: Path, environ: dict[str, str] | None = None, **overrides: object) -> Settings:
    """A configuration in which only what is given differs from the defaults; dots are written `__`.

    There is no web server unless one is asked for: tests run side by side, and there is one port 8099.
    """
    keys = {key.replace("__", "."): value for key, value in overrides.items()}
    ours = {"data_dir": str(folder / "data"), "web.enabled": False}
    return load(None, environ=environ or {}, cwd=folder, overrides={**ours, **keys})


def addresses(gateway: Gateway, broker_port: int, **more: object) -> dict[str, Any]:
    """Settings that lead to a simulated gateway and a broker on this machine."""
    return {
        "gateway__host": f"127.0.0.1:{gateway.port}",
        "mqtt__host": "127.0.0.1",
        "mqtt__port": broker_port,
        **more,
    }


def target(gateway: Gateway, broker_port: int, **more: object) -> dict[str, Any]:
    """The same, with a token of the owner's unless another is given."""
    return addresses(gateway, broker_port, **{"gateway__token": gateway.owner_token, **more})


@asynccontextmanager
async def bridging(settings: Settings) -> AsyncIterator[App]:
    """A bridge in this process, told to stop at the end."""
    stop = asyncio.Event()
    app = App(settings)
    task = asyncio.create_task(app.run(stop))
    try:
        yield app
    finally:
        stop.set()
        async with asyncio.timeout(10):
            await task


class Process:
    """`envoy-mqtt run` as people run it; `beside` are variables that are not our own."""

    def __init__(
        self, folder: Path, beside: Mapping[str, str] = MappingProxyType({}), /, **keys: object
    ) -> None:
        self._folder = folder
        self._environ = dict(beside) | {
            f"ENVOY_{key.upper()}": str(value)
            for key, value in {"data_dir": folder / "data", "web__enabled": False, **keys}.items()
        }
        self._log = folder / "log"

    async def __aenter__(self) -> "Process":
        with self._log.open("wb") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "envoy_mqtt", "run"),
                env={**os.environ, "PYTHONWARNINGS": "error", **self._environ},
                cwd=self._folder,
                stderr=log,
            )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

    async def stop(self, number: int) -> tuple[int, float]:
        """Send a signal; the exit status and the seconds it took."""
        start = time.monotonic()
        self.process.send_signal(number)
        async with asyncio.timeout(PATIENCE_S):
            status = await self.process.wait()
        return status, time.monotonic() - start

    @property
    def log(self) -> list[dict[str, Any]]:
        """The log's lines; whatever is not one of ours fails the test that reads it."""
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    async def says(self, event: str) -> None:
        """Wait for a line in the log."""
        await eventually(lambda: any(line["event"] == event for line in self.log))


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
