"""`/ivp/livedata/status`, as the sources of the protocol notes show it: none is recorded here."""

import json
import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings

from envoy_mqtt.errors import BadAnswer
from envoy_mqtt.gateway.livedata import ENABLE, Livedata, Powers, measured_of, read_livedata, site_of
from envoy_mqtt.model import UNKNOWN, Identity, Kind, Meter, Phase, Site

from .hostile import PAGES, bodies

P, N, T, S = Kind.PRODUCTION, Kind.NET, Kind.TOTAL, Kind.STORAGE
WHO = Identity("122100000017", "800-00654-r08", "D8.3.6086")


def section(whole: int, *legs: tuple[int, int]) -> dict[str, int]:
    """A section's keys; 7.0.88 has none of the legs."""
    said = {"agg_p_mw": whole, "agg_s_mva": whole}
    for phase, (active, apparent) in zip("abc", legs, strict=False):
        said |= {f"agg_p_ph_{phase}_mw": active, f"agg_s_ph_{phase}_mva": apparent}
    return said


def document(**meters: Any) -> dict[str, Any]:
    return {
        "connection": {"mqtt_state": "connected", "sc_stream": "enabled"},
        "meters": {
            "last_update": 1726696114,
            "soc": 86,
            "main_relay_state": 1,
            "is_split_phase": 0,
            "phase_count": 3,
            "pv": section(-13884, (-6792, -61120), (0, 97423), (-7093, -99295)),
            "storage": section(-6774000, (-3383000, -3329223), (-3391000, -3489823), (0, 6820)),
            "grid": section(7585180, (3869223, 3869223), (3701411, 3723269), (14546, 247286)),
            "load": section(797296, (479431, 478880), (310411, 330869), (7453, 154811)),
            "generator": section(0),
        }
        | meters,
        "tasks": {"task_id": 7},
    }


def read(said: Any) -> Livedata:
    return read_livedata(json.dumps(said, indent=4).encode())


def meters(*kinds: Kind, phases: int) -> tuple[Meter, ...]:
    return tuple(Meter(1, kind, kind, True, phases, "normal", ()) for kind in kinds)


# What it says


def test_a_document_is_read_whole_in_watts() -> None:
    livedata = read(document())
    assert livedata[:4] == (True, 1726696114.0, 86.0, 3)
    assert livedata.powers.keys() == {P, N, T, S}
    assert livedata.powers[S] == Powers(
        whole=Phase(power=-6774.0, apparent_power=6774.0),
        legs=(
            Phase(power=-3383.0, apparent_power=3329.223),
            Phase(power=-3391.0, apparent_power=3489.823),
            Phase(power=0.0, apparent_power=6.82),
        ),
    )
    # 7585.18 − 13.884 − 6774 W: what the house draws (notes, section 3.6).
    whole = {kind: powers.whole.power for kind, powers in livedata.powers.items()}
    assert whole == {P: -13.884, N: 7585.18, T: 797.296, S: -6774.0}


def test_the_first_firmware_tells_no_phases() -> None:
    """7.0.88 has neither the legs nor their number."""
    said = document(**{key: section(1500) for key in ("pv", "grid", "load", "storage")})
    del said["meters"]["phase_count"], said["meters"]["is_split_phase"]
    livedata = read(said)
    assert livedata.phases == 1
    assert livedata.powers[P] == Powers(Phase(power=1.5, apparent_power=1.5), (UNKNOWN,) * 3)


@pytest.mark.parametrize(
    ("count", "split", "phases"),
    [
        (3, 0, 3),
        (2, 1, 2),
        (1, 0, 1),
        (0, 1, 2),
        (0, 0, 1),
        (4, 0, 1),
        ("3", 1, 2),
        (None, True, 2),
        (2.0, 0, 1),
    ],
)
def test_a_site_that_counts_no_phases_may_say_that_they_are_split(
    count: object, split: object, phases: int
) -> None:
    assert read(document(phase_count=count, is_split_phase=split)).phases == phases


@pytest.mark.parametrize(
    "connection", [{"sc_stream": "disabled"}, {}, None, "x", ["enabled"], {"sc_stream": 1}]
)
def test_a_stream_that_switched_itself_off_leaves_old_values(connection: object) -> None:
    livedata = read(document() | {"connection": connection, "info": "Last available status data shown."})
    assert (livedata.enabled, livedata.last_update) == (False, 1726696114.0)
    assert livedata.powers[N].whole.power == 7585.18


def test_it_is_switched_on_by_a_post_without_a_slash_at_the_end() -> None:
    assert ENABLE == ("/ivp/livedata/stream", {"enable": 1})


@pytest.mark.parametrize("charge", ["unknown", None, -1, 101, True, [86]])
def test_a_charge_that_is_none_costs_nothing_else(charge: object) -> None:
    livedata = read(document(soc=charge))
    assert livedata.state_of_charge is None
    assert livedata.powers[N].whole.power == 7585.18


# What it says of a site


