"""The contract's table "Which meters are published", in numbers that can be checked in one's head."""

import json
import math
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envoy_mqtt.errors import BadEvent
from envoy_mqtt.gateway.event import reader
from envoy_mqtt.gateway.layout import combiner, quantities
from envoy_mqtt.gateway.total import Total
from envoy_mqtt.model import UNKNOWN, Identity, Kind, Meter, Phase, Phases, Quantity, Site

# Captures of real streams, where they lie beside the repository (protocol notes, section 11).
CAPTURES = Path(__file__).parents[3] / "shared" / "captures"

P, N, T, S = Kind.PRODUCTION, Kind.NET, Kind.TOTAL, Kind.STORAGE
PRODUCTION, NET, CONSUMPTION, STORAGE = (
    Quantity.PRODUCTION,
    Quantity.NET,
    Quantity.CONSUMPTION,
    Quantity.STORAGE,
)


def meter(kind: Kind | None, phases: int, *, enabled: bool = True) -> Meter:
    return Meter(1, kind or "pv3p", kind, enabled, phases, "normal", ())


def site(*kinds: Kind, phases: int = 1) -> Site:
    return Site(Identity("122100000017", "", ""), tuple(meter(kind, phases) for kind in kinds))


def wire(power: float, reactive: float, apparent: float, *more: float) -> dict[str, float]:
    return dict(zip(("p", "q", "s", "v", "i", "pf", "f"), (power, reactive, apparent, *more), strict=True))


ZEROS = wire(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)

# A house in which the sums and differences of two meters are sides of right triangles:
#   N + P = (600, 800), (−300, 400), (0, 0) and T − P = (900, 1200), (−400, −300), (0, 0) in W and var.
# The total section here is a transformer's own, not the gateway's sum.
HOUSE = {
    "production": {
        "ph-a": wire(1000.0, 100.0, 1005.0, 231.0, 4.35, 0.99, 50.0),
        "ph-b": wire(500.0, 50.0, 502.5, 232.0, 2.166, 0.99, 50.0),
        "ph-c": wire(250.0, 0.0, 250.0, 0.0, 1.08, 1.0, 50.0),
    },
    "net-consumption": {
        "ph-a": wire(-400.0, 700.0, 806.0, 250.0, 3.224, -0.5, 50.06),
        "ph-b": wire(-800.0, 350.0, 873.0, 200.0, 4.365, -0.92, 50.06),
        "ph-c": wire(-250.0, 0.0, 250.0, 0.0, 1.08, -1.0, 50.06),
    },
    "total-consumption": {
        "ph-a": wire(1900.0, 1300.0, 2302.0, 240.0, 9.592, 0.83, 49.94),
        "ph-b": wire(100.0, -250.0, 269.0, 250.0, 1.076, 0.37, 49.94),
        "ph-c": wire(250.0, 0.0, 250.0, 230.0, 1.087, 1.0, 49.94),
    },
}

