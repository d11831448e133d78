"""A real client for the simulated gateway, and where its real likenesses lie on a developer's machine."""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from envoy_mqtt.simulator.gateway import Gateway

# Captures and recordings are not part of the repository; without them their tests have no cases.
SHARED = Path(__file__).parents[3] / "shared"
CAPTURES = sorted((SHARED / "captures").glob("*.txt"))
RECORDINGS = sorted(path for path in (SHARED / "gateways").glob("*") if path.is_dir())


class Client:
    """One aiohttp session that talks to one gateway, with a token unless told otherwise."""

    def __init__(self, session: aiohttp.ClientSession, gateway: Gateway) -> None:
        self.session = session
        self.gateway = gateway
        self.token: str | None = gateway.owner_token

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    async def get(self, path: str, method: str = "GET") -> tuple[int, bytes, Mapping[str, str]]:
        """Status, body and headers of one request."""
        async with self.session.request(method, self.gateway.url + path, headers=self.headers) as answer:
            return answer.status, await answer.read(), answer.headers

    async def status(self, path: str) -> int:
        return (await self.get(path))[0]

    @asynccontextmanager
    async def stream(self) -> AsyncIterator[aiohttp.StreamReader]:
        """The body of an open stream."""
        async with self.session.get(f"{self.gateway.url}/stream/meter", headers=self.headers) as answer:
            assert answer.status == 200
            await self.gateway.streaming()
            yield answer.content


@asynccontextmanager
async def visiting(gateway: Gateway) -> AsyncIterator[Client]:
    """A client with a cookie jar that takes cookies of addresses and no trust in certificates."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=trusting()), cookie_jar=jar
    ) as session:
        yield Client(session, gateway)


def trusting() -> ssl.SSLContext:
    """A TLS client that accepts any certificate and would speak anything up to 1.3."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
