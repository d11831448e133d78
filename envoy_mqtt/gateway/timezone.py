"""Where the gateway says it stands: the time zone of `/home`, whose local midnight ends its days."""

import re

from pydantic_core import SchemaValidator

from envoy_mqtt.gateway.document import ANYTHING, decode, record

PATH = "/home"

# "Europe/Brussels", "America/Argentina/Ushuaia", "UTC": it becomes a path on this machine, so nothing else.
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{0,30}(/[A-Za-z][A-Za-z0-9_+-]{0,30}){0,2}")

_ANSWER = SchemaValidator(record({}, {"timezone": ANYTHING}))


def read_timezone(body: bytes) -> str | None:
    """An IANA name, which this machine need not know; `None` where the gateway gives none.

    Raises `BadAnswer`, and nothing else.
    """
    name = decode(PATH, body, _ANSWER).get("timezone")
    return name if isinstance(name, str) and NAME.fullmatch(name) else None
