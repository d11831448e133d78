"""A simulated gateway, followed as `run` does it but without a broker: what would be published, in order."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from envoy_mqtt.bridge import Bridge
from envoy_mqtt.clock import steady
from envoy_mqtt.gateway.auth import Cloud
from envoy_mqtt.gateway.client import Target, follow
from envoy_mqtt.gateway.ladder import Ladder
from envoy_mqtt.gateway.pins import Pins
from envoy_mqtt.gateway.plan import Wanted
from envoy_mqtt.gateway.road import Road
from envoy_mqtt.gateway.tokens import Tokens
from envoy_mqtt.line import Line
from envoy_mqtt.mqtt.message import Message
from envoy_mqtt.mqtt.payload import Publish
from envoy_mqtt.outbox import Outbox
from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.supervise import keep

PATIENCE_S = 90.0

Token = dict[str, str | None]


class Followed:
    """One gateway on its way through `bridge`: `said` is every message, oldest first."""

    def __init__(self, bridge: Bridge, line: Line) -> None:
        self.bridge = bridge
        self.line = line
        self.said: list[Message] = []
        self.token: Token = {}
        self._news = asyncio.Event()

    def on(self, topic: str) -> list[Any]:
        """The payloads of a topic, as their reader sees them."""
        return [json.loads(it.payload) for it in self.said if it.topic.endswith(f"/{topic}") and it.payload]

    @property
    def sources(self) -> list[str]:
        """The source of each reading."""
        return [live["source"] for live in self.on("live")]

    @property
    def reason(self) -> str:
        """Why from there, as last told."""
        return str(self.on("gateway")[-1]["source_reason"])

    async def until(self, enough: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
        """Wait until what was said is enough."""
        async with asyncio.timeout(patience_s):
            while not enough():
                self._news.clear()
                await self._news.wait()

    async def read_from(self, source: str, count: int = 2) -> list[Any]:
        """Wait for so many more readings from a source; the last ones."""
        before = self.sources.count(source)
        await self.until(lambda: self.sources.count(source) >= before + count)
        return [live for live in self.on("live") if live["source"] == source][-count:]

    async def listen(self, outbox: Outbox) -> None:
        while True:
            message = await outbox.next()
            self.said.append(message)
            outbox.sent(message)
            self._news.set()


@asynccontextmanager
async def following(
    gateway: Gateway,
    folder: Path,
    *,
    ladder: Ladder | None = None,
    wanted: Wanted | None = None,
    token: str | None = None,
) -> AsyncIterator[Followed]:
    """Follow a gateway while the block lasts; `followed.token` may be changed meanwhile."""
    line, outbox = Line("gateway"), Outbox()
    bridge = Bridge(Publish(meters=False), wanted or Wanted(), books={})
    followed = Followed(bridge, line)
    followed.token["text"] = token or gateway.owner_token
    nowhere = Cloud("http://127.0.0.1:9", "http://127.0.0.1:9")
    tokens = Tokens(folder, lambda: followed.token["text"], None, nowhere, line)
    ladder = ladder or Ladder()
    target = Target(f"{gateway.host}:{gateway.port}", None, tokens, Road(), ladder)
    outbox.open(steady())

    async def attempt() -> None:
        await follow(target, bridge, outbox, line, Pins(folder))

    jobs = [
        asyncio.create_task(keep(attempt, line)),  # type: ignore[arg-type]
        asyncio.create_task(tokens.renewing(lambda it: outbox.put(bridge.renew(it.claims.role, None)))),
        asyncio.create_task(followed.listen(outbox)),
    ]
    try:
        yield followed
    finally:
        for job in jobs:
            job.cancel()
        await asyncio.wait(jobs)
        for job in jobs:
            assert job.cancelled(), job.exception()
