"""One direction of a tariff: the time that passes at its rates, and a lifetime energy booked to them."""

from collections.abc import Callable, Mapping
from typing import Any

from envoy_mqtt.energy.amount import Amount
from envoy_mqtt.energy.counter import PHASE_LIMIT_W, SLACK_WH
from envoy_mqtt.energy.since import number
from envoy_mqtt.tariff.calendar import Calendar, Stretch
from envoy_mqtt.tariff.sheet import Sheet
from envoy_mqtt.tariff.spread import Rate, Spread

Price = Callable[[str], float | None]


class Account:
    """`strange` is whether the energies come from another layout than those in `memory`: then a rise beyond
    what `phases` can carry is no rise but another counter. `rate` is the present one, and `until` when its
    stretch ends, in Unix seconds.
    """

    def __init__(
        self, calendar: Calendar, price: Price, memory: Any = None, *, phases: int = 1, strange: bool = False
    ) -> None:
        self._calendar, self._price = calendar, price
        self._limit_w, self._strange = phases * PHASE_LIMIT_W, strange
        memory = memory or {}
        self.sheet, self._spread = Sheet(memory.get("sheet")), Spread(memory.get("spread"))
        self._wh = None if memory.get("wh") is None else number(memory["wh"])
        self.rate, self.until = Rate("", None, ""), 0.0

    def jump(self, seconds: float) -> None:
        """So many seconds went by at the present rate, whatever a clock that was set says."""
        self._spread.pass_by(self.rate, seconds)

    def pass_by(self, begin: float, end: float) -> None:
        """The time between two instants went by, in Unix seconds."""
        for stretch in self._calendar.between(begin, end):
            self._spread.pass_by(self._rate(stretch), stretch.end - stretch.begin)

    def arrive(self, unix: float) -> bool:
        """It is this instant; whether the period, the price or the day is another than before."""
        stretch = self._calendar.at(unix)
        before, self.rate, self.until = self.rate, self._rate(stretch), stretch.end
        if self.rate != before:
            self._spread.pass_by(self.rate, 0.0)
        return self.rate != before

    def flow(self, wh: float, seconds: float) -> None:
        """By its power so much flowed in the last so many seconds."""
        self._spread.flow(wh, seconds)

    def settle(self, amount: Amount) -> None:
        """The lifetime energy is known: its rise is booked."""
        if amount.wh is None:
            return
        rise_wh = 0.0 if self._wh is None else amount.wh - self._wh
        if rise_wh > 0.0 and not (self._strange and rise_wh > self._possible_wh):
            for booked in self._spread.share(rise_wh):
                self.sheet.enter(booked)
        self._wh, self._strange = amount.wh, False
        self._spread.forget(amount.age_s)

    @property
    def _possible_wh(self) -> float:
        return self._limit_w * self._spread.seconds / 3600.0 + SLACK_WH

    @property
    def memory(self) -> Mapping[str, object]:
        """What another process needs to go on, for JSON."""
        return {"wh": self._wh, "sheet": self.sheet.memory, "spread": self._spread.memory}

    def _rate(self, stretch: Stretch) -> Rate:
        return Rate(stretch.name, self._price(stretch.name), stretch.day.isoformat())
