"""Answers of the web server, with the headers that every one of them has.

The page may load what lies beside it and nothing else: no inline script or style, nothing of another origin.
Framed it may be by its own origin only, which is what Home Assistant's ingress is.
"""

import asyncio
from collections.abc import Mapping

from aiohttp.web_request import BaseRequest
from aiohttp.web_response import Response, StreamResponse

from envoy_mqtt.web.files import File

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "Server": "envoy-mqtt",
    "X-Content-Type-Options": "nosniff",
}
PAGE = HEADERS | {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            *(f"{kind}-src 'self'" for kind in ("connect", "font", "img", "manifest", "script", "style")),
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'self'",
        )
    ),
}
# A reverse proxy before us shall hand on each event as it comes (nginx keeps them back otherwise).
STREAM = HEADERS | {"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"

# Who has taken nothing for so long is asleep, and may come again when awake.
ASLEEP_S = 60.0


def text(status: int, sentence: str) -> Response:
    """A line of text."""
    return Response(status=status, body=f"{sentence}\n".encode(), headers={**HEADERS, "Content-Type": TEXT})


def json(body: bytes, status: int = 200) -> Response:
    """What is JSON already."""
    return body_of(JSON, body, status)


def body_of(kind: str, body: bytes, status: int = 200) -> Response:
    """Bytes of a content type."""
    return Response(status=status, body=body, headers={**HEADERS, "Content-Type": kind})


def file(file: File, request: BaseRequest) -> Response:
    """A file of the page; only that it is the same where the browser has it."""
    known = any(each.value in (file.etag, "*") for each in request.if_none_match or ())
    headers: Mapping[str, str] = {**PAGE, "Content-Type": file.kind, "ETag": f'"{file.etag}"'}
    return Response(status=304, headers=headers) if known else Response(body=file.body, headers=headers)


async def send(response: StreamResponse, request: BaseRequest, asleep_s: float = ASLEEP_S) -> StreamResponse:
    """Send it to its end; who has not taken all of it after so long is hung up on."""
    if response.prepared:
        return response
    try:
        async with asyncio.timeout(asleep_s):
            await response.prepare(request)
            await response.write_eof()
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
    return response
