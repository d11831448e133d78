"""What stands for a bridge and its gateway here: it says what they would, by the contract.

The tests know its verbs and what lies on the broker, and nothing else of it: `envoy-mqtt run` before a
simulated gateway, with the same verbs, is as good a source.
"""

import asyncio
import json
from collections.abc import Iterable
from contextlib import AsyncExitStack, suppress
from typing import Any, Self

import aiomqtt

from envoy_mqtt.mqtt.discovery import Device, messages
from envoy_mqtt.mqtt.message import Message
from envoy_mqtt.mqtt.migration import SETTLE_S, Known, Step, changes, known

BRIDGE = "envoy/bridge/state"


class Puppet:
    """A bridge with one gateway; `devices` are what it has told Home Assistant of, `heard` its requests."""

    def __init__(self, port: int, serial: str, state: dict[str, Any], *devices: Device) -> None:
        self._port = port
        self._head = f"envoy/{serial}"
        self._gateway = {"source": "stream", "firmware": "D8.3.5167", "token_expires": "2027-09-21T00:00:00Z"}
        self.state = state
        self._devices = devices
        self.heard: list[tuple[str, bytes]] = []

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def start(self) -> None:
        """Connect and say everything: availability before discovery."""
        self._stack = AsyncExitStack()
        self._client = await self._stack.enter_async_context(aiomqtt.Client("127.0.0.1", self._port))
        await self._client.subscribe("envoy/bridge/request/+", qos=1)
        listening = asyncio.create_task(self._listen(self._client))
        self._stack.callback(listening.cancel)
        await self._say(BRIDGE, b"online")
        await self.wake()
        await self._say(f"{self._head}/gateway", json.dumps(self._gateway).encode())
        await self.send([message for device in self._devices for message in messages(device)])
        await self.say_state()

    async def kill(self) -> None:
        """End as a power cut ends it: the broker speaks its will, and nothing else is said."""
        await self._say(BRIDGE, b"offline")
        await self._stack.aclose()

    async def silence(self) -> None:
        """No reading comes from the gateway any more."""
        await self._say(f"{self._head}/availability", b"offline")

    async def wake(self) -> None:
        """Readings come again."""
        await self._say(f"{self._head}/availability", b"online")

    async def say_state(self, **values: Any) -> None:
        self.state |= values
        await self._say(f"{self._head}/state", json.dumps(self.state).encode())

    async def say_inverter(self, serial: str, **values: Any) -> None:
        await self._say(f"{self._head}/inverter/{serial}", json.dumps(values).encode())

    async def become(self, *devices: Device) -> None:
        """Its gateway, or its configuration, is another one now."""
        before: dict[str, Known] = {device.node: known(device) for device in self._devices}
        self._devices = devices
        for step in changes(before, devices):
            await self.send(step)
            await asyncio.sleep(SETTLE_S)

    async def send(self, step: Iterable[Message] | Step) -> None:
        for message in step:
            await self._say(message.topic, message.payload)

    async def _say(self, topic: str, payload: bytes) -> None:
        await self._client.publish(topic, payload, qos=1, retain=True)

    async def _listen(self, client: aiomqtt.Client) -> None:
        with suppress(aiomqtt.MqttError):
            async for message in client.messages:
                assert isinstance(message.payload, bytes)
                self.heard.append((str(message.topic), message.payload))
