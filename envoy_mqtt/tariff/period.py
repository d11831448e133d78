"""A tariff as it is configured: periods, and what a kilowatt-hour costs in each.

A period says of a minute of the local day, a month and a kind of day whether it holds then; of several the
first counts. A kind of day is its weekday, Monday 0, and 7 more on a public holiday.
"""

import re
from collections.abc import Callable
from datetime import date
from typing import NamedTuple

DAY_MIN = 24 * 60

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOLIDAYS = frozenset(range(7, 14))
ALL_DAYS = frozenset(range(14))
ALL_MONTHS = frozenset(range(1, 13))

# What `days` may say in a word.
WORDS = {"all": ALL_DAYS, "workdays": frozenset(range(5)), "weekend": HOLIDAYS | {5, 6}}

_TIMES = re.compile(r"([01]?[0-9]|2[0-4]):([0-5][0-9])\s*[-–]\s*([01]?[0-9]|2[0-4]):([0-5][0-9])", re.ASCII)


class Span(NamedTuple):
    """Minutes of the local day from `begin` up to `end`; past midnight where it ends before it begins."""

    begin: int
    end: int

    def has(self, minute: int) -> bool:
        """Whether this minute lies in it."""
        if self.begin < self.end:
            return self.begin <= minute < self.end
        return minute >= self.begin or minute < self.end


class Period(NamedTuple):
    """One table of the configuration. Without `times` it is the whole day; without a price and a topic it
    costs what the period of its name before it costs.
    """

    name: str
    price: float | None = None
    price_topic: str | None = None
    price_key: str | None = None
    times: tuple[Span, ...] = ()
    months: frozenset[int] = ALL_MONTHS
    days: frozenset[int] = ALL_DAYS

    def has(self, month: int, kind: int, minute: int) -> bool:
        """Whether it holds then."""
        if month not in self.months or kind not in self.days:
            return False
        return not self.times or any(span.has(minute) for span in self.times)


def no_holiday(_day: date) -> bool:
    """Where no calendar is configured."""
    return False


class Tariff(NamedTuple):
    """What a site pays and is paid; `holiday` tells of a local date whether it is a public holiday."""

    currency: str
    imports: tuple[Period, ...]
    exports: tuple[Period, ...] = ()
    daily_charge: float = 0.0
    billing_day: int = 1
    discount: float = 0.0
    holiday: Callable[[date], bool] = no_holiday


def names(periods: tuple[Period, ...]) -> tuple[str, ...]:
    """The names of the periods, each once, in their order."""
    return tuple(dict.fromkeys(period.name for period in periods))


def span(text: str) -> Span:
    """The span that `22:00-07:00` means; raises `ValueError`."""
    match = _TIMES.fullmatch(text.strip())
    if match is None:
        raise ValueError
    hours, minutes, to_hours, to_minutes = map(int, match.groups())
    begin, end = hours * 60 + minutes, to_hours * 60 + to_minutes
    if max(begin, end) > DAY_MIN or (begin % DAY_MIN == end % DAY_MIN and (begin, end) != (0, DAY_MIN)):
        raise ValueError
    return Span(begin % DAY_MIN, end)


def kinds(days: str | tuple[str, ...]) -> frozenset[int]:
    """The kinds of day that `days` means: a word, or weekdays, holidays or not; raises `ValueError`."""
    if isinstance(days, str):
        if days not in WORDS:
            raise ValueError
        return WORDS[days]
    if not days or not set(days) <= set(WEEKDAYS):
        raise ValueError
    numbers = {WEEKDAYS.index(day) for day in days}
    return frozenset(numbers | {number + 7 for number in numbers})