MEASURED_P = (
    Phase(1000.0, 100.0, 1005.0, 0.99, 231.0, 4.35, 50.0),
    Phase(500.0, 50.0, 502.5, 0.99, 232.0, 2.166, 50.0),
    Phase(250.0, 0.0, 250.0, 1.0, 0.0, 1.08, 50.0),
)
MEASURED_N = (
    Phase(-400.0, 700.0, 806.0, -0.5, 250.0, 3.224, 50.06),
    Phase(-800.0, 350.0, 873.0, -0.92, 200.0, 4.365, 50.06),
    Phase(-250.0, 0.0, 250.0, -1.0, 0.0, 1.08, 50.06),
)
MEASURED_T = (
    Phase(1900.0, 1300.0, 2302.0, 0.83, 240.0, 9.592, 49.94),
    Phase(100.0, -250.0, 269.0, 0.37, 250.0, 1.076, 49.94),
    Phase(250.0, 0.0, 250.0, 1.0, 230.0, 1.087, 49.94),
)
# √(600² + 800²) = 1000, 1000 ÷ 250 V = 4 A; √(300² + 400²) = 500, 500 ÷ 200 V = 2.5 A; on the third N has
# no voltage, so no current can be computed, and 0 VA have no power factor.
N_PLUS_P = (
    Phase(600.0, 800.0, 1000.0, 0.6, 250.0, 4.0, 50.06),
    Phase(-300.0, 400.0, 500.0, -0.6, 200.0, 2.5, 50.06),
    Phase(0.0, 0.0, 0.0, None, 0.0, None, 50.06),
)
# √(900² + 1200²) = 1500, ÷ 240 V = 6.25 A; √(400² + 300²) = 500, ÷ 250 V = 2 A; 0 VA ÷ 230 V = 0 A.
T_MINUS_P = (
    Phase(900.0, 1200.0, 1500.0, 0.6, 240.0, 6.25, 49.94),
    Phase(-400.0, -300.0, 500.0, -0.8, 250.0, 2.0, 49.94),
    Phase(0.0, 0.0, 0.0, None, 230.0, 0.0, 49.94),
)
# What a computed meter says where one of its terms is unknown: voltage and frequency, which it measures.
N_AND_UNKNOWN = tuple(Phase(voltage=v, frequency=50.06) for v in (250.0, 200.0, 0.0))
T_AND_UNKNOWN = tuple(Phase(voltage=v, frequency=49.94) for v in (240.0, 250.0, 230.0))
NOBODY_KNOWS = (UNKNOWN,) * 3


Decode = Callable[[bytes], dict[Quantity, Phases]]


def decoder(site: Site) -> Decode:
    """From an event's bytes to the site's quantities, phase by phase."""
    read, combine, total = reader(site), combiner(site), Total(site)
    return lambda data: combine(total.mend(read(data), 0.0), {}).phases


def data(event: object) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()


@pytest.mark.parametrize("phases", [1, 2, 3])
@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ([P, N], {PRODUCTION: MEASURED_P, NET: MEASURED_N, CONSUMPTION: N_PLUS_P}),
        ([P, T], {PRODUCTION: MEASURED_P, NET: T_MINUS_P, CONSUMPTION: MEASURED_T}),
        (
            [P, N, S],
            {PRODUCTION: MEASURED_P, NET: MEASURED_N, CONSUMPTION: N_AND_UNKNOWN, STORAGE: NOBODY_KNOWS},
        ),
        (
            [P, T, S],
            {PRODUCTION: MEASURED_P, NET: T_AND_UNKNOWN, CONSUMPTION: MEASURED_T, STORAGE: NOBODY_KNOWS},
        ),
        ([N], {PRODUCTION: NOBODY_KNOWS, NET: MEASURED_N, CONSUMPTION: N_AND_UNKNOWN}),
        ([P], {PRODUCTION: MEASURED_P}),
        ([P, S], {PRODUCTION: MEASURED_P, STORAGE: NOBODY_KNOWS}),
    ],
    ids=["P+N", "P+T", "P+N+S", "P+T+S", "N only", "P only", "P+S"],
)
def test_the_table_which_meters(
    kinds: list[Kind], expected: dict[Quantity, tuple[Phase, ...]], phases: int
) -> None:
    fitted = site(*kinds, phases=phases)
    assert quantities(fitted) == tuple(expected)
    read = decoder(fitted)(data(HOUSE))
    assert read == {quantity: values[:phases] for quantity, values in expected.items()}


def test_no_meter_at_all_leaves_production_to_others() -> None:
    """One phase, and nothing of the stream's noise."""
    for nothing in (site(), Site(site().identity, (meter(P, 3, enabled=False), meter(None, 3)))):
        assert quantities(nothing) == (PRODUCTION,)
        assert decoder(nothing)(data(HOUSE)) == {PRODUCTION: (UNKNOWN,)}


def test_a_disabled_meter_is_not_there() -> None:
    """A disabled net meter of three phases beside an enabled production meter of one (8.3.5289)."""
    only = Site(site().identity, (meter(P, 1), meter(N, 3, enabled=False)))
    assert decoder(only)(data(HOUSE)) == {PRODUCTION: MEASURED_P[:1]}


