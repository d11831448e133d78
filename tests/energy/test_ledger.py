"""Energy one can trust, as it is told: the contract's section "Energy", by hand and by chance."""

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envoy_mqtt.energy.keys import energy_keys
from envoy_mqtt.energy.ledger import Ledger, Told
from envoy_mqtt.model import Counted, Instant, Phase, Phases, Quantities, Quantity, Register, Site
from tests.energy.sites import NOON, N, P, S, T, at, floats, powers, register, site

UTC, BERLIN = ZoneInfo("UTC"), ZoneInfo("Europe/Berlin")
MINUTE, HOUR = 60.0, 3600.0
LIFETIME = ("production_energy", "grid_import_energy", "grid_export_energy", "consumption_energy")


def ledger(layout: Site, memory: Any = None, **options: Any) -> Ledger:
    return Ledger(layout, zone=options.pop("zone", UTC), memory=memory, **options)


def counted(production: float, imported: float, exported: float) -> Counted:
    return {P: register(production), N: register(imported, exported)}


def saved(book: Ledger) -> Any:
    return json.loads(json.dumps(book.memory))


def told(book: Ledger, seconds: float, *keys: str) -> list[Any]:
    return floats(book.energies(at(seconds)), *keys)


def run(book: Ledger, registers: Counted, seconds: float) -> dict[str, Told]:
    book.count(registers, at(seconds))
    return book.energies(at(seconds))


# What is told


@pytest.mark.parametrize(
    "layout",
    [
        site(P, N),
        site(P, T),
        site(P, N, S, phases=2),
        site(P, N, phases=3, battery=True),
        site(N, phases=2),
        site(),
    ],
)
@pytest.mark.parametrize("grid", ["phases", "balanced"])
def test_every_key_is_always_there(layout: Site, grid: Any) -> None:
    book = ledger(layout, grid=grid)
    assert tuple(book.energies(at(0))) == energy_keys(layout)
    registers = (Register(1000.0, 50.0),) * layout.phases
    assert tuple(run(book, dict.fromkeys(layout.metered, registers), 60.0)) == energy_keys(layout)


def test_before_the_first_reading_nothing_is_known() -> None:
    values = ledger(site(P, N)).energies(at(0))
    assert values.pop("resets") == 0
    assert set(values.values()) == {None}


def test_counters_are_told_in_kwh_and_consumption_is_what_came_and_did_not_leave() -> None:
    values = run(ledger(site(P, N)), counted(3_183_793.885, 3_738_205.282, 1_776_768.769), 0)
    assert floats(values, *LIFETIME) == [3183.794, 3738.205, 1776.769, 5145.23]
    assert values["net_energy"] == 1961.437
    assert floats(values, *(f"{key}_source" for key in (*LIFETIME, "net_energy"))) == [
        "counter",
        "counter",
        "counter",
        "derived",
        "derived",
    ]


def test_a_battery_takes_part_in_consumption() -> None:
    """What it gave is used, what it took is not: 10 + 5 − 2 + 3 − 4."""
    registers = counted(10_000.0, 5000.0, 2000.0) | {S: register(3000.0, 4000.0)}
    values = run(ledger(site(P, N, S)), registers, 0)
    assert values["consumption_energy"] == 12.0
    assert floats(values, "storage_discharged_energy", "storage_charged_energy") == [3.0, 4.0]


def test_each_phase_is_told_and_the_whole_is_their_sum() -> None:
    registers: Counted = {
        P: (Register(1000.0, 1.0), Register(2000.0, 1.0)),
        N: (Register(300.0, 900.0), Register(500.0, 0.0)),
    }
    values = run(ledger(site(P, N, phases=2)), registers, 0)
    assert floats(values, *LIFETIME) == [3.0, 0.8, 0.9, 2.9]
    assert floats(values, "production_l2_energy", "grid_l1_export_energy", "consumption_l1_energy") == [
        2.0,
        0.9,
        0.4,
    ]


def test_the_inverters_own_counter_serves_where_no_meter_measures_production() -> None:
    book = ledger(site(N, phases=2))
    book.count({N: (Register(300.0, 900.0), Register(500.0, 0.0))}, at(0))
    book.report(50_000.0, at(1))
    values = book.energies(at(2))
    assert floats(values, *LIFETIME) == [50.0, 0.8, 0.9, 49.9]
    assert floats(values, "production_energy_source", "consumption_energy_source") == ["reported", "derived"]
    assert floats(values, "production_l1_energy", "consumption_l1_energy", "grid_l1_import_energy") == [
        None,
        None,
        0.3,
    ]


