"""What a token says of itself. Pure; nothing here verifies a signature, the gateway does that."""

from typing import NamedTuple

import jwt

# What stands for the serial number in a token for a gateway that is being installed.
FOR_ANY = "un-commissioned"


class Claims(NamedTuple):
    """A token's serial number, role ("owner" or "installer") and end in Unix seconds, each `None` where it
    says nothing usable.
    """

    serial: str | None
    role: str | None
    expires: float | None


NOTHING_SAID = Claims(None, None, None)


def read_claims(token: str) -> Claims:
    """The claims of a JWT (protocol notes, section 5.1); text that cannot be read says nothing.

    Whether it is good the gateway decides, so the signature is not even looked at.
    """
    unsigned = token.rpartition(".")[0] + "."
    try:
        claims = jwt.decode(unsigned, options={"verify_signature": False})
    except (jwt.InvalidTokenError, ValueError):
        return NOTHING_SAID
    serial = _word(claims.get("aud"))
    return Claims(
        serial=None if serial == FOR_ANY else serial,
        role=_word(claims.get("enphaseUser")),
        expires=_instant(claims.get("exp")),
    )


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and value.isascii() else None


def _instant(value: object) -> float | None:
    """Unix seconds before the year 10000, which is as far as dates go here."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 253_402_300_800:
        return None
    return float(value)
