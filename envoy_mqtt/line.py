"""What the log says of one far end: once when it is lost, once when it is back, each warning once.

A night of retries is two lines. A reason that someone has to act on is told when it first appears, even
while the far end is away for another.
"""

from collections.abc import Callable

import structlog

from envoy_mqtt.clock import steady
from envoy_mqtt.errors import Refused, TryAgain

log = structlog.get_logger()


class Line:
    """The story of the connection to `what` ("gateway" or "broker"), in the log."""

    def __init__(self, what: str, *, clock: Callable[[], float] = steady, **facts: object) -> None:
        self._what = what
        self._log = log.bind(**facts)
        self._clock = clock
        self._lost_at: float | None = None
        self._refused = False
        self._connected_before = False
        self._warned: set[str] = set()
        self.reconnects: dict[str, int] = {}

    def lost(self, error: TryAgain, retry_in_s: float) -> None:
        """The connection ended, or could not be made."""
        self.reconnects[error.reason] = self.reconnects.get(error.reason, 0) + 1
        refused = isinstance(error, Refused)
        news = self._lost_at is None or (refused and not self._refused)
        if self._lost_at is None:
            self._lost_at = self._clock()
        self._refused = refused or self._refused
        say = self._log.warning if news else self._log.debug
        state = "lost" if self._connected_before else "not reached"
        say(f"{self._what} {state}", error=str(error), reason=error.reason, retry_in_s=round(retry_in_s, 1))

    def back(self, **facts: object) -> None:
        """The connection does what it is for."""
        if self._lost_at is not None and self._connected_before:
            away_s = round(self._clock() - self._lost_at, 1)
            self._log.info(f"{self._what} back", away_s=away_s, **facts)
        elif self._lost_at is not None or not self._connected_before:
            self._log.info(f"{self._what} connected", **facts)
        self._lost_at, self._refused, self._connected_before = None, False, True

    def warn(self, event: str, **facts: object) -> None:
        """Something to know, said once."""
        if event not in self._warned:
            self._warned.add(event)
            self.tell(event, **facts)

    def tell(self, event: str, **facts: object) -> None:
        """A warning that the caller keeps from repeating."""
        self._log.warning(event, **facts)
