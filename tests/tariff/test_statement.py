"""The keys of the topic `tariff`; what stands under them is tested with the book that fills them."""

from envoy_mqtt.tariff.period import Period, Tariff
from envoy_mqtt.tariff.statement import energy_key, tariff_keys
from tests.tariff.ausgrid import TARIFF


def test_keys_of_three_periods_and_a_buyback() -> None:
    assert [key for key in tariff_keys(TARIFF, grid=True) if key.startswith("grid_")] == [
        *(f"grid_import_energy_{name}" for name in ("peak", "offpeak", "shoulder", "former")),
        *(f"grid_export_energy_{name}" for name in ("buyback", "former")),
        *(f"grid_import_energy_{name}_today" for name in ("peak", "offpeak", "shoulder", "former")),
        *(f"grid_export_energy_{name}_today" for name in ("buyback", "former")),
    ]


def test_without_export_and_without_a_grid_their_keys_are_missing() -> None:
    tariff = Tariff("EUR", (Period("flat", 0.3),))
    assert tariff_keys(tariff, grid=False) == (
        *("time", "timestamp", "currency", "import_period", "import_price", "next_import_period"),
        *("next_change", "daily_charge", "bill_started"),
    )
    assert "cost_per_hour" in tariff_keys(tariff, grid=True)
    assert not [key for key in tariff_keys(tariff, grid=True) if "export" in key]


def test_the_key_of_an_energy() -> None:
    assert energy_key("export", "buyback") == "grid_export_energy_buyback"
