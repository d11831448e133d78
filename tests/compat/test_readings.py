"""The list of readings with a reading in it."""

from typing import Any

from envoy_mqtt.compat.readings import blank, filled, ordered
from envoy_mqtt.model import Kind, Meter, Phase
from tests.compat.sites import CHARGE, EIDS, EXPORT, MADE, TIME, N, P, S, site

PHANTOM = 1023410688


def numbers(power: float, energy: float) -> dict[str, float]:
    return {
        "timestamp": 1_789_999_950,
        "actEnergyDlvd": energy,
        "actEnergyRcvd": energy / 10,
        "apparentEnergy": 0.01,
        "reactEnergyLagg": 5.0,
        "reactEnergyLead": 6.0,
        "instantaneousDemand": power,
        "activePower": power,
        "apparentPower": abs(power),
        "reactivePower": 1.0,
        "pwrFactor": 1.0,
        "voltage": 229.0,
        "current": 1.0,
        "freq": 50.0,
    }


def entry(eid: int, power: float = 1.0, energy: float = 1000.0) -> dict[str, Any]:
    first = 0x6A000011 + (eid & 0xFFFF)
    channels = [{"eid": first + n, **numbers(power, energy + n)} for n in range(3)]
    return {"eid": eid, **numbers(power, energy), "channels": channels}


PAGE = [entry(EIDS[P]), entry(EIDS[N])]


def test_a_reading_replaces_powers_and_leaves_counters() -> None:
    production, net = filled(PAGE, {P: (MADE,), N: (EXPORT,)}, site(P, N), TIME)
    powers = {
        "timestamp": 1_790_000_000,
        "instantaneousDemand": -1600.0,
        "activePower": -1600.0,
        "apparentPower": 1627.882,
        "reactivePower": -300.0,
        "pwrFactor": -0.983,
        "voltage": 232.0,
        "current": 7.017,
        "freq": 50.0,
    }
    assert net == PAGE[1] | powers | {
        "channels": [PAGE[1]["channels"][0] | powers, *PAGE[1]["channels"][1:]],
    }
    assert list(net) == list(PAGE[1])
    assert production["activePower"] == 2500.0
    assert production["actEnergyDlvd"] == 1000.0


def test_a_meters_phases_are_added_up_as_the_gateway_does_voltages_too() -> None:
    layout = site(P, N, phases=3)
    other = MADE._replace(power=500.0, apparent_power=600.0, voltage=231.0, current=2.6)
    production, _ = filled(PAGE, {P: (MADE, MADE, other), N: (EXPORT,) * 3}, layout, TIME)
    assert [channel["activePower"] for channel in production["channels"]] == [2500.0, 2500.0, 500.0]
    assert production["activePower"] == 5500.0
    assert production["apparentPower"] == 5604.0
    assert production["pwrFactor"] == 0.981
    assert production["voltage"] == 691.0
    assert production["current"] == 24.356
    assert production["freq"] == 50.0


def test_an_entry_of_a_meter_nobody_has_goes_last_and_stays_as_it_is() -> None:
    phantom = entry(PHANTOM, 0.0, 0.0)
    page = [phantom, *PAGE]
    assert [each["eid"] for each in ordered(page, site(P, N))] == [EIDS[P], EIDS[N], PHANTOM]
    assert filled(page, {P: (MADE,), N: (EXPORT,)}, site(P, N), TIME)[2] == phantom


def test_a_disabled_meter_keeps_what_the_page_said() -> None:
    layout = site(P)
    off = Meter(EIDS[N], "net-consumption", Kind.NET, False, 1, "not-metering", ())
    said = filled(PAGE, {P: (MADE,)}, layout._replace(meters=(*layout.meters, off)), TIME)
    assert said[1] == PAGE[1]


def test_what_a_reading_does_not_know_is_null_and_no_old_power() -> None:
    page = [*PAGE, entry(EIDS[S], -50.0)]
    poor = Phase(power=100.0, apparent_power=110.0)
    production, _, storage = filled(page, {P: (poor,), N: (EXPORT,)}, site(P, N, S), TIME)
    assert (production["activePower"], production["voltage"]) == (100.0, None)
    assert (storage["activePower"], storage["channels"][0]["activePower"]) == (None, None)
    assert storage["actEnergyDlvd"] == 1000.0
    charging = filled(page, {P: (MADE,), N: (EXPORT,), S: (CHARGE,)}, site(P, N, S), TIME)[2]
    assert charging["activePower"] == -900.0


def test_a_page_may_be_anything_but_what_was_checked() -> None:
    page = [None, 7, {"eid": "x"}, {"eid": EIDS[P], "channels": 7}, {"eid": EIDS[N]}]
    production, net, *rest = filled(page, {P: (MADE,), N: (EXPORT,)}, site(P, N), TIME)
    assert (production["activePower"], production["channels"]) == (2500.0, [])
    assert net["activePower"] == -1600.0
    assert "channels" not in net
    assert rest == [None, 7, {"eid": "x"}]


def test_where_there_is_no_page_only_its_counters_are_missing() -> None:
    production, net = filled(blank(site(P, N)), {P: (MADE,), N: (EXPORT,)}, site(P, N), TIME)
    assert (production["eid"], net["eid"]) == (EIDS[P], EIDS[N])
    assert [channel["eid"] for channel in net["channels"]] == [1778385425, 1778385426, 1778385427]
    assert list(net) == list(PAGE[1])
    assert net["activePower"] == net["channels"][0]["activePower"] == -1600.0
    assert net["actEnergyDlvd"] is None
    assert net["channels"][1]["activePower"] == 0.0
