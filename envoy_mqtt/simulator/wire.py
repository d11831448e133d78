"""The truth of a house as its gateway's meters see it, and as one event of `/stream/meter`.

    House.at(unix) -> State -> sample() -> Sample -> event() -> bytes

A `Sample` holds exactly the numbers the event shows, so a test can know them without reading JSON:
`sample(…).net[0].p` is what the wire says. In thousandths of a watt, `total.p == production.p + net.p`,
always; everything else follows the two generations of arithmetic in the protocol notes, section 1.4.
"""

from math import copysign, sqrt
from typing import NamedTuple

from envoy_mqtt.simulator.firmware import Absent, Generation
from envoy_mqtt.simulator.house import State
from envoy_mqtt.simulator.noise import smooth, unit
from envoy_mqtt.simulator.options import Options

# What a meter adds to p and q: harmonics, in VA. They make s > hypot(p, q), as in every capture.
PRODUCTION_DISTORTION_VA = 45.0
NET_DISTORTION_VA = 190.0
# How far two samples of one second differ.
FLICKER_V = 0.12


class Reading(NamedTuple):
    """What one meter says of one phase, rounded as displayed; `f` in exact steps of 1/16 Hz."""

    p: float
    q: float
    s: float
    v: float
    i: float
    pf: float
    f: float


class Point(NamedTuple):
    """What a meter finds at its terminals: volts and hertz."""

    v: float
    f: float


