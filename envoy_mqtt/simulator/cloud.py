"""The vendor's cloud to practise on: Enlighten and Entrez on one loopback port, plain HTTP.

    async with Cloud(keys) as cloud:
        cloud.url                               # both `cloud.login_url` and `cloud.token_url`
        cloud.refuse("login", "second_factor")  # a step of STEPS, and one of refusals.TROUBLES
        cloud.clear()
        await cloud.visits.requested("/tokens")

Its accounts own gateways, its tokens are signed with `keys`, so that a simulated gateway with the same
keys accepts them. Paths, cookies and bodies are those of the protocol notes, section 5.
"""

import asyncio
import html
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from aiohttp import web

from envoy_mqtt.simulator import identity
from envoy_mqtt.simulator.door import Door
from envoy_mqtt.simulator.firmware import Role
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.refusals import HTML, ISSUED, JSON, TROUBLES, Said
from envoy_mqtt.simulator.visits import Visit, Visits

SESSION = "_enlighten_4_session"
FORM_SESSION = "SESSION"

STEPS = {
    "/login/login.json": "login",
    "/tokens": "tokens",
    "/entrez-auth-token": "auth",
    "/login": "form",
    "/entrez_tokens": "page",
}


@dataclass
class Person:
    """An account: what it signs in with, which gateways it owns, and whose tokens it gets by the form."""

    username: str = "owner@example.com"
    password: str = "correct horse battery staple"  # noqa: S105
    serials: tuple[str, ...] = ("122312345678",)
    form_role: Role = Role.INSTALLER


