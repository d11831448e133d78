"""The meters' own readings: those of the recorded gateways, and those no gateway should send."""

import json
import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings

from envoy_mqtt.errors import BadAnswer
from envoy_mqtt.gateway.readings import Snapshot, read_readings
from envoy_mqtt.model import UNKNOWN, Identity, Kind, Meter, Phase, Register, Site

from .hostile import PAGES, bodies
from .recorded import recorded

P, N, T, S = Kind.PRODUCTION, Kind.NET, Kind.TOTAL, Kind.STORAGE
EIDS = {P: 704643328, N: 704643584, T: 704643584, S: 704643840}


def meter(kind: Kind, phases: int, *, enabled: bool = True) -> Meter:
    return Meter(EIDS[kind], kind, kind, enabled, phases, "normal", ())


def site(*kinds: Kind, phases: int = 1) -> Site:
    return Site(Identity("122100000017", "", ""), tuple(meter(kind, phases) for kind in kinds))


def of(firmware: str, of_site: Site) -> list[Snapshot]:
    return [read_readings(body, of_site) for body in recorded(firmware, "ivp_meters_readings")]


# What was recorded, read off by hand


def test_split_phase_4_10() -> None:
    for read in of("4.10.35", site(P, N, phases=2)):
        assert read.measured == {
            P: (
                Phase(82.913, 191.751, 228.406, 0.4, 123.824, 1.844, 60.0),
                Phase(83.576, 191.574, 228.804, 0.387, 123.836, 1.848, 60.0),
            ),
            N: (
                Phase(393.965, -337.072, 668.739, 0.549, 123.867, 5.208, 60.0),
                Phase(172.899, -243.946, 394.296, 0.426, 123.869, 3.181, 60.0),
            ),
        }
        assert read.counted == {
            P: (Register(13398797.544, 0.001), Register(13386529.904, 0.0)),
            N: (Register(10220652.219, 8001771.78), Register(6687556.561, 9355918.492)),
        }
        assert read[2:] == ((1695301419.0, 1695301419.0), False, False)


def test_a_disabled_meter_is_never_read_7_3_130() -> None:
    """Its net meter, disabled, reports 34.651 VA."""
    of_site = Site(Identity("1", "", ""), (meter(P, 2), meter(N, 2, enabled=False)))
    for read in of("7.3.130", of_site):
        assert read.measured == {
            P: (
                Phase(1810.773, 13.171, 1836.021, 0.988, 120.749, 15.11, 60.0),
                Phase(1813.8, 12.373, 1839.514, 0.988, 120.946, 15.113, 60.0),
            )
        }
        assert read.counted == {P: (Register(2271793.63, 0.3), Register(2274135.9, 0.337))}
        assert read.moments == (1694549733.0,)


def test_the_noise_of_unused_channels_is_no_phase_7_6_175() -> None:
    """Its third channel has 11.469 V and 9,818 Wh, and its net factor is −0.06 while it exports."""
    for read in of("7.6.175", site(P, N)):
        assert read.measured == {
            P: (Phase(488.925, 114.596, 510.003, 0.957, 235.236, 2.169, 50.0),),
            N: (Phase(-36.162, -568.304, 645.376, -0.06, 235.201, 2.745, 50.0),),
        }
        assert read.counted == {
            P: (Register(3183793.885, 8851.704),),
            N: (Register(3738205.282, 1776768.769),),
        }


def test_a_night_7_6_185() -> None:
    for read in of("7.6.185", site(P, N)):
        assert [read.measured[kind][0].power for kind in (P, N)] == [-0.661, 522.043]
        assert read.counted[N] == (Register(2404339.266, 1125590.088),)


def test_a_leg_of_storage_that_copies_the_net_is_unknown_and_its_counters_are_good_8_2_127() -> None:
    """Both have 121.334 V, 9.316 A and −0.193, one −201.39 W and the other −2114.856 W."""
    for read in of("8.2.127", site(P, N, S, phases=2)):
        assert read.copied
        assert read.measured[S] == (
            UNKNOWN,
            Phase(-464.966, 377.197, 640.741, -0.713, 121.248, 5.259, 60.0),
        )
        assert [phase.power for phase in read.measured[N]] == [-201.39, 330.797]
        assert [phase.power for phase in read.measured[P]] == [856.031, 858.394]
        assert read.counted[S] == (Register(1136859.658, 1485292.441), Register(1137498.944, 1486121.902))
        assert read.moments == (1709829517.0,) * 3


