"""Meters, their flags in plain words, and topics; the contract's tables, written out by hand."""

import pytest

from envoy_mqtt.diagnosis.findings import Level
from envoy_mqtt.diagnosis.meters import judge_meters, judge_topics, topics
from envoy_mqtt.model import Identity, Kind, Meter, Site

WHO = Identity("122312345678", "800-00654-r08", "D8.3.5167")
P, N, T, S = Kind.PRODUCTION, Kind.NET, Kind.TOTAL, Kind.STORAGE
TYPES = {P: "production", N: "net-consumption", T: "total-consumption", S: "storage"}


def meter(kind: Kind, *flags: str, enabled: bool = True, phases: int = 1, status: str = "normal") -> Meter:
    return Meter(1, TYPES[kind], kind, enabled, phases, status, flags)


def test_what_is_fitted_is_told_with_its_phases() -> None:
    (found,) = judge_meters([meter(P, phases=3), meter(N, phases=3), meter(S, enabled=False)])
    assert (found.level, found.text) == (Level.OK, "production, three phases; net, three phases")


def test_without_meters_the_inverters_are_what_there_is() -> None:
    for meters in ([], [meter(P, enabled=False)]):
        (found,) = judge_meters(meters)
        assert found.level is Level.INFO
        assert "inverters" in found.text


@pytest.mark.parametrize(
    ("flag", "level", "words"),
    [
        ("negative-production", Level.BAD, "current transformer is reversed"),
        ("negative-total-consumption", Level.BAD, "reversed"),
        ("production-imbalance", Level.WARNING, "unequally"),
        ("power-on-unused-phase", Level.WARNING, "thinks unused"),
        ("something-new", Level.WARNING, "'something-new'"),
    ],
)
def test_each_flag_is_a_sentence_with_a_remedy(flag: str, level: Level, words: str) -> None:
    _, found = judge_meters([meter(P, flag, status="check-wiring")])
    assert found.level is level
    assert found.text.startswith("production: ")
    assert words in found.text
    assert found.remedy


def test_a_status_without_a_flag_is_told_too() -> None:
    _, found = judge_meters([meter(N, status="check-wiring")])
    assert (found.level, "'check-wiring'" in found.text) == (Level.WARNING, True)
    assert len(list(judge_meters([meter(N, status="")]))) == 1


def test_a_disabled_meters_flags_are_no_fault() -> None:
    """As on the recorded 7.3.466 with both transformers off."""
    found = list(judge_meters([meter(P, "negative-production", enabled=False), meter(N)]))
    assert [each.level for each in found] == [Level.OK, Level.INFO]


@pytest.mark.parametrize(
    ("kinds", "names"),
    [
        ((P, N), "production net consumption"),
        ((P, T), "production net consumption"),
        ((P, N, S), "production net consumption storage"),
        ((P, T, S), "production net consumption storage"),
        ((N,), "production net consumption"),
        ((P,), "production"),
        ((), "production"),
    ],
)
def test_each_layout_has_the_contracts_topics(kinds: tuple[Kind, ...], names: str) -> None:
    assert topics(Site(WHO, tuple(meter(kind) for kind in kinds))) == names.split()


def test_the_topics_are_told_with_their_beginning() -> None:
    (found,) = judge_topics(Site(WHO, (meter(P, phases=2),)), "solar/envoy")
    assert found.text == "solar/envoy/122312345678/ has production; two phases"


def test_a_battery_without_a_meter_has_its_topic_too() -> None:
    assert "storage" in topics(Site(WHO, (meter(P), meter(N)), battery=True))
