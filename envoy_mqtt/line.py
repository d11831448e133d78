"""What the log says of one far end: once when it is lost, once when it is back, each warning once.

A night of retries is two lines. What someone has to mend is told when it first appears, even while the
far end is away for another reason. What is wrong stands here as values, too, for whoever tells of health.
"""

from collections.abc import Callable
from math import inf
from typing import Any, NamedTuple

import structlog

from envoy_mqtt.clock import steady
from envoy_mqtt.errors import TryAgain
from envoy_mqtt.problems import Trouble

log = structlog.get_logger()

# A gateway that says one reading and closes is not back.
SETTLED_S = 3.0

# Waiting does not mend these.
TO_MEND = {"refused", "other_serial", "certificate_changed"}


class Standing(NamedTuple):
    """Something that is wrong, and the steady time until which it is worth telling."""

    trouble: Trouble
    until: float


class Line:
    """The story of the connection to `what` ("gateway" or "broker"), in the log.

    `trouble` is why the connection is away, `None` while it is there.
    """

    def __init__(self, what: str, *, clock: Callable[[], float] = steady, **facts: object) -> None:
        self._what = what
        self._facts = facts
        self._clock = clock
        self._lost_at: float | None = None
        self._told: set[str] = set()
        self._connected_before = False
        self._warned: dict[str, float] = {}
        self._standing: dict[str, Standing] = {}
        self.trouble: Trouble | None = None
        self.reconnects: dict[str, int] = {}

    @property
    def _log(self) -> Any:
        # Bound anew for each line: a logger that is kept stays at the level that it was made with.
        return log.bind(**self._facts)

    def lost(self, error: TryAgain, retry_in_s: float) -> None:
        """The connection ended, or could not be made."""
        self.reconnects[error.reason] = self.reconnects.get(error.reason, 0) + 1
        self.trouble = Trouble(error.reason, error.code, str(error))
        trouble = error.code or error.reason
        news = self._lost_at is None or (error.reason in TO_MEND and trouble not in self._told)
        if self._lost_at is None:
            self._lost_at = self._clock()
        self._told.add(trouble)
        say = self._log.warning if news else self._log.debug
        state = "lost" if self._connected_before else "not reached"
        facts = {"code": error.code} if error.code else {}
        say(
            f"{self._what} {state}",
            error=str(error),
            reason=error.reason,
            **facts,
            retry_in_s=round(retry_in_s, 1),
        )

    def back(self, steady_s: float | None = None, **facts: object) -> bool:
        """The connection has done what it is for, for so long; whether that counts as being back.

        The first time does at once, and so does a far end whose word is enough (None). Else it has to last
        for SETTLED_S after a loss, so that a far end that comes and goes is one line and not two a minute.
        """
        if self._lost_at is not None and self._connected_before:
            if steady_s is not None and steady_s < SETTLED_S:
                return False
            away_s = round(self._clock() - self._lost_at - (steady_s or 0.0), 1)
            self._log.info(f"{self._what} back", away_s=away_s, **facts)
        elif not self._connected_before:
            self._log.info(f"{self._what} connected", **facts)
        self._lost_at, self._connected_before, self.trouble = None, True, None
        self._told.clear()
        return True

    def silent(self, reason: str, sentence: str) -> None:
        """Nothing comes although the connection is there; if that is lost as well, it is the same story."""
        if self._lost_at is None:
            self._lost_at = self._clock()
            self._log.warning(f"{self._what} silent", error=sentence, reason=reason)

    def heard(self) -> None:
        """Something comes again; of a connection that was lost meanwhile `back` tells."""
        if self._lost_at is not None and self.trouble is None:
            self._log.info(f"{self._what} back", away_s=round(self._clock() - self._lost_at, 1))
            self._lost_at = None

    def warn(
        self,
        event: str,
        *,
        again_after_s: float = inf,
        stands_s: float = inf,
        cause: str = "",
        **facts: object,
    ) -> None:
        """Something to know, said once, or once in so many seconds; a new `code` or `topic` is a thing of its
        own. What has a `code` stands in health, with its `error` or a `cause`, until it is `mended`, or for
        `stands_s`.
        """
        now, code = self._clock(), str(facts.get("code", ""))
        key = f"{event} {code} {facts.get('topic', '')}"
        if code:
            trouble = Trouble(code=code, text=cause or str(facts.get("error", "")))
            self._standing[event] = Standing(trouble, now + stands_s)
        if now - self._warned.get(key, -inf) >= again_after_s:
            self._warned[key] = now
            self._log.warning(event, **facts)

    def mended(self, *events: str) -> None:
        """What was warned of is over."""
        for event in events:
            self._standing.pop(event, None)

    @property
    def standing(self) -> list[Trouble]:
        """What is wrong besides the connection."""
        now = self._clock()
        return [each.trouble for each in self._standing.values() if now < each.until]

    def note(self, event: str, **facts: object) -> None:
        """Something changed that is no trouble."""
        self._log.info(event, **facts)
