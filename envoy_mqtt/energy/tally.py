"""One lifetime counter and what stands in for it: the power over time, while it cannot be read.

A counter that is *held* was read, and its last good value is repeated. One that was not read for two and a
half intervals goes on by its power, and when it is read again it is what it says: the ledger sees to it
that nothing told falls. What no counter exists for begins at 0, and so does, after an hour, a counter that
was never read; should it be read one day, it goes on from there, for nothing told may jump either.
"""

from math import inf
from typing import Any

from envoy_mqtt.energy.amount import Amount, Source
from envoy_mqtt.energy.counter import SLACK_WH, Counter, Verdict
from envoy_mqtt.energy.since import Mark, marked, number
from envoy_mqtt.model import Instant

# So many intervals without a reading, and at least a stall of the gateway: then it cannot be read.
MISSED_INTERVALS = 2.5
STALL_S = 30.0

# Longer than a gateway's start takes.
NEVER_READ_S = 3600.0

# Inverters report every five to fifteen minutes, so that their counter moves in steps.
REPORTED_EVERY_S = 900.0

# Their sum is read every minute, and every five where the page is slow (the contract, "Which meters").
REPORTED_READ_S = 300.0


class Tally:
    """`source` is what it is called while it is read: a counter's or the inverters' own. `uncounted` is one
    that no counter exists for.
    """

    def __init__(
        self,
        limit_w: float,
        interval_s: float,
        *,
        source: Source = Source.COUNTER,
        uncounted: bool = False,
        memory: Any = None,
    ) -> None:
        self._source = source
        slowest_s = max(interval_s, REPORTED_READ_S) if source is Source.REPORTED else interval_s
        self._patience_s = max(STALL_S, MISSED_INTERVALS * slowest_s)
        self._meanwhile_wh = 0.0  # by its power since the last good reading
        self._lent_wh = 0.0  # what of that had been told when it was held
        self._uncounted = uncounted
        self._begun: Mark | None = None
        kept = None
        if memory is not None:
            kept, meanwhile, lent, self._uncounted = memory
            self._meanwhile_wh, self._lent_wh = number(meanwhile), number(lent)
        steps_wh = limit_w * REPORTED_EVERY_S / 3600.0 if source is Source.REPORTED else 0.0
        self._counter = Counter(limit_w, kept, slack_wh=SLACK_WH + steps_wh)

    @property
    def counted_wh(self) -> float | None:
        """The lifetime energy at the last good reading."""
        return self._counter.wh

    @property
    def held(self) -> bool:
        """Whether the last reading was not believed."""
        return self._counter.held

    def count(self, raw_wh: float, now: Instant, *, blank: bool = False) -> Verdict:
        """The counter was read."""
        if not self.held:
            self._lent_wh = self._meanwhile_wh if self._missed(now) else 0.0
        verdict = self._counter.read(raw_wh, now, blank=blank)
        if verdict is Verdict.HELD:
            return verdict
        if verdict is Verdict.RESET:
            self._counter.lift(self._lent_wh)
        elif self._uncounted:
            self._counter.lift(self._meanwhile_wh - raw_wh)
        self._meanwhile_wh, self._lent_wh, self._uncounted = 0.0, 0.0, False
        return verdict

    def flow(self, wh: float) -> None:
        """So much flowed, by its power."""
        self._meanwhile_wh += wh

    def amount(self, now: Instant) -> Amount:
        """What is told of it now."""
        counted_wh = self._counter.wh
        if counted_wh is None:
            return self._never_counted(now)
        if self.held:
            return Amount(counted_wh + self._lent_wh, self._age_s(now), self._source)
        if self._meanwhile_wh and self._missed(now):
            return Amount(counted_wh + self._meanwhile_wh, 0.0, Source.INTEGRATED)
        return Amount(counted_wh, self._age_s(now), self._source)

    def memory(self, now: Instant) -> list[object]:
        """What another process needs to go on, for JSON."""
        return [self._counter.memory(now), self._meanwhile_wh, self._lent_wh, self._uncounted]

    def _never_counted(self, now: Instant) -> Amount:
        if self._uncounted:
            return Amount(self._meanwhile_wh, 0.0, Source.INTEGRATED)
        self._begun = self._begun or marked(now)
        if not self.held and (self._begun.since_s(now) or 0.0) > NEVER_READ_S:
            self._uncounted, self._meanwhile_wh = True, 0.0
        return Amount(None, inf, self._source)

    def _missed(self, now: Instant) -> bool:
        return self._age_s(now) > self._patience_s

    def _age_s(self, now: Instant) -> float:
        gone_s = self._counter.at.since_s(now) if self._counter.at is not None else None
        return inf if gone_s is None else gone_s