def test_a_phase_that_production_is_not_fitted_to_produces_nothing() -> None:
    """Panels on one phase of a three-phase house: the other two draw from the grid what they use."""
    fitted = Site(site().identity, (meter(P, 1), meter(N, 3)))
    read = decoder(fitted)(data(HOUSE))
    assert [phase.power for phase in read[PRODUCTION]] == [1000.0, 0.0, 0.0]
    assert [phase.voltage for phase in read[PRODUCTION]] == [231.0, None, None]
    assert [phase.power for phase in read[CONSUMPTION]] == [600.0, -800.0, -250.0]
    assert [phase.reactive_power for phase in read[CONSUMPTION]] == [800.0, 350.0, 0.0]


def test_a_phase_that_the_grid_meter_is_not_fitted_to_is_unknown() -> None:
    fitted = Site(site().identity, (meter(P, 3), meter(N, 1)))
    read = decoder(fitted)(data(HOUSE))
    assert [phase.power for phase in read[NET]] == [-400.0, None, None]
    assert [phase.power for phase in read[CONSUMPTION]] == [600.0, None, None]
    assert [phase.power for phase in read[PRODUCTION]] == [1000.0, 500.0, 250.0]


# Signs


@pytest.mark.parametrize("apparent", [2293.029, -2293.029])
@pytest.mark.parametrize("current", [9.421, -9.421])
def test_direction_is_the_active_powers_alone(apparent: float, current: float) -> None:
    """Exporting, old firmware says i and s positive, new firmware negative (notes, section 1.4)."""
    event = {"net-consumption": {"ph-a": wire(-2275.016, -312.015, apparent, 243.378, current, -0.99, 50.1)}}
    (net,) = decoder(site(N))(data(event))[NET]
    assert net == Phase(-2275.016, -312.015, 2293.029, -0.99, 243.378, 9.421, 50.1)


def test_a_small_negative_production_is_passed_on() -> None:
    """Standby at night draws a little; a reversed transformer shows the same way and must be seen."""
    event = {"production": {"ph-a": wire(-20.5, 240.0, 240.9, 231.0, 1.04, -0.09, 50.0)}}
    assert decoder(site(P))(data(event))[PRODUCTION][0].power == -20.5


def test_a_negative_consumption_is_never_clamped() -> None:
    event = {"production": {"ph-a": {"p": 100.0}}, "net-consumption": {"ph-a": {"p": -250.0}}}
    assert decoder(site(P, N))(data(event))[CONSUMPTION][0].power == -150.0


def test_power_factors_stay_within_their_range() -> None:
    """Firmware 8.3.1598 sums power factors beyond 1."""
    event = {"production": {"ph-a": {"p": 1.0, "pf": 1.7}, "ph-b": {"p": -1.0, "pf": -2.0}}}
    read = decoder(site(P, phases=2))(data(event))[PRODUCTION]
    assert [phase.power_factor for phase in read] == [1.0, -1.0]


@pytest.mark.parametrize("volts", [-230.0, -1e-9, 0.0, 1e-310, 5e-324, 1e-9])
def test_no_voltage_makes_a_computed_current_infinite_or_negative(volts: float) -> None:
    event = {
        "production": {"ph-a": {"p": 1e9, "q": 1e9, "v": 230.0}},
        "net-consumption": {"ph-a": {"p": 1e9, "q": 1e9, "v": volts}},
    }
    (phase,) = decoder(site(P, N))(data(event))[CONSUMPTION]
    assert phase.current is None or 0 <= phase.current < 1e10
    assert phase.apparent_power == pytest.approx(2e9 * math.sqrt(2))


# What is not needed


NOISE = {
    "ph-a": wire(-2.8, 5.0, 5.7, 231.0, 0.024, -0.4, 50.0),
    "ph-b": wire(-0.03, 0.0, 0.068, 7.981, 0.012, -1.0, 50.0),
    "ph-c": wire(0.0, 0.0, 0.0, 6.867, 0.0, 0.0, 50.0),
}


