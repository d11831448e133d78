"""Answers as bytes on the wire; those that come late and chunked are tested with what they say."""

import asyncio

import pytest
from aiohttp import web

from envoy_mqtt.simulator.delivery import deliver
from envoy_mqtt.simulator.listener import Listener
from envoy_mqtt.simulator.pages import Answer

PLAIN = Answer(200, b"0123456789", {})


async def received(answer: Answer, version: str = "1.1") -> tuple[bytes, bytes]:
    """Head and body as they came, until the connection closed."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return await deliver(request, answer, {**answer.headers, "Connection": "close"}, 0.0)

    listener = Listener("127.0.0.1", 0, None, handle, lambda: None)
    await listener.start()
    await listener.door.open()
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.door.port)
    writer.write(f"GET / HTTP/{version}\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await listener.stop()
    return head, body


@pytest.mark.parametrize(
    ("answer", "version", "header", "body"),
    [
        (PLAIN, "1.1", b"Content-Length: 10", b"0123456789"),
        (PLAIN._replace(chunked=True), "1.1", b"Transfer-Encoding: chunked", b"0\r\n\r\n"),
        (PLAIN._replace(chunked=True), "1.0", b"Content-Length: 10", b"0123456789"),
        (PLAIN._replace(headers={"X": "\xd8"}), "1.1", b"X: \xd8", b"0123456789"),
    ],
)
async def test_an_answer_comes_whole_or_in_chunks_and_its_head_in_latin_1(
    answer: Answer, version: str, header: bytes, body: bytes
) -> None:
    head, found = await received(answer, version)
    assert header in head.split(b"\r\n")
    assert found.endswith(body)
