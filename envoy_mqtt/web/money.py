"""What Prometheus reads of a tariff: prices, periods, energies and money, from the topic `tariff`. Pure.

Money is a gauge, for under a negative price it falls. What is no longer configured (`…_former`) has no energy
here: it may fall too, when its name comes back.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

Told = Mapping[str, Any]

SIDES = ("import", "export")
MONEY = ("import_cost", "export_revenue", "saved")
SPANS = {"start": "", "bill": "_bill", "today": "_today"}
ENERGY = re.compile(r"grid_(import|export)_energy_([a-z0-9_]+?)(?<!_today)")


def families(tariffs: Iterable[tuple[str, Told]]) -> Iterator[Metric]:
    """What there is to tell, by serial number; nothing where no gateway has a tariff."""
    known = [(serial, told) for serial, told in tariffs if told]
    if known:
        yield from _now(known)
        yield _energies(known)
        yield _sums(known)


def _now(known: Iterable[tuple[str, Told]]) -> Iterator[Metric]:
    price = _gauge("envoy_price_per_kwh", "What a kilowatt-hour costs now.", "direction", "currency")
    period = _gauge("envoy_tariff_period", "1 for the period that it is, else 0.", "direction", "period")
    hour = _gauge("envoy_cost_per_hour", "What an hour like now costs.", "currency")
    for serial, told in known:
        for side in SIDES:
            _add(price, told.get(f"{side}_price"), serial, side, told["currency"])
            now = told.get(f"{side}_period")
            for name in dict.fromkeys([*_periods(told, side), now]) if now else ():
                _add(period, name == now, serial, side, name)
        _add(hour, told.get("cost_per_hour"), serial, told["currency"])
    yield from (price, period, hour)


def _energies(known: Iterable[tuple[str, Told]]) -> Metric:
    labels = ["serial", "direction", "period"]
    family = CounterMetricFamily("envoy_tariff_energy_watthours_total", "Energy by period.", labels=labels)
    for serial, told in known:
        for side in SIDES:
            for name in _periods(told, side):
                _add(family, round(1000 * told[f"grid_{side}_energy_{name}"]), serial, side, name)
    return family


def _sums(known: Iterable[tuple[str, Told]]) -> Metric:
    family = _gauge("envoy_money", "Money since start, bill or midnight.", "what", "since", "currency")
    for serial, told in known:
        for what in MONEY:
            for since, suffix in SPANS.items():
                _add(family, told.get(what + suffix), serial, what, since, told["currency"])
    return family


def _periods(told: Told, side: str) -> list[str]:
    found = (ENERGY.fullmatch(key) for key in told)
    return [match[2] for match in found if match and match[1] == side and match[2] != "former"]


def _gauge(name: str, what: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, what, labels=["serial", *labels])


def _add(family: Any, value: Any, *labels: str) -> None:
    if value is not None:
        family.add_metric(labels, value)
