"""What health tells of a gateway whose readings come: meters, counters, refusals."""

import pytest

from envoy_mqtt.bridge import Bridge
from envoy_mqtt.gateway.ladder import Ladder, Source
from envoy_mqtt.model import Identity, Kind, Meter, Site
from envoy_mqtt.mqtt.about import Access
from envoy_mqtt.mqtt.payload import Publish
from envoy_mqtt.problems import WORDS, Trouble
from envoy_mqtt.standing import of, of_meters

P, N, T, S = Kind.PRODUCTION, Kind.NET, Kind.TOTAL, Kind.STORAGE
IDENTITY = Identity("122100000017", "", "D7.6.175", True, True)


def meter(
    kind: Kind | None, *flags: str, status: str = "normal", enabled: bool = True, name: str | None = None
) -> Meter:
    return Meter(1, str(kind) if name is None else name, kind, enabled, 1, status, flags)


def found(*meters: Meter) -> list[str]:
    return [trouble.code for trouble in of_meters(Site(IDENTITY, meters))]


@pytest.mark.parametrize("kinds", [(P, N), (P, T), (P, N, S), (P, T, S), (N,), (P,), ()], ids="+".join)
def test_every_layout_of_the_contracts_table_is_well(kinds: tuple[Kind, ...]) -> None:
    assert found(*map(meter, kinds)) == []


@pytest.mark.parametrize("kinds", [(T,), (N, T), (P, N, T), (S,), (P, S), (N, S), (P, P, N)], ids="+".join)
def test_any_other_layout_is_told(kinds: tuple[Kind, ...]) -> None:
    assert found(*map(meter, kinds)) == ["meter_layout"]


def test_an_enabled_meter_of_which_nobody_knows_what_it_measures_is_told() -> None:
    """Firmware 4.2.33 names no type: its consumption meter may be any."""
    (trouble,) = of_meters(Site(IDENTITY, (meter(P), Meter(704643584, "", None, True, 2, "normal", ()))))
    assert trouble == Trouble(code="meter_layout", text="production, meter 704643584 are enabled")


def test_meters_of_other_kinds_and_disabled_ones_do_not_matter() -> None:
    """As 8.3.1598, which has a backfeed meter enabled and three others not."""
    others = (meter(None, name="backfeed"), meter(T, enabled=False), meter(None, name="evse", enabled=False))
    assert found(meter(P), meter(N), meter(S), *others) == []


@pytest.mark.parametrize(
    "wrong",
    [
        meter(P, "negative-production", status="check-wiring"),
        meter(P, "production-imbalance", "negative-production"),
        meter(P, status="check-wiring"),
    ],
)
def test_a_reversed_transformer_is_told(wrong: Meter) -> None:
    assert found(wrong, meter(N)) == ["meter_reversed"]


def test_a_reversed_transformer_is_named_with_what_the_gateway_says() -> None:
    (trouble,) = of_meters(Site(IDENTITY, (meter(P), meter(N, "negative-total-consumption"))))
    assert trouble.text == "net (negative-total-consumption)"


@pytest.mark.parametrize(
    "harmless",
    [
        meter(P, "production-imbalance", status="check-wiring"),
        meter(P, "power-on-unused-phase"),
        meter(P, "negative-production", status="check-wiring", enabled=False),
        meter(P, status=""),
    ],
)
def test_other_flags_and_those_of_disabled_meters_are_no_reversed_transformer(harmless: Meter) -> None:
    layout = (harmless, meter(N)) if harmless.enabled else (harmless,)
    assert found(*layout) == []


def test_what_the_ladder_was_refused_is_told_until_it_works() -> None:
    bridge, ladder = Bridge(Publish()), Ladder()
    bridge.identify(Site(IDENTITY, (meter(P), meter(N))), Access("host"))
    assert list(of(bridge, ladder.refusals)) == []
    ladder.shut(Source.STREAM, "its role may not", 0.0, code="stream_not_for_role")
    ladder.shut(Source.READINGS, "it answers 404", 0.0)
    assert list(of(bridge, ladder.refusals)) == [Trouble(code="stream_not_for_role", text="its role may not")]
    ladder.works(Source.STREAM)
    assert list(of(bridge, ladder.refusals)) == []


def test_whatever_is_told_has_words() -> None:
    for code in ("meter_reversed", "meter_layout", "meter_total_is_net", "counter_held", "counter_reset"):
        assert code in WORDS


def test_before_the_gateway_was_asked_there_is_nothing_to_tell() -> None:
    assert list(of(Bridge(Publish()), {})) == []
