"""One gateway looked at from end to end, once, by the same session as the bridge's.

It pins nothing, asks for no more than the bridge does at a connect, and opens the stream only where a bridge
would read it and none does.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import ClientResponse

from envoy_mqtt.clock import steady, unix
from envoy_mqtt.diagnosis.pacing import Flow
from envoy_mqtt.diagnosis.seen import HTTP, HTTPS, Seen, Shown, Trouble, first_step
from envoy_mqtt.errors import Absent, BadAnswer, BadEvent, TryAgain
from envoy_mqtt.gateway.answers import read_time
from envoy_mqtt.gateway.client import survey
from envoy_mqtt.gateway.event import Read, reader
from envoy_mqtt.gateway.guard import Guard
from envoy_mqtt.gateway.ladder import Source
from envoy_mqtt.gateway.road import Road
from envoy_mqtt.gateway.session import Session
from envoy_mqtt.gateway.sse import Decoder, TooLong
from envoy_mqtt.gateway.tokens import Tokens
from envoy_mqtt.gateway.trouble import FOREIGN, translate
from envoy_mqtt.knock import knock


class Examination:
    """The way through one gateway; `seen` is what was seen so far."""

    def __init__(
        self, seen: Seen, name: str, port: int | None, *, tokens: Tokens, pins: Mapping[str, str]
    ) -> None:
        self.seen = seen
        self._where = name, (HTTPS, HTTP) if port is None else (port,)
        self._tokens = tokens
        self._pins = pins
        self._guard = Guard(seen.certificate, pins, seen.serial)
        self._session = Session(seen.host, self._guard, Road())

    async def carry_out(self, seconds: float) -> Seen:
        """Look at everything, as far as the gateway lets us; its stream for so many seconds."""
        name, ports = self._where
        async with self._session:
            self._note(reached=await knock(name, ports))
            if self.seen.reached.open:
                await self._go_through(seconds)
        return self.seen

    async def _go_through(self, seconds: float) -> None:
        steps: tuple[tuple[Callable[[], Awaitable[None]], str], ...] = (
            (self._identify, "identity_trouble"),
            (self._admit, "certificate_trouble"),
            (self._sign_in, "token_trouble"),
            (self._survey, "site_trouble"),
            (lambda: self._watch(seconds), "stream_trouble"),
        )
        for step, trouble in steps:
            try:
                await step()
            except TryAgain as error:
                self._note(**{trouble: _trouble(error)})
                return
            except FOREIGN as error:
                self._note(**{trouble: Trouble(str(translate(error)))})
                return
            finally:
                self._look_at_certificate()

    def _note(self, **facts: object) -> None:
        self.seen = self.seen._replace(**facts)  # type: ignore[arg-type]

    def _look_at_certificate(self) -> None:
        if self._guard.met:
            self._note(shown=Shown(self._guard.name, self._guard.sha256, self._guard.ends))

    async def _identify(self) -> None:
        secure = self.seen.serial in self._pins
        identity = await self._session.identify(self.seen.serial, secure=secure, pinned=self._pins)
        self._note(identity=identity, pinned=self._pins.get(identity.serial))
        told = read_time(await self._session.ask("/info"))
        self._note(gateway_time=told, now=unix())

    async def _admit(self) -> None:
        """No token leaves before this."""
        if self._session.encrypted:
            assert self.seen.identity is not None
            self._guard.judge(self.seen.identity.serial)

    async def _sign_in(self) -> None:
        assert self.seen.identity is not None
        await self._session.sign_in(self.seen.identity, self._tokens)
        if self._session.token is not None and self._tokens.held is not None:
            self._note(token=self._tokens.held.token, origin=self._tokens.held.origin)

    async def _survey(self) -> None:
        assert self.seen.identity is not None
        self._note(site=await survey(self._session, self.seen.identity))

    async def _watch(self, seconds: float) -> None:
        site = self.seen.site
        assert site is not None
        if self.seen.occupied or first_step(self.seen.wanted, site).source is not Source.STREAM:
            return
        read = reader(site)
        async with self._session.stream() as response:
            if response.headers.get("Content-Type", "").lower().startswith("text/html"):
                raise BadAnswer("/stream/meter answers with a page instead of a stream")
            self._note(flow=await watch(response, read, seconds))


def _trouble(error: TryAgain) -> Trouble:
    return Trouble(str(error), error.code or error.reason, absent=isinstance(error, Absent))


async def watch(response: ClientResponse, read: Read, seconds: float) -> Flow:
    """How a stream flows within so many seconds."""
    events, opened, arrivals = Decoder(), steady(), list[float]()
    problems: list[str] = []
    ended = "the gateway closed it"
    try:
        async with asyncio.timeout(seconds) as limit:
            async for chunk in response.content.iter_any():
                for event in events.receive(chunk):
                    arrivals.append(steady() - opened)
                    problems += _problem(event, read)
    except FOREIGN as error:
        ended = "" if limit.expired() else str(translate(error))
    lasted = min(seconds, steady() - opened)
    return Flow(lasted, tuple(arrivals), len(problems), problems[-1] if problems else "", ended)


def _problem(event: bytes | TooLong, read: Read) -> list[str]:
    """Why the bridge would skip an event; nothing where it would not."""
    if isinstance(event, TooLong):
        return ["longer than 64 KiB"]
    try:
        read(event)
    except BadEvent as bad:
        return [str(bad)]
    return []
