"""Where a gateway's token comes from, and how it stays fresh.

    configured token, token_file ──► cache ──► the vendor's cloud, within the budget

The first that need not be renewed is used; else the first that has not ended, until a better one is there.
Connecting waits for the cloud only where there is no living token; `renewing` runs beside the streams.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from math import inf
from pathlib import Path
from typing import NoReturn

from envoy_mqtt.clock import steady, unix
from envoy_mqtt.errors import Refused
from envoy_mqtt.gateway.auth import Account, Cloud
from envoy_mqtt.gateway.cloud import BY_HAND
from envoy_mqtt.gateway.errand import bring
from envoy_mqtt.gateway.purse import Purse
from envoy_mqtt.gateway.token import Held, Token, choose, read_token
from envoy_mqtt.line import Line
from envoy_mqtt.mqtt.message import iso

ACCOUNT = "with username and password, with which tokens are fetched"
MISSING = f"there is no token for it; set gateway.token or gateway.token_file, or gateway.account {ACCOUNT}"

# A clock may be set meanwhile, so nobody sleeps longer than this before looking at it again.
LOOK_EVERY_S = 60.0

# A gateway is never asked more than once a second, so looking more often would be of no use.
LOOK_FOR_FILE_S = 1.0

DAY_S = 86_400.0


def expiry(token: Token) -> str | None:
    """When it ends, as people and topics have it."""
    return None if token.claims.expires is None else iso(token.claims.expires)


class Tokens:
    """The tokens of one gateway. `own` reads the configured one, as it is at that moment; `missing` is the
    sentence for a gateway that has neither token nor account.
    """

    def __init__(
        self,
        folder: Path,
        own: Callable[[], str | None],
        account: Account | None,
        cloud: Cloud,
        line: Line,
        *,
        missing: str = MISSING,
        unix: Callable[[], float] = unix,
        steady: Callable[[], float] = steady,
    ) -> None:
        self._own = own
        self._purse = None if account is None else Purse(folder, account, line)
        self._cloud = cloud
        self._line = line
        self._missing = missing
        self._unix = unix
        self._steady = steady
        self._serial = ""
        self._seen: str | None = None
        self._refused: set[str] = set()
        self._replaced = False
        self._logins, self._count_at = 0, -inf
        self._changed = asyncio.Event()
        self.held: Held | None = None

    async def find(self, serial: str) -> Token:
        """The token to show gateway `serial` now; raises `Refused` with the remedy where there is none."""
        self._serial = serial
        configured = self._configured(serial)
        held = choose((*configured, *self._cached(serial)), self._unix())
        if held is None and self._purse is None:
            held = next(iter(configured), None)  # ended by our clock; the gateway's counts
            if held is None:
                raise Refused(self._missing, reason="refused", code="token_missing")
            self._hold(held)
            self._warn_of_end()
        return self._hold(held or await self._fetch_or_make_do(serial)).token

    async def another_one(self, seconds: float) -> None:
        """Wait, but no longer than until the configured token is another than it was.

        Someone may put one into `token_file` while there is none that the gateway takes.
        """
        before = self._own_or_none()
        until = self._steady() + seconds
        while (left_s := until - self._steady()) > 0:
            await asyncio.sleep(min(left_s, LOOK_FOR_FILE_S))
            if self._own_or_none() not in (before, None):
                return

    def _own_or_none(self) -> str | None:
        try:
            return self._own()
        except Refused:
            return None

    async def fresh(self, serial: str) -> Held:
        """A token that need not be renewed, where an account can give one; raises `Refused`."""
        await self.find(serial)
        if self._held_is_due():
            return await self.renew()
        assert self.held is not None
        return self.held

    async def renewing(self, say: Callable[[Token], None]) -> NoReturn:
        """Renew the token ahead of its end, for ever, and take another one that was configured meanwhile;
        `say` is told each new one.
        """
        while True:
            try:
                if self._is_configured_anew():
                    say(await self.find(self._serial))
                if self._purse is None:
                    self._warn_of_end()
                elif self._held_is_due():
                    say((await self.renew()).token)
            except Refused as trouble:
                self._not_renewed(trouble)
            await self._rest()

    async def renew(self) -> Held:
        """A token that need not be renewed, from the cache or the cloud; raises `Refused`."""
        return self._hold(await self._fetch(self._serial))

    def refused(self) -> None:
        """The gateway refused the token in use: one that the account gave is replaced, once."""
        if self.held is not None and self.held.origin != "configuration" and not self._replaced:
            self._replaced = True
            self._refused.add(self.held.token.text)

    def accepted(self) -> None:
        """The gateway sends readings for the token in use."""
        self._replaced = False

    @property
    def logins_today(self) -> int:
        """How often the account was used to ask the cloud within a day; 0 where there is none."""
        if self._purse is not None and self._steady() >= self._count_at:
            self._count_at = self._steady() + LOOK_EVERY_S
            self._logins = self._purse.logins_today(self._unix())
        return self._logins

    def _held_is_due(self) -> bool:
        return self._purse is not None and self.held is not None and self.held.token.due(self._unix())

    def _is_configured_anew(self) -> bool:
        """Whether someone put another token into `token_file` while one is in use."""
        return self.held is not None and self._own_or_none() not in (None, self._seen)

    async def _rest(self) -> None:
        """Until the token in use has to be renewed or is another, one was configured, or it is time to look
        again.
        """
        left_s = LOOK_EVERY_S
        if self.held is not None and not self._held_is_due():
            left_s = min(LOOK_EVERY_S, max(1.0, self.held.token.renew_at - self._unix()))
        self._changed.clear()
        until = self._steady() + left_s
        while (left_s := until - self._steady()) > 0 and not self._is_configured_anew():
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left_s, LOOK_FOR_FILE_S)):
                    await self._changed.wait()
                    return

    def _hold(self, held: Held) -> Held:
        claims = held.token.claims
        if self.held is None or self.held.token.text != held.token.text:
            self._line.note("token in use", role=claims.role, expires=expiry(held.token), origin=held.origin)
            self._changed.set()
        if not held.token.due(self._unix()):
            self._line.mended("token ends", "token not renewed")
        self.held = held
        return held

    def _configured(self, serial: str) -> list[Held]:
        text = self._seen = self._own()
        if text is None:
            self._line.mended("configured token ignored")
            return []
        token = read_token(text)
        if token.fits(serial):
            self._line.mended("configured token ignored")
            return [Held(token, "configuration")]
        sentence = f"the token is for gateway {token.claims.serial}, this one is {serial}"
        if self._purse is None:
            raise Refused(sentence, reason="refused", code="token_other_serial")
        self._line.warn("configured token ignored", error=sentence, code="token_other_serial")
        return []

    def _cached(self, serial: str, *, refused_too: bool = False) -> list[Held]:
        """The account's token in the cache, unless the gateway has refused it."""
        token = None if self._purse is None else self._purse.cached(serial)
        if token is None or (token.text in self._refused and not refused_too):
            return []
        return [Held(token, "cache")]

    async def _fetch_or_make_do(self, serial: str) -> Held:
        """From the cloud; while it gives none, the token that was refused: a gateway may err for a moment."""
        try:
            return await self._fetch(serial)
        except Refused as trouble:
            held = choose(self._cached(serial, refused_too=True), self._unix())
            if held is None:
                raise
            self._not_renewed(trouble)
            return held

    def _not_renewed(self, trouble: Refused) -> None:
        self._line.warn("token not renewed", again_after_s=DAY_S, error=str(trouble), code=trouble.code)

    def _warn_of_end(self) -> None:
        """A token that nobody here can renew tells its end in time, once a day."""
        if self.held is not None and self.held.token.due(self._unix()):
            code = "token_expired" if self.held.token.ended(self._unix()) else "token_expiring"
            expires = expiry(self.held.token)
            self._line.warn(
                "token ends",
                again_after_s=DAY_S,
                cause=f"at {expires}",
                expires=expires,
                remedy=BY_HAND,
                code=code,
            )

    async def _fetch(self, serial: str) -> Held:
        assert self._purse is not None
        try:
            return await bring(self._purse, self._cloud, serial, self._good, self._unix)
        finally:
            self._count_at = -inf

    def _good(self, token: Token) -> bool:
        return token.text not in self._refused and not token.due(self._unix())
