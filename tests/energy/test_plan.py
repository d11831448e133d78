"""What each layout's energies are made of: the contract's tables "Which meters" and "Energy", written out."""

import pytest

from envoy_mqtt.energy.plan import Energy, Grid, plan
from envoy_mqtt.model import Site
from tests.energy.sites import N, P, S, T, site


def formula(terms: tuple[tuple[int, str], ...] | None) -> str:
    """As one would write it."""
    if terms is None:
        return "?"
    return " ".join(f"{'+' if sign > 0 else '-'}{name}" for sign, name in terms)


def made(layout: Site, grid: Grid = "phases") -> dict[str, str]:
    found = plan(layout, grid)
    return {key: formula(terms) for key, terms in (found.made_of | found.derived).items()}


PN = {
    "production_energy": "+production_l1_delivered",
    "grid_import_energy": "+net_l1_delivered",
    "grid_export_energy": "+net_l1_received",
    "consumption_energy": "+production_energy +grid_import_energy -grid_export_energy",
}
STORAGE = {
    "storage_discharged_energy": "+storage_l1_delivered",
    "storage_charged_energy": "+storage_l1_received",
    "consumption_energy": PN["consumption_energy"] + " +storage_discharged_energy -storage_charged_energy",
}
BATTERY = {"storage_discharged_energy": "+battery_delivered", "storage_charged_energy": "+battery_received"}
PT = {
    "production_energy": "+production_l1_delivered",
    "grid_import_energy": "+exchange_delivered",
    "grid_export_energy": "+exchange_received",
    "consumption_energy": "+total_l1_delivered",
}


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        (site(P, N), PN),
        (site(P, N, S), PN | STORAGE),
        (site(P, N, battery=True), PN | STORAGE | BATTERY),
        (site(P, T), PT),
        (site(P, T, S), PT | {key: STORAGE[key] for key in BATTERY}),
        (site(N), PN | {"production_energy": "+reported"}),
        (site(P), {"production_energy": "+production_l1_delivered"}),
        (site(), {"production_energy": "+reported"}),
    ],
    ids=["P+N", "P+N+S", "P+N battery", "P+T", "P+T+S", "N", "P", "none"],
)
def test_a_layout_has_its_energies_and_no_others(layout: Site, expected: dict[str, str]) -> None:
    assert made(layout) == expected


def test_the_whole_is_the_sum_of_the_phases_and_each_phase_is_itself() -> None:
    found = made(site(P, N, phases=3))
    assert found["grid_import_energy"] == "+net_l1_delivered +net_l2_delivered +net_l3_delivered"
    assert found["grid_l2_import_energy"] == "+net_l2_delivered"
    assert found["production_l3_energy"] == "+production_l3_delivered"
    assert (
        found["consumption_l3_energy"]
        == "+production_l3_energy +grid_l3_import_energy -grid_l3_export_energy"
    )
    assert len(found) == 4 * 4


def test_a_balanced_grid_is_one_exchange_and_its_phases_stay_counters() -> None:
    layout = site(P, N, phases=2)
    found = made(layout, "balanced")
    assert found["grid_import_energy"] == "+balance_delivered"
    assert found["grid_l1_export_energy"] == "+net_l1_received"
    (link,) = plan(layout, "balanced").links
    assert formula(link.difference) == "+net_l1_delivered +net_l2_delivered -net_l1_received -net_l2_received"
    assert link.begins is not None
    assert [formula(terms) for terms in link.begins] == [
        "+net_l1_delivered +net_l2_delivered",
        "+net_l1_received +net_l2_received",
    ]


def test_one_phase_is_balanced_by_itself() -> None:
    assert made(site(P, N), "balanced") == made(site(P, N))


def test_without_a_net_meter_the_difference_is_what_was_used_less_what_was_made() -> None:
    """Each less what its own meter counted backwards: the inverters draw at night."""
    (link,) = plan(site(P, T), "phases").links
    assert (link.leg, link.begins) == (None, None)
    assert formula(link.difference) == (
        "+total_l1_delivered -total_l1_received -production_l1_delivered +production_l1_received"
    )
    (link,) = plan(site(P, T, S), "phases").links
    assert formula(link.difference).endswith("-storage_l1_delivered +storage_l1_received")


def test_without_a_net_meter_each_phase_is_exchanged_by_itself_unless_it_is_balanced() -> None:
    layout = site(P, T, phases=2)
    assert made(layout)["grid_import_energy"] == "+exchange_l1_delivered +exchange_l2_delivered"
    assert made(layout, "balanced")["grid_import_energy"] == "+exchange_delivered"
    assert made(layout, "balanced")["grid_l2_export_energy"] == "+exchange_l2_received"
    assert [link.leg for link in plan(layout, "balanced").links] == [0, 1, None]


@pytest.mark.parametrize("layout", [site(P, T, phases=2, battery=True), site(T, phases=2)])
def test_where_a_part_has_no_counter_the_exchange_is_not_corrected(layout: Site) -> None:
    """The battery's or the inverters' own report: it is of the whole, late, and in steps."""
    (link,) = plan(layout, "phases").links
    assert (link.leg, link.difference) == (None, ())
    assert made(layout)["grid_l1_import_energy"] == "?"


def test_nothing_of_a_phase_is_known_where_the_whole_reports() -> None:
    found = made(site(N, phases=2, battery=True))
    assert (found["production_l1_energy"], found["storage_l2_charged_energy"]) == ("?", "?")
    assert found["production_energy"] == "+reported"


def test_panels_on_one_of_three_phases_make_nothing_on_the_others() -> None:
    layout = site(P, N, phases=3)
    layout = layout._replace(meters=(layout.meters[0]._replace(phases=1), layout.meters[1]))
    found = made(layout)
    assert (found["production_energy"], found["production_l1_energy"]) == ("+production_l1_delivered",) * 2
    assert found["production_l3_energy"] == ""


def test_only_registers_of_which_something_is_made_are_followed() -> None:
    """What a production meter counts at night, or a total meter backwards, is nobody's energy."""
    assert set(plan(site(P, N), "phases").registers) == {
        "production_l1_delivered",
        "net_l1_delivered",
        "net_l1_received",
    }


def test_keys_of_phases_have_the_phase_before_the_direction() -> None:
    assert Energy.IMPORT.key(0) == "grid_l1_import_energy"
    assert Energy.DISCHARGED.key(2) == "storage_l3_discharged_energy"
    assert Energy.PRODUCTION.key(1) == "production_l2_energy"
