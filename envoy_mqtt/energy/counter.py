"""The guard of one lifetime counter: what it tells never steps back and never jumps.

A gateway shows zeros after a start, steps back by 1.19 MWh, and sometimes really begins again (protocol
notes, section 8). A reading that no house could have made since the last good one is *held*: the last good
value is told in its place. Once at least three readings over 15 min agree with one another they are
believed, and told as what has been told so far and what has come since the first of them.
"""

from enum import Enum
from typing import Any, NamedTuple

from envoy_mqtt.energy.since import Mark, marked, number, recalled
from envoy_mqtt.model import Instant

# What no phase of a house can carry for long, and what counters may be late by (the contract, "Energy").
PHASE_LIMIT_W = 50_000.0
SLACK_WH = 100.0

# Counters may tremble in decimals that nobody is told.
TREMBLE_WH = 1.0

BELIEVED_AFTER_S = 900.0
BELIEVED_READINGS = 3


class Verdict(Enum):
    """What became of a reading."""

    GOOD = "good"
    HELD = "held"
    RESET = "reset"


class Suspect(NamedTuple):
    """Readings that are held and agree with one another: the first, the last, and when they were."""

    first_wh: float
    wh: float
    since: Mark
    at: Mark
    readings: int


class Counter:
    """One register. `wh` is its lifetime energy as it is told, `None` before the first good reading."""

    def __init__(self, limit_w: float = PHASE_LIMIT_W, memory: Any = None) -> None:
        self._limit_w = limit_w
        self._raw: float | None = None
        self._offset = 0.0
        self._suspect: Suspect | None = None
        self.at: Mark | None = None
        if memory is not None:
            self._recall(memory)

    @property
    def wh(self) -> float | None:
        """The lifetime energy at `at`, the last good reading."""
        return None if self._raw is None else self._raw + self._offset

    @property
    def held(self) -> bool:
        """Whether the last reading was not believed."""
        return self._suspect is not None

    def read(self, raw_wh: float, now: Instant, *, blank: bool = False) -> Verdict:
        """Take a reading; `blank` is one of a meter that shows nothing but zeros, as after a start."""
        if self._believable(raw_wh, now, blank):
            self._take(raw_wh, now)
            return Verdict.GOOD
        suspect = self._suspect = self._compared(raw_wh, now)
        if (suspect.since.since_s(now) or 0.0) < BELIEVED_AFTER_S or suspect.readings < BELIEVED_READINGS:
            return Verdict.HELD
        return self._believe(suspect, now)

    def lift(self, wh: float) -> None:
        """So much more has been told already than was counted."""
        self._offset += wh

    def memory(self, now: Instant) -> list[object]:
        """What another process needs to go on, for JSON."""
        suspect = self._suspect
        kept = suspect and [*suspect[:2], suspect.since.kept(now), suspect.at.kept(now), suspect.readings]
        return [self._raw, self._offset, self.at and self.at.kept(now), kept]

    def _recall(self, memory: Any) -> None:
        raw, self._offset, at, suspect = memory
        if raw is not None:
            self._raw, self._offset, self.at = number(raw), number(self._offset), recalled(at)
        if suspect is not None:
            first, last, since, seen, readings = suspect
            self._suspect = Suspect(
                number(first), number(last), recalled(since), recalled(seen), int(number(readings))
            )

    def _believable(self, raw_wh: float, now: Instant, blank: bool) -> bool:
        if self._raw is None or self.at is None:
            return not blank
        gone_s = self.at.since_s(now)
        if gone_s is None:  # across a restart, by a clock that is not right (yet): at least since we look
            gone_s = self._looked_s(now)
        return self._possible(self._raw, raw_wh, gone_s)

    def _looked_s(self, now: Instant) -> float:
        return (self._suspect.since.since_s(now) or 0.0) if self._suspect else 0.0

    def _possible(self, before_wh: float, wh: float, seconds: float) -> bool:
        return -TREMBLE_WH <= wh - before_wh <= self._limit_w * seconds / 3600.0 + SLACK_WH

    def _take(self, raw_wh: float, now: Instant) -> None:
        self._raw = raw_wh if self._raw is None else max(raw_wh, self._raw)
        self.at, self._suspect = marked(now), None

    def _compared(self, raw_wh: float, now: Instant) -> Suspect:
        """The suspect that this reading agrees with, or a new one."""
        before, mark = self._suspect, marked(now)
        if before is None or not self._possible(before.wh, raw_wh, before.at.since_s(now) or 0.0):
            return Suspect(raw_wh, raw_wh, mark, mark, 1)
        return before._replace(wh=max(raw_wh, before.wh), at=mark, readings=before.readings + 1)

    def _believe(self, suspect: Suspect, now: Instant) -> Verdict:
        told_wh, before_wh = self.wh, self._raw
        unknown = self.at is None or self.at.since_s(now) is None
        self._raw, self.at, self._suspect = suspect.wh, marked(now), None
        if told_wh is None or before_wh is None or (unknown and suspect.wh >= before_wh):
            return Verdict.GOOD  # nothing says that a rise over a time nobody knows is impossible
        self._offset = told_wh - suspect.first_wh
        return Verdict.RESET
