"""An event of `/stream/meter` as a gateway sends it, made of what its meters said by whichever source. Pure.

Three sections of three phases whatever is fitted, the phases that are not there all zeros. What no meter
measures is zeros here, too, where a gateway shows noise. Up to firmware 7.3.466 the sums are made one way,
from 7.3.517 on another (protocol notes, section 1.4).
"""

from collections.abc import Mapping
from math import copysign

from envoy_mqtt.gateway.event import PHASE_KEYS, SECTIONS
from envoy_mqtt.gateway.layout import computed
from envoy_mqtt.model import UNKNOWN, Kind, Phase, Phases, Site

# From here on currents and apparent powers of the net are negative on export.
SIGNED = (7, 3, 517)

# In the gateway's order, and our names.
KEYS = {
    "p": "power",
    "q": "reactive_power",
    "s": "apparent_power",
    "v": "voltage",
    "i": "current",
    "pf": "power_factor",
    "f": "frequency",
}
ABSENT = Phase(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)

Value = float | None
Event = dict[str, dict[str, dict[str, Value]]]


def event(measured: Mapping[Kind, Phases], site: Site) -> Event:
    """What the stream would have said of this reading; None is what nobody knows of a fitted phase."""
    phases = [_phases(measured, site, n) for n in range(len(PHASE_KEYS))]
    return {
        section: {key: _written(phase[kind]) for key, phase in zip(PHASE_KEYS, phases, strict=True)}
        for kind, section in SECTIONS.items()
    }


def _phases(measured: Mapping[Kind, Phases], site: Site, n: int) -> dict[Kind, Phase]:
    there = {kind: _phase(measured, kind, n) for kind, count in site.metered.items() if n < count}
    production = there.get(Kind.PRODUCTION)
    net, total = there.get(Kind.NET), there.get(Kind.TOTAL)
    newer = release(site.identity.firmware) >= SIGNED
    if net is None and total is not None:
        net = computed([(1, total), (-1, production or ABSENT)], total)
    elif total is None and net is not None:
        total = net if production is None else _total(net, production, newer=newer)
    return {
        Kind.PRODUCTION: production or ABSENT,
        Kind.NET: _directed(net, newer=newer) if net else ABSENT,
        Kind.TOTAL: total or ABSENT,
    }


def _phase(measured: Mapping[Kind, Phases], kind: Kind, n: int) -> Phase:
    return measured[kind][n] if kind in measured else UNKNOWN


def _directed(net: Phase, *, newer: bool) -> Phase:
    if not newer or not net.power or net.power > 0:
        return net
    return net._replace(
        current=None if net.current is None else -net.current,
        apparent_power=None if net.apparent_power is None else -net.apparent_power,
    )


def _total(net: Phase, production: Phase, *, newer: bool) -> Phase:
    """The house, as the gateway reckons it: what a battery gives is not in it."""
    power = _sum(net.power, production.power)
    reactive = _sum(net.reactive_power, production.reactive_power, 1 if newer else -1)
    voltage = net.voltage if newer else _mean(net.voltage, production.voltage)
    drawn = None if net.current is None or net.power is None else copysign(net.current, net.power)
    current = _sum(drawn, production.current)
    apparent = None if voltage is None or current is None else voltage * current
    factor = None if power is None or apparent is None else power / apparent if apparent else 0.0
    return Phase(
        power,
        reactive,
        apparent,
        None if factor is None else min(1.0, max(-1.0, factor)),
        voltage,
        current,
        net.frequency if newer else _mean(net.frequency, production.frequency),
    )


def _sum(one: Value, other: Value, sign: int = 1) -> Value:
    return None if one is None or other is None else one + sign * other


def _mean(one: Value, other: Value) -> Value:
    return None if one is None or other is None else (one + other) / 2


def _written(phase: Phase) -> dict[str, Value]:
    values = {key: getattr(phase, ours) for key, ours in KEYS.items()}
    return {key: None if value is None else round(value, 3) + 0.0 for key, value in values.items()}


def release(firmware: str) -> tuple[int, ...]:
    """`D8.3.5167` as numbers to compare; none where it is no number."""
    parts = firmware.lstrip("DMR").split(".")
    return tuple(int(part) for part in parts[:3]) if all(_is_number(part) for part in parts[:3]) else ()


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10