# Never back, never a jump


def test_zeros_after_a_reboot_are_not_told() -> None:
    book = ledger(site(P, N))
    before = run(book, counted(5_000_000.0, 4_000_000.0, 3_000_000.0), 0)
    for minute in range(1, 8):
        assert run(book, counted(0.0, 0.0, 0.0), MINUTE * minute) == before
        assert book.held == ("production_l1_delivered", "net_l1_delivered", "net_l1_received")
    after = run(book, counted(5_000_100.0, 4_000_050.0, 3_000_020.0), 8 * MINUTE)
    assert floats(after, *LIFETIME) == [5000.1, 4000.05, 3000.02, 6000.13]
    assert (book.held, book.resets) == ((), 0)


def test_zeros_at_the_first_start_are_not_told_either() -> None:
    book = ledger(site(P, N))
    assert run(book, counted(0.0, 0.0, 0.0), 0)["production_energy"] is None
    # A meter that never exported is no meter of zeros.
    assert floats(run(book, counted(500.0, 400.0, 0.0), 60), *LIFETIME) == [0.5, 0.4, 0.0, 0.9]


def test_a_meter_that_is_missing_is_like_one_that_was_not_read() -> None:
    book = ledger(site(P, N))
    before = run(book, counted(5000.0, 4000.0, 3000.0), 0)
    assert run(book, {N: register(4000.0, 3000.0)}, 60) == before
    assert run(book, {P: (), N: register(4000.0, 3000.0)}, 120) == before


def test_cleared_counters_are_one_reset_and_go_on_from_what_was_told() -> None:
    book = ledger(site(P, N))
    run(book, counted(5_000_000.0, 4_000_000.0, 3_000_000.0), 0)
    for minute in range(1, 17):
        values = run(book, counted(10.0 * minute, 5.0 * minute, 2.0 * minute), MINUTE * minute)
    assert (values["resets"], book.resets) == (1, 1)
    assert floats(values, *LIFETIME) == [5000.15, 4000.075, 3000.03, 6000.195]
    again = ledger(site(P, N), saved(book))
    values = run(again, counted(170.0, 85.0, 34.0), 17 * MINUTE)
    assert floats(values, *LIFETIME, "resets") == [5000.16, 4000.08, 3000.032, 6000.208, 1]


def test_consumption_waits_while_a_part_of_it_is_held() -> None:
    """Production shows zeros while export goes on: what was used cannot shrink."""
    book = ledger(site(P, N))
    run(book, counted(5_000_000.0, 4_000_000.0, 3_000_000.0), 0)
    values = run(book, {P: register(0.0), N: register(4_000_000.0, 3_000_080.0)}, 60)
    assert floats(values, "grid_export_energy", "consumption_energy") == [3000.08, 6000.0]
    values = run(book, counted(5_000_200.0, 4_000_000.0, 3_000_160.0), 120)
    assert values["consumption_energy"] == 6000.04


def test_only_net_energy_may_fall() -> None:
    book = ledger(site(P, N))
    assert run(book, counted(5000.0, 4000.0, 3000.0), 0)["net_energy"] == 1.0
    assert run(book, counted(5500.0, 4000.0, 3400.0), 60)["net_energy"] == 0.6


def test_next_to_nothing_is_a_plain_zero() -> None:
    values = run(ledger(site(P, N)), counted(5000.0, 4000.0, 4000.3), 0)
    assert str(values["net_energy"]) == "0.0"


def test_a_bridge_that_was_down_for_days_catches_up() -> None:
    book = ledger(site(P, N))
    run(book, counted(5_000_000.0, 4_000_000.0, 3_000_000.0), 0)
    again = ledger(site(P, N), saved(book))
    again.count(counted(5_060_000.0, 4_030_000.0, 3_040_000.0), Instant(3.0, NOON + 3 * 86400.0))
    values = again.energies(Instant(3.0, NOON + 3 * 86400.0))
    assert floats(values, *LIFETIME) == [5060.0, 4030.0, 3040.0, 6050.0]


# Without counters


def flowing(book: Ledger, seconds: range, **watts: float) -> None:
    for second in seconds:
        book.flow(powers(**watts), 1000.0 + second, at(second))


