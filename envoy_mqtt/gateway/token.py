"""What a token says of itself, and when it has to be renewed. Pure; nothing here verifies a signature, the
gateway does that.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any, NamedTuple

import jwt

from envoy_mqtt.errors import BadAnswer
from envoy_mqtt.model import CLOCK_SET

# What stands for the serial number in a token for a gateway that is being installed.
FOR_ANY = "un-commissioned"

DAY_S = 86_400.0
HOUR_S = 3600.0

# So long before its end a token is renewed (protocol notes, section 5.6). An owner's lives a year, an
# installer's twelve hours.
RENEWED_BEFORE_S = {"installer": HOUR_S}
OWNERS_RENEWED_BEFORE_S = 30 * DAY_S

SEGMENTS = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)


class Claims(NamedTuple):
    """A token's serial number, role ("owner" or "installer") and end in Unix seconds, each `None` where it
    says nothing usable.
    """

    serial: str | None
    role: str | None
    expires: float | None


def read_claims(token: str) -> Claims:
    """The claims of a JWT (protocol notes, section 5.1); text that cannot be read says nothing.

    Whether it is good the gateway decides, so the signature is not even looked at.
    """
    return _claims(_content(token) or {})


def _claims(content: dict[str, Any]) -> Claims:
    serial = _word(content.get("aud"))
    return Claims(
        serial=None if serial == FOR_ANY else serial,
        role=_word(content.get("enphaseUser")),
        expires=_instant(content.get("exp")),
    )


def _content(token: str) -> dict[str, Any] | None:
    """What stands in it, without a look at the signature; `None` where that cannot be read."""
    unsigned = token.rpartition(".")[0] + "."
    try:
        content: dict[str, Any] = jwt.decode(unsigned, options={"verify_signature": False})
    except (jwt.InvalidTokenError, ValueError):
        return None
    return content


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and value.isascii() else None


def _instant(value: object) -> float | None:
    """Unix seconds before the year 10000, which is as far as dates go here."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 253_402_300_800:
        return None
    return float(value)


@dataclass(frozen=True)
class Token:
    """A token and what it says; the text is secret and never in a `repr`."""

    text: str = field(repr=False)
    claims: Claims
    issued: float | None = None

    @property
    def renew_at(self) -> float:
        """Unix time from which it is renewed, never before half its life; `inf` where it tells no end."""
        if self.claims.expires is None:
            return inf
        early_s = RENEWED_BEFORE_S.get(self.claims.role or "", OWNERS_RENEWED_BEFORE_S)
        if self.issued is not None:
            early_s = min(early_s, max(0.0, self.claims.expires - self.issued) / 2)
        return self.claims.expires - early_s

    def due(self, unix: float) -> bool:
        """Whether it has to be renewed; never on a machine that does not know the time."""
        return unix >= CLOCK_SET and unix >= self.renew_at

    def ended(self, unix: float) -> bool:
        """Whether it has expired; never on a machine that does not know the time."""
        end = self.claims.expires
        return unix >= CLOCK_SET and end is not None and unix >= end

    def fits(self, serial: str) -> bool:
        """Whether it is for this gateway, or does not say for which."""
        return self.claims.serial in (None, serial)


class Held(NamedTuple):
    """A token and where it came from: "configuration", "cache" or "cloud"."""

    token: Token
    origin: str


def choose(held: Sequence[Held], unix: float) -> Held | None:
    """The first that need not be renewed, else the first that has not ended."""
    fresh = (each for each in held if not each.token.due(unix))
    living = (each for each in held if not each.token.ended(unix))
    return next(fresh, None) or next(living, None)


def read_token(text: str) -> Token:
    """A token from its text, whatever that is: what cannot be read of it is unknown."""
    content = _content(text) or {}
    return Token(text, _claims(content), _instant(content.get("iat")))


def issued_token(text: str, serial: str) -> Token:
    """What the cloud issued for this gateway; raises `BadAnswer` unless it is a token for it with an end."""
    text = text.strip()
    if not SEGMENTS.fullmatch(text):
        raise BadAnswer("it is no token")
    if _content(text) is None:
        raise BadAnswer("it is not a JWT")
    token = read_token(text)
    if token.claims.expires is None:
        raise BadAnswer("it is a token without an end")
    if token.claims.serial != serial:
        raise BadAnswer(f"it is a token for {token.claims.serial or 'no gateway'} and not for {serial}")
    return token