@pytest.mark.parametrize(
    "others",
    [
        {},
        {"net-consumption": NOISE, "total-consumption": NOISE},
        {"net-consumption": None, "total-consumption": "off"},
        {"net-consumption": {"ph-a": {"p": None}}, "total-consumption": []},
        {"storage": NOISE, "backfeed": [1, [2]], "time": 5},
    ],
)
def test_what_no_enabled_meter_measures_may_be_anything(others: dict[str, object]) -> None:
    event = {"production": HOUSE["production"]} | others
    assert decoder(site(P))(data(event)) == {PRODUCTION: MEASURED_P[:1]}


def test_phases_beyond_the_meters_may_be_anything() -> None:
    event = {"production": {"ph-a": HOUSE["production"]["ph-a"], "ph-b": None, "ph-c": {"p": "noise"}}}
    assert decoder(site(P))(data(event)) == {PRODUCTION: MEASURED_P[:1]}


def test_a_value_that_a_firmware_leaves_out_is_unknown() -> None:
    """`p` is enough for a reading; what cannot be computed without the rest is unknown too."""
    event = {"production": {"ph-a": {"p": 5.0}}, "net-consumption": {"ph-a": {"p": 7.5, "v": 230.0}}}
    assert decoder(site(P, N))(data(event)) == {
        PRODUCTION: (Phase(power=5.0),),
        NET: (Phase(power=7.5, voltage=230.0),),
        CONSUMPTION: (Phase(power=12.5, voltage=230.0),),
    }


def test_whole_numbers_are_numbers_and_the_order_of_keys_does_not_matter() -> None:
    """Capture 12 shows 0 for 0.0."""
    reading = decoder(site(P))(b' { "x":1, "production" : {"ph-a":{"f":50,"v":230,"p":-3}} } ')
    assert reading == {PRODUCTION: (Phase(power=-3.0, voltage=230.0, frequency=50.0),)}


# What is not an event


def broken(change: Callable[[dict[str, Any]], object]) -> bytes:
    event = json.loads(json.dumps({key: HOUSE[key] for key in ("production", "net-consumption")}))
    change(event)
    return data(event)


def put(key: str, value: object, event: dict[str, Any]) -> None:
    event["net-consumption"]["ph-a"][key] = value


def with_power(literal: bytes) -> bytes:
    return data({"production": {"ph-a": {"p": 77777}}, "net-consumption": {"ph-a": {"p": 1}}}).replace(
        b"77777", literal
    )


