"""A lean subscriber: MQTT 3.1.1, QoS 0, and a stamp the moment the bytes are there.

Its own because it stands in the way of what is measured: it takes a few microseconds a message where a
client library takes fifty.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

PUBLISH, SUBACK = 3, 9


class Heard(NamedTuple):
    """One message, and when it came, in nanoseconds of CLOCK_MONOTONIC."""

    topic: str
    payload: bytes
    at_ns: int


class Ears(asyncio.Protocol):
    """Hands every message to `hear`."""

    def __init__(self, hear: Callable[[Heard], None], topics: tuple[str, ...]) -> None:
        self._hear = hear
        self._topics = topics
        self._rest = b""
        self._news = asyncio.Event()
        self._subscribed = False
        self._error: Exception | None = None

    async def until(self, enough: Callable[[], bool]) -> None:
        """Wait until what was heard is enough."""
        while not enough():
            self._news.clear()
            await self._news.wait()
            if self._error is not None:
                raise self._error

    async def subscribed(self) -> None:
        """Wait until the broker has agreed."""
        await self.until(lambda: self._subscribed)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connect, with a clean session and no keep-alive (section 3.1), and subscribe (3.8)."""
        assert isinstance(transport, asyncio.Transport)
        filters = b"".join(_text(topic) + b"\x00" for topic in self._topics)
        transport.write(
            _packet(0x10, _text("MQTT") + b"\x04\x02\x00\x00" + _text("benchmark"))
            + _packet(0x82, b"\x00\x01" + filters)
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits shall not wait for ever."""
        self._error = exc or ConnectionError("the broker closed the subscriber's connection")
        self._news.set()

    def data_received(self, data: bytes) -> None:
        """Take all packets that are complete."""
        at_ns = time.monotonic_ns()
        data = self._rest + data
        start = 0
        while (packet := _cut(data, start)) is not None:
            body, end = packet
            self._take(data[start], data[body:end], at_ns)
            start = end
        self._rest = data[start:]
        self._news.set()

    def _take(self, head: int, body: bytes, at_ns: int) -> None:
        if head >> 4 == PUBLISH:
            topic_end = 2 + int.from_bytes(body[:2], "big")
            self._hear(Heard(body[2:topic_end].decode(), body[topic_end:], at_ns))
        elif head >> 4 == SUBACK:
            self._subscribed = True


@asynccontextmanager
async def listening(port: int, hear: Callable[[Heard], None], *topics: str) -> AsyncIterator[Ears]:
    """A subscriber on the broker at this port, for as long as the block lasts."""
    loop = asyncio.get_running_loop()
    transport, ears = await loop.create_connection(lambda: Ears(hear, topics), "127.0.0.1", port)
    try:
        await ears.subscribed()
        yield ears
    finally:
        transport.abort()


def _text(text: str) -> bytes:
    data = text.encode()
    return len(data).to_bytes(2, "big") + data


def _packet(head: int, body: bytes) -> bytes:
    assert len(body) < 128
    return bytes((head, len(body))) + body


def _cut(data: bytes, start: int) -> tuple[int, int] | None:
    """Where the body of the packet at `start` begins and ends; None while it is not complete."""
    length, place = 0, start + 1
    for shift in (0, 7, 14, 21):
        if place >= len(data):
            return None
        length |= (data[place] & 127) << shift
        place += 1
        if data[place - 1] < 128:
            break
    return (place, place + length) if place + length <= len(data) else None