def test_meters_are_read_phase_by_phase() -> None:
    measured, wholes = measured_of(read(document()), Site(WHO, meters(P, N, S, phases=3)))
    assert [phase.power for phase in measured[P]] == [-6.792, 0.0, -7.093]
    assert [phase.apparent_power for phase in measured[N]] == [3869.223, 3723.269, 247.286]
    assert [phase.power for phase in measured[S]] == [-3383.0, -3391.0, 0.0]
    assert measured[N][1] == Phase(power=3701.411, apparent_power=3723.269)
    assert measured.keys() == {P, N, S}
    assert wholes == {}


def test_a_total_meter_is_the_load() -> None:
    measured, _ = measured_of(read(document()), Site(WHO, meters(P, T, phases=2)))
    assert [phase.power for phase in measured[T]] == [479.431, 310.411]
    assert measured.keys() == {P, T}


def test_without_legs_only_the_whole_is_known() -> None:
    livedata = read(document(pv=section(800000), grid=section(-300000), storage=section(-100000)))
    assert measured_of(livedata, Site(WHO, meters(P, N, S, phases=2))) == (
        {},
        {P: 800.0, N: -300.0, S: -100.0},
    )


def test_on_one_phase_the_whole_is_the_phase() -> None:
    livedata = read(document(pv=section(800000), grid=section(-300000)))
    measured, wholes = measured_of(livedata, Site(WHO, meters(P, N, phases=1)))
    assert measured == {P: (Phase(800.0, None, 800.0),), N: (Phase(-300.0, None, 300.0),)}
    assert wholes == {}


@pytest.mark.parametrize("phases", [1, 2, 3])
def test_a_battery_without_a_meter_is_a_whole(phases: int) -> None:
    _, wholes = measured_of(read(document()), Site(WHO, meters(P, N, phases=phases), battery=True))
    assert wholes == {S: -6774.0}


def test_a_phase_that_a_meter_is_not_fitted_to_is_as_everywhere() -> None:
    house = Site(WHO, (*meters(P, phases=1), *meters(N, phases=3)))
    measured, _ = measured_of(read(document()), house)
    assert [phase.power for phase in measured[P]] == [-6.792, 0.0, 0.0]
    assert [phase.power for phase in measured[N]] == [3869.223, 3701.411, 14.546]


def test_what_the_site_does_not_have_is_left_out() -> None:
    assert measured_of(read(document()), Site(WHO, ())) == ({}, {})
    said = document()
    del said["meters"]["grid"]
    assert measured_of(read(said), Site(WHO, meters(P, N, phases=1)))[0].keys() == {P}


# The site it shows


def test_a_site_whose_meters_cannot_be_listed_is_assumed() -> None:
    site = site_of(read(document()), WHO)
    assert site == Site(
        WHO,
        (
            Meter(704643328, "production", P, True, 3, "assumed", ()),
            Meter(704643584, "net-consumption", N, True, 3, "assumed", ()),
            Meter(704643840, "storage", S, True, 3, "assumed", ()),
        ),
    )


@pytest.mark.parametrize(
    ("charge", "power", "storage"), [(0, 0, False), (None, 0, False), (0, -1, True), (3, 0, True)]
)
def test_a_battery_shows_by_its_charge_or_its_power(charge: object, power: int, storage: bool) -> None:
    site = site_of(read(document(soc=charge, storage=section(power))), WHO)
    assert (S in site.metered) == storage


# Whatever comes


@pytest.mark.parametrize(
    "change",
    [
        {"last_update": None},
        {"last_update": "1726696114"},
        {"pv": None},
        {"grid": {}},
        {"grid": section(0) | {"agg_p_mw": "unknown"}},
        {"grid": section(0) | {"agg_p_ph_b_mw": None}},
        {"load": section(0) | {"agg_s_ph_c_mva": math.inf}},
        {"storage": [1]},
    ],
    ids=str,
)
def test_a_power_that_is_no_number_is_bad(change: dict[str, Any]) -> None:
    with pytest.raises(BadAnswer, match="/ivp/livedata/status is not what it should be"):
        read(document(**change))


@pytest.mark.parametrize("body", [*PAGES, b"{}", b'{"meters":{}}'], ids=lambda body: repr(body[:20]))
def test_what_is_no_live_data_is_bad(body: bytes) -> None:
    with pytest.raises(BadAnswer, match="/ivp/livedata/status"):
        read_livedata(body)


SITES = [
    Site(WHO, meters(P, N, phases=2)),
    Site(WHO, meters(P, T, phases=1), battery=True),
    Site(WHO, meters(N, S, phases=3)),
    Site(WHO, ()),
]


@settings(max_examples=1000)
@given(bodies(document()))
def test_whatever_comes_is_read_or_bad_and_nothing_else(body: bytes) -> None:
    with suppress(BadAnswer):
        livedata = read_livedata(body)
        for site in [*SITES, site_of(livedata, WHO)]:
            measured, wholes = measured_of(livedata, site)
            assert measured.keys() | wholes.keys() <= site.fitted.keys()
            assert not measured.keys() & wholes.keys()
            assert all(len(phases) == site.phases for phases in measured.values())
            assert all(math.isfinite(watts) for watts in wholes.values())
