"""What a kilowatt-hour costs in each period: as configured, or as another program's topic says.

A price from a topic holds until the next one, across a restart too.
"""

import json
from collections.abc import Mapping
from typing import Any

from envoy_mqtt.energy.since import number
from envoy_mqtt.tariff.period import Period

# No currency has a kilowatt-hour that costs more, and sums of money stay finite.
LARGEST = 1e6


class Prices:
    """The prices of one list of periods, less `discount` (0 to 1)."""

    def __init__(self, periods: tuple[Period, ...], discount: float = 0.0, memory: Any = None) -> None:
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

    @property
    def complete(self) -> bool:
        """Whether there is a price for every period."""
        return None not in self._prices.values()

    def of(self, name: str) -> float | None:
        """The price of a period after the discount; `None` until one came."""
        price = self._prices.get(name)
        return None if price is None else round(price * self._share, 9) + 0.0

    def hear(self, topic: str, payload: bytes) -> bool:
        """A message came on a topic; whether all that asked for this topic found their price in it."""
        asked = {name: key for name, (it, key) in self._asked.items() if it == topic}
        found = {name: price_in(payload, key) for name, key in asked.items()}
        self._prices |= {name: price for name, price in found.items() if price is not None}
        return None not in found.values()

    @property
    def memory(self) -> Mapping[str, float]:
        """The prices that were heard, for JSON."""
        heard = {name: self._prices[name] for name in self._asked}
        return {name: price for name, price in heard.items() if price is not None}


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
