"""A far end that says back what it was told: a gateway, a cloud, a proxy or a broker that quotes secrets.

    Mirror(answer_of(manner, words))     over TCP, or over TLS with a gateway's certificate

Every manner is one way in which the words of a far end reach a client: reason phrases, headers, bodies,
and what is no HTTP at all. Nothing here is well-formed on purpose.
"""

import asyncio
import json
import ssl
from collections.abc import Callable
from types import TracebackType
from typing import Self

# The bytes of a request, and what to answer; nothing is: hang up without a word.
Answering = Callable[[bytes], bytes]

CHALLENGES = "WWW-Authenticate", "Location", "Set-Cookie", "Retry-After", "Content-Type", "X-Echo"


def _http(status: str, body: bytes, *lines: str) -> bytes:
    head = "\r\n".join((f"HTTP/1.1 {status}", *lines, f"Content-Length: {len(body)}", "", ""))
    return head.encode() + body


def _headers(words: str) -> tuple[str, ...]:
    return tuple(f"{name}: {words}" for name in CHALLENGES)


def _everywhere(status: int) -> Callable[[str], bytes]:
    def answer(words: str) -> bytes:
        return _http(
            f"{status} {words}", json.dumps({"error": words, words: words}).encode(), *_headers(words)
        )

    return answer


def _chunked(words: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{words}\r\n{words}\r\n".encode()


MANNERS: dict[str, Callable[[str], bytes]] = {
    "401": _everywhere(401),
    "403": _everywhere(403),
    "404": _everywhere(404),
    "429": _everywhere(429),
    "503": _everywhere(503),
    "redirect": _everywhere(302),
    "odd json": lambda words: _http("200 OK", json.dumps({words: words}).encode(), *_headers(words)),
    "list": lambda words: _http("200 OK", json.dumps([{"eid": words, "state": [words]}]).encode()),
    "page": lambda words: _http("200 OK", f"<html>{words}</html>".encode(), "Content-Type: text/html"),
    "xml": lambda words: _http("200 OK", f"<a>&{words.split()[0]};<{words.split()[0]}></a>".encode()),
    "event": lambda words: _http(
        "200 OK", f"data: {words}\r\n\r\ndata: {json.dumps({words: 1})}\r\n\r\n".encode()
    ),
    "no http": lambda words: f"{words}\r\n\r\n".encode(),
    "odd status": lambda words: f"HTTP/1.1 {words}\r\n\r\n".encode(),
    "odd header": lambda words: f"HTTP/1.1 200 OK\r\n{words}\r\nx y: {words}\r\n\r\n".encode(),
    "odd length": lambda words: f"HTTP/1.1 200 OK\r\nContent-Length: {words}\r\n\r\n".encode(),
    "odd chunk": _chunked,
    "cut in its head": lambda words: f"HTTP/1.1 200 {words}\r\nX-Echo: {words}\r\n".encode(),
    "cut in its body": lambda words: _http("200 OK", words.encode() * 2, f"X-Echo: {words}")[:-9],
    "compressed": lambda words: _http("200 OK", words.encode(), "Content-Encoding: gzip", f"X-Echo: {words}"),
}


class Mirror:
    """One such far end on a free port; `heard` is all it was told, `asked` how often."""

    def __init__(self, answer: Answering, context: ssl.SSLContext | None = None) -> None:
        self._answer = answer
        self._context = context
        self.heard = b""
        self.asked = 0
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(20):
                request = await _whole(reader)
            self.heard += request
            self.asked += bool(request)
            if request:
                writer.write(self._answer(request))
                await writer.drain()
        except (OSError, TimeoutError):
            pass  # whoever leaves has heard enough
        finally:
            writer.close()


async def _whole(reader: asyncio.StreamReader) -> bytes:
    """A request with its body, or the first bytes of what is no HTTP."""
    request = await reader.read(65_536)
    head, _, body = request.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            while len(body) < int(line.partition(b":")[2]):
                more = await reader.read(65_536)
                if not more:
                    break
                request, body = request + more, body + more
    return request
