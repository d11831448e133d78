"""The broker's sockets and its clock: everything that is decided, `Exchange` decides."""

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Self, cast

from envoy_mqtt.simulator.broker.exchange import Exchange
from envoy_mqtt.simulator.broker.session import MAX_BACKLOG

# MQTT counts in seconds; a tenth is as exact as any of its times can be.
TICK_S = 0.1


class Broker:
    """An MQTT broker on `host`; port 0 takes a free one, and `port` says which.

    Raises `OSError` on entering when the port is taken. Leaving ends all connections at once, version 5's
    with a reason. Let `host` be an address: a name may stand for two, with a free port each.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.host = host
        self.port = port
        self._exchange = Exchange()
        self._links: set[_Link] = set()

    @property
    def retained(self) -> Mapping[str, bytes]:
        """The retained payloads by topic, as they are now."""
        now = self._loop.time()
        kept = self._exchange.retained.values()
        return {one.publish.topic: one.publish.payload for one in kept if one.expires_at > now}

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._server = await self._loop.create_server(self._accept, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        self._tick()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self._timer.cancel()
        self._exchange.close(self._loop.time())
        gone = [link.gone for link in self._links]
        _flush(self._links)
        if gone:
            await asyncio.wait(gone)
        await self._server.wait_closed()

    def _accept(self) -> "_Link":
        return _Link(self._exchange, self._links, self._loop)

    def _tick(self) -> None:
        self._exchange.tick(self._loop.time())
        _flush(self._links)
        self._timer = self._loop.call_later(TICK_S, self._tick)


class _Link(asyncio.Protocol):
    """One client's socket. asyncio itself sets TCP_NODELAY (see `loop.create_server`)."""

    def __init__(self, exchange: Exchange, links: set["_Link"], loop: asyncio.AbstractEventLoop) -> None:
        self.gone = loop.create_future()
        self._exchange = exchange
        self._links = links
        self._loop = loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._connection = self._exchange.accept(self._loop.time())
        self._links.add(self)
        self.flush()

    def data_received(self, data: bytes) -> None:
        self._exchange.receive(self._connection, data, self._loop.time())
        _flush(self._links)

    def connection_lost(self, _: Exception | None) -> None:
        self._links.discard(self)
        self._exchange.lost(self._connection, self._loop.time())
        self.gone.set_result(None)
        _flush(self._links)

    def resume_writing(self) -> None:
        """The slow reader has caught up."""
        self._transport.resume_reading()
        self._refill()
        self.flush()

    def flush(self) -> None:
        """Writes what the exchange left here, and what then has room."""
        while data := self._connection.take():
            self._transport.write(data)
            self._refill()
        if self._connection.closing:
            # Who does not read will not read why either, and would keep the socket open for ever.
            (self._transport.abort if self._connection.backlog else self._transport.close)()
        elif self._connection.backlog > 2 * MAX_BACKLOG:
            # Messages stop at MAX_BACKLOG, so these are answers: no more of them before some are read.
            self._transport.pause_reading()

    def _refill(self) -> None:
        self._connection.backlog = self._transport.get_write_buffer_size()
        if self._connection.session and not self._connection.closing:
            self._connection.session.drain(self._loop.time())


def _flush(links: set[_Link]) -> None:
    for link in links:
        link.flush()
