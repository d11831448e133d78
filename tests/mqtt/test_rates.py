"""A tariff's entities: what Home Assistant is told, and what of the topic it is told of."""

import json
from typing import Any

from envoy_mqtt.mqtt.discovery import Discovery, gateway_device, messages
from envoy_mqtt.mqtt.rates import rates
from envoy_mqtt.tariff.statement import tariff_keys
from tests.mqtt.layouts import N, P, site, state
from tests.tariff.ausgrid import TARIFF


def components(*, grid: bool = True) -> dict[str, Any]:
    """The tariff's components of a site as Home Assistant reads them."""
    layout = site(P, N) if grid else site(P)
    (message,) = messages(gateway_device(layout, state(layout), Discovery(), TARIFF))
    found: dict[str, Any] = json.loads(message.payload)["cmps"]
    return {key: each for key, each in found.items() if each.get("stat_t", "").endswith("/tariff")}


def test_a_period_is_one_of_its_names() -> None:
    period = components()["import_period"]
    assert (period["dev_cla"], period["ops"]) == ("enum", ["peak", "offpeak", "shoulder"])
    assert period["val_tpl"] == "{{ value_json.import_period }}"


def test_a_price_has_the_unit_that_the_energy_dashboard_wants() -> None:
    price = components()["export_price"]
    assert (price["unit_of_meas"], price["stat_cla"], price.get("dev_cla")) == (
        "AUD/kWh",
        "measurement",
        None,
    )


def test_prices_are_there_while_the_gateway_is_away() -> None:
    (only,) = components()["import_price"]["avty"]
    assert only == {"t": "envoy/bridge/state"}
    assert "avty" not in components()["grid_import_energy_peak"]


def test_each_periods_energy_is_a_source_of_its_own_and_costs_are_statistics() -> None:
    there = components()
    energies = [f"grid_import_energy_{name}" for name in ("peak", "offpeak", "shoulder")]
    for key in (*energies, "grid_export_energy_buyback"):
        numbers = (there[key]["dev_cla"], there[key]["unit_of_meas"], there[key]["stat_cla"])
        assert numbers == ("energy", "kWh", "total_increasing")
    for key in ("import_cost", "export_revenue"):
        numbers = (there[key]["dev_cla"], there[key]["unit_of_meas"], there[key]["stat_cla"])
        assert numbers == ("monetary", "AUD", "total")


def test_what_begins_anew_has_no_statistics() -> None:
    there = components()
    for key in ("import_cost_today", "import_cost_bill", "export_revenue_bill", "saved_today"):
        assert there[key]["dev_cla"] == "monetary"
        assert "stat_cla" not in there[key]


def test_a_site_without_a_grid_has_prices_only() -> None:
    assert set(components(grid=False)) == {"import_period", "import_price", "export_period", "export_price"}


def test_every_entity_has_its_key_and_no_two_share_a_name() -> None:
    shown = rates(TARIFF, grid=True)
    assert {entity.key for entity in shown} <= set(tariff_keys(TARIFF, grid=True))
    assert len({entity.name for entity in shown}) == len(shown)


def test_no_key_is_one_that_the_gateways_own_entities_have() -> None:
    layout = site(P, N)
    without = gateway_device(layout, state(layout), Discovery()).components
    assert not set(without) & {entity.key for entity in rates(TARIFF, grid=True)}


def test_without_export_periods_nothing_is_exported() -> None:
    shown = rates(TARIFF._replace(exports=()), grid=True)
    assert not [entity.key for entity in shown if "export" in entity.key]
