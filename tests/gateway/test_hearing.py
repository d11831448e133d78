"""What a page or an event says, by source: readings, and what is known beside them."""

import json
from typing import Any

import pytest

from envoy_mqtt.errors import Asleep, BadAnswer, BadEvent
from envoy_mqtt.gateway.hearing import Hearing
from envoy_mqtt.gateway.ladder import Source
from envoy_mqtt.gateway.sse import TooLong
from envoy_mqtt.model import Identity, Kind, Meter, Register, Site

P, N, T, S = Kind.PRODUCTION, Kind.NET, Kind.TOTAL, Kind.STORAGE
STREAM, READINGS, LIVEDATA, PRODUCTION = Source
EIDS = {P: 704643328, N: 704643584, T: 704643584, S: 704643840}

READ = "/ivp/meters/readings"
LIVE = "/ivp/livedata/status"
POWER = "/ivp/ensemble/power"
CHARGE = "/ivp/ensemble/secctrl"
REPORTED = "/production.json"
PLAIN = "/api/v1/production"


def site(*kinds: Kind, battery: bool = False) -> Site:
    meters = tuple(Meter(EIDS[kind], kind, kind, True, 1, "normal", ()) for kind in kinds)
    return Site(Identity("122100000017", "", "D8.3.5167", True, True), meters, battery)


def entry(kind: Kind, watts: float, *, moment: float = 100.0, volts: float = 230.0) -> dict[str, Any]:
    """One meter; its counters are its power in kWh, so that each number is told apart."""
    values = {
        "activePower": watts,
        "voltage": volts,
        "current": abs(watts) / 230.0,
        "pwrFactor": 1.0 if volts else 0.0,
    }
    counted = {"actEnergyDlvd": abs(watts) * 1000.0, "actEnergyRcvd": 7.0 if volts else 0.0}
    return {"eid": EIDS[kind], "timestamp": moment, "channels": [values | counted]}


def page(*entries: dict[str, Any]) -> bytes:
    return json.dumps(entries).encode()


def live(watts: dict[str, float], *, moment: int = 100, enabled: bool = True, soc: int = 61) -> bytes:
    sections = {key: {"agg_p_mw": round(1000 * power), "agg_s_mva": 0} for key, power in watts.items()}
    return json.dumps(
        {
            "connection": {"sc_stream": "enabled" if enabled else "disabled"},
            "meters": {"last_update": moment, "soc": soc, "phase_count": 1, **sections},
        }
    ).encode()


def inverters(watts: float, lifetime_wh: float = 5000.0, *, acb: int = 0) -> bytes:
    production = [{"type": "inverters", "activeCount": 20, "wNow": watts, "whLifetime": lifetime_wh}]
    return json.dumps({"production": production, "storage": [{"type": "acb", "activeCount": acb}]}).encode()


def powers(measured: Any) -> dict[Kind, float]:
    return {kind: phases[0].power for kind, phases in measured.items()}


# readings

HOUSE = page(entry(P, 900.0), entry(N, -300.0))


def test_readings_are_a_reading_where_they_are_the_source_and_counters_everywhere() -> None:
    counted = {P: (Register(900_000.0, 7.0),), N: (Register(300_000.0, 7.0),)}
    said = Hearing(site(P, N), READINGS).answer(READ, HOUSE, 0.0)
    assert said.measured is not None
    assert powers(said.measured) == {P: 900.0, N: -300.0}
    assert said.counted == counted
    beside = Hearing(site(P, N), STREAM).answer(READ, HOUSE, 0.0)
    assert (beside.measured, beside.counted) == (None, counted)


def test_the_same_moment_is_the_same_reading_and_another_source_begins_anew() -> None:
    hearing = Hearing(site(P, N), READINGS)
    assert hearing.answer(READ, HOUSE, 0.0).measured is not None
    again = hearing.answer(READ, HOUSE, 1.0)
    assert again.measured is None
    assert again.counted is not None
    one_moved = page(entry(P, 900.0), entry(N, -300.0, moment=101.0))
    assert hearing.answer(READ, one_moved, 2.0).measured is not None
    hearing.open(READINGS)
    assert hearing.answer(READ, one_moved, 3.0).measured is not None


