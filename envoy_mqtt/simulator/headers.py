"""The headers of a gateway's answers (protocol notes, section 3.0), in the order recordings show."""

from email.utils import formatdate
from typing import Any

from aiohttp import web

from envoy_mqtt.simulator.firmware import Firmware
from envoy_mqtt.simulator.pages import Answer

ORDER = ("Server", "Date", "Content-Type", "Content-Length", "Transfer-Encoding", "Connection", "Set-Cookie")
SECURITY = {
    "Strict-Transport-Security": "max-age=63072000; includeSubdomains",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
}
# What aiohttp adds where an answer has none: `/ivp/*` has none on any gateway, and must not get one.
MADE_UP_TYPE = "application/octet-stream"


def complete(answer: Answer, firmware: Firmware, unix: float, *, keep_alive: bool) -> dict[str, str]:
    """An answer's headers and those that every answer has; a `bare` answer gets no security headers."""
    headers = dict(answer.headers)
    headers["Date"] = formatdate(unix, usegmt=True)
    if firmware.keeps_alive:
        headers["Server"] = "openresty/1.17.8.1"
        headers["Connection"] = "keep-alive" if keep_alive else "close"
        if not answer.bare:
            headers.update(SECURITY)
    else:
        headers["Connection"] = "close"
    return headers


def raw(answer: Answer, headers: dict[str, str]) -> bytes:
    """A whole answer as bytes, its headers in latin-1: for those that are not ASCII."""
    lines = [
        f"HTTP/1.1 {answer.status} Unauthorized",
        *(f"{key}: {value}" for key, value in headers.items()),
        f"Content-Length: {len(answer.body)}",
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + answer.body


async def tidy(_: Any, response: web.StreamResponse) -> None:
    """An `on_response_prepare` hook: take out what aiohttp put in, and put the rest in order."""
    headers = response.headers
    if headers.get("Content-Type") == MADE_UP_TYPE:
        del headers["Content-Type"]
    if headers.get("Server", "").startswith("Python"):
        del headers["Server"]
    if headers.get("Connection") == "close":
        response.force_close()
    items = sorted(headers.items(), key=lambda item: _place(item[0]))
    headers.clear()
    for key, value in items:
        headers.add(key, value)


def _place(key: str) -> int:
    return ORDER.index(key) if key in ORDER else len(ORDER)
