"""What Prometheus reads of a tariff, read back by its own parser."""

from typing import Any

from envoy_mqtt.web.metrics import text
from envoy_mqtt.web.money import families
from tests.web.test_metrics import MINE, SERIAL, Samples, of, read

TARIFF: dict[str, Any] = {
    "currency": "AUD",
    "import_period": "peak",
    "import_price": 0.52,
    "export_period": "buyback",
    "export_price": None,
    "cost_per_hour": -0.14,
    "grid_import_energy_peak": 2.204,
    "grid_import_energy_off_peak": 6.92,
    "grid_import_energy_former": 1.0,
    "grid_export_energy_buyback": 28.953,
    "grid_import_energy_peak_today": 0.5,
    "import_cost": 2.8938,
    "import_cost_today": 0.25,
    "import_cost_bill": 14.5,
    "export_revenue": 2.0267,
    "saved_today": 1.5,
}
AUD = ("currency", "AUD")


def told(*tariffs: dict[str, Any]) -> Samples:
    return read(text(list(families((SERIAL, each) for each in tariffs))))


def test_price_and_period_now() -> None:
    found = told(TARIFF)
    assert of(found, "envoy_price_per_kwh", MINE, ("direction", "import"), AUD) == 0.52
    assert of(found, "envoy_price_per_kwh", MINE, ("direction", "export"), AUD) is None
    periods = {
        dict(labels)["period"]: value for (name, labels), value in found.items() if name.endswith("period")
    }
    assert periods == {"peak": 1, "off_peak": 0, "buyback": 1}
    assert of(found, "envoy_cost_per_hour", MINE, AUD) == -0.14


def test_energies_of_the_periods_that_are_configured_in_watthours() -> None:
    name = "envoy_tariff_energy_watthours_total"
    samples = {labels: value for (it, labels), value in told(TARIFF).items() if it == name}
    found = {tuple(sorted(labels)): value for labels, value in samples.items()}
    assert found == {
        (("direction", "import"), ("period", "peak"), MINE): 2204,
        (("direction", "import"), ("period", "off_peak"), MINE): 6920,
        (("direction", "export"), ("period", "buyback"), MINE): 28953,
    }


def test_money_since_the_start_the_bill_and_midnight() -> None:
    found = {
        (dict(labels)["what"], dict(labels)["since"]): value
        for (name, labels), value in told(TARIFF).items()
        if name == "envoy_money"
    }
    assert found == {
        ("import_cost", "start"): 2.8938,
        ("import_cost", "bill"): 14.5,
        ("import_cost", "today"): 0.25,
        ("export_revenue", "start"): 2.0267,
        ("saved", "today"): 1.5,
    }


def test_without_a_tariff_there_is_nothing() -> None:
    assert told({}) == told() == {}
