"""One gateway's HTTP, and with `guard` the home of aiohttp's client for gateways.

At most two connections: one for a stream, and one that is kept for everything else, asked one at a time.
Nothing here knows of tokens; every status is an answer.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp
from aiohttp import ClientResponse, ClientTimeout

from envoy_mqtt import __version__
from envoy_mqtt.errors import BadAnswer
from envoy_mqtt.gateway.guard import Guard
from envoy_mqtt.gateway.road import Road, Scheme

# A gateway may hold its readings back for 25 s and be well (protocol notes, section 1.5).
SILENCE_S = 30.0

# A gateway's small processor takes seconds for a TLS handshake.
CONNECT_S = 10.0
HEADERS_S = 45.0
ANSWER = ClientTimeout(total=HEADERS_S, connect=CONNECT_S, sock_read=SILENCE_S)

# Pages that take some firmware 30 to 60 s (protocol notes, section 3.0).
SLOW_PAGES = frozenset({"/production.json", "/home"})
SLOW_S = 90.0
SLOW_ANSWER = ClientTimeout(total=SLOW_S, connect=CONNECT_S)
STREAM = ClientTimeout(total=None, connect=CONNECT_S, sock_read=SILENCE_S)

# The connection is kept between requests that are a minute apart: a handshake is dear to a gateway.
KEPT_S = 75.0

# The largest answer that is read; real ones have 3 kB.
LARGEST_ANSWER = 256 * 1024


class Answer(NamedTuple):
    """A whole answer; `challenges` and `cookies` are its headers of these kinds, as they came."""

    path: str
    status: int
    body: bytes
    retry_after: str
    challenges: tuple[bytes, ...]
    cookies: tuple[str, ...]


class Wire:
    """The connections to one host, until it is closed; `scheme` may change before they are used.

    What is asked raises what `trouble.FOREIGN` lists, and what `guard` says of the certificate.
    """

    def __init__(self, host: str, guard: Guard, road: Road) -> None:
        self.scheme: Scheme = "https"
        self.host = host
        self._requests = road.requests
        self._turn = asyncio.Lock()
        self._http = _http(guard)

    async def close(self) -> None:
        """Let go of both connections."""
        await self._http.close()

    async def ask(self, method: str, path: str, headers: Mapping[str, str], json: Any = None) -> Answer:
        """A whole answer; one that is too large is a `BadAnswer`."""
        limits = SLOW_ANSWER if path in SLOW_PAGES else ANSWER
        async with self._turn, self._open(method, path, headers, limits, json=json) as response:
            return await read(path, response)

    @asynccontextmanager
    async def stream(self, path: str, headers: Mapping[str, str]) -> AsyncIterator[ClientResponse]:
        """An answer that may never end, on a connection of its own; only its head has been read."""
        async with self._open("GET", path, headers, STREAM) as response:
            yield response

    @asynccontextmanager
    async def _open(
        self, method: str, path: str, headers: Mapping[str, str], limits: ClientTimeout, json: Any = None
    ) -> AsyncIterator[ClientResponse]:
        url, outcome = f"{self.scheme}://{self.host}{path}", "error"
        try:
            # A gateway that drips its headers renews `sock_read` with every byte.
            async with asyncio.timeout(limits.total or HEADERS_S):
                # A redirect is never followed: it would take the token along.
                response = await self._http.request(
                    method, url, headers=headers, json=json, timeout=limits, allow_redirects=False
                )
            outcome = str(response.status)
        finally:
            self._requests[path.partition("?")[0], outcome] += 1
        async with response:
            yield response


async def read(path: str, response: ClientResponse) -> Answer:
    """The rest of an answer, to its end, so that its connection can be kept."""
    body = bytearray()
    async with asyncio.timeout(HEADERS_S):
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > LARGEST_ANSWER:
                raise BadAnswer(f"{path} answers more than {LARGEST_ANSWER // 1024} KiB")
    challenges = (value for name, value in response.raw_headers if name.lower() == b"www-authenticate")
    return Answer(
        path=path,
        status=response.status,
        body=bytes(body),
        retry_after=response.headers.get("Retry-After", ""),
        challenges=tuple(challenges),
        cookies=tuple(response.headers.getall("Set-Cookie", ())),
    )


def _http(guard: Guard) -> aiohttp.ClientSession:
    http = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=guard, limit=2, keepalive_timeout=KEPT_S),
        headers={"User-Agent": f"envoy-mqtt/{__version__}", "Accept-Encoding": "identity"},
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        read_bufsize=16 * 1024,
    )
    # aiohttp asks again by itself, at once, when a connection closes before the answer.
    http._retry_connection = False
    return http
