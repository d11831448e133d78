"""One energy's sum since local midnight, from its lifetime values and the times at which they were so.

A rise across midnight without a reading is divided by time. What day it is the clock on the wall says, how
much time has passed the steady one, so a clock that is set neither loses a day's sum nor counts it twice: a
few days' starts are kept for one that goes back, and only who really passes midnight gives a day a new one.
A clock that cannot be believed (a machine without a clock chip starts in 1970) changes no day.
"""

from datetime import date, datetime, time, tzinfo
from typing import Any

from envoy_mqtt.energy.since import Mark, marked, number, plausible, recalled
from envoy_mqtt.model import Instant

# Today, and the days that a clock may go back to.
KEPT_DAYS = 3

# Times are kept in milliseconds across a restart.
MOMENT_S = 0.01


class Day:
    """Today's sum of one lifetime energy, all in Wh."""

    def __init__(self, zone: tzinfo, memory: Any = None) -> None:
        self._zone = zone
        self._starts: dict[str, float] = {}  # by local date
        self._last: tuple[float, Mark] | None = None
        if memory is not None:
            starts, wh, at = memory
            self._starts = {date.fromisoformat(day).isoformat(): number(it) for day, it in starts.items()}
            self._last = None if wh is None else (number(wh), recalled(at))

    def read(self, wh: float, age_s: float, now: Instant) -> None:
        """The lifetime energy was `wh` so many seconds ago; of the same moment again it is no reading."""
        first = self._last is None
        before_wh, mark = self._last = self._last or (wh, marked(now, age_s))
        gone_s = mark.since_s(now)
        if plausible(now.unix) and (first or gone_s is None or gone_s > age_s + MOMENT_S):
            self._enter(wh, now.unix - age_s, before_wh, None if gone_s is None else now.unix - gone_s)
            self._last = wh, marked(now, age_s)

    def sum_wh(self, wh: float, now: Instant) -> float:
        """What came since midnight, when the lifetime energy is `wh` now."""
        if plausible(now.unix):
            start = self._starts.get(day_of(now.unix, self._zone).isoformat(), wh)
        else:
            start = self._newest(wh)
        return max(0.0, wh - start)

    def memory(self, now: Instant) -> list[object]:
        """What another process needs to go on, for JSON."""
        if self._last is None:
            return [dict(self._starts), None, None]
        wh, mark = self._last
        return [dict(self._starts), wh, mark.kept(now)]

    def _enter(self, wh: float, at: float, before_wh: float, before: float | None) -> None:
        """Know where the day of `at` starts; `before` is when the reading before was, in Unix seconds."""
        day = day_of(at, self._zone)
        began = midnight(day, self._zone)
        start = self._starts.pop(day.isoformat(), before_wh)
        if before is not None and before < began:
            start = before_wh + (wh - before_wh) * (began - before) / (at - before)
        self._starts[day.isoformat()] = start
        while len(self._starts) > KEPT_DAYS:
            del self._starts[next(iter(self._starts))]

    def _newest(self, wh: float) -> float:
        if self._starts:
            return next(reversed(self._starts.values()))
        return self._last[0] if self._last else wh


def day_of(unix: float, zone: tzinfo) -> date:
    """The local date."""
    return datetime.fromtimestamp(unix, zone).date()


def midnight(day: date, zone: tzinfo) -> float:
    """When a local day begins, in Unix seconds; where a clock change skips midnight, at the change."""
    return datetime.combine(day, time(), zone).timestamp()
