"""The page behind a path prefix, as Home Assistant's ingress and reverse proxies have it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from playwright.async_api import Browser

from tests.page.house import FULLEST, House
from tests.page.visit import visiting

PREFIX = "/api/hassio_ingress/Sx6Nt8l3RzK0"


@asynccontextmanager
async def proxied(address: str) -> AsyncIterator[str]:
    """A reverse proxy that takes the prefix away and names it, as the Supervisor does."""

    async def forward(request: web.Request) -> web.StreamResponse:
        path = request.path_qs.removeprefix(PREFIX)
        headers = {"X-Ingress-Path": PREFIX}
        async with session.get(address.rstrip("/") + path, headers=headers) as answer:
            response = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type})
            for name in ("Content-Security-Policy", "X-Content-Type-Options"):
                response.headers[name] = answer.headers[name]
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            return response

    app = web.Application()
    app.router.add_get(PREFIX + "/{path:.*}", forward)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5, handler_cancellation=True)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        try:
            yield f"http://127.0.0.1:{port}{PREFIX}/"
        finally:
            await runner.cleanup()


@FULLEST
async def test_everything_is_asked_for_below_the_prefix(house: House, browser: Browser) -> None:
    async with proxied(house.address) as address, visiting(browser, address) as visit:
        await visit.live()
        assert (await visit.numbers())["net_power"] is not None
        paths = {urlsplit(each).path for each in visit.asked}
    assert all(path.startswith(f"{PREFIX}/") for path in paths)
    assert {f"{PREFIX}/events", f"{PREFIX}/api/state", f"{PREFIX}/api/history"} <= paths
