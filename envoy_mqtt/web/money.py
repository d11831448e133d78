"""What Prometheus reads of a tariff: prices, periods and money, from the topic `tariff`. Pure.

Money falls under a negative price, so none of it is a counter; its unit is the label `currency`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

DIRECTIONS = ("import", "export")

# The family of each sum, with the keys of `tariff` that hold it and for how long each counts.
MONEY = {
    "envoy_import_cost": (
        "What import has cost; the bill's with the daily charges.",
        {"total": "import_cost", "today": "import_cost_today", "bill": "import_cost_bill"},
    ),
    "envoy_export_revenue": (
        "What export has earned.",
        {"total": "export_revenue", "today": "export_revenue_today", "bill": "export_revenue_bill"},
    ),
    "envoy_saved": ("What self-consumed energy would have cost.", {"today": "saved_today"}),
}


class Told(NamedTuple):
    """A gateway's last `tariff`, empty where there is none."""

    serial: str
    tariff: Mapping[str, Any]


def families(told: list[Told]) -> Iterator[Metric]:
    """What there is to tell; nothing where no gateway has a tariff."""
    known = [each for each in told if each.tariff]
    if known:
        yield from (_prices(known), _periods(known), _cost_per_hour(known), *_sums(known), _energies(known))


def _prices(told: list[Told]) -> Metric:
    labels = ["serial", "direction", "currency"]
    family = GaugeMetricFamily("envoy_price", "Price of a kWh, import after discount.", labels=labels)
    for serial, tariff in told:
        for direction in DIRECTIONS:
            _add(family, tariff.get(f"{direction}_price"), serial, direction, tariff["currency"])
    return family


def _periods(told: list[Told]) -> Metric:
    labels = ["serial", "direction", "period"]
    family = GaugeMetricFamily("envoy_tariff_period", "1 for the period that is now.", labels=labels)
    for serial, tariff in told:
        for direction in DIRECTIONS:
            name = tariff.get(f"{direction}_period")
            _add(family, None if name is None else 1, serial, direction, str(name))
    return family


def _cost_per_hour(told: list[Told]) -> Metric:
    what = "What an hour like now costs; negative: earns."
    family = GaugeMetricFamily("envoy_cost_per_hour", what, labels=["serial", "currency"])
    for serial, tariff in told:
        _add(family, tariff.get("cost_per_hour"), serial, tariff["currency"])
    return family


def _sums(told: list[Told]) -> Iterator[Metric]:
    for name, (what, spans) in MONEY.items():
        family = GaugeMetricFamily(name, what, labels=["serial", "span", "currency"])
        for serial, tariff in told:
            for span, key in spans.items():
                _add(family, tariff.get(key), serial, span, tariff["currency"])
        yield family


def _energies(told: list[Told]) -> Metric:
    labels = ["serial", "direction", "period"]
    what = "Energy that fell into a period since it was configured."
    family = CounterMetricFamily("envoy_tariff_energy_watthours_total", what, labels=labels)
    for serial, tariff in told:
        for direction in DIRECTIONS:
            prefix = f"grid_{direction}_energy_"
            for key, energy_kwh in tariff.items():
                if key.startswith(prefix) and not key.endswith("_today"):
                    _add(family, round(1000 * energy_kwh), serial, direction, key.removeprefix(prefix))
    return family


def _add(family: Any, value: Any, *labels: str) -> None:
    if value is not None:
        family.add_metric(labels, value)
