"""What power costs over a local day, for the chart of `/api/prices`. Pure.

Configured prices are known for the whole day. Those of a topic are known as they were heard: nothing is said
of what is still to come.
"""

from collections.abc import Mapping
from datetime import timedelta, tzinfo
from itertools import pairwise
from typing import NamedTuple

from envoy_mqtt.energy.day import day_of, midnight
from envoy_mqtt.tariff.calendar import Calendar
from envoy_mqtt.tariff.prices import Prices

NAMES = ("import", "export")


class Side(NamedTuple):
    """One direction: which period it is when, and what each costs."""

    calendar: Calendar
    prices: Prices

    def at(self, unix: float, now: float) -> float | None:
        """The price of an instant, as it is known now."""
        return self.prices.at(self.calendar.at(unix).name, unix, now)


def columns(sides: Mapping[str, Side], zone: tzinfo, now: float) -> dict[str, list[float | None]]:
    """When prices begin in Unix seconds, from this local midnight to the next one, which closes the
    last step with the same prices; `import` and `export` per kWh, `None` where nobody knows.
    """
    today = day_of(now, zone)
    begin, end = midnight(today, zone), midnight(today + timedelta(1), zone)
    times = {begin, now} | {unix for side in sides.values() for unix in _begins(side, begin, end)}
    rows = [
        (unix, *(sides[name].at(unix, now) if name in sides else None for name in NAMES))
        for unix in sorted(it for it in times if begin <= it < end)
    ]
    steps = [row for before, row in pairwise([(), *rows]) if before[1:] != row[1:]]
    told = zip(*steps, (end, *rows[-1][1:]), strict=True)
    return dict(zip(("time", *NAMES), map(list, told), strict=True))


def _begins(side: Side, begin: float, end: float) -> set[float]:
    stretches = {stretch.begin for stretch in side.calendar.between(begin, end)}
    return stretches | set(side.prices.begins)