def test_while_counters_cannot_be_read_powers_stand_in_for_them() -> None:
    """Ten minutes at 6 kW and −3 kW are 1 kWh made and 0.5 kWh sold; the counters then say a little less."""
    book = ledger(site(P, N))
    run(book, counted(5_000_000.0, 4_000_000.0, 3_000_000.0), 0)
    flowing(book, range(601), production=6000.0, net=-3000.0, consumption=3000.0)
    values = book.energies(at(600))
    assert floats(values, *LIFETIME) == [5001.0, 4000.0, 3000.5, 6000.5]
    assert floats(values, "production_energy_source", "grid_import_energy_source") == [
        "integrated",
        "counter",
    ]
    assert floats(values, "consumption_energy_source", "net_energy_source") == ["integrated"] * 2
    values = run(book, counted(5_000_990.0, 4_000_000.0, 3_000_501.0), 601)
    assert floats(values, *LIFETIME) == [5001.0, 4000.0, 3000.501, 6000.5]
    assert values["production_energy_source"] == "counter"
    assert run(book, counted(5_001_090.0, 4_000_000.0, 3_000_551.0), 660)["production_energy"] == 5001.09


def test_import_and_export_are_integrated_where_only_total_is_metered() -> None:
    """Two minutes at 3 kW in and two at 1.5 kW out."""
    book = ledger(site(P, T))
    flowing(book, range(121), production=0.0, net=3000.0, consumption=3000.0)
    book.flow(powers(production=4500.0, net=-1500.0, consumption=3000.0), 1120.0, at(120))
    flowing(book, range(121, 241), production=4500.0, net=-1500.0, consumption=3000.0)
    values = book.energies(at(240))
    assert floats(values, "grid_import_energy", "grid_export_energy") == [0.1, 0.05]
    assert values["grid_import_energy_source"] == "integrated"


def test_what_was_told_of_an_exchange_is_never_taken_back_and_the_difference_is_right_all_the_same() -> None:
    """10 Wh in were told; the counters say 9."""
    book = ledger(site(P, T))
    flowing(book, range(1), production=0.0, net=600.0, consumption=600.0)
    run(book, used(1000.0, 500.0), 0)
    flowing(book, range(1, 61), production=0.0, net=600.0, consumption=600.0)
    grid = ("grid_import_energy", "grid_export_energy", "net_energy")
    assert told(book, 60, *grid) == [0.01, 0.0, 0.01]
    assert floats(run(book, used(1009.0, 500.0), 60), *grid) == [0.01, 0.001, 0.009]


def used(total: float, production: float, drawn: float = 0.0) -> Counted:
    return {P: register(production, drawn), T: register(total)}


def test_what_came_in_a_gap_is_import_if_positive_and_export_if_negative() -> None:
    book = ledger(site(P, T))
    run(book, used(1000.0, 500.0), 0)
    assert floats(run(book, used(1700.0, 600.0), 600), "grid_import_energy", "grid_export_energy") == [
        0.6,
        0.0,
    ]
    assert floats(run(book, used(1800.0, 1500.0), 1200), "grid_import_energy", "grid_export_energy") == [
        0.6,
        0.8,
    ]
    assert told(book, 1200, "consumption_energy", "consumption_energy_source") == [1.8, "counter"]


def test_a_bridge_that_was_down_finds_the_difference_too() -> None:
    book = ledger(site(P, T))
    run(book, used(1000.0, 500.0), 0)
    flowing(book, range(61), production=0.0, net=600.0, consumption=600.0)
    again = ledger(site(P, T), saved(book))
    again.count(used(3010.0, 500.0), Instant(9.0, NOON + 7200.0))
    values = again.energies(Instant(9.0, NOON + 7200.0))
    assert floats(values, "grid_import_energy", "grid_export_energy") == [2.01, 0.0]


def test_what_the_inverters_draw_at_night_was_imported() -> None:
    book = ledger(site(P, T))
    run(book, used(1000.0, 500.0, 20.0), 0)
    assert run(book, used(1100.0, 500.0, 25.0), 600)["grid_import_energy"] == 0.105


def balanced(import_1: float, export_2: float) -> Counted:
    return {
        P: (Register(0.0, 0.0), Register(9000.0, 0.0)),
        N: (Register(import_1, 0.0), Register(100.0, export_2)),
    }


def two_phases(first: float, second: float) -> Quantities:
    phases = (Phase(power=first), Phase(power=second))
    return Quantities(dict.fromkeys((Quantity.PRODUCTION, Quantity.NET, Quantity.CONSUMPTION), phases))


