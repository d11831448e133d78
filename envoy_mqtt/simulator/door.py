"""The listening socket of a gateway, which can be closed and opened again on the same port."""

import asyncio
import socket
import ssl
from collections.abc import Callable

from envoy_mqtt.errors import ConfigError


class Door:
    """Where connections come in. `port` 0 becomes the port the system chose."""

    def __init__(
        self, host: str, port: int, context: ssl.SSLContext | None, accept: Callable[[], asyncio.BaseProtocol]
    ) -> None:
        self.host = host
        self.port = port
        self._context = context
        self._accept = accept
        self._server: asyncio.Server | None = None
        self._held: socket.socket | None = None

    async def open(self) -> None:
        """Listen, again or for the first time; raises ConfigError where the port cannot be had."""
        if self._server is not None:
            return
        self._let_go()
        try:
            self._server = await asyncio.get_running_loop().create_server(
                self._accept,
                self.host,
                self.port,
                ssl=self._context,
                reuse_address=True,
                backlog=1024,
                # A client that never answers our close must not hold its connection for asyncio's 30 s.
                ssl_shutdown_timeout=1.0 if self._context else None,
            )
        except OSError as error:
            reason = error.strerror or str(error)
            raise ConfigError(f"port: cannot listen on {self.host} port {self.port}: {reason}.") from error
        self.port = self._server.sockets[0].getsockname()[1]

    def shut(self) -> None:
        """Refuse connections from now on; what is open stays open.

        The port stays ours meanwhile, bound but not listening: a client's outgoing connection could be given
        it otherwise, and connect to itself.
        """
        if self._server is not None:
            family = self._server.sockets[0].family
            self._server.close()
            self._server = None
            self._held = socket.socket(family)
            self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._held.bind((self.host, self.port))

    def close(self) -> None:
        """Refuse connections and give the port back."""
        self.shut()
        self._let_go()

    def _let_go(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None
