"""Which entities a site has: what exists and can be known, and what of it is shown without asking."""

import re

import pytest

from envoy_mqtt.energy.keys import energy_keys
from envoy_mqtt.model import Site
from envoy_mqtt.mqtt.entities import entities
from tests.mqtt.layouts import LAYOUTS, N, P, S, T, site, state


def keys(layout: Site) -> set[str]:
    return {entity.key for entity in entities(layout, state(layout))}


def shown(layout: Site) -> set[str]:
    return {entity.key for entity in entities(layout, state(layout)) if entity.enabled} - ABOUT


ABOUT = {
    *("connection", "source", "firmware", "timestamp", "token_expires"),
    *("reconnect", "interval_s"),
}
ELECTRICAL = ("voltage", "current", "frequency", "power_factor", "apparent_power", "reactive_power")


def test_a_site_that_only_produces_has_no_grid() -> None:
    measured = {"production_power", "production_energy", "production_energy_today"}
    assert keys(site()) == measured | ABOUT
    assert keys(site(P)) == measured | ABOUT | {f"production_{key}" for key in ELECTRICAL}


def test_on_several_phases_there_is_no_voltage_and_no_current_of_the_whole() -> None:
    there = keys(site(P, N, phases=2))
    assert {"net_l1_voltage", "net_l2_current", "net_frequency", "net_power_factor"} <= there
    assert not there & {"net_voltage", "net_current", "production_voltage", "production_current"}
    assert not [key for key in there if "_l3_" in key]


def test_only_what_a_transformer_measures_has_a_voltage() -> None:
    assert {key for key in keys(site(P, T)) if key.endswith("_voltage")} == {
        "production_voltage",
        "consumption_voltage",
    }
    assert {key for key in keys(site(N)) if key.endswith("_voltage")} == {"net_voltage"}


def legs(layout: Site) -> set[str]:
    return {key for key in keys(layout) if re.search(r"_l\d_power$", key)}


def test_a_phase_that_nothing_can_be_known_of_has_no_entity() -> None:
    """The inverters and a battery without a meter tell one power for all phases (the contract)."""
    assert legs(site(N, phases=2)) == {"net_l1_power", "net_l2_power"}
    assert legs(site(P, N, phases=2, battery=True)) == {
        *("net_l1_power", "net_l2_power", "production_l1_power", "production_l2_power"),
    }
    assert legs(site(P, T, phases=2, battery=True)) == {
        *("consumption_l1_power", "consumption_l2_power", "production_l1_power", "production_l2_power"),
    }


def test_panels_on_one_phase_of_three() -> None:
    three = {f"{quantity}_l{n}_power" for quantity in ("net", "consumption") for n in (1, 2, 3)}
    layout = site(P, N, phases=3, production=1)
    assert legs(layout) == three | {"production_l1_power"}
    assert {key for key in keys(layout) if re.search(r"production_l\d_voltage", key)} == {
        "production_l1_voltage"
    }


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_every_energy_of_the_whole_has_an_entity(layout: Site) -> None:
    numbers = {key for key in energy_keys(layout) if not key.endswith("_source") and "_l" not in key}
    assert numbers - keys(layout) == {"resets"}


def test_a_gateway_that_wants_no_token_has_no_token_that_expires() -> None:
    assert "token_expires" not in keys(site(P, N)._replace(identity=site(tokens=False).identity))


def test_what_is_shown_without_asking() -> None:
    assert shown(site(P, N)) == {
        *("production_power", "consumption_power", "net_power"),
        *("production_energy", "consumption_energy", "grid_import_energy", "grid_export_energy"),
        *("production_energy_today", "consumption_energy_today"),
        *("grid_import_energy_today", "grid_export_energy_today"),
        *("self_sufficiency_today", "self_consumption_today"),
    }


def test_home_assistant_writes_at_most_60_000_rows_a_day_of_a_single_phase_site() -> None:
    """At the default settings, and if every value changed every time: powers with each `state` of 10 s, the
    energies and the state of charge once a minute. The others stand still.
    """
    numbers = shown(site(P, N, S))
    powers = {key for key in numbers if key.endswith("_power")}
    others = numbers - powers
    assert (len(powers), len(others)) == (4, 15)
    assert len(powers) * 86_400 / 10 + len(others) * 86_400 / 60 < 60_000
