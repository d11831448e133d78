"""What is wrong with a gateway although its readings come: its meters, its counters, what it refuses. Pure.

The gateway itself flags a transformer that is fitted the wrong way round (protocol notes, section 3.1).
"""

from collections.abc import Iterator, Mapping

from envoy_mqtt.bridge import Bridge
from envoy_mqtt.model import Kind, Meter, Site
from envoy_mqtt.problems import Trouble

# Flags that a reversed transformer raises, and the status of a meter that has no flag to say why.
REVERSED = {"negative-production", "negative-total-consumption"}
CHECK = "check-wiring"

# What may be enabled together (the contract, section "Which meters are published").
P, N, T, S = Kind.PRODUCTION, Kind.NET, Kind.TOTAL, Kind.STORAGE
LAYOUTS = ({P, N}, {P, T}, {P, N, S}, {P, T, S}, {N}, {P}, set[Kind]())


def of(bridge: Bridge, refusals: Mapping[str, str]) -> Iterator[Trouble]:
    """What is wrong now; `refusals` are sources that the gateway refuses, by the contract's code."""
    if bridge.site is not None:
        yield from of_meters(bridge.site)
    if bridge.total_is_net:
        yield Trouble(code="meter_total_is_net")
    if bridge.held:
        yield Trouble(code="counter_held", text=", ".join(bridge.held))
    for code, why in refusals.items():
        yield Trouble(code=code, text=why)


def of_meters(site: Site) -> Iterator[Trouble]:
    """What the list of meters tells: at most one trouble of each code."""
    enabled = [meter for meter in site.meters if meter.enabled and meter.kind]
    reversed_ = [f"{meter.kind} ({_said(meter)})" for meter in enabled if _is_reversed(meter)]
    if reversed_:
        yield Trouble(code="meter_reversed", text=", ".join(reversed_))
    kinds = [meter.kind for meter in enabled]
    if set(kinds) not in LAYOUTS or len(set(kinds)) < len(kinds) or any(map(_is_nameless, site.meters)):
        names = ", ".join(meter.type or f"meter {meter.eid}" for meter in site.meters if meter.enabled)
        yield Trouble(code="meter_layout", text=f"{names} are enabled")


def _is_reversed(meter: Meter) -> bool:
    return bool(REVERSED.intersection(meter.flags)) or (meter.status == CHECK and not meter.flags)


def _said(meter: Meter) -> str:
    return ", ".join(meter.flags) or meter.status


def _is_nameless(meter: Meter) -> bool:
    """Enabled, and nobody knows what it measures: old firmware names no type (section 3.1)."""
    return meter.enabled and not meter.type and meter.kind is None