def test_three_phases_and_an_entry_of_a_meter_that_nobody_has_8_3_5167() -> None:
    for body in recorded("8.3.5167", "ivp_meters_readings"):
        # Some gateways list it first, and with it goes whoever counts positions.
        for entries in (json.loads(body), json.loads(body)[::-1]):
            read = read_readings(json.dumps(entries).encode(), site(P, N, phases=3))
            assert [phase.power for phase in read.measured[P]] == [2915.527, 1162.315, 1157.832]
            assert [phase.power for phase in read.measured[N]] == [-2879.825, -877.472, -1154.943]
            assert [phase.current for phase in read.measured[N]] == [12.129, 3.982, 5.053]
            assert [register.received_wh for register in read.counted[N]] == [
                247448.546,
                58456.032,
                109184.632,
            ]
            assert read[2:] == ((1753703632.0, 1753703632.0), False, False)


def test_production_only_8_3_5289() -> None:
    for read in of("8.3.5289", Site(Identity("1", "", ""), (meter(P, 1), meter(N, 1, enabled=False)))):
        assert read.measured == {P: (Phase(1634.739, 201.481, 1652.598, 0.982, 235.663, 7.008, 50.125),)}
        assert read.counted == {P: (Register(10251324.057, 3063.491),)}


def test_a_total_meter_reads_what_the_house_draws_8_3_5433() -> None:
    """Elsewhere the same gateway tells its net as the total; here nothing has to be mended.

    The aggregates (352.751 and 786.513 W) are the channels' demands, their factors sums beyond 1.
    """
    for read in of("8.3.5433", site(P, T, phases=2)):
        assert [phase.power for phase in read.measured[P]] == [180.664, 179.906]
        assert [phase.power for phase in read.measured[T]] == [431.202, 364.572]
        assert [phase.power_factor for phase in read.measured[T]] == [0.866, 0.904]
        assert read.counted[T] == (Register(10708922.213, 135.096), Register(9346131.112, 49.677))
        assert not read.copied


def test_a_site_without_a_meter_has_no_readings_8_2_4264() -> None:
    for body in recorded("8.2.4264", "ivp_meters_readings"):
        with pytest.raises(BadAnswer, match="none of the site's meters"):
            read_readings(body, site())


# What may come


def channel(**values: Any) -> dict[str, Any]:
    """One phase's values with some others; `None` leaves a key out."""
    usual: dict[str, Any] = {
        "eid": 1778385169,
        "timestamp": 100,
        "actEnergyDlvd": 5000.0,
        "actEnergyRcvd": 7.0,
        "activePower": 230.0,
        "apparentPower": 250.0,
        "reactivePower": 98.0,
        "pwrFactor": 0.92,
        "voltage": 230.0,
        "current": 1.087,
        "freq": 50.0,
    }
    return {key: value for key, value in (usual | values).items() if value is not None}


def entry(kind: Kind, *channels: Any, **values: Any) -> dict[str, Any]:
    return channel(eid=EIDS[kind], **values) | {"channels": [*channels, channel(voltage=9.9)]}


def read(of_site: Site, *entries: Any) -> Snapshot:
    return read_readings(json.dumps(entries, indent=4).encode(), of_site)


MEASURED = Phase(230.0, 98.0, 250.0, 0.92, 230.0, 1.087, 50.0)


def test_magnitudes_have_no_sign_and_factors_are_within_their_range() -> None:
    snapshot = read(site(P), entry(P, channel(activePower=-5, apparentPower=-8, current=-1, pwrFactor=-1.7)))
    assert snapshot.measured[P] == (Phase(-5.0, 98.0, 8.0, -1.0, 230.0, 1.0, 50.0),)