@pytest.mark.parametrize("source", [READINGS, STREAM])
def test_readings_of_a_gateway_that_is_still_starting_are_no_reading_and_no_counters(source: Source) -> None:
    zeros = page(entry(P, 0.0, volts=0.0), entry(N, 0.0, volts=0.0), entry(S, 0.0, volts=0.0))
    hearing = Hearing(site(P, N, S), source)
    with pytest.raises(Asleep):
        hearing.answer(READ, zeros, 0.0)
    assert hearing.complete({}, {}, 0.0) == ({}, {}), "nor is the battery at 0 W"
    assert hearing.answer(READ, page(entry(P, 1.0), entry(N, 2.0), entry(S, 3.0)), 1.0).counted


def test_beside_the_stream_a_storage_meter_is_known_for_fifteen_seconds() -> None:
    hearing = Hearing(site(P, N, S), STREAM)
    hearing.answer(READ, page(entry(P, 900.0), entry(N, -300.0), entry(S, -250.0)), 100.0)
    assert powers(hearing.complete({}, {}, 115.0)[0]) == {S: -250.0}
    assert hearing.complete({}, {}, 115.1) == ({}, {})


def test_a_storage_leg_that_copies_the_net_is_told_and_untold() -> None:
    hearing = Hearing(site(P, N, S), READINGS)
    copy = {**entry(S, -300.0), "eid": EIDS[S]}
    said = hearing.answer(READ, page(entry(P, 900.0), entry(N, -300.0), copy), 0.0)
    assert hearing.copied
    assert said.measured is not None
    assert said.measured[S][0].power is None
    assert said.counted is not None
    assert said.counted[S] == (Register(300_000.0, 7.0),)
    hearing.answer(READ, page(entry(P, 900.0), entry(N, -300.0), entry(S, -250.0)), 1.0)
    assert not hearing.copied


# livedata

SUN = {"pv": 900.0, "grid": -300.0, "load": 350.0, "storage": -250.0}


def test_livedata_is_a_reading_where_it_is_the_source_judged_by_its_last_update() -> None:
    hearing = Hearing(site(P, N, battery=True), LIVEDATA)
    said = hearing.answer(LIVE, live(SUN, moment=100), 0.0)
    assert said.measured is not None
    assert powers(said.measured) == {P: 900.0, N: -300.0}
    assert said.wholes == {S: -250.0}
    assert hearing.answer(LIVE, live(SUN, moment=100), 1.0).measured is None
    assert hearing.answer(LIVE, live(SUN, moment=101), 2.0).measured is not None


def test_livedata_that_is_off_is_old_until_its_last_update_moves() -> None:
    hearing = Hearing(site(P, N), LIVEDATA)
    assert hearing.answer(LIVE, live(SUN, moment=100, enabled=False), 0.0).measured is None
    assert hearing.answer(LIVE, live(SUN, moment=100, enabled=False), 1.0).measured is None
    assert hearing.answer(LIVE, live(SUN, moment=102, enabled=False), 2.0).measured is not None


def test_livedata_beside_the_source_tells_the_battery_for_fifteen_seconds_and_is_no_reading() -> None:
    hearing = Hearing(site(P, N, battery=True), STREAM)
    assert hearing.answer(LIVE, live(SUN), 100.0).measured is None
    assert hearing.complete({}, {}, 115.0) == ({}, {S: -250.0})
    assert hearing.complete({}, {}, 115.1) == ({}, {})


def test_livedatas_charge_counts_only_while_the_better_one_is_not_known() -> None:
    hearing = Hearing(site(P, N, battery=True), STREAM)
    hearing.answer(LIVE, live(SUN, moment=100, soc=61), 0.0)
    assert hearing.charged(1.0) == 61.0
    hearing.answer(CHARGE, b'{"agg_soc": 64}', 2.0)
    hearing.answer(LIVE, live(SUN, moment=105, soc=60), 5.0)
    assert hearing.charged(6.0) == 64.0


def test_livedata_that_says_zero_of_everything_is_asleep_where_the_house_is_measured() -> None:
    zeros = dict.fromkeys(SUN, 0.0)
    with pytest.raises(Asleep):
        Hearing(site(P, N), LIVEDATA).answer(LIVE, live(zeros), 0.0)
    hearing = Hearing(site(P, N, battery=True), STREAM)
    with pytest.raises(Asleep):
        hearing.answer(LIVE, live(zeros), 0.0)
    assert hearing.complete({}, {}, 0.0) == ({}, {})
    night = Hearing(site(P), LIVEDATA).answer(LIVE, live(zeros), 0.0)
    assert night.measured is not None, "of a solar meter alone a night is 0 W"


# The battery's own figures


