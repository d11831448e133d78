"""A gateway to practise on: an HTTPS server that behaves like the real ones, their oddities included.

    async with Gateway(Options(firmware="D8.3.5167")) as gateway:
        gateway.url, gateway.owner_token        # point a client at it
        gateway.say(gateway.event())            # what `Pace.MANUAL` leaves to you
        await gateway.fault("cut")              # see faults.FAULTS
        await gateway.visits.requested("/ivp/meters")

What it says comes from a `Source`: a simulated house, or a folder of recordings. What this module adds is
the wire: TLS, headers, tokens and sessions, streams, and the faults of all of them.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Self

from aiohttp import web

from envoy_mqtt.simulator import headers, identity, pages
from envoy_mqtt.simulator.delivery import deliver
from envoy_mqtt.simulator.firmware import Role
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.installation import Installation, Source
from envoy_mqtt.simulator.listener import Listener
from envoy_mqtt.simulator.options import Options
from envoy_mqtt.simulator.pages import Answer
from envoy_mqtt.simulator.playing import play
from envoy_mqtt.simulator.reception import Ask, Reception
from envoy_mqtt.simulator.sessions import bearer
from envoy_mqtt.simulator.streams import Streams
from envoy_mqtt.simulator.switches import Switches
from envoy_mqtt.simulator.trouble import Value
from envoy_mqtt.simulator.visits import Visit, Visits


class Gateway:
    """One simulated gateway, listening while its `async with` block lasts.

    `clock` gives Unix seconds. `keys` are worth sharing among many gateways, see `Keys`. Port 0 takes a free
    one. `source` is what it plays; None is a simulated house as the options describe it. `http_port` is its
    port 80, where it has one: with tokens it sends to HTTPS from there, and from 8.3.5286 on it is closed.
    """

    def __init__(
        self,
        options: Options | None = None,
        port: int = 0,
        host: str = "127.0.0.1",
        *,
        clock: Callable[[], float] = time.time,
        keys: Keys | None = None,
        source: Source | None = None,
        http_port: int | None = None,
    ) -> None:
        self.options = options or Options()
        self.clock = clock
        self.keys = keys or Keys()
        self.source: Source = source or Installation(self.options, clock())
        self.reception = Reception(self.options, self.source, self._verify)
        self.visits = Visits()
        self.streams = Streams(self.visits.changed)
        self.faults = Switches(self, self.visits.changed, self._nightly_outage)
        self.certificate_pem = b""
        self._context = identity.tls_context() if self.options.encrypted else None
        self._main = Listener(host, port, self._context, self._handle, self._connected)
        self._side = None
        if http_port is not None:
            self._side = Listener(host, http_port, None, self._send_to_https, self._connected)

    async def __aenter__(self) -> Self:
        """Listen; raises ConfigError where the port cannot be had."""
        self.renew_certificate(expired=self.options.expired_certificate)
        for listener in self._listeners:
            await listener.start()
        await self.listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.refuse()
        await self.faults.close()
        for listener in self._listeners:
            await listener.stop()

    @property
    def host(self) -> str:
        return self._main.door.host

    @property
    def port(self) -> int:
        return self._main.door.port

    @property
    def url(self) -> str:
        return f"http{'s' if self.options.encrypted else ''}://{self.host}:{self.port}"

    @property
    def http_port(self) -> int:
        """Its port 80; 0 where it was given none."""
        return self._side.door.port if self._side is not None else 0

    @property
    def https_url(self) -> str:
        """Where it sends those who come over HTTP."""
        return f"https://{self.host}:{self.port}"

    @property
    def serial(self) -> str:
        """Who it says it is: its own serial, but for the fault `other_serial`."""
        return self.reception.serial

    @property
    def connections(self) -> int:
        """Connections that are open now, past their TLS handshake."""
        return self._main.connections

    @property
    def owner_token(self) -> str:
        """A good token of the owner, valid for a year."""
        return self.token(Role.OWNER)

    @property
    def installer_token(self) -> str:
        """A good token of an installer, valid for twelve hours."""
        return self.token(Role.INSTALLER)

    def token(
        self, role: Role = Role.OWNER, *, lifetime_s: float | None = None, serial: str | None = None
    ) -> str:
        """A token as the cloud issues it now; with a negative lifetime it has ended already."""
        return identity.issue(self.keys, serial or self.serial, role, self.clock(), lifetime_s=lifetime_s)

    def revoke(self, token: str) -> None:
        """Refuse this token and its sessions from now on, however good it looks."""
        found = self._verify(token, self.clock())
        if found is not None:
            self.reception.sessions.revoke(found[1])

    def event(self, age_s: float = 0.0) -> bytes:
        """The bytes of the event sampled now, or so many seconds ago."""
        return self.source.event(self.clock() - age_s)

    def say(self, data: bytes, cuts: Iterable[int] = ()) -> int:
        """Put raw bytes on every open stream now, whatever faults are on; how many streams got them.

        In separate chunks where `cuts` say, as places in the data.
        """
        return self.streams.say(data, cuts)

    async def fault(self, name: str, *, seconds: float | None = None, **settings: Value) -> None:
        """Switch a fault on: for so many seconds, or until it is cleared (see faults.FAULTS).

        Blows (cut, end, reset, one_event_then_close) strike the streams that are open and are over; given
        seconds they go on to strike those that open. Raises ConfigError for an unknown fault or setting.
        """
        await self.faults.on(name, seconds, settings)

    async def clear(self, name: str | None = None) -> None:
        """Switch one fault off, or all."""
        await (self.faults.clear() if name is None else self.faults.off(name))

    async def streaming(self, streams: int = 1) -> None:
        """Return as soon as so many streams are open at once."""
        await self.visits.until(lambda: len(self.streams) >= streams)

    async def quiet(self) -> None:
        """Return as soon as no stream is open."""
        await self.visits.until(lambda: not self.streams)

    async def listen(self) -> None:
        """Take connections, again or for the first time."""
        for listener in self._listeners:
            await listener.door.open()
        if self._side is not None and not self.options.version.redirects_http:
            self._side.door.shut()

    def refuse(self) -> None:
        """Refuse connections from now on; what is open stays open."""
        for listener in self._listeners:
            listener.door.shut()

    def hang_up(self) -> None:
        """Close every connection without a word."""
        for listener in self._listeners:
            listener.hang_up()

    def refit(self, options: Options) -> None:
        """Other transformers, other firmware: the same gateway with other options, from the next answer on.

        Counters go on. Serial, TLS and the pace of streams that are open stay what they were.
        """
        self.options = self.reception.options = options
        self.source.refit(options)

    def refusal(self) -> Answer:
        """The 401 of this gateway's firmware."""
        return self.reception.refusal(self.clock())

    def forget_sessions(self) -> None:
        """A restart: cookies are worth nothing, tokens stay good."""
        self.reception.sessions.forget()

    def revoke_tokens(self) -> None:
        """Refuse every token that was shown here so far; new ones are good."""
        self.reception.sessions.revoke_all()

    def renew_certificate(self, *, expired: bool = False, serial: str | None = None) -> None:
        """A new certificate, for handshakes from now on: under the same name, as after a firmware update, or
        under another gateway's, as an impostor would.
        """
        if self._context is not None:
            self.certificate_pem = identity.certificate(
                self.keys, serial or self.serial, self.clock(), expired=expired
            )
            identity.install(self._context, self.keys, self.certificate_pem)

    def rename(self, serial: str) -> None:
        """Be another gateway, certificate and all; an empty serial is one's own."""
        self.reception.serial = serial or self.options.serial
        self.renew_certificate()

    @property
    def _listeners(self) -> list[Listener]:
        return [listener for listener in (self._main, self._side) if listener is not None]

    def _connected(self) -> None:
        self.visits.connected(self.clock(), self.connections + 1)

    async def _send_to_https(self, request: web.Request) -> web.StreamResponse:
        visit = self._came(request)
        return await self._deliver(request, visit, pages.moved(f"{self.https_url}{request.raw_path}"))

    def _nightly_outage(self) -> bool:
        """Section 7: ten minutes from 23:00 on, in the house's own time."""
        if not self.options.nightly_outage:
            return False
        local_s = self.source.house_time(self.clock()) + self.options.utc_offset_s
        return 0.0 <= local_s % 86_400.0 - 82_800.0 < 600.0

    def _came(self, request: web.Request) -> Visit:
        visit = Visit(
            self.clock(),
            request.method,
            request.path,
            token="Authorization" in request.headers,
            cookie="sessionId" in request.cookies,
            encrypted=request.secure,
        )
        self.visits.came(visit, self.connections)
        return visit

    def _verify(self, token: str, unix: float) -> tuple[Role, str] | None:
        return identity.verify(self.keys, token, self.serial, unix)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        authorization = request.headers.get("Authorization", "")
        ask = Ask(
            request.raw_path,
            request.cookies.get("sessionId"),
            bearer(authorization),
            authorization,
            request.method,
            await request.read(),
        )
        visit = self._came(request)
        await asyncio.sleep(self.faults.delay_s + self.options.delay_s(ask.path))
        answer = await self.faults.answer(ask.path, lambda: _close(request))
        if answer is None:
            answer = self.reception.answer(ask, self.clock())
            if ask.streams and answer.status == 200:
                return await self._stream(request, visit, answer)
        return await self._deliver(request, visit, answer)

    async def _deliver(self, request: web.Request, visit: Visit, answer: Answer) -> web.StreamResponse:
        self.visits.answered(visit, answer.status)
        return await deliver(request, answer, self._head(request, answer), self.faults.pause_s)

    async def _stream(self, request: web.Request, visit: Visit, answer: Answer) -> web.StreamResponse:
        response = web.StreamResponse(headers=self._head(request, answer))
        chunked = request.version >= (1, 1)
        if chunked:
            response.enable_chunked_encoding()
        await response.prepare(request)
        self.visits.answered(visit, answer.status)
        if request.transport is not None:
            with self.streams.open(request.transport, chunked=chunked) as stream:
                self.faults.strike(stream)
                # The client has gone: aiohttp sees it too, when it ends the answer.
                with suppress(ConnectionError):
                    await play(stream, response, self.options, self.event, self.faults)
        return response

    def _head(self, request: web.Request, answer: Answer) -> dict[str, str]:
        keep_alive = bool(request.keep_alive) and self.options.version.keeps_alive
        return headers.complete(answer, self.options.version, self.clock(), keep_alive=keep_alive)


def _close(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.close()
