"""One gateway, followed: ask who it is, choose what to read, and read it until it ends.

The shell around `Bridge`. `follow` is one attempt; it always ends by raising, `TryAgain` for whatever a
gateway or a network can do. Bytes go in the moment they arrive, messages come out of the same call, and
nothing is waited for in between.
"""

import asyncio
from typing import NamedTuple, NoReturn

from aiohttp import ClientResponse

from envoy_mqtt.bridge import Access, Bridge
from envoy_mqtt.clock import now, steady
from envoy_mqtt.errors import BadAnswer, GatewayUnavailable, TryAgain
from envoy_mqtt.gateway.answers import read_meters
from envoy_mqtt.gateway.guard import Guard, admit
from envoy_mqtt.gateway.pins import Pins
from envoy_mqtt.gateway.road import Road
from envoy_mqtt.gateway.session import Session
from envoy_mqtt.gateway.tokens import Tokens, expiry
from envoy_mqtt.gateway.trouble import FOREIGN, translate
from envoy_mqtt.gateway.verdict import Mode
from envoy_mqtt.line import Line
from envoy_mqtt.model import Identity, Site
from envoy_mqtt.outbox import Outbox

# Bytes that never become an event are no stream either.
NO_EVENT_S = 60.0

# A flood is worked off in slices, so that other gateways, and the broker, get their turn.
SLICE = 4096

UNREADABLE_EVERY_S = 300.0

SOURCE_REASON = "The stream is the only source that this version reads."


class Target(NamedTuple):
    """Where a gateway is asked, the serial number it must have if that is known, its tokens, what is
    remembered of the way there, and how strictly its certificate is looked at.
    """

    host: str
    serial: str | None
    tokens: Tokens
    road: Road
    certificate: Mode = "pin"


class Met(NamedTuple):
    """Who answers at an address, and the certificate shown there: its name, and its SHA-256 in lower-case
    hex, `None` where the gateway is too old to have one.
    """

    identity: Identity
    name: str | None
    sha256: str | None


async def meet(host: str, serial: str | None = None) -> Met:
    """Ask who is there, without a token and whatever the certificate; raises `TryAgain`.

    `serial` is who it must be, if that is known.
    """
    guard = Guard("off")
    try:
        async with Session(host, guard, Road()) as session:
            identity = await session.identify(serial)
    except FOREIGN as error:
        raise translate(error) from None
    if not session.encrypted:
        return Met(identity, None, None)
    return Met(identity, guard.name, guard.sha256)


async def follow(target: Target, bridge: Bridge, outbox: Outbox, line: Line, pins: Pins) -> NoReturn:
    """Identify the gateway, read its stream until it ends, and raise `TryAgain` with the reason.

    The messages go to `outbox` at once; `line` is told when the first reading has come. A certificate met
    for the first time, or renewed, is kept in `pins`.
    """
    stream = Stream(bridge, outbox, line, target.tokens)
    try:
        await _attempt(target, stream, line, pins, known=bridge.serial)
    except TryAgain as error:
        trouble = error
    except FOREIGN as error:
        trouble = translate(error)
    trouble.steady_s = stream.steady_s
    raise trouble


async def _attempt(
    target: Target, stream: "Stream", line: Line, pins: Pins, *, known: str | None
) -> NoReturn:
    guard = Guard(target.certificate, pins.known, target.serial)
    async with Session(target.host, guard, target.road) as session:
        secure = (target.serial or known) in pins.known
        identity = await session.identify(target.serial, secure=secure, pinned=pins.known)
        if session.encrypted:
            admit(identity.serial, guard, line, pins)
        stream.meet(identity.serial)
        await session.sign_in(identity, target.tokens)
        meters = read_meters(await session.ask("/ivp/meters"))
        stream.identify(Site(identity, meters), _access(target, session, guard))
        async with session.stream() as response:
            await stream.read(response)


def _access(target: Target, session: Session, guard: Guard) -> Access:
    token = session.token
    return Access(
        address=target.host,
        source_reason=SOURCE_REASON,
        token_role=None if token is None else token.claims.role,
        token_expires=None if token is None else expiry(token),
        certificate_sha256=guard.sha256 if session.encrypted else None,
    )


class Stream:
    """One connection's stream on its way through the bridge, and how long it has brought readings."""

    def __init__(self, bridge: Bridge, outbox: Outbox, line: Line, tokens: Tokens) -> None:
        self._tokens = tokens
        self._bridge = bridge
        self._outbox = outbox
        self._line = line
        self._first: float | None = None
        self._last = 0.0
        self._told = False

    @property
    def steady_s(self) -> float:
        """Seconds between the first and the last reading of this connection."""
        return 0.0 if self._first is None else self._last - self._first

    def meet(self, serial: str) -> None:
        """The gateway has said who it is."""
        self._outbox.put(self._bridge.meet(serial))

    def identify(self, site: Site, access: Access) -> None:
        """The gateway has said what it measures."""
        self._outbox.put(self._bridge.identify(site, access))

    async def read(self, response: ClientResponse) -> NoReturn:
        """Pass every byte on until the stream ends."""
        if response.headers.get("Content-Type", "").lower().startswith("text/html"):
            raise BadAnswer("/stream/meter answers with a page instead of a stream")
        self._bridge.open(now())
        heard = steady()
        async for chunk in response.content.iter_any():
            for at in range(0, len(chunk), SLICE):
                if await self._receive(chunk[at : at + SLICE]):
                    heard = steady()
                await self._outbox.settle()
            if steady() - heard > NO_EVENT_S:
                raise GatewayUnavailable("the gateway sends bytes and no event", reason="timeout")
        raise GatewayUnavailable("the gateway ended the stream", reason="closed")

    async def _receive(self, part: bytes) -> bool:
        """Whether an event ended in these bytes."""
        bridge = self._bridge
        readings, skipped = bridge.readings, bridge.skipped.total()
        arrived = now()
        messages = bridge.read(part, arrived)
        for first in messages:
            self._outbox.put((first,))
            await asyncio.sleep(0)  # it leaves now, and the others are written meanwhile
            self._outbox.put(messages)
        if bridge.readings > readings:
            self._count(arrived.steady)
        if bridge.skipped.total() > skipped:
            self._warn()
        return (bridge.readings, bridge.skipped.total()) != (readings, skipped)

    def _count(self, arrived: float) -> None:
        self._last = arrived
        if self._first is None:
            self._first = arrived
            self._tokens.accepted()
        if not self._told:
            self._told = self._line.back(self.steady_s, **_facts(self._bridge.site))

    def _warn(self) -> None:
        self._line.warn(
            "unreadable events skipped",
            again_after_s=UNREADABLE_EVERY_S,
            last=self._bridge.problem,
            skipped=dict(self._bridge.skipped),
        )


def _facts(site: Site | None) -> dict[str, object]:
    """What the log tells of a gateway when its readings come."""
    if site is None:
        return {}
    return {
        "serial": site.identity.serial,
        "firmware": site.identity.firmware,
        "phases": site.phases,
        "meters": [meter.type for meter in site.meters if meter.enabled],
    }
