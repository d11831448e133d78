"""The keys of `energy`: the contract's section "Energy"."""

from envoy_mqtt.energy.keys import Energy, energies_of, energy_keys, legs_of
from tests.energy.sites import N, P, S, T, site

LIFETIME = ("production_energy", "grid_import_energy", "grid_export_energy", "consumption_energy")


def test_keys_of_phases_have_the_phase_before_the_direction() -> None:
    assert Energy.IMPORT.key(0) == "grid_l1_import_energy"
    assert Energy.DISCHARGED.key(2) == "storage_l3_discharged_energy"
    assert Energy.PRODUCTION.key(1) == "production_l2_energy"
    assert Energy.CHARGED.key() == "storage_charged_energy"


def test_a_site_has_the_energies_of_its_meters() -> None:
    assert energies_of(site(P)) == energies_of(site()) == (Energy.PRODUCTION,)
    assert energies_of(site(P, N)) == energies_of(site(P, T)) == energies_of(site(N)) == tuple(Energy)[:4]
    assert energies_of(site(P, N, S)) == energies_of(site(P, T, battery=True)) == tuple(Energy)


def test_phases_are_told_by_themselves_where_there_are_several() -> None:
    assert legs_of(site(P)) == (None,)
    assert legs_of(site(P, phases=3)) == (None, 0, 1, 2)


def test_the_keys_of_a_layout_in_the_order_of_the_contract() -> None:
    assert energy_keys(site(P, N)) == (
        *LIFETIME,
        "net_energy",
        *(f"{key}_source" for key in (*LIFETIME, "net_energy")),
        *(f"{key}_today" for key in LIFETIME),
        "self_sufficiency_today",
        "self_consumption_today",
        "resets",
    )
    assert energy_keys(site(P)) == (
        "production_energy",
        "production_energy_source",
        "production_energy_today",
        "resets",
    )
    three = energy_keys(site(P, N, S, phases=3))
    assert {"grid_l3_export_energy", "storage_l1_charged_energy", "storage_charged_energy_today"} <= set(
        three
    )
    assert not any("_l1_" in key and ("today" in key or "source" in key) for key in three)
