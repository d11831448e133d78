"""What a token says of itself. Pure; nothing here verifies a signature, the gateway does that."""

from typing import NamedTuple

import jwt

from envoy_mqtt.errors import BadAnswer


class Claims(NamedTuple):
    """A token's serial number, role ("owner" or "installer") and end, each `None` where it says nothing."""

    serial: str | None
    role: str | None
    expires: float | None


def read_claims(token: str) -> Claims:
    """The claims of a JWT (protocol notes, section 5.1); text that is none raises `BadAnswer`."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        raise BadAnswer("the token is not a JWT") from None
    serial, role, expires = claims.get("aud"), claims.get("enphaseUser"), claims.get("exp")
    return Claims(
        serial=serial if isinstance(serial, str) else None,
        role=role if isinstance(role, str) else None,
        expires=float(expires) if isinstance(expires, int | float) else None,
    )
