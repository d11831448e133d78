import asyncio

import pytest

from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options, Pace

SECURITY = [
    "Strict-Transport-Security: max-age=63072000; includeSubdomains",
    "X-Frame-Options: DENY",
    "X-Content-Type-Options: nosniff",
]


async def head(options: Options, keys: Keys, request: str) -> list[str]:
    """The lines of an answer's head as they come over the wire."""
    async with Gateway(options, keys=keys, clock=lambda: 1693745127.0) as gateway:
        reader, writer = await asyncio.open_connection(gateway.host, gateway.port)
        writer.write(f"{request} HTTP/1.1\r\nHost: envoy.local\r\n\r\n".encode())
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()[:-1]
        writer.close()
        await writer.wait_closed()
        return lines


@pytest.mark.parametrize(
    ("firmware", "path", "kind"),
    [
        ("D7.6.175", "/info", ["Content-Type: text/xml"]),
        ("D8.3.5167", "/info", []),
        ("D7.6.175", "/ivp/meters", []),
        ("D8.3.5167", "/ivp/meters/readings", []),
    ],
)
async def test_the_head_is_that_of_the_recordings_line_by_line(
    keys: Keys, firmware: str, path: str, kind: list[str]
) -> None:
    lines = await head(Options(firmware=firmware, tls=False, tokens=False), keys, f"GET {path}")
    assert [line for line in lines if not line.startswith("Content-Length")] == [
        "HTTP/1.1 200 OK",
        "Server: openresty/1.17.8.1",
        "Date: Sun, 03 Sep 2023 12:45:27 GMT",
        *kind,
        "Connection: keep-alive",
        *SECURITY,
    ]


async def test_the_stream_is_chunked_and_has_its_type_or_none(keys: Keys) -> None:
    for content_type, kind in ((True, ["Content-Type: text/event-stream"]), (False, [])):
        options = Options(tls=False, tokens=False, pace=Pace.MANUAL, stream_content_type=content_type)
        lines = await head(options, keys, "GET /stream/meter")
        assert lines[3:] == [*kind, "Transfer-Encoding: chunked", "Connection: keep-alive", *SECURITY]


async def test_the_door_says_less(keys: Keys) -> None:
    lines = await head(Options(tls=False), keys, "GET /ivp/meters")
    assert lines == [
        "HTTP/1.1 401 Unauthorized",
        "Server: openresty/1.17.8.1",
        "Date: Sun, 03 Sep 2023 12:45:27 GMT",
        "Content-Type: text/html",
        "Content-Length: 539",
        "Connection: keep-alive",
    ]


async def test_before_7_every_answer_closes_and_no_server_is_named(keys: Keys) -> None:
    lines = await head(Options(firmware="D5.0.62", tls=False), keys, "GET /ivp/meters")
    assert lines == [
        "HTTP/1.1 200 OK",
        "Date: Sun, 03 Sep 2023 12:45:27 GMT",
        "Content-Length: 457",
        "Connection: close",
    ]
