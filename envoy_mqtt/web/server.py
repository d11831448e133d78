"""The web server: what there is to see and to measure, and nothing that can be changed.

Every answer is made from values that others keep; none of them knows of it. It has no password, so it
listens on the loopback unless someone says otherwise, shows no secret, and answers only to names that no
foreign page can take (`web.hosts`). It needs nothing of aiohttp but its lowest layer: 0.3 MiB instead of 1.0.
"""

import asyncio
import errno
import logging
import socket
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import NoReturn

from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_request import BaseRequest
from aiohttp.web_response import Response, StreamResponse
from aiohttp.web_server import Server as Connections

from envoy_mqtt import __version__
from envoy_mqtt.clock import now
from envoy_mqtt.config import Web
from envoy_mqtt.errors import TryAgain
from envoy_mqtt.life import Life
from envoy_mqtt.line import Line
from envoy_mqtt.mqtt.message import encode
from envoy_mqtt.report import Report
from envoy_mqtt.web import events
from envoy_mqtt.web.audience import Audience, waiting
from envoy_mqtt.web.hosts import allowed

# More than a house has screens, and few enough that gateways and broker find a free file.
MOST_CONNECTIONS = 256
IDLE_S = 75.0

# A page that has heard nothing for some of these has lost us.
HEALTH_EVERY_S = 2.0
RETRY = b"retry: 2000\n\n"

# What lies in buffers is old by the time a sleeping tab wakes up, so they are small, and one that has
# taken nothing for a minute may come again when it is awake.
BUFFER_BYTES = 64 * 1024
ASLEEP_S = 60.0

SHUTDOWN_S = 3.0

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Server": "envoy-mqtt",
    "X-Content-Type-Options": "nosniff",
}
JSON = "application/json"
TEXT = "text/plain; charset=utf-8"

UNKNOWN_NAME = "This name is not known here: add it to web.allowed_hosts, or use the address.\n"
NO_TARIFF = "This gateway has no tariff: /api/prices?serial=… wants the serial number of one that has.\n"
UNLISTENING = "web server cannot listen"

log = logging.getLogger(__name__)
# What is no HTTP is answered with 400 and is nobody's fault here.
log.addFilter(lambda record: not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError)))

Page = Callable[[BaseRequest], Awaitable[StreamResponse]]


class Server:
    """Listens where `web` says. `listening` is whether it does, `audience` is to be told of every message."""

    def __init__(self, web: Web, base_topic: str, *, report: Report, life: Life, line: Line) -> None:
        self._web = web
        self._names = frozenset((*web.allowed_hosts, socket.gethostname().lower()))
        self._report, self._life, self._line = report, life, line
        self._pages: dict[str, Page] = {
            "/": self._index,
            "/livez": self._livez,
            "/healthz": self._healthz,
            "/metrics": self._metrics,
            "/api/state": self._state,
            "/api/prices": self._prices,
            "/events": self._events,
        }
        self.listening = False
        self.audience = Audience(base_topic)

    async def serve(self) -> NoReturn:
        """Listen until cancelled; raises `TryAgain` where the port cannot be had."""
        connections = Connections(
            self._answer, access_log=None, logger=log, keepalive_timeout=IDLE_S, handler_cancellation=True
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

    async def _answer(self, request: BaseRequest) -> StreamResponse:
        if not allowed(request.headers.get("Host", ""), self._names):
            return _text(403, UNKNOWN_NAME)
        page = self._pages.get(request.path)
        if page is None:
            return _text(404, "There is nothing here.\n")
        if request.method not in ("GET", "HEAD"):
            response = _text(405, "This can only be read.\n")
            response.headers["Allow"] = "GET, HEAD"
            return response
        return await page(request)

    async def _index(self, _: BaseRequest) -> Response:
        return _text(200, f"envoy-mqtt {__version__}\n" + "".join(f"{path}\n" for path in self._pages))

    async def _livez(self, _: BaseRequest) -> Response:
        whole = self._life.whole
        return _json(200 if whole else 503, encode({"status": "ok" if whole else "degraded"}))

    async def _healthz(self, _: BaseRequest) -> Response:
        moment = now()
        content = self._report.content(moment)
        told = encode({"status": content["status"], "problems": content["problems"]})
        return _json(200 if self._report.well(moment) else 503, told)

    async def _state(self, _: BaseRequest) -> Response:
        return _json(200, events.document(self.audience.last, self._report.content(now())))

    async def _prices(self, request: BaseRequest) -> Response:
        prices = self._report.prices(request.query.get("serial", ""), now())
        return _text(404, NO_TARIFF) if prices is None else _json(200, encode(prices))

    async def _metrics(self, _: BaseRequest) -> Response:
        # Only who is scraped carries it: half a MiB, and on a small machine half a second that others need.
        metrics = await asyncio.to_thread(_import_metrics)
        moment = now()
        shown = [metrics.Shown(each, *self._last(each.serial)) for each in self._report.gateways(moment)]
        told = metrics.families(__version__, shown, self._report.broker, moment.steady)
        body = await asyncio.to_thread(metrics.text, told)  # a third of a second for a thousand gateways
        return Response(body=body, headers={**HEADERS, "Content-Type": metrics.CONTENT_TYPE})

    def _last(self, serial: str | None) -> tuple[dict[str, object], dict[str, object]]:
        return self.audience.payload(serial or "", "live"), self.audience.payload(serial or "", "energy")

    async def _events(self, request: BaseRequest) -> StreamResponse:
        response = StreamResponse(headers={**HEADERS, "Content-Type": "text/event-stream"})
        if request.method == "HEAD" or request.transport is None:
            return response
        _keep_buffers_small(request.transport)
        await response.prepare(request)
        frames = RETRY + events.health(self._report.content(now()))
        with self.audience.viewing() as viewer:
            while await _write(response, frames):
                frames = await waiting(viewer)
        request.transport.abort()
        return response


async def _write(response: StreamResponse, frames: bytes) -> bool:
    """Whether they were taken; a viewer who has gone raises, and his handler is cancelled besides."""
    try:
        async with asyncio.timeout(ASLEEP_S):
            await response.write(frames)
    except TimeoutError:
        return False
    return True


def _keep_buffers_small(transport: asyncio.Transport) -> None:
    transport.set_write_buffer_limits(BUFFER_BYTES)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)


class _Full(asyncio.Protocol):
    """One connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.abort()


def _import_metrics() -> ModuleType:
    from envoy_mqtt.web import metrics  # noqa: PLC0415

    return metrics


def _text(status: int, text: str) -> Response:
    return Response(status=status, body=text.encode(), headers={**HEADERS, "Content-Type": TEXT})


def _json(status: int, body: bytes) -> Response:
    return Response(status=status, body=body, headers={**HEADERS, "Content-Type": JSON})
