"""One gateway over HTTP: ask who it is, then follow its stream until it ends.

The shell around `Bridge`, and with `guard` the home of aiohttp's client for gateways. `follow` is one
attempt; it always ends by raising, `TryAgain` for whatever a gateway or a network can do. Bytes go in the
moment they arrive, messages come out of the same call, and nothing is waited for in between.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from math import inf
from typing import Any, NamedTuple, NoReturn

import aiohttp
from aiohttp import ClientResponse, ClientTimeout

from envoy_mqtt import __version__
from envoy_mqtt.bridge import Access, Bridge
from envoy_mqtt.clock import now, steady
from envoy_mqtt.errors import BadAnswer, ConfigError, GatewayUnavailable, TryAgain
from envoy_mqtt.gateway.answers import read_info, read_meters
from envoy_mqtt.gateway.guard import Guard
from envoy_mqtt.gateway.pins import Pins
from envoy_mqtt.gateway.tokens import Tokens, expiry
from envoy_mqtt.gateway.trouble import FOREIGN, REFUSED, of_status, translate
from envoy_mqtt.gateway.verdict import RENEWED, Mode, printable
from envoy_mqtt.line import Line
from envoy_mqtt.model import Identity, Site
from envoy_mqtt.outbox import Outbox

# A gateway may hold its readings back for 25 s and be well (protocol notes, section 1.5).
SILENCE_S = 30.0

# Bytes that never become an event are no stream either.
NO_EVENT_S = 60.0

# A gateway's small processor takes seconds for a TLS handshake, and some of its pages half a minute.
CONNECT_S = 10.0
HEADERS_S = 45.0
ANSWER = ClientTimeout(total=HEADERS_S, connect=CONNECT_S, sock_read=SILENCE_S)
STREAM = ClientTimeout(total=None, connect=CONNECT_S, sock_read=SILENCE_S)

# The largest answer that is read; real ones have 3 kB.
LARGEST_ANSWER = 256 * 1024

# A flood is worked off in slices, so that other gateways, and the broker, get their turn.
SLICE = 4096

UNREADABLE_EVERY_S = 300.0

# A renewed certificate is a problem in health for a day, and none once somebody has had time to see it.
CHANGED: Mapping[str, Mapping[str, Any]] = {
    RENEWED: {
        "code": "certificate_changed",
        "stands_s": 86_400.0,
        "cause": "the new one bears its name and is pinned from now on",
    }
}

SOURCE_REASON = "The stream is the only source that this version reads."


class Target(NamedTuple):
    """Where a gateway is asked, the serial number it must have if that is known, its tokens, and how
    strictly its certificate is looked at.
    """

    host: str
    serial: str | None
    tokens: Tokens
    certificate: Mode = "pin"


class Met(NamedTuple):
    """Who answers at an address, and the certificate shown there; `sha256` is lower-case hex."""

    identity: Identity
    name: str | None
    sha256: str


async def meet(host: str, serial: str | None = None) -> Met:
    """Ask who is there, without a token and whatever the certificate; raises `TryAgain`.

    `serial` is who it must be, if that is known.
    """
    guard = Guard("off")
    try:
        async with _session(host, guard) as http:
            identity = read_info(await _answer(http, "/info", None))
    except FOREIGN as error:
        raise translate(error) from None
    _check_serial(identity, host, serial)
    return Met(identity, guard.name, guard.sha256)


async def follow(target: Target, bridge: Bridge, outbox: Outbox, line: Line, pins: Pins) -> NoReturn:
    """Identify the gateway, read its stream until it ends, and raise `TryAgain` with the reason.

    The messages go to `outbox` at once; `line` is told when the first reading has come. A certificate met
    for the first time, or renewed, is kept in `pins`.
    """
    stream = Stream(bridge, outbox, line, target.tokens)
    try:
        await _attempt(target, stream, line, pins)
    except TryAgain as error:
        trouble = error
        if error.code == REFUSED:
            target.tokens.refused()
    except FOREIGN as error:
        trouble = translate(error)
    trouble.steady_s = stream.steady_s
    raise trouble


async def _attempt(target: Target, stream: "Stream", line: Line, pins: Pins) -> NoReturn:
    guard = Guard(target.certificate, pins.known, target.serial)
    async with _session(target.host, guard) as http:
        site, access, token = await _identify(http, target, guard, stream=stream, line=line, pins=pins)
        stream.identify(site, access)
        async with _get(http, "/stream/meter", token, STREAM) as response:
            await stream.read(response)


def _session(host: str, guard: Guard) -> aiohttp.ClientSession:
    http = aiohttp.ClientSession(
        f"https://{host}",
        # One connection for the stream and one for everything else.
        connector=aiohttp.TCPConnector(ssl=guard, limit=2),
        headers={"User-Agent": f"envoy-mqtt/{__version__}", "Accept-Encoding": "identity"},
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        read_bufsize=16 * 1024,
    )
    # aiohttp asks again by itself, at once, when a connection closes before the answer.
    http._retry_connection = False
    return http


async def _identify(
    http: aiohttp.ClientSession, target: Target, guard: Guard, *, stream: "Stream", line: Line, pins: Pins
) -> tuple[Site, Access, str]:
    identity = read_info(await _answer(http, "/info", None))
    _check_serial(identity, target.host, target.serial)
    _admit(identity.serial, guard, line, pins)
    stream.meet(identity.serial)
    token = await target.tokens.find(identity.serial)
    meters = read_meters(await _answer(http, "/ivp/meters", token.text))
    access = Access(
        address=target.host,
        source_reason=SOURCE_REASON,
        token_role=token.claims.role,
        token_expires=expiry(token),
        certificate_sha256=guard.sha256,
    )
    return Site(identity, meters), access, token.text


def _check_serial(identity: Identity, host: str, serial: str | None) -> None:
    if serial not in (None, identity.serial):
        raise GatewayUnavailable(
            f"the gateway at {host} has the serial number {identity.serial}, not {serial}: "
            "mend gateway.host or gateway.serial",
            reason="other_serial",
        )


def _admit(serial: str, guard: Guard, line: Line, pins: Pins) -> None:
    """Carry out the verdict on the certificate; raises `GatewayUnavailable` where it is refused."""
    verdict = guard.judge(serial)
    if verdict.warning:
        line.warn(
            verdict.warning,
            # What gets pinned is news each time; the rest is said once.
            again_after_s=0.0 if verdict.pin else inf,
            **CHANGED.get(verdict.warning, {}),
            serial=serial,
            name=printable(guard.name or ""),
            sha256=guard.sha256,
            pinned_before=pins.known.get(serial),
        )
    if verdict.pin:
        try:
            pins.keep(serial, guard.sha256)
        except ConfigError as error:
            line.warn("certificate pinned until the end of this process only", error=str(error))


@asynccontextmanager
async def _get(
    http: aiohttp.ClientSession, path: str, token: str | None, limits: ClientTimeout
) -> AsyncIterator[ClientResponse]:
    """A 200 answer; every other status is trouble, and a redirect is never followed with a token."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    # A gateway that drips its headers renews `sock_read` with every byte.
    async with asyncio.timeout(HEADERS_S):
        response = await http.get(path, headers=headers, timeout=limits, allow_redirects=False)
    async with response:
        if response.status != 200:
            raise of_status(path, response.status, response.headers.get("Retry-After", ""), now().unix)
        yield response


async def _answer(http: aiohttp.ClientSession, path: str, token: str | None) -> bytes:
    body = bytearray()
    async with _get(http, path, token, ANSWER) as response:
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > LARGEST_ANSWER:
                raise BadAnswer(f"{path} answers more than {LARGEST_ANSWER // 1024} KiB")
    return bytes(body)


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
