"""A tariff out of the settings: the pure one, and what is wrong with it as a whole."""

from collections.abc import Iterator

from envoy_mqtt import almanac
from envoy_mqtt.config import settings
from envoy_mqtt.tariff.flaws import flaws
from envoy_mqtt.tariff.period import ALL_MONTHS, Period, Tariff, kinds, no_holiday, span

NO_NAME = 'has no name; add one such as name = "peak"'


def tariff_of(wanted: settings.Tariff) -> Tariff | None:
    """The tariff of a right configuration; `None` where no periods are given."""
    if not wanted.imports:
        return None
    return Tariff(
        currency=wanted.currency or "",
        imports=_periods(wanted.imports),
        exports=_periods(wanted.exports),
        daily_charge=wanted.daily_charge,
        billing_day=wanted.billing_day,
        discount=wanted.discount,
        holiday=no_holiday if wanted.holidays is None else almanac.holidays_of(wanted.holidays),
    )


def mistakes(wanted: settings.Tariff) -> Iterator[str]:
    """A sentence for each mistake that no single value shows."""
    lists = {"tariff.import": wanted.imports, "tariff.export": wanted.exports}
    nameless = [f"{key}[{n}]" for key, each in lists.items() for n, it in enumerate(each) if not it.name]
    if nameless:
        yield from (f"{at}: {NO_NAME}" for at in nameless)
        return
    if wanted.imports and wanted.currency is None:
        yield 'tariff.currency: is missing; add what prices are in, such as currency = "EUR"'
    if wanted.exports and not wanted.imports:
        yield "tariff.export: stands without tariff.import; add at least one [[tariff.import]]"
    for key, each in lists.items():
        yield from flaws(key, _periods(each), holidays=wanted.holidays is not None)
    if wanted.holidays is not None:
        try:
            almanac.holidays_of(wanted.holidays)
        except almanac.UnknownCalendar as error:
            yield f"tariff.holidays: found {wanted.holidays!r}, but {error}"


def _periods(wanted: tuple[settings.Period, ...]) -> tuple[Period, ...]:
    return tuple(
        Period(
            name=period.name,
            price=period.price,
            price_topic=period.price_topic,
            price_key=period.price_key,
            times=tuple(map(span, period.times)),
            months=frozenset(period.months) or ALL_MONTHS,
            days=kinds(period.days),
        )
        for period in wanted
    )
