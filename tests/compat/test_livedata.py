"""The document of livedata with a reading in it."""

from typing import Any

from envoy_mqtt.compat.livedata import blank, filled
from envoy_mqtt.model import Quantities, Quantity
from tests.compat.sites import CHARGE, EXPORT, IMPORT, MADE, N, P, S, reading, site


def section(*values: int | None) -> dict[str, int | None]:
    legs = [f"agg_{kind}_ph_{leg}_{unit}" for leg in "abc" for kind, unit in (("p", "mw"), ("s", "mva"))]
    return dict(zip(("agg_p_mw", "agg_s_mva", *legs), values, strict=True))


OLD = section(*[1] * 8)
PAGE: dict[str, Any] = {
    "connection": {"sc_stream": "disabled"},
    "meters": {
        "last_update": 1_789_999_000,
        "soc": 50,
        "main_relay_state": 1,
        "backup_soc": 10,
        "enc_agg_energy": 8600,
        "pv": OLD,
        "storage": OLD,
        "grid": OLD,
        "load": OLD,
        "generator": OLD,
    },
    "tasks": {"task_id": 3},
    "info": "Last available status data shown. Live stream not enabled.",
}


def test_sections_are_thousandths_of_the_whole_and_of_each_phase() -> None:
    layout = site(P, N)
    meters = filled(PAGE, reading(layout, {P: (MADE,), N: (EXPORT,)}), layout)["meters"]
    assert meters["pv"] == section(2_500_000, 2_502_000, 2_500_000, 2_502_000, 0, 0, 0, 0)
    assert meters["grid"] == section(-1_600_000, -1_627_882, -1_600_000, -1_627_882, 0, 0, 0, 0)
    assert (meters["load"]["agg_p_mw"], meters["load"]["agg_p_ph_b_mw"]) == (900_000, 0)


def test_the_load_is_grid_and_sun_and_battery() -> None:
    layout = site(P, N, S, phases=2)
    measured = {P: (MADE,) * 2, N: (IMPORT,) * 2, S: (CHARGE,) * 2}
    meters = filled(PAGE, reading(layout, measured, charge=63.4), layout)["meters"]
    assert meters["storage"]["agg_p_mw"] == -1_800_000
    assert meters["load"]["agg_p_mw"] == 800_000 + 5_000_000 - 1_800_000
    assert meters["load"]["agg_p_ph_b_mw"] == 2_000_000
    assert meters["load"]["agg_p_ph_c_mw"] == 0
    assert meters["soc"] == 63


def test_the_rest_stays_but_for_what_says_that_it_is_old() -> None:
    layout = site(P, N)
    said = filled(PAGE, reading(layout, {P: (MADE,), N: (EXPORT,)}), layout)
    assert said.keys() == {"connection", "meters", "tasks"}
    assert said["meters"]["last_update"] == 1_790_000_000
    for key in ("main_relay_state", "backup_soc", "enc_agg_energy", "generator", "storage", "soc"):
        assert said["meters"][key] == PAGE["meters"][key]


def test_a_battery_that_nobody_hears_of_is_null() -> None:
    layout = site(P, N, S)
    meters = filled(PAGE, reading(layout, {P: (MADE,), N: (EXPORT,)}), layout)["meters"]
    assert meters["soc"] is None
    assert meters["storage"]["agg_p_mw"] is None
    assert meters["load"]["agg_p_mw"] is None
    assert meters["grid"]["agg_p_mw"] == -1_600_000


def test_a_battery_that_tells_its_whole_power_has_no_phases() -> None:
    layout = site(P, N, phases=3, battery=True)
    said = reading(layout, {P: (MADE,) * 3, N: (IMPORT,) * 3})
    wholes = {Quantity.STORAGE: -600.0, Quantity.CONSUMPTION: 8100.0}
    said = said._replace(quantities=Quantities(said.quantities.phases, wholes))
    meters = filled(PAGE, said, layout)["meters"]
    assert (meters["storage"]["agg_p_mw"], meters["storage"]["agg_p_ph_a_mw"]) == (-600_000, None)
    assert meters["load"]["agg_p_mw"] == 8_100_000


def test_where_there_is_no_page_relays_and_reserve_are_unknown() -> None:
    layout = site(P, N, phases=2)
    meters = filled(blank(layout), reading(layout, {P: (MADE,) * 2, N: (EXPORT,) * 2}), layout)["meters"]
    assert (meters["is_split_phase"], meters["phase_count"]) == (1, 2)
    assert meters["main_relay_state"] is None
    assert meters["generator"] == section(*[0] * 8)
    assert meters["grid"]["agg_p_mw"] == -3_200_000
    assert list(meters["grid"]) == list(meters["generator"])


def test_a_firmware_that_tells_no_phases_goes_on_telling_none() -> None:
    layout = site(P, N)
    page = {"meters": {"grid": {"agg_p_mw": 1, "agg_s_mva": 2, "new": 3}}}
    meters = filled(page, reading(layout, {P: (MADE,), N: (EXPORT,)}), layout)["meters"]
    assert meters["grid"] == {"agg_p_mw": -1_600_000, "agg_s_mva": -1_627_882, "new": 3}
