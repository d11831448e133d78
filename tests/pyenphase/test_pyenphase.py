"""The bridge and pyenphase, of which Home Assistant's own integration is made, say the same of one gateway.

What differs, and why (each has its test here):

* pyenphase's numbers of the whole are the gateway's own; ours are sums over the phases. On the newest stack
  the gateway adds up the phases' demands and not their active powers (recording 8.3.5433).
* A storage leg that is a copy of the grid's (8.2.127) is unknown here; the whole is what the batteries say.
* Its house is net and production; a battery, metered or not, is in none of it.
* Its house, its net and their lifetimes come from `/production.json`, an answer of its own and older; they
  are off the meters' counters by a constant, and before firmware 7 its net is the import alone.
* Where import and export have no counters (production and total), ours begin at 0.
* Where no production meter is enabled but a net meter is, it reads the noise of the disabled one.
* Of several phases together it has a voltage, a current and a power factor; they mean nothing, and ours are
  unknown or the quotient of the sums.
"""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Battery, Layout, Options, Wiring
from tests.pyenphase.gateways import READINGS, Played, Quiet, Simulated
from tests.pyenphase.looks import LATER_S, Looks, Seen, look_at
from tests.simulator.client import RECORDINGS

HOUSES = (
    Options(firmware="R4.10.35", phases=Wiring.SPLIT),
    Options(firmware="D5.0.62", metered=False),
    Options(firmware="D7.3.130", phases=Wiring.SPLIT, layout=Layout.PRODUCTION),
    Options(firmware="D7.6.175"),
    Options(firmware="D7.6.185", battery=Battery.UNMETERED),
    Options(firmware="D8.2.127", phases=Wiring.SPLIT, battery=Battery.METERED),
    Options(firmware="D8.2.4264", phases=Wiring.THREE, layout=Layout.NONE),
    Options(firmware="D8.2.4286", battery=Battery.AC),
    Options(firmware="D8.3.5167", phases=Wiring.THREE, battery=Battery.UNMETERED),
    Options(firmware="D8.3.5286", phases=Wiring.THREE, layout=Layout.PRODUCTION_TOTAL),
    Options(firmware="D8.3.5289", phases=Wiring.THREE, layout=Layout.NET),
    Options(firmware="D8.3.5433", phases=Wiring.SPLIT, layout=Layout.PRODUCTION_TOTAL),
    Options(firmware="D8.3.6086", phases=Wiring.THREE, battery=Battery.METERED),
)
SIMULATED = {f"simulated-{house.firmware[1:]}": house for house in HOUSES}
RECORDED = {f"recorded-{folder.name}": folder for folder in RECORDINGS}

METERS = {
    "production": "production",
    "net": "net-consumption",
    "consumption": "total-consumption",
    "storage": "storage",
}
DECIMALS = {"voltage": 1, "current": 3, "power_factor": 3, "frequency": 2}
COUNTERS = (
    ("production{}_energy", "production", "energy_delivered"),
    ("grid{}_import_energy", "net-consumption", "energy_delivered"),
    ("grid{}_export_energy", "net-consumption", "energy_received"),
    ("consumption{}_energy", "total-consumption", "energy_delivered"),
    ("storage{}_discharged_energy", "storage", "energy_delivered"),
    ("storage{}_charged_energy", "storage", "energy_received"),
)

# Its powers are whole watts, ours have one decimal.
ROUNDED_W = 0.5 + 0.05
# Two ends of two sums of whole watt-hours.
ROUNDED_WH = 2
# 77 to 259 Wh in the recordings (protocol notes, section 3.4).
LIFETIMES_OFF_WH = 1000


@pytest.fixture(scope="module")
def looks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Looks]:
    """All gateways at once: most of the time is spent waiting for the next reading."""
    keys = Keys()
    gateways: dict[str, Quiet] = {name: Simulated(house, keys) for name, house in SIMULATED.items()}
    gateways |= {name: Played(folder, keys) for name, folder in RECORDED.items()}
    return asyncio.run(look_at(gateways, tmp_path_factory.mktemp("looks")))


def gateways(*, older: tuple[int, ...] = (9,), only: str = "") -> Any:
    """A case for each gateway, by name, below a firmware."""
    names = (name for name in (*SIMULATED, *RECORDED) if only in name and version(name) < older)
    return pytest.mark.parametrize("name", sorted(names, key=lambda name: (version(name), name)))


