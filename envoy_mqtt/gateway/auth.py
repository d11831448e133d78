"""The vendor's cloud over HTTP: one login, one token. What its answers mean stands in `cloud`.

The only place that honours HTTPS_PROXY: through a proxy a gateway's token would leave the house. Redirects
are not followed, for a password must not go where we did not send it, and cookies live no longer than
one attempt.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import aiohttp
from aiohttp import ClientTimeout
from aiohttp.http_exceptions import HttpProcessingError

from envoy_mqtt import __version__
from envoy_mqtt.clock import unix
from envoy_mqtt.errors import CloudTrouble
from envoy_mqtt.gateway.cloud import (
    Answer,
    check_form_login,
    read_auth_token,
    read_form,
    read_login,
    read_tokens,
    unavailable,
)
from envoy_mqtt.gateway.token import Token
from envoy_mqtt.gateway.trouble import retry_after_s

# The cloud takes a few seconds on a good day.
PATIENCE = ClientTimeout(total=30, connect=15)

# Its pages have 10 kB, a token 1 kB.
LARGEST_ANSWER = 256 * 1024

FOREIGN = (aiohttp.ClientError, HttpProcessingError, TimeoutError, OSError, ValueError)


@dataclass(frozen=True)
class Account:
    """Who asks for tokens, and for which role's: "owner" or "installer"."""

    username: str = field(repr=False)
    password: str = field(repr=False)
    role: str = "owner"


class Cloud(NamedTuple):
    """Base addresses of the two services, without a final slash."""

    login_url: str
    token_url: str


async def fetch(cloud: Cloud, account: Account, serial: str) -> Token:
    """A new token for a gateway; raises `CloudTrouble`."""
    async with aiohttp.ClientSession(
        trust_env=True,
        timeout=PATIENCE,
        # A user agent of our own: some that name other programs are rejected (protocol notes, section 5.2).
        headers={"User-Agent": f"envoy-mqtt/{__version__}", "Accept-Encoding": "identity"},
        auto_decompress=False,
        cookie_jar=aiohttp.CookieJar(unsafe=True),  # addresses may have cookies too
    ) as http:
        if account.role == "installer":
            return await _by_form(http, cloud, account, serial)
        return await _by_session(http, cloud, account, serial)


async def _by_session(http: aiohttp.ClientSession, cloud: Cloud, account: Account, serial: str) -> Token:
    login = {"user[email]": account.username, "user[password]": account.password}
    session = read_login(await _ask(http, "POST", f"{cloud.login_url}/login/login.json", data=login))
    wanted = {"session_id": session, "serial_num": serial, "username": account.username}
    try:
        return read_tokens(await _ask(http, "POST", f"{cloud.token_url}/tokens", json=wanted), serial)
    except CloudTrouble as first:
        if first.final:
            raise
        return await _second_road(http, cloud, session, serial, first)


async def _second_road(
    http: aiohttp.ClientSession, cloud: Cloud, session: str, serial: str, first: CloudTrouble
) -> Token:
    try:
        answer = await _ask(
            http,
            "GET",
            f"{cloud.login_url}/entrez-auth-token",
            params={"serial_num": serial},
            cookies={"_enlighten_4_session": session},
        )
        return read_auth_token(answer, serial)
    except CloudTrouble as second:
        # The first road is the usual one; what is wrong with it says more, unless the second is definite.
        raise (second if second.final else first) from None


async def _by_form(http: aiohttp.ClientSession, cloud: Cloud, account: Account, serial: str) -> Token:
    login = {"username": account.username, "password": account.password, "authFlow": "entrezSession"}
    answer = await _ask(http, "POST", f"{cloud.token_url}/login", data=login)
    check_form_login(answer, session=any(cookie.key == "SESSION" for cookie in http.cookie_jar))
    form = {"serialNum": serial}
    return read_form(await _ask(http, "POST", f"{cloud.token_url}/entrez_tokens", data=form), serial)


async def _ask(http: aiohttp.ClientSession, method: str, url: str, **what: Any) -> Answer:
    try:
        async with http.request(method, url, allow_redirects=False, **what) as response:
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > LARGEST_ANSWER:
                    raise unavailable("answers without end")
            after_s = retry_after_s(response.headers.get("Retry-After", ""), unix())
            return Answer(response.status, bytes(body), after_s)
    except FOREIGN as error:
        raise unavailable(_what_happened(error)) from None


def _what_happened(error: BaseException) -> str:
    """By its kind alone: the texts of these errors may quote addresses with a proxy's password."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "cannot be found: its name does not resolve"
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return "shows a certificate that this machine does not trust"
        case aiohttp.ClientProxyConnectionError() | aiohttp.ClientHttpProxyError():
            return "cannot be reached through the proxy of HTTPS_PROXY"
        case TimeoutError():
            return f"does not answer within {PATIENCE.total:.0f} s"
        case aiohttp.ClientConnectorError():
            return "cannot be reached"
    return "cuts the connection or does not speak HTTP"