UNREADABLE = {
    "empty": b"",
    "blank": b"   ",
    "garbage": b"\x00\xff garbage",
    "a word": b"production",
    "HTML": b"<html><body>401 Authorization Required</body></html>",
    "half an event": data(HOUSE)[:300],
    "two events": data(HOUSE) * 2,
    "empty object": b"{}",
    "null": b"null",
    "a number": b"5",
    "a string": b'"production"',
    "true": b"true",
    "a list": b"[]",
    "a list of the event": b"[" + data(HOUSE) + b"]",
    "production missing": broken(lambda event: event.pop("production")),
    "net missing": broken(lambda event: event.pop("net-consumption")),
    "production null": broken(lambda event: event.update(production=None)),
    "production a list": broken(lambda event: event.update(production=[1, 2])),
    "production a string": broken(lambda event: event.update(production="on")),
    "phase missing": broken(lambda event: event["production"].pop("ph-a")),
    "phase null": broken(lambda event: event["production"].update({"ph-a": None})),
    "phase a number": broken(lambda event: event["production"].update({"ph-a": 5.0})),
    "phase a list": broken(lambda event: event["production"].update({"ph-a": [5.0]})),
    "power missing": broken(lambda event: event["production"]["ph-a"].pop("p")),
    "power null": with_power(b"null"),
    "power a string": with_power(b'"5"'),
    "power an empty string": with_power(b'""'),
    "power true": with_power(b"true"),
    "power false": with_power(b"false"),
    "power NaN": with_power(b"NaN"),
    "power Infinity": with_power(b"Infinity"),
    "power -Infinity": with_power(b"-Infinity"),
    "power 1e999": with_power(b"1e999"),
    "power -1e999": with_power(b"-1e999"),
    "power of 400 digits": with_power(b"9" * 400),
    "power of 5000 digits": with_power(b"-" + b"9" * 5000),
    "power 1e300": with_power(b"1e300"),
    "power a list": with_power(b"[1]"),
    "power an object": with_power(b'{"W":1}'),
    "power hexadecimal": with_power(b"0x10"),
    "power with a comma": with_power(b"1,5"),
    "60,000 brackets": b"[" * 60_000,
    "60,000 pairs of brackets": b"[" * 60_000 + b"]" * 60_000,
    "60,000 braces": b'{"production":' * 60_000,
    "60,000 brackets for the power": with_power(b"[" * 60_000 + b"]" * 60_000),
    "broken UTF-8": data(HOUSE).replace(b"production", b"produc\xfftion"),
    "NUL": data(HOUSE) + b"\x00",
    "a byte order mark": b"\xef\xbb\xbf" + data(HOUSE),
    "a line break in a name": b'{"production\n":{}}',
    "a lone surrogate": b'{"\\ud800":1}',
} | {
    f"{key} is {literal}": broken(partial(put, key, value))
    for key in ("q", "s", "v", "i", "pf", "f")
    for literal, value in {"null": None, "true": True, '"1"': "1", "NaN": math.nan, "inf": math.inf}.items()
}