def test_a_batterys_own_power_is_known_for_fifteen_seconds_and_its_charge_for_three_minutes() -> None:
    hearing = Hearing(site(P, N, battery=True), STREAM)
    hearing.answer(POWER, b'{"devices:": [{"real_power_mw": 700500}, {"real_power_mw": -200000}]}', 10.0)
    assert hearing.complete({}, {}, 25.0) == ({}, {S: 500.5})
    assert hearing.complete({}, {}, 25.1) == ({}, {})
    hearing.answer(CHARGE, b'{"agg_soc": 64}', 10.0)
    assert (hearing.charged(190.0), hearing.charged(190.1)) == (64.0, None)


def test_an_ac_battery_is_found_and_found_missing() -> None:
    hearing = Hearing(site(P, N), STREAM)
    assert hearing.answer(REPORTED, inverters(5.0, acb=2), 0.0).ac_battery is True
    assert hearing.answer(REPORTED, inverters(5.0, acb=0), 0.0).ac_battery is False


# The inverters' own figures


def test_without_a_production_meter_the_inverters_figure_is_good_for_three_intervals() -> None:
    hearing = Hearing(site(N), STREAM)
    said = hearing.answer(REPORTED, inverters(800.0), 0.0)
    assert (said.measured, said.produced_wh) == (None, 5000.0)
    assert hearing.complete({}, {}, 180.0) == ({}, {P: 800.0})
    assert hearing.complete({}, {}, 180.1) == ({}, {})


def test_a_figure_that_is_asked_for_every_five_minutes_is_good_for_fifteen() -> None:
    hearing = Hearing(site(N), STREAM)
    hearing.production_s = 300.0
    hearing.answer(REPORTED, inverters(800.0), 0.0)
    assert hearing.complete({}, {}, 900.0) == ({}, {P: 800.0})
    assert hearing.complete({}, {}, 900.1) == ({}, {})


def test_where_they_are_the_source_each_answer_is_a_reading_the_same_ones_too() -> None:
    hearing = Hearing(site(), PRODUCTION)
    for now in (0.0, 60.0):
        assert hearing.answer(PLAIN, b'{"wattsNow": 800, "wattHoursLifetime": 5}', now).measured == {}
        assert hearing.complete({}, {}, now) == ({}, {P: 800.0})


def test_inverters_that_have_said_nothing_since_the_start_are_asleep_and_a_night_is_not() -> None:
    hearing = Hearing(site(), PRODUCTION)
    with pytest.raises(Asleep):
        hearing.answer(PLAIN, b'{"wattsNow": 0, "wattHoursLifetime": 0}', 0.0)
    assert hearing.complete({}, {}, 0.0) == ({}, {})
    hearing.answer(PLAIN, b'{"wattsNow": 0, "wattHoursLifetime": 5}', 0.0)
    assert hearing.complete({}, {}, 0.0) == ({}, {P: 0.0})


def test_a_metered_production_is_not_overruled_by_the_inverters() -> None:
    hearing = Hearing(site(P, N), STREAM)
    assert hearing.answer(REPORTED, inverters(800.0), 0.0).produced_wh is None
    assert hearing.complete({}, {}, 0.0) == ({}, {})


# Events, and the rest


def event(production: float, net: float, volts: float = 230.0) -> bytes:
    section = {"p": production, "q": 0, "s": 0, "v": volts, "i": 0, "pf": 1, "f": 50}
    sections = {"production": section, "net-consumption": section | {"p": net}}
    return json.dumps({name: {"ph-a": values} for name, values in sections.items()}).encode()


def test_an_event_is_what_the_meters_say_and_zeros_at_zero_volts_are_nothing() -> None:
    hearing = Hearing(site(P, N), STREAM)
    assert powers(hearing.event(event(900.0, -300.0), 0.0)) == {P: 900.0, N: -300.0}
    assert powers(hearing.event(event(0.0, 0.0), 0.0)) == {P: 0.0, N: 0.0}
    with pytest.raises(BadEvent, match="still starting"):
        hearing.event(event(0.0, 0.0, volts=0.0), 0.0)
    with pytest.raises(BadEvent, match="64 KiB"):
        hearing.event(TooLong(), 0.0)


def test_what_is_not_what_its_path_promises_is_bad() -> None:
    for path in (READ, LIVE, POWER, CHARGE, REPORTED, PLAIN, "/ivp/meters"):
        with pytest.raises(BadAnswer):
            Hearing(site(N, battery=True), STREAM).answer(path, b"<html>Loading</html>", 0.0)
