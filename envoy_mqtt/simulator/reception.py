"""What a gateway says to a request: who may come in, and which page or document they get.

Pure: a request comes in as an `Ask`, the answer goes out as an `Answer`, time is an argument. What a
stream then says is another matter (`playing`).
"""

from typing import NamedTuple

from envoy_mqtt.simulator import pages
from envoy_mqtt.simulator.digest import Guard
from envoy_mqtt.simulator.firmware import Role
from envoy_mqtt.simulator.installation import Source
from envoy_mqtt.simulator.options import Options
from envoy_mqtt.simulator.pages import Answer
from envoy_mqtt.simulator.sessions import Sessions, Verify, Visitor, set_cookie

STREAM = "/stream/meter"
CHECK = "/auth/check_jwt"
# Without a token on any firmware (protocol notes, section 4).
OPEN = frozenset({"/info", "/info.xml"})
# Before 7 the rest is open too, but for these: the recorder of 4.10.35 and 5.0.62 was refused on /production
# as `envoy` (section 2).
DIGEST = {
    STREAM: Role.INSTALLER,
    "/production": Role.INSTALLER,
    "/api/v1/production/inverters": Role.OWNER,
}


class Ask(NamedTuple):
    """A request as far as its answer depends on it; `target` is the path with its query."""

    target: str
    cookie: str | None
    token: str | None
    authorization: str = ""
    method: str = "GET"
    body: bytes = b""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def streams(self) -> bool:
        """Whether it asks for the stream, which real gateways serve with and without a final slash."""
        return self.path.rstrip("/") == STREAM


class Reception:
    """One gateway's answers. `serial` is who it says it is, for now; `options.serial` is who it is."""

    def __init__(self, options: Options, source: Source, verify: Verify) -> None:
        self.options = options
        self.source = source
        self.sessions = Sessions(verify)
        self.serial = options.serial
        self._guard = Guard(options.serial, epoch=options.version.epoch_nonce)

    def answer(self, ask: Ask, unix: float) -> Answer:
        """The whole answer; of a stream its head, with status 200 and no body."""
        if ask.streams:
            return self._stream(ask, unix) if self.options.stream else self._missing(ask)
        if ask.path == CHECK:
            return self._check(ask, unix)
        if ask.path in OPEN:
            return self._document(ask, unix)
        if ask.path == "/":
            return pages.front_page() if self.options.version.front_page else pages.not_found("/")
        visitor = self._admit(ask, self.options.version.least_role(ask.path), unix)
        if visitor is None:
            return self.refusal(unix)
        found = self._document(ask, unix)
        return found._replace(headers={**found.headers, **set_cookie(visitor)})

    def refusal(self, unix: float) -> Answer:
        """The 401 of this firmware."""
        if self.options.version.has_tokens:
            return pages.unauthorized(self.options.version.login_page)
        return pages.challenged(self._guard.challenge(unix))

    def _document(self, ask: Ask, unix: float) -> Answer:
        found = self.source.post(ask.path, ask.body, unix) if ask.method == "POST" else None
        found = found or self.source.answer(ask.target, unix)
        if found is None:
            return self._missing(ask)
        if self.serial != self.options.serial:
            return found._replace(body=found.body.replace(self.options.serial.encode(), self.serial.encode()))
        return found

    def _missing(self, ask: Ask) -> Answer:
        return pages.not_found(ask.path, old=not self.options.version.has_tokens)

    def _check(self, ask: Ask, unix: float) -> Answer:
        visitor = self.sessions.by_token(ask.token, unix, fresh_cookie=True)
        if visitor is None:
            return self.refusal(unix)
        return pages.valid_token(set_cookie(visitor))

    def _stream(self, ask: Ask, unix: float) -> Answer:
        visitor = self._admit(ask, self.options.role_for_stream, unix)
        if visitor is None:
            return self.refusal(unix)
        kind = {"Content-Type": "text/event-stream"} if self.options.stream_content_type else {}
        return Answer(200, b"", {**kind, **set_cookie(visitor)})

    def _admit(self, ask: Ask, least: Role, unix: float) -> Visitor | None:
        if not self.options.tokens:
            return Visitor(Role.INSTALLER)
        if not self.options.version.has_tokens:
            return self._recognize(ask)
        token = None if self.options.cookie_required else ask.token
        fresh = self.options.fresh_cookies
        return self.sessions.admit(ask.cookie, token, least, unix, fresh_cookie=fresh)

    def _recognize(self, ask: Ask) -> Visitor | None:
        least = DIGEST.get(ask.path.rstrip("/"))
        role = self._guard.role(ask.authorization, ask.method, ask.target) if least else Role.ANYBODY
        return Visitor(role) if role is not None and (least is None or role >= least) else None
