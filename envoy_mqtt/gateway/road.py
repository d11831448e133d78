"""How a gateway is reached: over HTTPS or HTTP, and with a token or without. Pure.

HTTPS comes first. Firmware before 7 may have HTTP only, firmware since 8.3.5286 has HTTPS only, and an
update in the night turns one into the other (protocol notes, sections 4 and 6).
"""

import re
from collections import Counter
from typing import Literal

from envoy_mqtt.model import Identity

Scheme = Literal["https", "http"]

OTHER: dict[Scheme, Scheme] = {"https": "http", "http": "https"}

# The first firmware that wants tokens (protocol notes, section 4).
FIRST_WITH_TOKENS = 7

NUMBER = re.compile(r"[A-Za-z]?(\d{1,9})(?:\.|$)", re.ASCII)


class Road:
    """What one attempt to reach a gateway leaves to the next.

    `requests` counts all of them by path, without its query, and the answer's status or "error".
    """

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str]] = Counter()
        self._first: Scheme = "https"
        self._lost = False

    def schemes(self, *, secure: bool) -> tuple[Scheme, ...]:
        """What to try now, in order; `secure` is whether plain HTTP is out of the question.

        Where neither led anywhere they take turns, so that a gateway that is away is not asked twice as
        often.
        """
        if secure:
            return ("https",)
        return (self._first,) if self._lost else (self._first, OTHER[self._first])

    def arrived(self, scheme: Scheme) -> None:
        """The gateway said who it is over this one, which comes first from now on."""
        self._first, self._lost = scheme, False

    def missed(self) -> None:
        """Whatever was tried led nowhere."""
        self._first = OTHER[self._first] if self._lost else "https"
        self._lost = True


def wants_token(identity: Identity) -> bool:
    """Whether it asks for a token and not for the installer's password; one that we cannot tell does."""
    number = NUMBER.match(identity.firmware)
    return identity.web_tokens or number is None or int(number[1]) >= FIRST_WITH_TOKENS
