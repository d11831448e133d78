"""When a reading was taken: the stream carries no time, and gateways hold events back.

A gateway may be silent for 3–25 s and then send up to 23 readings at once (protocol notes, section
1.5). The first must leave before anyone knows how many follow, so their times are spread over the
silence by what past silences taught: the *period*, the median of silence ÷ events that came with it.
The rule is the contract's, section "Time". Everything here is on the steady clock, in seconds.
"""

from collections import deque
from statistics import median

# Events closer together than this belong to one burst.
TOGETHER_S = 0.2

# A longer silence is an outage: nobody knows what happened in it.
OUTAGE_S = 30.0

REMEMBERED_SILENCES = 15
SHORTEST_PERIOD_S, LONGEST_PERIOD_S = 0.2, 5.0
USUAL_PERIOD_S = 1.0


class Pace:
    """Stamps the events of one gateway, across its connections: stamps never fall and never pass now."""

    def __init__(self) -> None:
        self._ratios: deque[float] = deque(maxlen=REMEMBERED_SILENCES)
        self._before = 0.0  # the event before, or the answer that opened the connection
        self._start = 0.0  # `a` of the contract: when the silence began
        self._gap = 0.0
        self._expected = 0  # `n`: how many events the silence was worth
        self._came = 0  # `k`: how many have come with its end
        self.bursts = 0

    def open(self, now: float) -> None:
        """A new connection was answered at `now`."""
        self._learn()
        self._before, self._expected, self._came, self._gap = now, 0, 0, 0.0

    def stamp(self, now: float) -> float:
        """The steady time at which the event that arrived at `now` was taken, readable or not."""
        silence = now - self._before
        if silence > TOGETHER_S:
            self._learn()
            self._start, self._gap, self._came = self._before, silence, 0
            spread = silence <= OUTAGE_S
            self._expected = max(1, int(silence / self.period + 0.5)) if spread else 0
        self._before = now
        self._came += 1
        self.bursts += self._came == 2 and self._gap > 0
        if self._came > self._expected:
            return now
        return min(now, self._start + self._came * self._gap / self._expected)

    @property
    def period(self) -> float:
        """Seconds between two readings, as far as the last silences tell."""
        if len(self._ratios) < 2:
            return USUAL_PERIOD_S
        return min(max(median(self._ratios), SHORTEST_PERIOD_S), LONGEST_PERIOD_S)

    def _learn(self) -> None:
        """The silence before the last events is complete: now it is known how many came with its end."""
        if self._came and TOGETHER_S < self._gap <= OUTAGE_S:
            self._ratios.append(self._gap / self._came)


class WallClock:
    """Turns steady times into Unix times that never fall, unless the machine's clock was set.

    Two clocks are never read in the same instant, so their difference trembles; it is kept until it
    moves by more than a tremble.
    """

    TREMBLE_S = 0.05

    def __init__(self) -> None:
        self._difference: float | None = None

    def unix(self, steady: float, *, now_steady: float, now_unix: float) -> float:
        """The Unix time at `steady`, which is not after now."""
        difference = now_unix - now_steady
        if self._difference is None or abs(difference - self._difference) > self.TREMBLE_S:
            self._difference = difference
        return min(steady + self._difference, now_unix)
