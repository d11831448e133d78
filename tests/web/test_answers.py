"""Answers go out with their headers, or not at all where nobody takes them."""

import asyncio
import socket

from aiohttp.web_request import BaseRequest
from aiohttp.web_response import Response, StreamResponse
from aiohttp.web_server import Server

from envoy_mqtt.web import answers
from envoy_mqtt.web.answers import send
from tests.e2e.harness import eventually, free_port

MUCH = b"x" * 50_000_000


async def test_who_does_not_take_an_answer_is_hung_up_on() -> None:
    done = asyncio.Event()

    async def answer(request: BaseRequest) -> StreamResponse:
        try:
            return await send(Response(body=MUCH), request, asleep_s=0.5)
        finally:
            done.set()

    loop, port = asyncio.get_running_loop(), free_port()
    server = Server(answer, access_log=None)
    listener = await loop.create_server(server, "127.0.0.1", port)
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        async with asyncio.timeout(30):
            await done.wait()
        await eventually(lambda: not server.connections)
    listener.close()
    await server.shutdown(1)


def test_every_kind_of_answer_keeps_foreign_pages_out() -> None:
    kinds = (answers.HEADERS, answers.PAGE, answers.STREAM, answers.text(404, "a").headers)
    for headers in kinds:
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert "camera=()" in headers["Permissions-Policy"]
    assert "frame-ancestors 'none'" in answers.STREAM["Content-Security-Policy"]
    assert "frame-ancestors 'self'" in answers.PAGE["Content-Security-Policy"]


def test_a_sentence_is_a_line_of_text() -> None:
    answer = answers.text(400, "That cannot be meant.")
    assert (answer.status, answer.body) == (400, b"That cannot be meant.\n")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
