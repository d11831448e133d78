"""The page as Home Assistant's ingress asks for it: under a path of its own, by the name the browser used."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urljoin

import aiohttp
from aiohttp import web

from tests.e2e.harness import bridging, eventually, free_port, settings

PREFIX = "/api/hassio_ingress/IZVoP4xYl0"
FOREIGN = {"Host": "home.example.com"}
HOP_BY_HOP = {"Transfer-Encoding", "Content-Length", "Content-Encoding"}


@asynccontextmanager
async def ingress(port: int) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of a proxy that does what Home Assistant's does with paths and headers."""
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as behind:

        async def pass_on(request: web.Request) -> web.StreamResponse:
            headers = {**request.headers, "X-Ingress-Path": PREFIX}
            path = request.raw_path.removeprefix(PREFIX)
            async with behind.get(path, headers=headers, allow_redirects=False) as answer:
                kept = {name: value for name, value in answer.headers.items() if name not in HOP_BY_HOP}
                response = web.StreamResponse(status=answer.status, headers=kept)
                await response.prepare(request)
                async for chunk, _ in answer.content.iter_chunks():
                    await response.write(chunk)
            return response

        server = web.Application()
        server.router.add_get(PREFIX + "/{path:.*}", pass_on)
        runner = web.AppRunner(server, handler_cancellation=True)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", front := free_port()).start()
            async with aiohttp.ClientSession(f"http://127.0.0.1:{front}", headers=FOREIGN) as client:
                yield client
        finally:
            await runner.cleanup()


async def test_everything_the_page_needs_is_below_the_path_it_was_asked_for(tmp_path: Path) -> None:
    port = free_port()
    it = settings(
        tmp_path,
        gateway__host="127.0.0.1:9",
        mqtt__host="127.0.0.1",
        mqtt__port=9,
        web__enabled=True,
        web__port=port,
        web__allowed_clients="127.0.0.1",
        web__trusted_proxies="127.0.0.1",
    )
    async with bridging(it) as app, ingress(port) as client:
        await eventually(lambda: app._web is not None and app._web.listening)
        async with client.get(f"{PREFIX}/") as answer:
            page = await answer.text()
            assert answer.status == 200
            assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
        wanted = re.findall(r'(?:src|href)="([^"#]+)"', page)
        assert len(wanted) >= 3
        for address in (*wanted, "api/state", "api/doctor", "livez"):
            path = urljoin(f"{PREFIX}/", address)
            assert path.startswith(f"{PREFIX}/")
            async with client.get(path) as answer:
                assert (address, answer.status) == (address, 200)
        async with asyncio.timeout(30), client.get(f"{PREFIX}/events") as stream:
            assert stream.content_type == "text/event-stream"
            assert await stream.content.readline() == b"retry: 2000\n"