def test_a_balanced_grid_begins_at_the_counters_and_then_counts_the_sum_of_the_phases() -> None:
    """6 kW in on one phase, 4.8 kW out on the other, for a minute: 100 and 80 Wh, 20 of them in all."""
    book = ledger(site(P, N, phases=2), grid="balanced")
    values = run(book, balanced(5000.0, 3000.0), 0)
    assert floats(values, "grid_import_energy", "grid_export_energy", "net_energy") == [5.1, 3.0, 2.1]
    for second in range(61):
        book.flow(two_phases(6000.0, -4800.0), 1000.0 + second, at(second))
    values = run(book, balanced(5100.5, 3080.0), 60)
    assert floats(values, "grid_l1_import_energy", "grid_l2_export_energy") == [5.101, 3.08]
    assert floats(values, "grid_import_energy", "grid_export_energy", "net_energy") == [5.12, 3.0, 2.12]
    assert floats(values, "consumption_energy", "grid_export_energy_source") == [11.12, "integrated"]


def test_where_phases_are_counted_by_themselves_both_directions_grow() -> None:
    book = ledger(site(P, N, phases=2))
    run(book, balanced(5000.0, 3000.0), 0)
    values = run(book, balanced(5100.0, 3080.0), 60)
    assert floats(values, "grid_import_energy", "grid_export_energy") == [5.2, 3.08]


def test_a_battery_without_a_meter_is_integrated() -> None:
    """Half a minute each at 2.4 kW out of it and 1.2 kW into it."""
    book = ledger(site(P, N, phases=2, battery=True))
    for second in range(61):
        watts = 2400.0 if second < 30 else -1200.0
        phases: dict[Quantity, Phases] = dict.fromkeys(Quantity, (Phase(), Phase()))
        book.flow(Quantities(phases, {Quantity.STORAGE: watts}), 1000.0 + second, at(second))
    book.count({P: register(1.0) * 2, N: register(1.0) * 2}, at(60))
    values = book.energies(at(60))
    assert floats(values, "storage_discharged_energy", "storage_charged_energy") == [0.02, 0.01]
    assert (
        floats(values, "storage_discharged_energy_source", "consumption_energy_source") == ["integrated"] * 2
    )
    assert values["storage_l1_charged_energy"] is None
    again = ledger(site(P, N, phases=2, battery=True), saved(book))
    assert floats(again.energies(at(61)), "storage_discharged_energy", "storage_charged_energy") == [
        0.02,
        0.01,
    ]


# Today


def test_todays_sums_and_what_they_say() -> None:
    """Of 4 kWh used 1 came from the grid; of 5 made 2 left."""
    book = ledger(site(P, N))
    run(book, counted(10_000.0, 20_000.0, 30_000.0), 0)
    values = run(book, counted(15_000.0, 21_000.0, 32_000.0), HOUR)
    assert floats(values, *(f"{key}_today" for key in LIFETIME)) == [5.0, 1.0, 2.0, 4.0]
    assert floats(values, "self_sufficiency_today", "self_consumption_today") == [75.0, 60.0]


def test_shares_of_next_to_nothing_are_unknown_and_others_are_limited() -> None:
    book = ledger(site(P, N))
    run(book, counted(10_000.0, 20_000.0, 30_000.0), 0)
    values = run(book, counted(10_009.0, 20_000.0, 30_000.0), 60)
    assert floats(values, "self_sufficiency_today", "self_consumption_today") == [None, None]
    values = run(book, counted(10_009.0, 20_000.0, 30_050.0), 120)  # the battery of a neighbour
    assert floats(values, "self_sufficiency_today", "self_consumption_today") == [None, None]
    values = run(book, counted(10_020.0, 20_000.0, 30_051.0), 180)
    assert values["self_consumption_today"] == 0.0
    values = run(book, counted(10_020.0, 20_080.0, 30_051.0), 240)
    assert values["self_sufficiency_today"] == 0.0


def test_at_midnight_today_begins_again() -> None:
    """From 22:00 to 02:00 in Berlin are 600 Wh: 300 on either side."""
    book = ledger(site(P), zone=BERLIN)
    ten = 8 * HOUR
    run(book, {P: register(1000.0)}, 0)
    assert run(book, {P: register(5000.0)}, ten)["production_energy_today"] == 4.0
    assert told(book, ten + 2 * HOUR, "production_energy", "production_energy_today") == [5.0, 0.0]
    assert run(book, {P: register(5600.0)}, ten + 4 * HOUR)["production_energy_today"] == 0.3


