"""What `/api/history` is asked for. Pure."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from envoy_mqtt.web.history import LONGEST_S

USUAL_S = 3600

_SERIAL = re.compile(r"[0-9]{1,20}")
_SECONDS = re.compile(r"[0-9]{1,6}")

NO_SERIAL = "serial: which gateway? Ask for /api/history?serial=…&seconds=3600."
NOT_A_SERIAL = "serial: a gateway's serial number is digits."
NOT_SECONDS = f"seconds: a whole number from 1 to {LONGEST_S}."


class Asked(NamedTuple):
    """Which gateway, and how far back, in s."""

    serial: str
    seconds: int


def asked(query: Mapping[str, str]) -> Asked:
    """What a query string asks for; raises `ValueError` with a sentence where it cannot be meant."""
    serial, seconds = query.get("serial", ""), query.get("seconds", str(USUAL_S))
    if not serial:
        raise ValueError(NO_SERIAL)
    if not _SERIAL.fullmatch(serial):
        raise ValueError(NOT_A_SERIAL)
    if not _SECONDS.fullmatch(seconds) or not 1 <= int(seconds) <= LONGEST_S:
        raise ValueError(NOT_SECONDS)
    return Asked(serial, int(seconds))