def test_a_counter_below_zero_is_passed_on() -> None:
    """Seen at −19.677 (protocol notes, section 3.2)."""
    assert read(site(P), entry(P, channel(actEnergyRcvd=-19.677))).counted == {
        P: (Register(5000.0, -19.677),)
    }


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("activePower", "power"),
        ("reactivePower", "reactive_power"),
        ("apparentPower", "apparent_power"),
        ("pwrFactor", "power_factor"),
        ("voltage", "voltage"),
        ("current", "current"),
        ("freq", "frequency"),
    ],
)
def test_a_value_that_is_missing_is_unknown_and_one_that_is_no_number_bad(key: str, field: str) -> None:
    assert read(site(P), entry(P, channel(**{key: None}))).measured == {
        P: (MEASURED._replace(**{field: None}),)
    }
    for value in ("5", "unknown", True, [1.0], math.nan, math.inf, 1e10):
        with pytest.raises(BadAnswer, match=key):
            read(site(P), entry(P, channel(**{key: value})))


@pytest.mark.parametrize("key", ["actEnergyDlvd", "actEnergyRcvd"])
def test_a_counter_that_is_missing_leaves_its_meter_uncounted(key: str) -> None:
    whole, part = channel(), channel(**{key: None})
    snapshot = read(site(P, N, phases=2), entry(P, whole, part), entry(N, whole, whole))
    assert snapshot.counted == {N: (Register(5000.0, 7.0),) * 2}
    assert snapshot.measured[P] == (MEASURED, MEASURED)


def test_a_phase_that_a_production_meter_is_not_fitted_to_produces_nothing() -> None:
    house = Site(Identity("1", "", ""), (meter(P, 1), meter(N, 3)))
    snapshot = read(house, entry(P, channel()), entry(N, *[channel()] * 3))
    assert [phase.power for phase in snapshot.measured[P]] == [230.0, 0.0, 0.0]
    assert len(snapshot.counted[P]) == 1
    house = Site(Identity("1", "", ""), (meter(P, 2), meter(N, 1)))
    assert read(house, entry(P, channel(), channel()), entry(N, channel())).measured[N] == (MEASURED, UNKNOWN)


def test_a_meter_without_channels_is_its_own_on_one_phase_and_bad_on_more() -> None:
    alone = channel(eid=EIDS[P])
    assert read(site(P), alone).measured == {P: (MEASURED,)}
    assert read(site(P), alone).counted == {P: (Register(5000.0, 7.0),)}
    with pytest.raises(BadAnswer, match="fewer channels"):
        read(site(P, phases=2), alone)


def test_a_meter_without_an_entry_is_left_out() -> None:
    snapshot = read(site(P, N, S), entry(N, channel()))
    assert (snapshot.measured, snapshot.counted) == ({N: (MEASURED,)}, {N: (Register(5000.0, 7.0),)})
    assert snapshot.moments == (100.0,)


@pytest.mark.parametrize("kinds", [(P,), (P, N), (N, S), (P, T, S)])
def test_without_production_net_and_total_it_is_no_reading(kinds: tuple[Kind, ...]) -> None:
    others = [entry(S, channel()), channel(eid=1023410688)]
    for entries in ([], others):
        with pytest.raises(BadAnswer, match="none of the site's meters"):
            read(site(*kinds), *entries)


def test_where_only_a_battery_is_metered_its_reading_is_one() -> None:
    assert read(site(S), entry(S, channel())).measured == {S: (MEASURED,)}


@pytest.mark.parametrize("other", [None, 5, "x", [], {"eid": [1]}, {"eid": None}, {"eid": 704643328.5}, {}])
def test_what_belongs_to_no_meter_may_be_anything(other: object) -> None:
    for entries in ([other, entry(P, channel())], [entry(P, channel()), other]):
        assert read(site(P), *entries).measured == {P: (MEASURED,)}


