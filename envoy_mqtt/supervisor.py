"""Home Assistant's Supervisor, asked by its app which broker there is (`services: ["mqtt:want"]`).

    GET /services/mqtt    200 and the broker, or 400 as long as no app has said that it is one

Asked before every connection: a broker that is installed anew has another password. A Supervisor that is
away for a moment, for it updates itself, takes nobody's broker away: its last word counts until it is back.
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from envoy_mqtt.errors import BrokerUnavailable

# It is on the same machine; one that is starting may take a while.
PATIENCE = aiohttp.ClientTimeout(total=10)

# The answer has 200 bytes.
LARGEST_ANSWER = 64 * 1024

FOREIGN = (aiohttp.ClientError, HttpProcessingError, TimeoutError, OSError, ValueError)

ELSE = "or enter a broker of your own in this app's configuration"
NONE_YET = f"Home Assistant knows of no broker yet: install and start the app Mosquitto broker, {ELSE}"
SILENT = "Home Assistant's Supervisor does not say which broker there is"


class Offer(NamedTuple):
    """A broker that the Supervisor knows of."""

    host: str
    port: int
    tls: bool
    username: str | None
    password: str | None

    def __repr__(self) -> str:
        """Where it is; whatever prints this prints no password."""
        return f"Offer({self.host}:{self.port})"


class Services:
    """The Supervisor at `url`, to whom we are who has this token."""

    def __init__(self, url: str, token: str) -> None:
        self._url = f"{url}/services/mqtt"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._last: Offer | None = None

    async def broker(self) -> Offer:
        """The broker there is now; raises `BrokerUnavailable`, saying why and what to do."""
        try:
            status, body = await self._ask()
        except FOREIGN:
            return self._as_before("it does not answer; it is asked again")
        if status == HTTPStatus.BAD_REQUEST:
            self._last = None
            raise _unavailable(NONE_YET)
        if status != HTTPStatus.OK:
            return self._as_before(f"it answers with status {status}; restart the app, {ELSE}")
        self._last = _understand(body)
        return self._last

    async def _ask(self) -> tuple[int, bytes]:
        async with (
            aiohttp.ClientSession(timeout=PATIENCE, headers=self._headers) as http,
            http.get(self._url, allow_redirects=False) as response,
        ):
            body = bytearray()
            async for piece in response.content.iter_any():
                body += piece
                if len(body) > LARGEST_ANSWER:
                    raise ValueError
            return response.status, bytes(body)

    def _as_before(self, why: str) -> Offer:
        if self._last is None:
            raise _unavailable(f"{SILENT}: {why}")
        return self._last


def _understand(body: bytes) -> Offer:
    try:
        data: Mapping[str, Any] = json.loads(body)["data"]
        login = [str(data[key]) if data.get(key) else None for key in ("username", "password")]
        return Offer(str(data["host"]), int(data["port"]), data.get("ssl") is True, *login)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _unavailable(f"{SILENT}: its answer cannot be read; update Home Assistant, {ELSE}") from None


def _unavailable(text: str) -> BrokerUnavailable:
    return BrokerUnavailable(text, reason="unreachable")
