"""A tariff for people to read: a week as a table, and what now is. Pure."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta, tzinfo

from envoy_mqtt.energy.day import day_of
from envoy_mqtt.tariff.calendar import Calendar, Stretch
from envoy_mqtt.tariff.period import Period, Tariff
from envoy_mqtt.tariff.prices import Prices

DAYS = 7


def week(tariff: Tariff, zone: tzinfo, now: float) -> str:
    """The lines: for each direction what now is, then today and the six days after it."""
    lines = [f"Local times in {zone}, prices in {tariff.currency} per kWh."]
    for title, periods, discount in (
        ("Import", tariff.imports, tariff.discount),
        ("Export", tariff.exports, 0.0),
    ):
        if periods:
            calendar = Calendar(periods, zone, tariff.holiday)
            lines += ["", *_direction(title, calendar, Costs(periods, discount), zone, now)]
            lines += [_day(day, calendar, Costs(periods, discount), zone, tariff) for day in _days(now, zone)]
    return "\n".join(lines)


class Costs:
    """Periods and their prices in words."""

    def __init__(self, periods: tuple[Period, ...], discount: float) -> None:
        self._prices = Prices(periods, discount)
        self._topics = {period.name: period.price_topic for period in reversed(periods) if period.price_topic}

    def of(self, name: str) -> str:
        """`peak 0.52`, or where its price is said."""
        price = self._prices.of(name)
        return f"{name} {price:g}" if price is not None else f"{name} ({self._topics.get(name, 'no price')})"


def _days(now: float, zone: tzinfo) -> Iterator[date]:
    yield from (day_of(now, zone) + timedelta(n) for n in range(DAYS))


def _direction(title: str, calendar: Calendar, costs: Costs, zone: tzinfo, now: float) -> Iterator[str]:
    coming = calendar.next(now)
    until = "always"
    if coming is not None:
        until = f"until {_moment(coming.begin, zone)}, then {costs.of(coming.name)}"
    yield f"{title} now: {costs.of(calendar.at(now).name)}, {until}"


def _day(day: date, calendar: Calendar, costs: Costs, zone: tzinfo, tariff: Tariff) -> str:
    cells = (f"{_wall(stretch, zone)} {costs.of(stretch.name)}" for stretch in calendar.day(day))
    holiday = "holiday" if tariff.holiday(day) else ""
    return f"  {day:%a} {day}  {holiday:7}  {'  '.join(f'{cell:<20}' for cell in cells)}".rstrip()


def _wall(stretch: Stretch, zone: tzinfo) -> str:
    return f"{datetime.fromtimestamp(stretch.begin, zone):%H:%M}"


def _moment(unix: float, zone: tzinfo) -> str:
    return f"{datetime.fromtimestamp(unix, zone):%a %Y-%m-%d %H:%M}"
