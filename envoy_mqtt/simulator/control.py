"""The switchboard of a simulated gateway, for people and scripts: plain HTTP on a port of its own.

    GET /               how the gateway is, which faults are on, which there are
    POST /faults        {"fault": "stall", "seconds": 20}: on for 20 s; without seconds, until cleared
    DELETE /faults      all off
    DELETE /faults/stall

Loopback only and without a password: it is part of the exercise, not of the gateway.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from aiohttp import web

from envoy_mqtt.errors import ConfigError
from envoy_mqtt.simulator.door import Door
from envoy_mqtt.simulator.faults import FAULTS
from envoy_mqtt.simulator.gateway import Gateway


class Control:
    """The switchboard of one gateway, open while its `async with` block lasts. Port 0 takes a free one."""

    def __init__(self, gateway: Gateway, port: int = 0, host: str = "127.0.0.1") -> None:
        app = web.Application(middlewares=[_explain])
        app.router.add_get("/", self._show)
        app.router.add_post("/faults", self._switch_on)
        app.router.add_delete("/faults", self._clear)
        app.router.add_delete("/faults/{name}", self._clear)
        self._gateway = gateway
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        self._door = Door(host, port, None, self._accept)

    async def __aenter__(self) -> Self:
        """Listen; raises ConfigError where the port cannot be had."""
        await self._runner.setup()
        await self._door.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._door.close()
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://{self._door.host}:{self._door.port}"

    def _accept(self) -> asyncio.BaseProtocol:
        assert self._runner.server is not None
        return self._runner.server()

    async def _show(self, _: web.Request) -> web.Response:
        return _json(state(self._gateway))

    async def _switch_on(self, request: web.Request) -> web.Response:
        name, seconds, settings = _asked(await request.read())
        await self._gateway.faults.on(name, seconds, settings)
        return _json(state(self._gateway))

    async def _clear(self, request: web.Request) -> web.Response:
        name = request.match_info.get("name")
        if name is not None and name not in FAULTS:
            raise ConfigError(f"fault: there is no {name!r}; there are: {', '.join(FAULTS)}.")
        await self._gateway.clear(name)
        return _json(state(self._gateway))


def state(gateway: Gateway) -> dict[str, object]:
    """What the switchboard shows of a gateway; no tokens."""
    return {
        "gateway": gateway.url,
        "serial": gateway.serial,
        "firmware": gateway.options.firmware,
        "pace": gateway.options.pace,
        "streams": len(gateway.streams),
        "connections": gateway.connections,
        "requests": len(gateway.visits.requests),
        "faults": {name: setting.values for name, setting in gateway.faults.active.items()},
        "known": {name: {"text": fault.text, **fault.settings} for name, fault in FAULTS.items()},
    }


def _asked(body: bytes) -> tuple[str, float | None, dict[str, object]]:
    """Fault, seconds and settings of a request's JSON; raises ConfigError where it is not understood."""
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        raise ConfigError('The body is not JSON; {"fault": "stall", "seconds": 20} would be.') from None
    if not isinstance(asked, dict) or not isinstance(asked.get("fault"), str):
        raise ConfigError('The body needs the name of a fault, as in {"fault": "stall"}.')
    name, seconds = asked.pop("fault"), asked.pop("seconds", None)
    if seconds is None:
        return name, None, asked
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0.0 <= seconds <= 1e9:
        raise ConfigError(f"seconds is {seconds!r}; a number from 0 to 1e9 is needed.")
    return name, float(seconds), asked


@web.middleware
async def _explain(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except ConfigError as error:
        return _json({"error": str(error)}, status=400)


def _json(body: dict[str, object], status: int = 200) -> web.Response:
    return web.json_response(body, status=status, dumps=lambda value: json.dumps(value, indent=2) + "\n")
