"""What the bridge has of meters, and pyenphase of `/production.json`: an answer of its own, and older.

Its house has no battery in it. Lifetimes of its house and its net are off the meters' counters by a constant
of the gateway's own, and before firmware 7 its net is the import alone. Where only the grid has a meter it
takes the noise of the disabled one for the production. On the newest stack it has demands where our powers
are active ones. Where import and export have no counters ours begin at 0.
"""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from tests.pyenphase.cases import (
    adds_powers,
    gateways,
    has_house,
    has_meters,
    has_production_meter,
    recorded,
    simulated,
    version,
    wh,
)
from tests.pyenphase.looks import LATER_S, Looks, Seen

# Each power is a whole number of watts there, and their sum has two of them.
ROUNDED_W = 2 * 0.5 + 0.1
# Two ends of two sums of whole watt-hours.
ROUNDED_WH = 2
# 77 to 259 Wh in the recordings (protocol notes, section 3.4).
OFF_WH = 1000


@gateways(lambda name: not has_meters(name))
def test_without_a_meter_both_have_the_inverters_own_figures(looks: dict[str, Looks], name: str) -> None:
    (seen,) = looks[name]
    theirs = seen.theirs["system_production"]
    assert seen.live["production_power"] == theirs["watts_now"] > 0
    assert wh(seen.energy["production_energy"]) == theirs["watt_hours_lifetime"]


@gateways()
def test_a_house_and_a_net_are_known_to_both_or_to_none(looks: dict[str, Looks], name: str) -> None:
    for live, _, theirs in looks[name]:
        assert ("consumption_power" in live) == (theirs["system_consumption"] is not None)
        assert ("net_power" in live) == (theirs["system_net_consumption"] is not None)


@gateways(simulated, has_production_meter, adds_powers)
def test_production_is_the_same_where_both_answers_are_of_one_moment(
    looks: dict[str, Looks], name: str
) -> None:
    for live, energy, theirs in looks[name]:
        produced = theirs["system_production"]
        assert live["production_power"] == pytest.approx(produced["watts_now"], abs=ROUNDED_W)
        assert wh(energy["production_energy"]) == produced["watt_hours_lifetime"]


@gateways(simulated, has_house, has_production_meter, adds_powers)
def test_house_and_net_are_the_same_but_for_the_battery(looks: dict[str, Looks], name: str) -> None:
    for live, _, theirs in looks[name]:
        assert live["net_power"] == pytest.approx(
            theirs["system_net_consumption"]["watts_now"], abs=ROUNDED_W
        )
        ours = live["consumption_power"] - live.get("storage_power", 0.0)
        assert ours == pytest.approx(theirs["system_consumption"]["watts_now"], abs=ROUNDED_W)


@gateways(has_meters, lambda name: not has_production_meter(name))
def test_where_only_the_grid_is_metered_ours_is_the_inverters_own(looks: dict[str, Looks], name: str) -> None:
    for live, energy, theirs in looks[name]:
        assert (live["production_power"], theirs["system_production"]["watts_now"]) == (2356.0, -1)
        said = theirs["raw"]["/api/v1/production/inverters"]
        assert live["production_power"] == sum(inverter["lastReportWatts"] for inverter in said)
        assert energy["production_energy_source"] == "reported"


@gateways(recorded, has_production_meter)
def test_a_recorded_production_is_older_by_its_power_times_the_time(
    looks: dict[str, Looks], name: str
) -> None:
    """In whole seconds both, so that it may be one more."""
    seen = looks[name][0]
    meter = seen.theirs["ctmeters"]["production"]
    said = next(page for path, page in seen.theirs["raw"].items() if path.startswith("/production"))
    (older,) = (entry for entry in said["production"] if entry["type"] == "eim")
    # The meters were read again a second later than they were recorded.
    seconds = abs(meter["timestamp"] - 1 - older["readingTime"]) + 1
    most_wh = max(abs(meter["active_power"]), abs(older["wNow"])) * seconds / 3600
    theirs = seen.theirs["system_production"]["watt_hours_lifetime"]
    assert abs(wh(seen.energy["production_energy"]) - theirs) <= most_wh + 1


@gateways(has_house, has_production_meter)
def test_lifetimes_are_off_by_less_than_a_kilowatt_hour(looks: dict[str, Looks], name: str) -> None:
    for seen in looks[name]:
        house, net = lifetimes(seen, name)
        for ours, theirs in (house, net) if "net-consumption" in seen.theirs["ctmeters"] else (house,):
            assert abs(ours - theirs) < OFF_WH


@gateways(simulated, has_house, has_production_meter)
def test_lifetimes_rise_by_the_same(looks: dict[str, Looks], name: str) -> None:
    """But for what a battery without a meter is given while the gateway's clock stands still: it has no
    counter that would, and what the house has used, as it was told before, does not fall for it.
    """
    before, after = looks[name]
    allowed_wh = ROUNDED_WH + integrated_wh(after) - integrated_wh(before)
    for (ours_before, theirs_before), (ours, theirs) in zip(
        lifetimes(before, name), lifetimes(after, name), strict=True
    ):
        assert abs((ours - ours_before) - (theirs - theirs_before)) <= allowed_wh


@gateways(simulated, has_production_meter)
def test_a_minute_of_sun_is_counted_by_both(looks: dict[str, Looks], name: str) -> None:
    """2243 W, for that minute and a second or more beside it."""
    produced = [each.theirs["ctmeters"]["production"]["energy_delivered"] for each in looks[name]]
    counted = [wh(each.energy["production_energy"]) for each in looks[name]]
    assert produced == counted
    (risen_wh,) = (after - before for before, after in pairwise(produced))
    assert 2243 * LATER_S / 3600 - 1 <= risen_wh <= 2262 * (LATER_S + 20) / 3600 + 1


def lifetimes(seen: Seen, name: str) -> Iterator[tuple[int, int]]:
    """Ours and theirs in Wh: of the house, without its battery, and of the net."""
    energy, theirs = seen.energy, seen.theirs
    gave_kwh = energy.get("storage_discharged_energy", 0.0) - energy.get("storage_charged_energy", 0.0)
    yield wh(energy["consumption_energy"] - gave_kwh), theirs["system_consumption"]["watt_hours_lifetime"]
    net = "net_energy" if version(name) >= (7,) else "grid_import_energy"
    yield wh(energy[net]), theirs["system_net_consumption"]["watt_hours_lifetime"]


def integrated_wh(seen: Seen) -> int:
    """What went into and out of a battery that has no counter."""
    energies = [f"storage_{way}_energy" for way in ("charged", "discharged")]
    return sum(wh(seen.energy[key]) for key in energies if seen.energy.get(f"{key}_source") == "integrated")