def test_a_zero_across_midnight_is_no_reading() -> None:
    """Held from 23:53 to 00:07: half of the 200 Wh were yesterday's."""
    book = ledger(site(P), zone=BERLIN)
    midnight = 10 * HOUR
    run(book, {P: register(1000.0)}, 0)
    run(book, {P: register(5000.0)}, midnight - 7 * MINUTE)
    for minute in range(-6, 7):
        run(book, {P: register(0.0)}, midnight + 60 * minute)
    assert run(book, {P: register(5200.0)}, midnight + 7 * MINUTE)["production_energy_today"] == 0.1


def test_todays_sum_outlives_the_process() -> None:
    book = ledger(site(P))
    run(book, {P: register(1000.0)}, 0)
    run(book, {P: register(3000.0)}, HOUR)
    again = ledger(site(P), saved(book))
    assert run(again, {P: register(3500.0)}, 2 * HOUR)["production_energy_today"] == 2.5


def test_a_tick_tells_that_a_day_has_begun() -> None:
    book = ledger(site(P), zone=BERLIN)
    midnight = 10 * HOUR
    assert [book.tick(at(midnight + n)) for n in (-2, -1, 0, 1, 2)] == [False, False, True, False, False]


def test_a_clock_that_is_learned_is_no_new_day() -> None:
    book = ledger(site(P), zone=BERLIN)
    assert not book.tick(Instant(1.0, 1.0))
    assert not book.tick(Instant(2.0, NOON))
    assert not book.tick(Instant(3.0, 3.0))
    assert not book.tick(Instant(4.0, NOON))


# Memory


@pytest.mark.parametrize(
    "memory",
    [
        [1],
        {"accounts": 5},
        {"accounts": {"production_l1_delivered": "x"}},
        {"accounts": {"production_l1_delivered": [[1.0, 0.0, None], 0, 0, False]}},
        {"accounts": {"production_l1_delivered": [[float("nan"), 0.0, None, None], 0, 0, False]}},
        {"books": {"net1 production1 phases": {"told": {"production_energy": "7"}}}},
        {"books": {"net1 production1 phases": {"days": {"production": [{"yesterday": 1.0}, 1.0, 1.0]}}}},
        {"books": {"net1 production1 phases": 3}},
        {"resets": "many"},
    ],
)
def test_a_memory_that_cannot_be_read_is_none(memory: Any) -> None:
    book = ledger(site(P, N), memory)
    assert book.resets == 0
    assert run(book, counted(5000.0, 4000.0, 3000.0), 0)["production_energy"] == 5.0


GARBAGE: st.SearchStrategy[Any] = st.sampled_from([None, True, "x", -1, 1e300, 10**400, [], {}, [None] * 4])


@given(st.randoms(use_true_random=False), GARBAGE)
def test_a_memory_with_anything_in_it_breaks_nothing(dice: Any, garbage: Any) -> None:
    book = ledger(site(P, T, S, battery=True))
    run(book, used(1e6, 1e6) | {S: register(5.0, 6.0)}, 0)
    memory = saved(book)
    place = memory
    while True:
        key = dice.choice(list(place) if isinstance(place, dict) else range(len(place)))
        if not isinstance(place[key], dict | list) or not place[key] or dice.random() < 0.2:
            break
        place = place[key]
    place[key] = garbage
    again = ledger(site(P, T, S, battery=True), memory)
    for minute in range(1, 4):
        values = run(again, used(1e6, 1e6) | {S: register(5.0, 6.0)}, MINUTE * minute)
    json.dumps([values, again.memory], allow_nan=False)


def test_a_memory_that_was_only_read_is_the_same() -> None:
    book = ledger(site(P, T))
    run(book, used(1e6, 1e6), 0)
    assert ledger(site(P, T), saved(book)).memory == saved(book)


def test_a_memory_is_small() -> None:
    layout = site(P, N, S, phases=3)
    book = ledger(layout)
    for minute in range(3000):
        registers = (Register(1e6 + minute, 1e6 + minute),) * 3
        run(book, dict.fromkeys((P, N, S), registers), MINUTE * minute)
    assert len(json.dumps(book.memory)) < 5000