def version(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", name.split("_")[0]))


def adds_demands(name: str) -> bool:
    """Whether it adds up its phases' demands, and calls that the active power."""
    return version(name) >= (8, 3, 5433)


def copies(name: str, meter: str) -> bool:
    """Whether the first leg of this meter is another one's."""
    return meter == "storage" and version(name) == (8, 2, 127)


def legs(seen: Seen, meter: str) -> dict[str, dict[str, Any]]:
    """What pyenphase has of each phase, by the words in our keys; one phase has none."""
    found = seen.theirs["ctmeters_phases"].get(meter) or {}
    return {f"_{phase.lower()}": values for phase, values in found.items()}


def meters(seen: Seen) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each quantity that is metered, with its meter as pyenphase calls it, and what it has of the whole."""
    for quantity, meter in METERS.items():
        if meter in seen.theirs["ctmeters"]:
            yield quantity, meter, seen.theirs["ctmeters"][meter]


def wh(kwh: float) -> int:
    return round(kwh * 1000.0)


def without_battery_wh(seen: Seen) -> int:
    """What the house and the battery used together, as pyenphase has it."""
    energy = seen.energy
    gave_kwh = energy.get("storage_discharged_energy", 0.0) - energy.get("storage_charged_energy", 0.0)
    return wh(energy["consumption_energy"] - gave_kwh)


@gateways()
def test_each_phase_of_each_meter_measures_the_same(looks: dict[str, Looks], name: str) -> None:
    for seen in looks[name]:
        for quantity, meter, whole in meters(seen):
            for leg, theirs in (legs(seen, meter) or {"": whole}).items():
                prefix = f"{quantity}{leg}_"
                ours = {key: seen.live[prefix + key] for key in ("power", *DECIMALS)}
                if copies(name, meter) and leg == "_l1":
                    assert set(ours.values()) == {None}
                    continue
                assert ours.pop("power") == pytest.approx(theirs["active_power"], abs=ROUNDED_W)
                assert ours == {key: round(theirs[key], decimals) for key, decimals in DECIMALS.items()}


@gateways()
def test_both_know_the_same_number_of_phases(looks: dict[str, Looks], name: str) -> None:
    (seen, *_) = looks[name]
    for quantity, meter, _ in meters(seen):
        ours = {key.removesuffix("_power") for key in seen.live if re.match(rf"{quantity}_l\d_power$", key)}
        assert ours == {quantity + leg for leg in legs(seen, meter)}


@gateways()
def test_the_whole_is_the_gateways_own_or_the_sum_of_its_phases(looks: dict[str, Looks], name: str) -> None:
    for seen in looks[name]:
        for quantity, meter, whole in meters(seen):
            if copies(name, meter):
                continue
            phases = legs(seen, meter)
            theirs = [whole["active_power"]]
            if adds_demands(name):
                theirs = [phase["active_power"] for phase in phases.values()]
            assert seen.live[f"{quantity}_power"] == pytest.approx(sum(theirs), abs=ROUNDED_W * len(theirs))


@gateways()
def test_where_they_differ_pyenphase_has_the_sum_of_the_demands(looks: dict[str, Looks], name: str) -> None:
    if not adds_demands(name):
        return
    (seen, *_) = looks[name]
    for _, _, whole in meters(seen):
        (said,) = (each for each in seen.theirs["raw"][READINGS] if each["eid"] == whole["eid"])
        demands_w = sum(channel["instantaneousDemand"] for channel in said["channels"])
        assert whole["active_power"] == pytest.approx(demands_w, abs=ROUNDED_W)


@gateways()
def test_counters_are_the_same_of_the_whole_and_of_each_phase(looks: dict[str, Looks], name: str) -> None:
    for seen in looks[name]:
        known = {meter: {"": whole} | legs(seen, meter) for _, meter, whole in meters(seen)}
        for key, meter, direction in COUNTERS:
            for leg, theirs in known.get(meter, {}).items():
                assert wh(seen.energy[key.format(leg)]) == theirs[direction]


@gateways()
def test_the_battery_gives_what_the_batteries_say(looks: dict[str, Looks], name: str) -> None:
    """To a whole watt each."""
    (seen, *_) = looks[name]
    live, theirs = seen.live, seen.theirs
    if (acb := theirs["acb_power"]) is not None:
        assert live["storage_power"] == pytest.approx(acb["power"], abs=ROUNDED_W)
        assert live["storage_state_of_charge"] == acb["state_of_charge"]
    elif theirs["encharge_power"]:
        gives_w = [each["real_power_mw"] / 1000 for each in theirs["encharge_power"].values()]
        if not adds_demands(name):
            assert live["storage_power"] == pytest.approx(sum(gives_w), abs=ROUNDED_W * len(gives_w))
        assert live["storage_state_of_charge"] == theirs["encharge_aggregate"]["state_of_charge"]
    else:
        assert "storage_power" not in live


@gateways()
def test_without_any_meter_both_have_the_inverters_own_figures(looks: dict[str, Looks], name: str) -> None:
    (seen, *_) = looks[name]
    if not seen.theirs["ctmeters"]:
        theirs = seen.theirs["system_production"]
        assert seen.live["production_power"] == theirs["watts_now"]
        assert wh(seen.energy["production_energy"]) == theirs["watt_hours_lifetime"]


@gateways()
def test_a_house_is_known_to_both_or_to_none(looks: dict[str, Looks], name: str) -> None:
    (seen, *_) = looks[name]
    assert (seen.theirs["system_consumption"] is not None) == ("consumption_power" in seen.live)
    assert (seen.theirs["system_net_consumption"] is not None) == ("net_power" in seen.live)


@gateways(older=(8, 3, 5433), only="simulated")
def test_of_one_moment_the_older_answer_says_the_same(looks: dict[str, Looks], name: str) -> None:
    """In the simulator both answers are of one moment; the newest stack tells demands in this one."""
    for seen in looks[name]:
        live, theirs = seen.live, seen.theirs
        if "net_power" in live and "production" not in theirs["ctmeters"]:
            # The disabled meter's noise.
            assert theirs["system_production"]["watts_now"] == -1
            assert live["production_power"] > 1000
            continue
        watts = {"production": live["production_power"]}
        if "net_power" in live:
            watts["net_consumption"] = live["net_power"]
            watts["consumption"] = live["consumption_power"] - live.get("storage_power", 0.0)
        for key, ours in watts.items():
            assert ours == pytest.approx(theirs[f"system_{key}"]["watts_now"], abs=2 * ROUNDED_W)
        ours_wh = wh(seen.energy["production_energy"])
        assert ours_wh == theirs["system_production"]["watt_hours_lifetime"]


@gateways(only="recorded")
def test_of_another_moment_it_differs_by_power_and_time(looks: dict[str, Looks], name: str) -> None:
    """Whole seconds stand in both, so it may be one more."""
    (seen, *_) = looks[name]
    production = seen.theirs["ctmeters"].get("production")
    if production is None:
        return
    said = next(page for path, page in seen.theirs["raw"].items() if path.startswith("/production"))
    (older,) = (entry for entry in said["production"] if entry["type"] == "eim")
    # The first look was a second after the recording.
    seconds = abs(production["timestamp"] - 1 - older["readingTime"]) + 1
    most_w = max(abs(production["active_power"]), abs(older["wNow"]))
    off_wh = wh(seen.energy["production_energy"]) - seen.theirs["system_production"]["watt_hours_lifetime"]
    assert abs(off_wh) <= most_w * seconds / 3600 + 1


@gateways()
def test_lifetimes_of_house_and_net_are_off_by_less_than_a_kilowatt_hour(
    looks: dict[str, Looks], name: str
) -> None:
    for seen in looks[name]:
        for ours, theirs in lifetimes(seen, name):
            assert abs(ours - theirs) < LIFETIMES_OFF_WH


@gateways(only="simulated")
def test_in_a_minute_lifetimes_of_house_and_net_rise_by_the_same(looks: dict[str, Looks], name: str) -> None:
    if len(looks[name]) == 1:
        return
    before, after = looks[name]
    risen = [
        (ours - ours_before, theirs - theirs_before)
        for (ours_before, theirs_before), (ours, theirs) in zip(
            lifetimes(before, name, begun=False), lifetimes(after, name, begun=False), strict=True
        )
    ]
    for ours, theirs in risen:
        assert abs(ours - theirs) <= ROUNDED_WH
    # Its sun did shine for that minute.
    at_least_wh = before.live["production_power"] * LATER_S / 3600 - 1
    made = [each.theirs["ctmeters"].get("production") for each in (before, after)]
    assert None in made or made[1]["energy_delivered"] - made[0]["energy_delivered"] >= at_least_wh


def lifetimes(seen: Seen, name: str, *, begun: bool = True) -> Iterator[tuple[int, int]]:
    """Ours and theirs in Wh, of the house and of the net; only if `begun` is false also of a net that
    begins at 0 here.
    """
    theirs, metered = seen.theirs, seen.theirs["ctmeters"]
    if theirs["system_consumption"] is None:
        return
    if "production" in metered:
        yield without_battery_wh(seen), theirs["system_consumption"]["watt_hours_lifetime"]
    if "net-consumption" in metered or not begun:
        key = "net_energy" if version(name) >= (7,) else "grid_import_energy"
        yield wh(seen.energy[key]), theirs["system_net_consumption"]["watt_hours_lifetime"]
