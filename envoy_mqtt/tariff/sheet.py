"""What was booked in one direction: energies by period and money, in all and by local day.

Money is kept by day, so that a bill is the sum of its days, whatever day it begins on.
"""

from collections.abc import Collection
from datetime import date
from typing import Any

from envoy_mqtt.energy.since import number
from envoy_mqtt.tariff.spread import Booked

# Today, and the days that a clock may go back to, or that an energy held back may belong to.
ENERGY_DAYS = 3

# The longest bill, and the same.
MONEY_DAYS = 34


class Sheet:
    """Energies in Wh and money."""

    def __init__(self, memory: Any = None) -> None:
        self._energies: dict[str, float] = {}
        self._today: dict[str, dict[str, float]] = {}
        self._daily: dict[str, float] = {}
        self.money = self.estimated_wh = 0.0
        if memory is not None:
            energies, today, daily, money, estimated = memory
            self._energies = _numbers(energies)
            self._today = {_day(day): _numbers(it) for day, it in today.items()}
            self._daily = {_day(day): number(it) for day, it in daily.items()}
            self.money, self.estimated_wh = number(money), number(estimated)

    def enter(self, booked: Booked) -> None:
        """So much belongs to a rate; what had no price then is free."""
        (name, price, day), wh, estimated_wh = booked
        self._energies[name] = self._energies.get(name, 0.0) + wh
        today = self._today[day] = self._today.pop(day, {})
        today[name] = today.get(name, 0.0) + wh
        money = wh / 1000.0 * (price or 0.0)
        self._daily[day] = self._daily.pop(day, 0.0) + money
        self.money += money
        self.estimated_wh += estimated_wh
        _prune(self._today, ENERGY_DAYS)
        _prune(self._daily, MONEY_DAYS)

    def energy_wh(self, name: str, day: date | None = None) -> float:
        """What fell into a period, of one day where one is named."""
        return self._of(day).get(name, 0.0)

    def former_wh(self, names: Collection[str], day: date | None = None) -> float:
        """What all other periods hold."""
        return sum(wh for name, wh in self._of(day).items() if name not in names)

    def money_between(self, first: date, last: date) -> float:
        """The money of these local days, both included."""
        begin, end = first.isoformat(), last.isoformat()
        return sum(money for day, money in self._daily.items() if begin <= day <= end)

    @property
    def memory(self) -> list[object]:
        """What another process needs to go on, for JSON."""
        today = {day: dict(energies) for day, energies in self._today.items()}
        return [dict(self._energies), today, dict(self._daily), self.money, self.estimated_wh]

    def _of(self, day: date | None) -> dict[str, float]:
        return self._energies if day is None else self._today.get(day.isoformat(), {})


def _prune(days: dict[str, Any], most: int) -> None:
    while len(days) > most:
        del days[next(iter(days))]


def _numbers(content: Any) -> dict[str, float]:
    return {str(name): number(it) for name, it in content.items()}


def _day(text: str) -> str:
    return date.fromisoformat(text).isoformat()