NOTHING = Reading(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
NOTHING_TEXT = '{"p":0.0,"q":0.0,"s":0.0,"v":0.0,"i":0.0,"pf":0.0,"f":0.0}'


NO_PHASES = (NOTHING,) * 3


class Sample(NamedTuple):
    """The three sections of one event, each with its three phases; and the storage meter, in no event."""

    production: tuple[Reading, ...]
    net: tuple[Reading, ...]
    total: tuple[Reading, ...]
    storage: tuple[Reading, ...] = NO_PHASES


class Style(NamedTuple):
    """How a gateway computes and writes: its firmware's ways, or what the options say instead."""

    generation: Generation
    absent: Absent
    pf_decimals: int
    total_pf_is_net_pf: bool
    total_is_net: bool
    production: bool
    consumption: bool
    storage: bool = False

    @classmethod
    def of(cls, options: Options) -> "Style":
        version, fitted = options.version, options.metered
        consumption = fitted and options.layout.consumption
        return cls(
            options.generation or version.generation,
            options.absent or version.absent(split=options.phases.number == 2, net_fitted=consumption),
            version.pf_decimals,
            version.total_pf_is_net_pf,
            options.total_is_net,
            fitted and options.layout.production,
            consumption,
            options.storage_meter,
        )


def sample(state: State, style: Style) -> Sample:
    """What the two meters measure at a moment and what the gateway computes from it.

    Always three phases. A meter that is not fitted shows noise: some reactive power, a few W of nothing.
    """
    production, net, total = [], [], []
    for phase in range(3):
        if phase < len(state.phases):
            made, bought = _measure(state, phase, style)
        else:
            made, bought = _absent(state, phase, style)
        production.append(made)
        net.append(bought)
        if style.total_is_net or bought is NOTHING:
            total.append(bought)
        else:
            total.append(_total(made, bought, style))
    return Sample(tuple(production), tuple(net), tuple(total), _stored(state, style))


def event(readings: Sample) -> bytes:
    """One event as it leaves the gateway: one line of compact JSON, CRLF CRLF (section 1.1)."""
    sections = zip(("production", "net-consumption", "total-consumption"), readings[:3], strict=True)
    return (
        "data: {" + ",".join(f'"{name}":{_section(phases)}' for name, phases in sections) + "}\r\n\r\n"
    ).encode()


def _section(phases: tuple[Reading, ...]) -> str:
    a, b, c = (_phase(reading) for reading in phases)
    return f'{{"ph-a":{a},"ph-b":{b},"ph-c":{c}}}'


def _phase(reading: Reading) -> str:
    if reading is NOTHING:
        return NOTHING_TEXT
    p, q, s, v, i, pf, f = reading
    return f'{{"p":{p!r},"q":{q!r},"s":{s!r},"v":{v!r},"i":{i!r},"pf":{pf!r},"f":{round(f, 2)!r}}}'


def _measure(state: State, phase: int, style: Style) -> tuple[Reading, Reading]:
    """Production and net of one phase, each from its own meter."""
    truth, seed = state.phases[phase], 7919 * (phase + 1)
    here, there = _points(state, phase, seed)
    p, q = round(truth.production_w, 3), round(truth.production_var, 3)
    if style.production:
        made = _reading(p, q, here, PRODUCTION_DISTORTION_VA, style)
    else:
        # Capture 09: no power, but the filters' reactive power, as if there were something.
        made = _reading(_phantom_w(state, seed), q, here, 8.0, style)
    if style.consumption:
        # In whole thousandths the house's use minus what was produced: total = net + production exactly. A
        # battery is behind the net meter too.
        net_p = round(round(truth.load_w, 3) - p - round(truth.storage_w, 3), 3)
        bought = _reading(net_p, round(truth.load_var - q, 3), there, NET_DISTORTION_VA, style)
    else:
        bought = _reading(_phantom_w(state, seed + 1), 0.0, there, 17.0, style)
    return made, _signed(bought) if style.generation is Generation.NEW else bought


def _stored(state: State, style: Style) -> tuple[Reading, ...]:
    """The storage meter's three phases; it sits where the net meter does."""
    if not style.storage:
        return NO_PHASES
    fitted = (
        _reading(round(truth.storage_w, 3), 20.0, _points(state, phase, 7919 * (phase + 1))[1], 12.0, style)
        for phase, truth in enumerate(state.phases)
    )
    return (*fitted, *NO_PHASES)[:3]


def _points(state: State, phase: int, seed: int) -> tuple[Point, Point]:
    """Volts and hertz at the two meters, which sample independently (capture 10)."""
    moment, v, f = 4 * int(state.unix * 1000.0), state.phases[phase].voltage_v, state.frequency_hz
    here = Point(round(v + FLICKER_V * (unit(seed, moment) - 0.5), 3), f)
    # Now and then a step of the frequency has reached one meter and not yet the other.
    lag = 0.0625 if f != 60.0 and unit(7907, moment + 2) < 0.06 else 0.0
    return here, Point(round(v + FLICKER_V * (unit(seed, moment + 1) - 0.5), 3), f - lag)


def _phantom_w(state: State, seed: int) -> float:
    """What a meter shows without a transformer: 0.0, -0.0 or up to 3 W of nothing (captures 09, 12)."""
    level = 4.5 * smooth(seed, state.unix / 15.0) - 1.5
    return copysign(0.0, unit(seed, int(state.unix)) - 0.5) if level < 0.0 else -round(level, 3)


def _absent(state: State, phase: int, style: Style) -> tuple[Reading, Reading]:
    """A phase that is not there, in the styles of section 1.3."""
    if style.absent is Absent.FREQUENCY:
        ghost = NOTHING._replace(f=state.frequency_hz)
        return ghost, ghost
    if style.absent is Absent.ZEROS:
        return NOTHING, NOTHING
    # Capture 12: some 7 V of induction, and now and then a hint of power.
    seed = 104729 + phase
    v = round(6.2 + 2.4 * smooth(seed, state.unix / 9.0), 3)
    i = round(max(0.0, 0.03 * smooth(seed + 1, state.unix / 5.0) - 0.012), 3)
    return NOTHING, Reading(
        -round(v * i * 0.4, 3), 0.0, round(v * i, 3), v, i, -1.0 if i else 0.0, state.frequency_hz
    )


def _reading(p: float, q: float, at: Point, distortion_va: float, style: Style) -> Reading:
    s = round(sqrt(p * p + q * q + distortion_va * distortion_va), 3)
    return Reading(p, q, s, at.v, round(s / at.v, 3), round(p / s, style.pf_decimals) + 0.0, at.f)


def _signed(net: Reading) -> Reading:
    """The new generation signs an export's current and apparent power; its factor is -1 (section 1.4)."""
    if copysign(1.0, net.p) > 0.0:
        return net
    return net._replace(s=-net.s, i=-net.i, pf=-1.0)


def _total(made: Reading, net: Reading, style: Style) -> Reading:
    """The third section: nobody measures it, the gateway adds (section 1.4)."""
    return (_old_total if style.generation is Generation.OLD else _new_total)(made, net, style)


def _old_total(made: Reading, net: Reading, style: Style) -> Reading:
    v = round((net.v + made.v) / 2.0, 3)
    i = round(made.i + copysign(net.i, net.p), 3)
    p, s = _sum_w(made, net), round(v * i, 3)
    q = round(net.q - made.q, 3) + 0.0
    return Reading(p, q, s, v, i, _clipped(p, s, style), (net.f + made.f) / 2.0)


def _new_total(made: Reading, net: Reading, style: Style) -> Reading:
    i = round(net.i + made.i, 3) + 0.0
    p, s = _sum_w(made, net), round(net.v * i, 3)
    # Recordings of 7.6.175, 8.2.4264 and 8.3.5167: with a negative s, the factor is the sign of p.
    factor = copysign(1.0, p) if s < 0.0 else _clipped(p, s, style)
    if style.total_pf_is_net_pf:
        factor = net.pf
    return Reading(p, round(net.q + made.q, 3) + 0.0, s, net.v, i, factor, net.f)


def _sum_w(made: Reading, net: Reading) -> float:
    """Exact in thousandths; a zero keeps the production's sign (capture 09, both phases)."""
    total = round(net.p + made.p, 3)
    return total or copysign(0.0, made.p)


def _clipped(p: float, s: float, style: Style) -> float:
    return max(-1.0, min(1.0, round(p / s, style.pf_decimals))) if s else 0.0
