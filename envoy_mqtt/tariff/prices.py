"""What a kilowatt-hour costs in each period: as configured, or as another program's topic says.

A price from a topic holds until the next one, across a restart too.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from envoy_mqtt.energy.since import number
from envoy_mqtt.tariff.period import Period

# What a chart of a day asks for, a day of 25 hours included; of what is older the last counts.
KEPT_S = 25 * 3600.0

# As often as markets change a price, every five minutes.
MOST_KEPT = 300

# No currency has a kilowatt-hour that costs more, and sums of money stay finite.
LARGEST = 1e6


class Heard(NamedTuple):
    """A period costs so much from this instant on, before the discount."""

    unix: float
    name: str
    price: float


class Prices:
    """Of one list of periods, less `discount` (0 to 1); `memory` and `course` are of another process."""

    def __init__(
        self,
        periods: tuple[Period, ...],
        discount: float = 0.0,
        memory: Mapping[str, Any] | None = None,
        course: Any = (),
    ) -> None:
        self._share = 1.0 - discount
        self._asked = {
            period.name: (period.price_topic, period.price_key)
            for period in reversed(periods)
            if period.price_topic is not None
        }
        self._prices: dict[str, float | None] = dict.fromkeys(self._asked)
        for period in reversed(periods):
            if period.price is not None:
                self._prices[period.name] = period.price
        kept = {} if memory is None else {str(name): number(price) for name, price in memory.items()}
        self._prices |= {name: kept[name] for name in self._asked if name in kept}
        told = [Heard(number(unix), str(name), number(price)) for unix, name, price in course]
        self._course = [each for each in told if each.name in self._asked]

    @property
    def complete(self) -> bool:
        """Whether there is a price for every period."""
        return None not in self._prices.values()

    def of(self, name: str) -> float | None:
        """The price of a period after the discount; `None` until one came."""
        return self._less(self._prices.get(name))

    def at(self, name: str, unix: float, now: float) -> float | None:
        """The price that a period had at an instant, after the discount; `None` where it is a topic's and
        had not come, or that is not before now.
        """
        if name not in self._asked:
            return self.of(name)
        before = (each.price for each in reversed(self._course) if each.name == name and each.unix <= unix)
        return self._less(next(before, None)) if unix < now else None

    def hear(self, topic: str, payload: bytes, unix: float) -> bool:
        """A message came on a topic; whether all that asked for this topic found their price in it."""
        asked = {name: key for name, (it, key) in self._asked.items() if it == topic}
        found = {name: price_in(payload, key) for name, key in asked.items()}
        for name, price in found.items():
            if price is not None:
                self._enter(Heard(unix, name, price))
        return None not in found.values()

    @property
    def begins(self) -> list[float]:
        """When prices came that were others than before, in Unix seconds."""
        return [each.unix for each in self._course]

    @property
    def memory(self) -> Mapping[str, float]:
        """The prices that were heard, for JSON."""
        heard = {name: self._prices[name] for name in self._asked}
        return {name: price for name, price in heard.items() if price is not None}

    @property
    def course(self) -> list[Heard]:
        """When they were heard, likewise."""
        return self._course[:]

    def _enter(self, heard: Heard) -> None:
        """It holds from now on; what a clock that was set back puts after it was never so."""
        at = heard.unix
        told = [each for each in self._course if each.unix <= at]
        last = {each.name: each for each in told}.get(heard.name)
        if last is None or last.price != heard.price:
            old = {each.name: each for each in told if each.unix < at - KEPT_S}
            young = [each for each in told if each.unix >= at - KEPT_S]
            self._course = [*old.values(), *young, heard][-MOST_KEPT:]
        self._prices[heard.name] = heard.price

    def _less(self, price: float | None) -> float | None:
        return None if price is None else round(price * self._share, 9) + 0.0


def price_in(payload: bytes, key: str | None) -> float | None:
    """The number that is the payload, or that stands under `key` in it; `None` where there is none."""
    try:
        content = json.loads(payload)
        price = content if key is None else content[key]
        price = float(price) if isinstance(price, str) else price
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if isinstance(price, bool) or not isinstance(price, int | float) or not abs(price) <= LARGEST:
        return None
    return float(price)