@pytest.mark.parametrize("event", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_read_is_a_bad_event_with_a_reason(event: bytes) -> None:
    with pytest.raises(BadEvent) as caught:
        decoder(site(P, N))(event)
    assert caught.value.reason in {"not_json", "missing", "bad_value"}
    assert 0 < len(str(caught.value)) < 200


def test_what_a_bad_event_says_holds_nothing_of_the_event() -> None:
    """Whatever a gateway sends goes into our log and counters as our words."""
    with pytest.raises(BadEvent) as caught:
        decoder(site(P, N))(with_power(b'"a secret"'))
    assert "secret" not in str(caught.value)
    assert "production.ph-a.p" in str(caught.value)


# Whatever comes

LAYOUTS = [site(P, N, phases=3), site(P, T, phases=2), site(P, N, S), site(N), site(P), site()]
DECODERS: list[tuple[Site, Decode]] = [(layout, decoder(layout)) for layout in LAYOUTS]


def check(layout: Site, read: dict[Quantity, Phases]) -> None:
    """As many phases as there are, every number finite, magnitudes no less than 0, factors within ±1."""
    assert tuple(read) == quantities(layout)
    for phases in read.values():
        assert len(phases) == layout.phases
        for phase in phases:
            assert all(value is None or math.isfinite(value) for value in phase)
            assert phase.apparent_power is None or phase.apparent_power >= 0
            assert phase.current is None or phase.current >= 0
            assert phase.power_factor is None or -1 <= phase.power_factor <= 1


VALUES = (b"null", b"true", b"NaN", b"-Infinity", b"1e999", b"-0.0", b"1e-310", b"5e-324", b"1e9", b"-1e9")
MORE_VALUES = (b'"1"', b"[]", b"{}", b"-230.0", b"9" * 400, b"0", b"1.5", b"[" * 300)
SCRAPS = (b"", b",", b"}", b'"p":', b"\xff", b"\x00")
LITERALS = st.one_of(st.sampled_from(VALUES), st.sampled_from(MORE_VALUES), st.sampled_from(SCRAPS))


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    """An event in which a few bytes, or whole values, are others."""
    event = data(HOUSE)
    for _ in range(draw(st.integers(1, 5))):
        if draw(st.booleans()) and (colons := [at for at, byte in enumerate(event) if byte == ord(":")]):
            start = draw(st.sampled_from(colons)) + 1
            ends = [at for at in (event.find(mark, start) for mark in (b",", b"}")) if at >= 0]
            end = min(ends, default=len(event))
        else:
            start = draw(st.integers(0, len(event)))
            end = start + draw(st.integers(0, 4))
        event = event[:start] + draw(LITERALS) + event[end:]
    return event


NUMBERS = st.sampled_from([0.0, -0.0, 1e-310, 1e9, -1e9, 230.0, -230.0]) | st.floats() | st.integers()
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


def mapping(keys: list[str], values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=dict.fromkeys(keys, values))


WIRES = st.fixed_dictionaries(
    {"p": NUMBERS}, optional=dict.fromkeys(["q", "s", "v", "i", "pf", "f"], NUMBERS)
)
SECTIONS = st.fixed_dictionaries({"ph-a": WIRES, "ph-b": WIRES, "ph-c": WIRES | ANYTHING})
EVENTS = mapping(["production", "net-consumption", "total-consumption"], SECTIONS | ANYTHING)


@settings(max_examples=1000)
@given(mutations())
def test_a_mutated_event_is_read_or_bad_and_nothing_else(event: bytes) -> None:
    for layout, decode in DECODERS:
        with suppress(BadEvent):
            check(layout, decode(event))


@settings(max_examples=500)
@given(EVENTS | ANYTHING)
def test_an_event_of_random_values_is_read_or_bad_and_nothing_else(event: object) -> None:
    for layout, decode in DECODERS:
        with suppress(BadEvent):
            check(layout, decode(data(event)))


@settings(max_examples=300)
@given(st.binary(max_size=80))
def test_random_bytes_are_bad_and_nothing_else(event: bytes) -> None:
    for layout, decode in DECODERS:
        with suppress(BadEvent):
            check(layout, decode(event))


# What was captured on real gateways

PHASES = ("ph-a", "ph-b", "ph-c")


def captured(name: str) -> list[dict[str, dict[str, dict[str, float]]]]:
    """The whole events of a capture; none where the captures do not lie beside the repository."""
    events = []
    for path in CAPTURES.glob(f"{name}_*"):
        text = "".join(line for line in path.read_text().splitlines(keepends=True) if line[:1] != "#")
        for event in text.replace("data: ", "").split("\n\n"):
            with suppress(ValueError):
                events.append(json.loads(event))
    return events


@pytest.mark.parametrize(
    ("name", "phases", "whole"),
    [("01", 1, 22), ("02", 1, 1), ("06", 3, 1), ("07", 3, 1), ("09", 2, 1), ("10", 3, 2), ("12", 1, 1)],
)
def test_captured_events_are_read_as_they_stand(name: str, phases: int, whole: int) -> None:
    events = captured(name)
    assert len(events) == (whole if CAPTURES.exists() else 0)
    for event in events:
        read = decoder(site(P, N, phases=phases))(data(event))
        for n, key in enumerate(PHASES[:phases]):
            production, net = event["production"][key], event["net-consumption"][key]
            p, q = net["p"] + production["p"], net["q"] + production["q"]
            assert read[PRODUCTION][n].power == production["p"]
            assert read[PRODUCTION][n].current == abs(production["i"])
            assert read[NET][n].power == net["p"]
            assert read[NET][n].voltage == net["v"]
            assert read[CONSUMPTION][n].power == pytest.approx(p, abs=1e-9)
            assert read[CONSUMPTION][n].power == pytest.approx(
                event["total-consumption"][key]["p"], abs=0.0015
            )
            assert read[CONSUMPTION][n].reactive_power == pytest.approx(q, abs=1e-9)
            assert read[CONSUMPTION][n].apparent_power == pytest.approx((p * p + q * q) ** 0.5, abs=1e-9)


def test_a_captured_event_that_was_cut_is_bad() -> None:
    """Capture 10 ends in the middle of its third event."""
    for path in CAPTURES.glob("10_*"):
        cut = path.read_bytes().rpartition(b"data: ")[2]
        with pytest.raises(BadEvent):
            decoder(site(P, N, phases=3))(cut)
