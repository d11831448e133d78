"""One gateway from its first answer to its last: who it is, getting in, and asking.

    identify()   /info without credentials, over HTTPS or else HTTP
    sign_in()    a token, over HTTPS only; before firmware 7 the installer's password
    ask() post() stream()

The certificate is judged between the first two, by whoever holds the guard. A 401 is no proof of an ended
token (protocol notes, section 5.6): `/auth/check_jwt` is asked what it thinks of it, and the cookie that it
gives goes with the token from then on.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from math import inf
from secrets import token_hex
from types import TracebackType
from typing import Any, Self

from aiohttp import ClientResponse

from envoy_mqtt.clock import now, steady
from envoy_mqtt.errors import TryAgain
from envoy_mqtt.gateway.digest import Signer
from envoy_mqtt.gateway.guard import Guard
from envoy_mqtt.gateway.introduction import introduce
from envoy_mqtt.gateway.road import Road, wants_token
from envoy_mqtt.gateway.token import Token
from envoy_mqtt.gateway.tokens import Tokens
from envoy_mqtt.gateway.trouble import UNAUTHORIZED, of_password, of_role, of_status
from envoy_mqtt.gateway.wire import Answer, Wire, read
from envoy_mqtt.model import Identity

STREAM = "/stream/meter"
CHECK = "/auth/check_jwt"

# A gateway that refuses what it has just accepted is not asked about it again at once.
CHECK_EVERY_S = 60.0

ACCEPTED = {200: True, 401: False, 403: False}


class Session:
    """One attempt's dealings with one gateway, while the `async with` block lasts.

    Everything that is asked raises `TryAgain`, or what `trouble.FOREIGN` lists.
    """

    def __init__(self, host: str, guard: Guard, road: Road, *, steady: Callable[[], float] = steady) -> None:
        self._road = road
        self._steady = steady
        self._wire = Wire(host, guard, road)
        self._signer: Signer | None = None
        self._tokens: Tokens | None = None
        self._shown = ""
        self._cookie = ""
        self._welcome = False
        self._accepted: bool | None = None
        self._checked = -inf
        self._checking = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._wire.close()

    @property
    def encrypted(self) -> bool:
        """Whether there is a certificate, and a token may leave."""
        return self._wire.scheme == "https"

    @property
    def token(self) -> Token | None:
        """The token in use, the newest there is; `None` where none is wanted or none was found yet."""
        return None if self._tokens is None or self._tokens.held is None else self._tokens.held.token

    async def identify(
        self, serial: str | None = None, *, secure: bool = False, pinned: Collection[str] = ()
    ) -> Identity:
        """Who answers; `serial` is who it must be, `secure` whether HTTP is out of the question.

        The gateways in `pinned` spoke HTTPS once, and are not listened to over HTTP.
        """
        return await introduce(self._wire, self._road, serial=serial, secure=secure, pinned=pinned)

    async def sign_in(self, identity: Identity, tokens: Tokens) -> None:
        """Have ready what this gateway wants; raises `Refused` where it is a token and there is none."""
        if wants_token(identity):
            await tokens.find(identity.serial)
            self._tokens = tokens
        else:
            self._signer = Signer(identity.serial)

    async def ask(self, path: str) -> bytes:
        """The body of a path's answer; one at a time, on the connection that the stream does not use."""
        return await self._ask("GET", path)

    async def post(self, path: str, json: Any) -> bytes:
        """The same for a request that carries JSON."""
        return await self._ask("POST", path, json)

    @asynccontextmanager
    async def stream(self, path: str = STREAM) -> AsyncIterator[ClientResponse]:
        """An answer that does not end, of which only the head has been read."""
        for again in (True, False):
            headers, cookie = self._credentials("GET", path), self._cookie
            async with self._wire.stream(path, headers) as response:
                if response.status == 200:
                    self._take_cookie(response.headers.getall("Set-Cookie", ()))
                    yield response
                    return
                answer = await read(path, response)
            if not (again and await self._let_in(answer, cookie)):
                raise self._trouble(answer)

    async def _ask(self, method: str, path: str, json: Any = None) -> bytes:
        cookie = self._cookie
        answer = await self._wire.ask(method, path, self._credentials(method, path), json)
        if await self._let_in(answer, cookie):
            answer = await self._wire.ask(method, path, self._credentials(method, path), json)
        if answer.status != 200:
            raise self._trouble(answer)
        self._welcome = True
        self._take_cookie(answer.cookies)
        return answer.body

    def _credentials(self, method: str, path: str) -> dict[str, str]:
        if self._signer is not None:
            said = self._signer.sign(method, path, token_hex(8))
            return {} if said is None else {"Authorization": said}
        if self.token is None or not self.encrypted:
            return {}
        if self.token.text != self._shown:
            # A gateway's sessions belong to one token (protocol notes, section 5.1).
            self._shown, self._cookie, self._accepted, self._checked = self.token.text, "", None, -inf
        bearer = {"Authorization": f"Bearer {self._shown}"}
        return bearer | {"Cookie": self._cookie} if self._cookie else bearer

    async def _let_in(self, answer: Answer, cookie: str) -> bool:
        """Whether it makes sense to ask once more; `cookie` is what was shown."""
        if answer.status not in UNAUTHORIZED:
            return False
        if self._signer is not None:
            return self._signer.understands(answer.challenges)
        if self.token is None:
            return False
        async with self._checking:
            if self._steady() - self._checked >= CHECK_EVERY_S:
                await self._check()
        return self._cookie not in ("", cookie)

    async def _check(self) -> None:
        """What the gateway thinks of the token alone; some firmware does not know this path."""
        self._cookie = ""
        headers = self._credentials("GET", CHECK)
        self._checked = self._steady()
        answer = await self._wire.ask("GET", CHECK, headers)
        if answer.status >= 500:
            raise _of(answer)
        self._accepted = ACCEPTED.get(answer.status)
        if self._accepted:
            self._take_cookie(answer.cookies)

    def _take_cookie(self, cookies: Iterable[str]) -> None:
        """Keep the newest cookie of a session, whatever its exact name is (protocol notes, section 5.1)."""
        for each in cookies:
            pair = each.partition(";")[0].strip()
            if pair.lower().startswith("session") and pair.isascii() and pair.isprintable():
                self._cookie = pair

    def _trouble(self, answer: Answer) -> TryAgain:
        if answer.status not in UNAUTHORIZED:
            return _of(answer)
        if self._signer is not None:
            return of_password(answer.status, understood=self._signer.ready)
        if self._tokens is None or self.token is None:
            return _of(answer)
        # A gateway without the check takes a token that it let in elsewhere.
        if self._accepted or (self._accepted is None and self._welcome):
            role = self.token.claims.role
            return of_role(answer.path, answer.status, role, stream=answer.path == STREAM)
        self._tokens.refused()
        return _of(answer)


def _of(answer: Answer) -> TryAgain:
    return of_status(answer.path, answer.status, answer.retry_after, now().unix)
