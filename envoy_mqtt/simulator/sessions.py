"""Who may come in: bearer tokens, and the sessions a gateway opens for them (protocol notes, section 5.1)."""

from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_urlsafe

from envoy_mqtt.simulator.firmware import Role

# A session that nobody used for ten minutes is gone (section 5.1).
IDLE_S = 600.0

# What a token says: its role and its id; None where the gateway does not accept it.
Verify = Callable[[str, float], tuple[Role, str] | None]


@dataclass
class Session:
    role: Role
    jti: str
    used: float


@dataclass(frozen=True)
class Visitor:
    """Somebody whose credentials are good: their role, and the cookie to hand out if there is a new one."""

    role: Role
    cookie: str | None = None


class Sessions:
    """The gateway's sessions and the tokens it will not take any more; `verify` reads a token at a time."""

    def __init__(self, verify: Verify) -> None:
        self._verify = verify
        self._sessions: dict[str, Session] = {}
        self._revoked: set[str] = set()
        self._seen: set[str] = set()

    def __len__(self) -> int:
        return len(self._sessions)

    def admit(
        self, cookie: str | None, token: str | None, least: Role, unix: float, *, fresh_cookie: bool
    ) -> Visitor | None:
        """Who may come in where at least this role is needed: by their cookie, else by their token."""
        visitor = self.by_cookie(cookie, unix)
        if visitor is None or visitor.role < least:
            visitor = self.by_token(token, unix, fresh_cookie=fresh_cookie)
        return visitor if visitor is not None and visitor.role >= least else None

    def by_cookie(self, cookie: str | None, unix: float) -> Visitor | None:
        """Who holds this session; using it keeps it alive."""
        self._sweep(unix)
        session = self._sessions.get(cookie or "")
        if session is None:
            return None
        session.used = unix
        return Visitor(session.role)

    def by_token(self, token: str | None, unix: float, *, fresh_cookie: bool) -> Visitor | None:
        """Who holds this token; `fresh_cookie` opens a session for it."""
        found = self._verify(token, unix) if token else None
        if found is None or found[1] in self._revoked:
            return None
        role, jti = found
        self._seen.add(jti)
        return Visitor(role, self._open(role, jti, unix) if fresh_cookie else None)

    def revoke(self, jti: str) -> None:
        """This token and its sessions are worth nothing from now on."""
        self._revoked.add(jti)

    def revoke_all(self) -> None:
        """Every token that was ever shown here is worth nothing from now on."""
        self._revoked |= self._seen

    def forget(self) -> None:
        """A restart: every session is lost, tokens stay good (section 1.7)."""
        self._sessions.clear()

    def _open(self, role: Role, jti: str, unix: float) -> str:
        cookie = token_urlsafe(24)
        self._sessions[cookie] = Session(role, jti, unix)
        return cookie

    def _sweep(self, unix: float) -> None:
        self._sessions = {
            cookie: session
            for cookie, session in self._sessions.items()
            if unix - session.used <= IDLE_S and session.jti not in self._revoked
        }


def set_cookie(visitor: Visitor) -> dict[str, str]:
    """The header that hands out a visitor's cookie; none where there is no new one."""
    return {"Set-Cookie": f"sessionId={visitor.cookie}; Secure; HttpOnly; path=/"} if visitor.cookie else {}


def bearer(authorization: str) -> str | None:
    """The token of an Authorization header; None for any other scheme."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
