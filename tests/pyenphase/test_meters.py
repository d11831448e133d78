"""What the bridge and pyenphase say of a gateway's meters, both of which read the same page.

They differ in three things. The whole of several phases is the gateway's own sum there and our sum here: the
newest stack adds up the phases' demands and not their active powers (recording 8.3.5433), and a sum of
voltages, currents or power factors is `null` here, or the quotient of the sums. A leg of storage that is a
copy of the grid's (8.2.127) is unknown here, and the whole is what the batteries say.
"""

import re

import pytest

from tests.pyenphase.cases import (
    adds_demands,
    adds_powers,
    copies,
    gateways,
    has_meters,
    legs,
    meters,
    wh,
)
from tests.pyenphase.gateways import READINGS
from tests.pyenphase.looks import Looks

DECIMALS = {"voltage": 1, "current": 3, "power_factor": 3, "frequency": 2}
# A stream has fewer of them.
STREAMED = DECIMALS | {"power_factor": 2}

COUNTERS = (
    ("production{}_energy", "production", "energy_delivered"),
    ("grid{}_import_energy", "net-consumption", "energy_delivered"),
    ("grid{}_export_energy", "net-consumption", "energy_received"),
    ("consumption{}_energy", "total-consumption", "energy_delivered"),
    ("storage{}_discharged_energy", "storage", "energy_delivered"),
    ("storage{}_charged_energy", "storage", "energy_received"),
)

# Powers are whole watts there, and have one decimal here.
ROUNDED_W = 0.5 + 0.05


@gateways(has_meters)
def test_each_phase_of_each_meter_measures_the_same(looks: dict[str, Looks], name: str) -> None:
    for seen in looks[name]:
        decimals = STREAMED if seen.live["source"] == "stream" else DECIMALS
        for quantity, meter, whole in meters(seen):
            for leg, theirs in (legs(seen, meter) or {"": whole}).items():
                ours = {key: seen.live[f"{quantity}{leg}_{key}"] for key in ("power", *DECIMALS)}
                if copies(name, meter) and leg == "_l1":
                    assert set(ours.values()) == {None}
                    continue
                assert ours.pop("power") == pytest.approx(theirs["active_power"], abs=ROUNDED_W)
                assert ours == {key: round(theirs[key], places) for key, places in decimals.items()}


@gateways(has_meters)
def test_both_know_the_same_meters_and_phases(looks: dict[str, Looks], name: str) -> None:
    """Ours are those whose energies are counted and not computed."""
    for seen in looks[name]:
        found = {key for key, value in seen.energy.items() if key.endswith("_source") and value == "counter"}
        pairs = [(key, meter) for key, meter, _ in COUNTERS if f"{key.format('')}_source" in found]
        assert {meter for _, meter in pairs} == set(seen.theirs["ctmeters"])
        for _, meter, _ in meters(seen):
            (key, _, _) = next(each for each in COUNTERS if each[1] == meter)
            ours = {each for each in seen.energy if re.fullmatch(key.format(r"_l\d"), each)}
            assert ours == {key.format(leg) for leg in legs(seen, meter)}


@gateways(has_meters, adds_powers)
def test_the_whole_is_the_gateways_own(looks: dict[str, Looks], name: str) -> None:
    for seen in looks[name]:
        for quantity, meter, whole in meters(seen):
            if not copies(name, meter):
                ours = seen.live[f"{quantity}_power"]
                assert ours == pytest.approx(whole["active_power"], abs=ROUNDED_W)


@gateways(adds_demands)
def test_the_whole_is_here_the_sum_of_powers_where_the_gateway_adds_demands(
    looks: dict[str, Looks], name: str
) -> None:
    for seen in looks[name]:
        off_w = []
        for quantity, meter, whole in meters(seen):
            (said,) = (each for each in seen.theirs["raw"][READINGS] if each["eid"] == whole["eid"])
            demands_w = sum(channel["instantaneousDemand"] for channel in said["channels"])
            assert whole["active_power"] == pytest.approx(demands_w, abs=ROUNDED_W)
            powers_w = [phase["active_power"] for phase in legs(seen, meter).values()]
            ours = seen.live[f"{quantity}_power"]
            assert ours == pytest.approx(sum(powers_w), abs=len(powers_w) * ROUNDED_W)
            off_w.append(abs(ours - demands_w))
        assert max(off_w) > 5.0


@gateways(has_meters)
def test_counters_are_the_same_of_the_whole_and_of_each_phase(looks: dict[str, Looks], name: str) -> None:
    for seen in looks[name]:
        known = {meter: {"": whole} | legs(seen, meter) for _, meter, whole in meters(seen)}
        for key, meter, direction in COUNTERS:
            for leg, theirs in known.get(meter, {}).items():
                assert wh(seen.energy[key.format(leg)]) == theirs[direction]


@gateways()
def test_a_battery_gives_what_the_batteries_say(looks: dict[str, Looks], name: str) -> None:
    """To a whole watt each; on the newest stack the meter's sum of powers is not its sum of demands."""
    for live, _, theirs in looks[name]:
        acb, encharge = theirs["acb_power"], theirs["encharge_power"]
        assert ("storage_power" in live) == bool(acb or encharge)
        if acb:
            assert live["storage_power"] == pytest.approx(acb["power"], abs=ROUNDED_W)
            assert live["storage_state_of_charge"] == acb["state_of_charge"]
        elif encharge:
            gives_w = [battery["real_power_mw"] / 1000 for battery in encharge.values()]
            allowed_w = len(gives_w) * ROUNDED_W + 0.01 * abs(sum(gives_w)) * adds_demands(name)
            assert live["storage_power"] == pytest.approx(sum(gives_w), abs=allowed_w)
            assert live["storage_state_of_charge"] == theirs["encharge_aggregate"]["state_of_charge"]