def test_the_meters_own_times_tell_whether_it_is_the_same_reading() -> None:
    first, second = (entry(kind, channel(), timestamp=at) for kind, at in ((P, 17), (N, 18.5)))
    assert read(site(P, N), second, first).moments == (17.0, 18.5)
    with pytest.raises(BadAnswer, match="timestamp"):
        read(site(P), entry(P, channel(), timestamp="17"))


COPY = {"voltage": 121.334, "current": 9.316, "pwrFactor": -0.193}


@pytest.mark.parametrize(
    ("storage", "copied"),
    [
        (COPY, True),
        (COPY | {"activePower": -1.0}, True),
        (COPY | {"voltage": 121.335}, False),
        (COPY | {"current": 9.315}, False),
        (COPY | {"pwrFactor": 0.193}, False),
        (COPY | {"voltage": None}, False),
    ],
)
def test_a_copy_has_voltage_current_and_factor_of_the_net(storage: dict[str, Any], copied: bool) -> None:
    snapshot = read(
        site(P, N, S), entry(P, channel()), entry(N, channel(**COPY)), entry(S, channel(**storage))
    )
    assert snapshot.copied == copied
    assert (snapshot.measured[S] == (UNKNOWN,)) == copied


def test_two_quiet_meters_are_no_copies_of_each_other() -> None:
    quiet = channel(current=0.0, pwrFactor=0.0)
    assert not read(site(N, S), entry(N, quiet), entry(S, quiet)).copied
    for key in COPY:
        unknown = channel(**{key: None})
        assert not read(site(N, S), entry(N, unknown), entry(S, unknown)).copied


ZEROS = {key: 0.0 for key in channel() if key not in ("eid", "timestamp", "freq")}


def test_a_gateway_that_has_just_started_is_asleep() -> None:
    zeros = channel(**ZEROS)
    assert read(site(P, N), entry(P, zeros), entry(N, zeros)).asleep
    assert read(site(P), entry(P, channel(), timestamp=0)).asleep
    assert not read(site(P, N), entry(P, zeros), entry(N, zeros | {"voltage": 230.0})).asleep
    assert not read(site(P, N), entry(P, zeros), entry(N, zeros | {"actEnergyDlvd": 1.0})).asleep
    assert not read(site(P, N), entry(P, channel(), timestamp=0), entry(N, channel())).asleep


# Whatever comes


@pytest.mark.parametrize("body", PAGES, ids=lambda body: repr(body[:20]))
def test_what_is_no_list_of_readings_is_bad(body: bytes) -> None:
    with pytest.raises(BadAnswer, match="/ivp/meters/readings"):
        read_readings(body, site(P, N))


def test_an_answer_with_an_error_is_bad_and_is_not_quoted() -> None:
    with pytest.raises(BadAnswer, match="/ivp/meters/readings answers with an error") as caught:
        read_readings(b'{"error": "token eyJ"}', site(P))
    assert "eyJ" not in str(caught.value)
    with pytest.raises(BadAnswer) as caught:
        read(site(P), entry(P, channel(voltage="eyJ")))
    assert "eyJ" not in str(caught.value)


GOOD = [entry(kind, channel(), channel(**COPY)) for kind in (P, N, S)]
LAYOUTS = [site(P, N, phases=2), site(P, N, S, phases=2), site(P, T), site(N), site(S), site()]


@settings(max_examples=1000)
@given(bodies(GOOD))
def test_whatever_comes_is_read_or_bad_and_nothing_else(body: bytes) -> None:
    for layout in LAYOUTS:
        with suppress(BadAnswer):
            check(layout, read_readings(body, layout))


def check(layout: Site, snapshot: Snapshot) -> None:
    assert snapshot.measured
    assert snapshot.measured.keys() <= layout.metered.keys()
    for phases in snapshot.measured.values():
        assert len(phases) == layout.phases
        assert all(value is None or math.isfinite(value) for phase in phases for value in phase)
        assert all(phase.current is None or phase.current >= 0 for phase in phases)
        assert all(phase.power_factor is None or abs(phase.power_factor) <= 1 for phase in phases)
    for kind, registers in snapshot.counted.items():
        assert len(registers) == layout.metered[kind]
        assert all(math.isfinite(count) for register in registers for count in register)
