"""A total that is the net, as firmware 8.3.5433 tells it, in numbers that can be checked in one's head."""

import json
from collections.abc import Mapping

import pytest

from envoy_mqtt.gateway.event import reader
from envoy_mqtt.gateway.total import Total
from envoy_mqtt.model import UNKNOWN, Identity, Kind, Measured, Meter, Phase, Site

P, N, T, S = Kind.PRODUCTION, Kind.NET, Kind.TOTAL, Kind.STORAGE


def site(*kinds: Kind, phases: int = 1) -> Site:
    meters = (Meter(1, kind, kind, True, phases, "normal", ()) for kind in kinds)
    return Site(Identity("122100000017", "", ""), tuple(meters))


def measured(**watts: float | tuple[float | None, ...]) -> Measured:
    """What a meter says of each kind: powers alone."""
    legs = {key: told if isinstance(told, tuple) else (told,) for key, told in watts.items()}
    return {Kind[key.upper()]: tuple(Phase(power=power) for power in told) for key, told in legs.items()}


def powers(told: Measured, kind: Kind = T) -> list[float | None]:
    return [phase.power for phase in told[kind]]


COPIED = measured(production=300.0, net=-200.0, total=-200.0)
RIGHT = measured(production=300.0, net=-200.0, total=100.0)


def test_a_total_that_is_the_net_while_the_sun_shines_is_mended_at_once() -> None:
    total = Total(site(P, T))
    told = total.mend(COPIED, 0.0)
    assert total.is_net
    assert told.keys() == {P, T}
    assert (powers(told, P), powers(told)) == ([300.0], [100.0])


def test_a_total_that_is_one_is_left_as_it_is() -> None:
    total = Total(site(P, T))
    assert total.mend(RIGHT, 0.0) == {kind: RIGHT[kind] for kind in (P, T)}
    assert not total.is_net


def test_the_rest_is_computed_from_net_and_production() -> None:
    """(300, 600) + (300, 200) W and var are 600 W, 800 var, 1,000 VA; at the net's 250 V 4 A."""
    net = Phase(300.0, 600.0, 670.8, 0.45, 250.0, 2.68, 50.06)
    copied: Measured = {P: (Phase(300.0, 200.0, 360.6, 0.83, 240.0, 1.5, 50.0),), N: (net,), T: (net,)}
    assert Total(site(P, T)).mend(copied, 0.0)[T] == (Phase(600.0, 800.0, 1000.0, 0.6, 250.0, 4.0, 50.06),)


@pytest.mark.parametrize(("production", "learnt"), [(0.0, False), (10.0, False), (-10.5, True), (10.5, True)])
def test_at_night_the_two_are_the_same_anywhere(production: float, learnt: bool) -> None:
    total = Total(site(P, T))
    told = total.mend(measured(production=production, net=-200.0, total=-200.0), 0.0)
    assert total.is_net == learnt
    assert powers(told) == [-200.0 + production if learnt else -200.0]


def test_all_phases_have_to_be_the_same() -> None:
    """Panels on one phase: on the others the house draws what comes from the grid."""
    total = Total(site(P, T, phases=2))
    total.mend(measured(production=(300.0, 0.0), net=(-200.0, 50.0), total=(100.0, 50.0)), 0.0)
    assert not total.is_net
    told = total.mend(measured(production=(300.0, 0.0), net=(-200.0, 50.0), total=(-200.0, 50.0)), 1.0)
    assert total.is_net
    assert powers(told) == [100.0, 50.0]


def test_production_on_several_phases_counts_together() -> None:
    total = Total(site(P, T, phases=2))
    total.mend(measured(production=(6.0, 6.0), net=(1.0, 2.0), total=(1.0, 2.0)), 0.0)
    assert total.is_net


def test_a_phase_that_no_transformer_sees_is_not_compared() -> None:
    total = Total(site(P, T, phases=2))
    told = total.mend(measured(production=(300.0, 0.0), net=(-200.0, None), total=(-200.0, None)), 0.0)
    assert total.is_net
    assert powers(told) == [100.0, None]


def test_what_was_learnt_by_day_holds_at_night() -> None:
    total = Total(site(P, T))
    total.mend(COPIED, 0.0)
    told = total.mend(measured(production=-2.0, net=250.0, total=250.0), 30_000.0)
    assert total.is_net
    assert powers(told) == [248.0]


def test_it_is_believed_again_when_they_have_differed_for_a_minute() -> None:
    total = Total(site(P, T))
    total.mend(COPIED, 0.0)
    for now in (100.0, 130.0, 159.9):
        # The net is right all along, so the sum is too.
        assert powers(total.mend(RIGHT, now)) == [100.0]
        assert total.is_net
    assert powers(total.mend(measured(production=300.0, net=-200.0, total=101.0), 160.0)) == [101.0]
    assert not total.is_net


def test_the_minute_begins_anew_when_they_are_the_same_again() -> None:
    total = Total(site(P, T))
    for now, told in ((0.0, COPIED), (100.0, RIGHT), (150.0, COPIED), (155.0, RIGHT), (214.0, RIGHT)):
        total.mend(told, now)
        assert total.is_net
    total.mend(RIGHT, 215.0)
    assert not total.is_net


def test_an_event_without_a_net_tells_nothing_and_is_mended_all_the_same() -> None:
    total = Total(site(P, T))
    alone = measured(production=300.0, total=-200.0)
    assert total.mend(alone, 0.0) == alone
    total.mend(COPIED, 1.0)
    for nothing in (alone, alone | {N: (UNKNOWN,)}):
        told = total.mend(nothing, 100.0)
        assert total.is_net
        assert powers(told) == [100.0]
        assert told.keys() == {P, T}


@pytest.mark.parametrize("kinds", [(P, N), (P, N, S), (P, N, T), (N,), (P,), (T,), ()])
def test_other_sites_come_back_as_they_are(kinds: tuple[Kind, ...]) -> None:
    total = Total(site(*kinds))
    assert total.mend(COPIED, 0.0) is COPIED
    assert not total.is_net


# From an event's bytes


def section(*watts: float) -> dict[str, dict[str, float]]:
    return {f"ph-{phase}": {"p": power, "v": 120.0} for phase, power in zip("abc", watts, strict=False)}


def mended(sections: Mapping[str, object]) -> Measured:
    house = site(P, T, phases=2)
    return Total(house).mend(reader(house)(json.dumps(sections).encode()), 0.0)


def test_the_net_of_the_event_is_what_the_total_is_held_against() -> None:
    """The split-phase house of the recording 8.3.5433, as its long answer tells it."""
    production, net = section(174.574, 182.918), section(249.477, 178.936)
    told = mended({"production": production, "net-consumption": net, "total-consumption": net})
    assert powers(told) == pytest.approx([424.051, 361.854])
    assert [phase.voltage for phase in told[T]] == [120.0, 120.0]


@pytest.mark.parametrize(
    "net", [None, 5, "off", [], {}, {"ph-a": {"p": 1.0}}, section(1.0) | {"ph-b": {"p": "x"}}], ids=str
)
def test_a_net_that_cannot_be_read_costs_nothing_else(net: object) -> None:
    event = {"production": section(300.0, 300.0), "total-consumption": section(100.0, 40.0)}
    for told in (mended(event), mended(event | {"net-consumption": net})):
        assert powers(told) == [100.0, 40.0]
        assert told.keys() == {P, T}
