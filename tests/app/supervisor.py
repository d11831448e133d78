"""A Supervisor as far as an app needs one: it tells of a broker once there is one, to who has the token."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

TOKEN = "token-of-the-app"
NOT_YET = {"result": "error", "message": "Service not enabled"}


class Supervisor:
    """Answers as in the HA notes, section 3.2. `broker` is what `/services/mqtt` tells, `None` before any app
    offers one; `asked` counts the questions.
    """

    def __init__(self) -> None:
        self.broker: dict[str, Any] | None = None
        self.asked = 0
        self.url = ""

    def offer(self, port: int, username: str, password: str, **more: Any) -> None:
        """What the Mosquitto app says when it starts."""
        self.broker = {
            "addon": "core_mosquitto",
            "host": "127.0.0.1",
            "port": port,
            "ssl": False,
            "protocol": "3.1.1",
            "username": username,
            "password": password,
            **more,
        }

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"result": "error", "message": "unauthorized"}, status=401)
        if self.broker is None:
            return web.json_response(NOT_YET, status=400)
        return web.json_response({"result": "ok", "data": self.broker})


@asynccontextmanager
async def supervising() -> AsyncIterator[Supervisor]:
    """A Supervisor on a free port of the loopback."""
    supervisor = Supervisor()
    app = web.Application()
    app.router.add_get("/services/mqtt", supervisor.answer)
    async with TestServer(app) as server:
        supervisor.url = str(server.make_url("")).rstrip("/")
        yield supervisor
