"""What is wrong with a tariff, in sentences that mend it. Pure.

Every month, every kind of day and every minute at which something begins are tried, so that what is found is
all there is: a time without a period, and a period that others leave nothing of.
"""

from collections.abc import Iterator, Sequence
from itertools import product

from envoy_mqtt.tariff.period import ALL_DAYS, ALL_MONTHS, DAY_MIN, HOLIDAYS, WEEKDAYS, Period

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)

# A moment of the year: month, kind of day, minute.
Moment = tuple[int, int, int]


def flaws(key: str, periods: Sequence[Period], *, holidays: bool) -> Iterator[str]:
    """A sentence for each mistake in the list `key`; `holidays` is whether there is a calendar of them."""
    yield from _prices(key, periods)
    used: set[int] = set()
    gaps: list[Moment] = []
    for moment in _moments(periods, holidays=holidays):
        found = next((n for n, period in enumerate(periods) if period.has(*moment)), None)
        if found is None:
            gaps.append(moment)
        else:
            used.add(found)
    if gaps and periods:
        yield (
            f"{key}: no period holds {_when(gaps[0])}; add one without times, months and days at the end, "
            "for what is left"
        )
    for n, period in enumerate(periods):
        if n not in used:
            yield f"{key}[{n}]: {period.name!r} can never be reached; {_remedy(period, holidays=holidays)}"


def _moments(periods: Sequence[Period], *, holidays: bool) -> Iterator[Moment]:
    edges = {edge % DAY_MIN for period in periods for span in period.times for edge in span}
    days = ALL_DAYS if holidays else ALL_DAYS - HOLIDAYS
    return product(sorted(ALL_MONTHS), sorted(days), sorted({0} | edges))


def _prices(key: str, periods: Sequence[Period]) -> Iterator[str]:
    first: dict[str, tuple[int, Period]] = {}
    for n, period in enumerate(periods):
        told = period[1:4]
        if period.price is not None and period.price_topic is not None:
            yield f"{key}[{n}]: {period.name!r} has price and price_topic; keep one of the two"
        elif period.price_key is not None and period.price_topic is None:
            yield f"{key}[{n}]: price_key is of no use without price_topic; add it or take the key away"
        elif period.name not in first:
            first[period.name] = n, period
            if period.price is None and period.price_topic is None:
                yield f"{key}[{n}]: {period.name!r} has no price; add price or price_topic"
        elif any(it is not None for it in told) and told != first[period.name][1][1:4]:
            of = first[period.name][0]
            yield (
                f"{key}[{n}]: {period.name!r} has another price in {key}[{of}]; give it the same, leave it "
                "out here, or choose another name"
            )


def _when(moment: Moment) -> str:
    month, kind, minute = moment
    day = "a public holiday" if kind >= len(WEEKDAYS) else f"{WEEKDAYS[kind].capitalize()}"
    return f"at {minute // 60:02}:{minute % 60:02} on {day} in {MONTHS[month - 1]}"


def _remedy(period: Period, *, holidays: bool) -> str:
    if not holidays and period.days <= HOLIDAYS:
        return "name a calendar in tariff.holidays"
    return "put it before those that hold at its times, or take it away"
