"""What Prometheus reads of a tariff, read back by its own parser."""

from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from envoy_mqtt.web.metrics import text
from envoy_mqtt.web.money import Told, families

SERIAL = "122100000017"

TARIFF: dict[str, Any] = {
    "time": 1_782_043_200.0,
    "timestamp": "2026-06-21T12:00:00.000Z",
    "currency": "AUD",
    "import_period": "peak",
    "import_price": 0.52,
    "export_period": "buyback",
    "export_price": -0.07,
    "next_import_period": "off",
    "next_change": "2026-06-21T22:00:00+10:00",
    "cost_per_hour": -0.0315,
    "grid_import_energy_peak": 12.345,
    "grid_import_energy_off": 0.0,
    "grid_import_energy_former": 1.0,
    "grid_import_energy_peak_today": 0.5,
    "grid_export_energy_buyback": 3.0,
    "grid_export_energy_former": 0.0,
    "import_cost": 6.6,
    "import_cost_today": 0.26,
    "import_cost_bill": 14.96,
    "export_revenue": None,
    "export_revenue_today": 0.0,
    "export_revenue_bill": -0.21,
    "saved_today": 1.5,
    "estimated_energy": 0.0,
    "daily_charge": 1.1,
    "bill_started": "2026-06-12",
}


def samples(*told: Told) -> dict[tuple[str, ...], float]:
    """Values by name and the labels beside the serial number, sorted by their names."""
    exposition = text(list(families(list(told)))).decode()
    return {
        (each.name, *(value for label, value in sorted(each.labels.items()) if label != "serial")): each.value
        for family in text_string_to_metric_families(exposition)
        for each in family.samples
    }


def test_prices_periods_and_money_are_those_of_the_topic() -> None:
    assert samples(Told(SERIAL, TARIFF)) == {
        ("envoy_price", "AUD", "import"): 0.52,
        ("envoy_price", "AUD", "export"): -0.07,
        ("envoy_tariff_period", "import", "peak"): 1,
        ("envoy_tariff_period", "export", "buyback"): 1,
        ("envoy_cost_per_hour", "AUD"): -0.0315,
        ("envoy_import_cost", "AUD", "total"): 6.6,
        ("envoy_import_cost", "AUD", "today"): 0.26,
        ("envoy_import_cost", "AUD", "bill"): 14.96,
        ("envoy_export_revenue", "AUD", "today"): 0.0,
        ("envoy_export_revenue", "AUD", "bill"): -0.21,
        ("envoy_saved", "AUD", "today"): 1.5,
        ("envoy_tariff_energy_watthours_total", "import", "peak"): 12345,
        ("envoy_tariff_energy_watthours_total", "import", "off"): 0,
        ("envoy_tariff_energy_watthours_total", "import", "former"): 1000,
        ("envoy_tariff_energy_watthours_total", "export", "buyback"): 3000,
        ("envoy_tariff_energy_watthours_total", "export", "former"): 0,
    }


def test_without_export_and_without_a_price_there_is_nothing_of_them() -> None:
    only = {"currency": "EUR", "import_period": "all", "import_price": None, "cost_per_hour": None}
    assert samples(Told(SERIAL, only)) == {("envoy_tariff_period", "import", "all"): 1}


def test_without_a_tariff_there_is_nothing_at_all() -> None:
    assert list(families([Told(SERIAL, {})])) == []
    told = samples(Told("1", {}), Told("2", {"currency": "EUR", "import_price": 0.3}))
    assert told == {("envoy_price", "EUR", "import"): 0.3}