def test_a_battery_that_goes_and_comes_leaves_the_rest_as_it_was() -> None:
    with_battery, without = site(P, N, battery=True), site(P, N)
    book = ledger(with_battery)
    run(book, counted(5000.0, 4000.0, 3000.0), 0)
    flowing(book, range(31), production=0.0, net=0.0, consumption=2400.0, storage=2400.0)
    assert told(book, 30, "storage_discharged_energy", "consumption_energy") == [0.02, 6.02]
    book = ledger(without, saved(book))
    assert run(book, counted(5100.0, 4000.0, 3000.0), 60)["consumption_energy"] == 6.1
    book = ledger(with_battery, saved(book))
    values = run(book, counted(5200.0, 4000.0, 3000.0), 120)
    assert floats(values, "storage_discharged_energy", "consumption_energy") == [0.02, 6.22]
    assert values["production_energy_today"] == 0.2


def test_an_offset_outlives_a_change_of_layout() -> None:
    book = ledger(site(P, N))
    run(book, counted(5_000_000.0, 4_000_000.0, 3_000_000.0), 0)
    for minute in range(1, 17):
        run(book, counted(0.0, 0.0, 0.0), MINUTE * minute)
    book = ledger(site(P, N, S), saved(book))
    registers = counted(10.0, 0.0, 0.0) | {S: register(1.0)}
    assert run(book, registers, 17 * MINUTE)["production_energy"] == 5000.01


# By chance

WH = st.sampled_from([0.0, 3.0, 5e5, 1e6, 1e6 + 40.0, 1e6 + 90.0, 1e6 + 2e4, 2.19e6])
STEP = st.tuples(
    st.sampled_from(["count", "flow", "report", "restart", "nothing"]),
    st.sampled_from([0.5, 1.0, 20.0, 60.0, 500.0, 40_000.0]),
    st.sampled_from([0.0] * 12 + [-40_000.0, 90_000.0, -1.7e9]),
    st.tuples(WH, WH, WH),
    st.tuples(*(st.sampled_from([None, 0.0, 900.0, -900.0, 2e9]) for _ in range(3))),
)


@settings(max_examples=120)
@given(
    st.sampled_from([(N,), (P, N), (P, T), (P, N, S), (P, T, S), ()]),
    st.integers(1, 3),
    st.booleans(),
    st.sampled_from(["phases", "balanced"]),
    st.lists(STEP, max_size=40),
)
def test_whatever_happens_nothing_told_falls(
    kinds: Any, phases: int, battery: bool, grid: Any, steps: list[Any]
) -> None:
    layout = site(*kinds, phases=phases if kinds else 1, battery=battery)
    book, before = ledger(layout, grid=grid, zone=BERLIN), dict.fromkeys(energy_keys(layout))
    steady, offset = 1000.0, NOON
    for what, seconds, jump, (first, second, third), watts in steps:
        steady, offset = steady + seconds, max(-steady, offset + jump)
        now = Instant(steady, steady + offset)
        if what == "count":
            registers = (Register(first, second), Register(second, third), Register(third, first))
            book.count(dict.fromkeys(kinds, registers[: layout.phases]), now)
        elif what == "flow":
            read = tuple(Phase(power=power) for power in watts)[: layout.phases]
            whole = {Quantity.STORAGE: watts[0] or 0.0}
            book.flow(Quantities(dict.fromkeys(Quantity, read), whole), steady, now)
        elif what == "report":
            book.report(first, now)
        elif what == "restart":
            steady, offset = 5.0, offset + steady - 5.0
            now = Instant(steady, steady + offset)
            book = ledger(layout, saved(book), grid=grid, zone=BERLIN)
        values: dict[str, Any] = book.energies(now)
        assert tuple(values) == energy_keys(layout)
        json.dumps(values, allow_nan=False)
        for key, value in values.items():
            assert str(value) != "-0.0", key
            if key.endswith("_energy") and key != "net_energy" and before[key] is not None:
                assert value >= before[key], key
            if key.endswith("_energy_today") and value is not None:
                assert value >= 0.0, key
        before = values


@settings(max_examples=60)
@given(st.lists(st.tuples(WH, WH, WH), min_size=1, max_size=60), st.sets(st.integers(0, 59)))
def test_a_restart_at_any_instant_has_the_same_future(
    shown: list[tuple[float, float, float]], restarts: set[int]
) -> None:
    """The clock being right, and the bridge being back before the next reading."""
    steadfast, restarting = ledger(site(P, N)), ledger(site(P, N))
    for n, registers in enumerate(shown):
        now = at(400.0 * n)
        if n in restarts:
            restarting = ledger(site(P, N), saved(restarting))
        steadfast.count(counted(*registers), now)
        restarting.count(counted(*registers), now)
        assert steadfast.energies(now) == restarting.energies(now)
        assert steadfast.held == restarting.held
