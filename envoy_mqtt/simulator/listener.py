"""A port that listens, with an HTTP server behind it; a gateway has one, and some have a port 80 too."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable

from aiohttp import web

from envoy_mqtt.simulator import headers
from envoy_mqtt.simulator.door import Door

# At shutdown every connection is cut first, so that nothing is left to wait for.
SHUTDOWN_S = 0.5

Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Listener:
    """`handle` answers every request; `connected` is called with each connection, before it counts."""

    def __init__(
        self,
        host: str,
        port: int,
        context: ssl.SSLContext | None,
        handle: Handle,
        connected: Callable[[], None],
    ) -> None:
        self.door = Door(host, port, context, self._accept)
        self._connected = connected
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handle)
        app.on_response_prepare.append(headers.tidy)
        # Handlers are cancelled when their client goes: so end silent answers and streams.
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=SHUTDOWN_S
        )

    @property
    def connections(self) -> int:
        """Connections that are open now, past their TLS handshake."""
        return len(self._runner.server.connections) if self._runner.server else 0

    async def start(self) -> None:
        """Be ready; the door is opened by whoever wants it open."""
        await self._runner.setup()

    async def stop(self) -> None:
        """Cut every connection, and give the port back."""
        self.door.close()
        self.hang_up()
        await self._runner.cleanup()

    def hang_up(self) -> None:
        """Close every connection without a word."""
        for handler in self._runner.server.connections if self._runner.server else ():
            if handler.transport is not None:
                handler.transport.abort()

    def _accept(self) -> asyncio.BaseProtocol:
        server = self._runner.server
        assert server is not None  # It starts before the door opens.
        self._connected()
        return server()