class Cloud:
    """Both services, listening while the `async with` block lasts. `clock` gives Unix seconds.

    `lifetime_s` is how long the tokens live, None for as long as real ones do; `delay_s` how long each
    answer takes. `asked` is what came in the bodies, newest last; `peak` how many requests were under way
    at once at most.
    """

    def __init__(
        self,
        keys: Keys,
        *people: Person,
        port: int = 0,
        clock: Callable[[], float] = time.time,
        lifetime_s: float | None = None,
    ) -> None:
        self.people = people or (Person(),)
        self.visits = Visits()
        self.asked: list[dict[str, Any]] = []
        self.user_agents: set[str] = set()
        self.lifetime_s = lifetime_s
        self.delay_s = 0.0
        self._keys = keys
        self.clock = clock
        self.peak = 0
        self._under_way = 0
        self._troubles: dict[str, str] = {}
        self._sessions: dict[str, Person] = {}
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.5)
        self._door = Door("127.0.0.1", port, None, self._accept)

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

    @property
    def logins(self) -> int:
        """How often somebody tried to sign in."""
        return len(self.visits.of("/login/login.json")) + len(self.visits.of("/login"))

    @property
    def sessions(self) -> list[str]:
        """The sessions that were opened, secret as they are."""
        return list(self._sessions)

    def refuse(self, step: str, trouble: str) -> None:
        """From now on this step ("login", "tokens", "auth", "form", "page") answers with a trouble."""
        assert step in STEPS.values()
        assert trouble in TROUBLES
        self._troubles[step] = trouble

    def clear(self) -> None:
        """No more troubles."""
        self._troubles.clear()

    def token(self, person: Person, serial: str, role: Role = Role.OWNER) -> str:
        """A token as this cloud issues it now."""
        return identity.issue(
            self._keys, serial, role, self.clock(), lifetime_s=self.lifetime_s, username=person.username
        )

    def _accept(self) -> asyncio.BaseProtocol:
        assert self._runner.server is not None
        return self._runner.server()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        cookie = request.cookies.get(SESSION) or request.cookies.get(FORM_SESSION)
        visit = Visit(self.clock(), request.method, request.path, token=False, cookie=bool(cookie))
        self.asked.append(await _body(request))
        self.user_agents.add(request.headers.get("User-Agent", ""))
        self.visits.came(visit, len(self._runner.server.connections) if self._runner.server else 0)
        self._under_way += 1
        self.peak = max(self.peak, self._under_way)
        try:
            await asyncio.sleep(self.delay_s)
            answer = await self._answer(request)
        finally:
            self._under_way -= 1
        self.visits.answered(visit, answer.status)
        return answer

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        step = STEPS.get(request.path, "")
        if step in self._troubles:
            return _said(request, TROUBLES[self._troubles[step]])
        steps: dict[str, Callable[[web.Request], Awaitable[web.Response]]] = {
            "login": self._login,
            "tokens": self._tokens,
            "auth": self._auth,
            "form": self._form,
            "page": self._page,
        }
        if step not in steps:
            return _said(request, TROUBLES["not_found"])
        return await steps[step](request)

    async def _login(self, request: web.Request) -> web.Response:
        form = await request.post()
        person = self._person(form.get("user[email]"), form.get("user[password]"))
        if person is None:
            return _said(request, TROUBLES["password"])
        session = self._open(person)
        said = {
            "message": "success",
            "session_id": session,
            "manager_token": self.token(person, ""),
            "is_consumer": True,
            "system_id": 1,
            "redirect_url": "",
        }
        response = web.Response(text=json.dumps(said), headers=JSON)
        response.set_cookie(SESSION, session, httponly=True)
        response.set_cookie("enlighten_manager_token_production", str(said["manager_token"]))
        return response

    async def _tokens(self, request: web.Request) -> web.Response:
        asked = self.asked[-1]
        person = self._sessions.get(str(asked.get("session_id")))
        if person is None or asked.get("username") != person.username:
            return _said(request, TROUBLES["refused"])
        if asked.get("serial_num") not in person.serials:
            return _said(request, TROUBLES["not_owner"])
        return web.Response(text=self.token(person, str(asked["serial_num"])) + "\n")

    async def _auth(self, request: web.Request) -> web.Response:
        person = self._sessions.get(request.cookies.get(SESSION, ""))
        serial = request.query.get("serial_num", "")
        if person is None:
            return _said(request, TROUBLES["sign_in"])
        if serial not in person.serials:
            return _said(request, TROUBLES["not_owner"])
        now = int(self.clock())
        said = {"generation_time": now, "token": self.token(person, serial), "expires_at": now + 31_536_000}
        return web.Response(text=json.dumps(said), headers=JSON)

    async def _form(self, request: web.Request) -> web.Response:
        form = await request.post()
        person = self._person(form.get("username"), form.get("password"))
        if person is None:
            return _said(request, TROUBLES["login_page"])
        response = web.Response(text="<!DOCTYPE html>\n<html><body>Entrez</body></html>\n", headers=HTML)
        response.set_cookie(FORM_SESSION, self._open(person), httponly=True)
        return response

    async def _page(self, request: web.Request) -> web.Response:
        person = self._sessions.get(request.cookies.get(FORM_SESSION, ""))
        serial = str((await request.post()).get("serialNum"))
        if person is None:
            return _said(request, TROUBLES["login_page"])
        if serial not in person.serials:
            return _said(request, TROUBLES["error"])
        token = self.token(person, serial, person.form_role)
        return web.Response(text=ISSUED.format(html.escape(token).replace(".", "&#46;")), headers=HTML)

    def _person(self, username: object, password: object) -> Person | None:
        return next((it for it in self.people if (it.username, it.password) == (username, password)), None)

    def _open(self, person: Person) -> str:
        session = uuid4().hex
        self._sessions[session] = person
        return session


async def _body(request: web.Request) -> dict[str, Any]:
    if request.content_type == "application/json":
        asked: dict[str, Any] = await request.json()
        return asked
    return dict(await request.post())


def _said(request: web.Request, said: Said) -> web.Response:
    if not said.status:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()
    return web.Response(status=said.status, text=said.body, headers=said.headers)
