"""The rhythm of one gateway's readings: how many, how fast, and how long it was silent. Pure.

`read` stands in the way of every reading and does as little as it can. Times are the steady clock's.
"""

from collections import deque

# Rates are over the last minute, looked at in steps of a few seconds: a thousand gateways cost little.
RATE_OVER_S = 60.0
STEP_S = 5.0

# A healthy gateway may hold its readings back for 3 s and more (protocol notes, section 1.5); what is longer
# than this is a stall, and so are three intervals of a slower source.
SHORTEST_STALL_S = 5.0


def stall_s(interval_s: float) -> float:
    """The longest silence that is none, of a source with a reading every `interval_s`."""
    return max(SHORTEST_STALL_S, 3 * interval_s)


class Pulse:
    """Counts one gateway's readings since the start.

    `stalls` are silences of more than `stall_s`, `longest_s` is the longest silence between two readings.
    `turn` ends a day, whose own figures it gives.
    """

    def __init__(self, interval_s: float = 1.0) -> None:
        self.stall_s = stall_s(interval_s)
        self.readings = 0
        self.last: float | None = None
        self.unreadable_at: float | None = None
        self._stalls = 0
        self._longest_s = 0.0
        self._longest_before_s = 0.0
        self._readings_before = 0
        self._steps: deque[tuple[float, int]] = deque(maxlen=int(RATE_OVER_S / STEP_S) + 1)

    def read(self, now: float) -> None:
        """A reading came at `now`."""
        if self.last is not None:
            silence = now - self.last
            if silence > self._longest_s:
                self._longest_s = silence
                self._stalls += silence > self.stall_s
            elif silence > self.stall_s:
                self._stalls += 1
        self.last = now
        self.readings += 1

    def tick(self, now: float) -> None:
        """Time has passed: call it about once a second."""
        if not self._steps or now - self._steps[-1][0] >= STEP_S:
            self._steps.append((now, self.readings))

    def age_s(self, now: float) -> float | None:
        """Seconds since the last reading, `None` before the first."""
        return None if self.last is None else max(0.0, now - self.last)

    def stalls(self, now: float) -> int:
        """How many silences there were, the one of now included."""
        return self._stalls + ((self.age_s(now) or 0.0) > self.stall_s)

    def longest_s(self, now: float) -> float:
        """The longest silence between two readings or until now, 0 before the first."""
        return max(self._longest_before_s, self._longest_today_s(now))

    def turn(self, now: float) -> tuple[int, float]:
        """A day has ended: its readings and its longest silence in s; one that lasts goes on in the next."""
        readings, longest_s = self.readings - self._readings_before, self._longest_today_s(now)
        self._longest_before_s, self._longest_s = self.longest_s(now), 0.0
        self._readings_before = self.readings
        return readings, longest_s

    def _longest_today_s(self, now: float) -> float:
        return max(self._longest_s, self.age_s(now) or 0.0)

    def rate_hz(self, now: float) -> float:
        """Readings a second over the last minute, or since the start where that is less."""
        if not self._steps or now <= self._steps[0][0]:
            return 0.0
        since, readings = self._steps[0]
        return (self.readings - readings) / (now - since)

    def unreadable(self, now: float) -> bool:
        """Whether what comes now cannot be read."""
        came = self.unreadable_at
        return came is not None and came > (self.last or 0.0) and now - came <= self.stall_s
