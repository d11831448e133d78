"""What there is to see, by address. Every answer is made from values that others keep; none knows of it."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from types import ModuleType
from typing import Any

from aiohttp.web_request import BaseRequest
from aiohttp.web_response import Response, StreamResponse

from envoy_mqtt import __version__
from envoy_mqtt.clock import now
from envoy_mqtt.life import Life
from envoy_mqtt.mqtt.message import encode, iso
from envoy_mqtt.report import Report
from envoy_mqtt.web import answers, events
from envoy_mqtt.web.audience import Audience, waiting
from envoy_mqtt.web.files import Files
from envoy_mqtt.web.history import Past
from envoy_mqtt.web.query import Asked, asked

View = Callable[[BaseRequest], Awaitable[StreamResponse]]

RETRY = b"retry: 2000\n\n"

# What lies in buffers is old by the time a sleeping tab wakes up, so they are small.
BUFFER_BYTES = 64 * 1024

NOTHING_HERE = "There is nothing here."
NO_TARIFF = "This gateway has no tariff: /api/prices?serial=… wants the serial number of one that has."
UNKNOWN_GATEWAY = "serial: no gateway of this number is read here; /api/state has those that are."


class Views:
    """Every address that is answered; `configured` is what the configuration says of gateways and broker."""

    def __init__(
        self, report: Report, life: Life, audience: Audience, configured: Mapping[str, object]
    ) -> None:
        self._report, self._life, self._audience = report, life, audience
        self._configured = configured
        self._files = Files()
        self._table: dict[str, View] = {
            "/livez": self._livez,
            "/healthz": self._healthz,
            "/metrics": self._metrics,
            "/api/state": self._state,
            "/api/history": self._history,
            "/api/prices": self._prices,
            "/api/doctor": self._doctor,
            "/events": self._events,
        }

    def of(self, address: str) -> View | None:
        """What answers at an address, `None` where nothing does."""
        return self._file if address in self._files else self._table.get(address)

    async def _file(self, request: BaseRequest) -> Response:
        try:
            file = await self._files.file(request.path)
        except OSError:
            return answers.text(404, NOTHING_HERE)
        return answers.file(file, request)

    async def _livez(self, _: BaseRequest) -> Response:
        whole = self._life.whole
        return answers.json(encode({"status": "ok" if whole else "degraded"}), 200 if whole else 503)

    async def _healthz(self, _: BaseRequest) -> Response:
        moment = now()
        content = self._report.content(moment)
        told = encode({"status": content["status"], "problems": content["problems"]})
        return answers.json(told, 200 if self._report.well(moment) else 503)

    async def _state(self, _: BaseRequest) -> Response:
        return answers.json(events.document(self._audience.last, self._report.content(now())))

    async def _history(self, request: BaseRequest) -> Response:
        try:
            wanted = asked(request.query)
        except ValueError as sentence:
            return answers.text(400, str(sentence))
        past, moment = self._audience.history.past(wanted.serial), now()
        if past is None and all(each.serial != wanted.serial for each in self._report.gateways(moment)):
            return answers.text(404, UNKNOWN_GATEWAY)
        return answers.json(await asyncio.to_thread(_columns, past or Past.empty(), wanted, moment.unix))

    async def _prices(self, request: BaseRequest) -> Response:
        prices = self._report.prices(request.query.get("serial", ""), now())
        return answers.text(404, NO_TARIFF) if prices is None else answers.json(encode(prices))

    async def _doctor(self, _: BaseRequest) -> Response:
        since = {serial: iso(unix) for serial, unix in self._audience.since.items()}
        ours = {"configured": self._configured, "availability_since": since}
        return answers.json(encode({**ours, **self._report.doctor(None, now())}))

    async def _metrics(self, _: BaseRequest) -> Response:
        # Only who is scraped carries it: half a MiB, and on a small machine half a second that others need.
        metrics = await asyncio.to_thread(_import_metrics)
        moment = now()
        shown = [metrics.Shown(each, *self._last(each.serial)) for each in self._report.gateways(moment)]
        told = metrics.families(__version__, shown, self._report.broker, moment.steady)
        body = await asyncio.to_thread(metrics.text, told)  # a third of a second for a thousand gateways
        return answers.body_of(metrics.CONTENT_TYPE, body)

    def _last(self, serial: str | None) -> list[dict[str, Any]]:
        return [self._audience.payload(serial or "", name) for name in ("live", "energy", "tariff")]

    async def _events(self, request: BaseRequest) -> StreamResponse:
        response = StreamResponse(headers=answers.STREAM)
        transport = request.transport  # the request's own is gone as soon as the viewer is
        if request.method == "HEAD" or transport is None:
            return response
        _keep_buffers_small(transport)
        await response.prepare(request)
        frames = RETRY + events.health(self._report.content(now()))
        with self._audience.viewing() as viewer:
            while await _write(response, frames):
                frames = await waiting(viewer)
        transport.abort()
        return response


def _columns(past: Past, wanted: Asked, unix: float) -> bytes:
    """Thousands of numbers: not where a reading waits for them."""
    return encode(past.columns(unix - wanted.seconds))


async def _write(response: StreamResponse, frames: bytes) -> bool:
    """Whether they were taken; a viewer who has gone raises, and his handler is cancelled besides."""
    try:
        async with asyncio.timeout(answers.ASLEEP_S):
            await response.write(frames)
    except TimeoutError:
        return False
    return True


def _keep_buffers_small(transport: asyncio.Transport) -> None:
    transport.set_write_buffer_limits(BUFFER_BYTES)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)


def _import_metrics() -> ModuleType:
    from envoy_mqtt.web import metrics  # noqa: PLC0415

    return metrics
