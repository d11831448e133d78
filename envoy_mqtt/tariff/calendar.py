"""Which period it is, and until when: a tariff's periods laid on the days of a time zone.

A period is tested on the minute's own local date, so a day is cut where a local time begins or ends a period
and where the zone's offset changes: a day of 23 or 25 hours has its own stretches, a time that does not exist
is in none, and one that exists twice is in two. Where the tariff has a gap, which the configuration refuses,
the last period holds.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from typing import NamedTuple

from envoy_mqtt.energy.day import day_of, midnight
from envoy_mqtt.tariff.period import DAY_MIN, Period, no_holiday

# A tariff that changes at all changes within a year, holidays and leap days included.
LOOK_AHEAD_DAYS = 400

# Days that are laid out stay so for a while: today is asked for again and again.
KEPT_DAYS = 8


class Stretch(NamedTuple):
    """A period holds from `begin` up to `end`, in Unix seconds, on one local day."""

    begin: float
    end: float
    name: str
    day: date


class Calendar:
    """The periods of one direction in one zone."""

    def __init__(
        self, periods: Sequence[Period], zone: tzinfo, holiday: Callable[[date], bool] = no_holiday
    ) -> None:
        self._periods, self._zone, self._holiday = tuple(periods), zone, holiday
        self._minutes = sorted(
            {0} | {edge % DAY_MIN for period in periods for span in period.times for edge in span}
        )
        self._days: dict[date, tuple[Stretch, ...]] = {}
        self._last = self._looked = self._next = Stretch(0.0, 0.0, "", date.min)

    def at(self, unix: float) -> Stretch:
        """The stretch that this instant lies in."""
        if not self._last.begin <= unix < self._last.end:
            stretches = self.day(day_of(unix, self._zone))
            begins = [stretch.begin for stretch in stretches]
            self._last = stretches[max(0, bisect_right(begins, unix) - 1)]
        return self._last

    def next(self, unix: float) -> Stretch | None:
        """The stretch with which the next period begins; `None` where there is only one."""
        if not self._looked.begin <= unix < self._next.begin:
            self._looked = now = self.at(unix)
            if len({period.name for period in self._periods}) == 1:
                return None
            coming = self._following(unix + LOOK_AHEAD_DAYS * 86_400.0, now)
            found = next((stretch for stretch in coming if stretch.name != now.name), None)
            if found is None:
                return None
            self._next = found
        return self._next

    def between(self, begin: float, end: float) -> Iterator[Stretch]:
        """What of each stretch lies between two instants, in order; nothing where `end` is not after."""
        if begin < end:
            for stretch in self._following(end, self.at(begin)):
                yield stretch._replace(begin=max(begin, stretch.begin), end=min(end, stretch.end))

    def day(self, day: date) -> tuple[Stretch, ...]:
        """A local day's stretches; none where the zone skips the whole day."""
        if day not in self._days:
            self._days[day] = tuple(self._laid_out(day))
            while len(self._days) > KEPT_DAYS:
                del self._days[next(iter(self._days))]
        return self._days[day]

    def _following(self, until: float, stretch: Stretch) -> Iterator[Stretch]:
        """The stretches from this one on that begin before `until`."""
        day, at = stretch.day, stretch.begin
        while at < until:
            for each in self.day(day):
                if at <= each.begin < until:
                    yield each
            day += timedelta(1)
            at = max(at, midnight(day, self._zone))

    def _laid_out(self, day: date) -> Iterator[Stretch]:
        begin = end = None
        name = ""
        for at, upto in pairwise(self._edges(day)):
            found = self._named(day, datetime.fromtimestamp(at, self._zone))
            if found != name and begin is not None and end is not None:
                yield Stretch(begin, end, name, day)
            if found != name or begin is None:
                begin, name = at, found
            end = upto
        if begin is not None and end is not None:
            yield Stretch(begin, end, name, day)

    def _edges(self, day: date) -> list[float]:
        """Every instant of a local day at which another period can begin, and its end."""
        begin, end = midnight(day, self._zone), midnight(day + timedelta(1), self._zone)
        walls = [datetime.combine(day, time(*divmod(minute, 60)), self._zone) for minute in self._minutes]
        edges = {wall.replace(fold=fold).timestamp() for wall in walls for fold in (0, 1)}
        edges |= {begin, end, *self._shifts(begin, end)}
        return sorted(edge for edge in edges if begin <= edge <= end)

    def _shifts(self, begin: float, end: float) -> Iterator[float]:
        """When the zone's offset changes, to the second; it does at most once a day."""
        before = self._offset(begin)
        if begin < end and self._offset(end) != before:
            low, high = int(begin), int(end)
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if self._offset(middle) == before else (low, middle)
            yield float(high)

    def _offset(self, unix: float) -> timedelta | None:
        return datetime.fromtimestamp(unix, UTC).astimezone(self._zone).utcoffset()

    def _named(self, day: date, wall: datetime) -> str:
        kind = day.weekday() + (7 if self._holiday(day) else 0)
        minute = wall.hour * 60 + wall.minute
        held = (period for period in self._periods if period.has(day.month, kind, minute))
        return next(held, self._periods[-1]).name
