"""The web server: what there is to see and to measure, and nothing that can be changed.

It has no password, so it listens on the loopback unless someone says otherwise, shows no secret, answers
only whom it shall (`web.clients`), and only to names that no foreign page can take (`web.hosts`). It needs
nothing of aiohttp but its lowest layer: 0.3 MiB instead of 1.0.
"""

import asyncio
import errno
import logging
import socket
from collections.abc import Mapping
from typing import NoReturn

from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_request import BaseRequest
from aiohttp.web_response import StreamResponse
from aiohttp.web_server import Server as Connections

from envoy_mqtt.clock import now
from envoy_mqtt.config import Web
from envoy_mqtt.errors import TryAgain
from envoy_mqtt.life import Life
from envoy_mqtt.line import Line
from envoy_mqtt.report import Report
from envoy_mqtt.web import answers, events
from envoy_mqtt.web.audience import Audience
from envoy_mqtt.web.clients import Clients
from envoy_mqtt.web.hosts import allowed
from envoy_mqtt.web.views import NOTHING_HERE, Views

# More than a house has screens, and few enough that gateways and broker find a free file.
MOST_CONNECTIONS = 256

# So long a connection may say nothing, or take for a request; what is longer than 8 kB a line is no request.
IDLE_S = 75.0

# A page that has heard nothing for some of these has lost us.
HEALTH_EVERY_S = 2.0

SHUTDOWN_S = 3.0

UNKNOWN_NAME = "This name is not known here: add it to web.allowed_hosts, or use the address."
UNKNOWN_CLIENT = "This address is not answered: web.allowed_clients names those that are."
UNLISTENING = "web server cannot listen"

log = logging.getLogger(__name__)
# What is no HTTP is answered with 400 and is nobody's fault here.
log.addFilter(lambda record: not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError)))


class Server:
    """Listens where `web` says. `listening` is whether it does, `audience` is to be told of every message;
    `configured` is what the page shows of the configuration.
    """

    def __init__(
        self,
        web: Web,
        base_topic: str,
        configured: Mapping[str, object],
        *,
        report: Report,
        life: Life,
        line: Line,
    ) -> None:
        self._web = web
        self._names = frozenset((*web.allowed_hosts, socket.gethostname().lower(), web.host.lower()))
        self._clients = Clients(web.allowed_clients, web.trusted_proxies)
        self._admits_itself = self._clients.admits_itself(web.host)
        self._report, self._line = report, line
        self.listening = False
        self.audience = Audience(base_topic)
        self._views = Views(report, life, self.audience, configured)

    @property
    def answers_itself(self) -> bool:
        """Whether `envoy-mqtt healthcheck` is answered."""
        return self.listening and self._admits_itself

    async def serve(self) -> NoReturn:
        """Listen until cancelled; raises `TryAgain` where the port cannot be had."""
        connections = Connections(
            self._answer_to, access_log=None, logger=log, keepalive_timeout=IDLE_S, handler_cancellation=True
        )
        listener = await self._listen(connections)
        self.listening = True
        self._line.mended(UNLISTENING)
        self._line.note("web server listens", host=self._web.host, port=self._web.port)
        try:
            await asyncio.get_running_loop().create_future()
            raise AssertionError  # nobody has it to end it
        finally:
            self.listening = False
            listener.close()
            for each in connections.connections:
                if each.transport is not None:
                    each.transport.abort()
            await connections.shutdown(SHUTDOWN_S)

    async def _listen(self, connections: Connections) -> asyncio.Server:
        def accept() -> asyncio.BaseProtocol:
            return connections() if len(connections.connections) < MOST_CONNECTIONS else _Full()

        host, port = self._web.host, self._web.port
        try:
            return await asyncio.get_running_loop().create_server(accept, host, port)
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            why = "another program has it" if taken else f"{error.strerror}"
            raise TryAgain(f"{host} port {port}: {why}", reason="port", code="web_port") from None

    def lost(self, error: TryAgain, retry_in_s: float) -> None:  # noqa: ARG002  the line is said once
        """It cannot listen now and tries again."""
        self._line.warn(UNLISTENING, error=str(error), code=error.code)

    async def beat(self) -> NoReturn:
        """Tell viewers how things are, for ever, the broker there or not."""
        while True:
            await asyncio.sleep(HEALTH_EVERY_S)
            if self.audience:
                self.audience.tell("health", events.health(self._report.content(now())))

    async def _answer_to(self, request: BaseRequest) -> StreamResponse:
        return await answers.send(await self._answer(request), request)

    async def _answer(self, request: BaseRequest) -> StreamResponse:
        if not self._clients.admits(request.remote):
            return answers.text(403, UNKNOWN_CLIENT)
        trusted = self._clients.trusts(request.remote)
        if not (trusted or allowed(request.headers.get("Host", ""), self._names)):
            return answers.text(403, UNKNOWN_NAME)
        view = self._views.of(request.path)
        if view is None:
            return answers.text(404, NOTHING_HERE)
        if request.method not in ("GET", "HEAD"):
            response = answers.text(405, "This can only be read.")
            response.headers["Allow"] = "GET, HEAD"
            return response
        return await view(request)


class _Full(asyncio.Protocol):
    """One connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.abort()
