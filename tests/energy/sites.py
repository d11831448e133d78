"""Sites and moments for the tests of energies."""

from typing import Any

from envoy_mqtt.model import Identity, Instant, Kind, Meter, Phase, Quantities, Quantity, Register, Site

P, N, T, S = Kind.PRODUCTION, Kind.NET, Kind.TOTAL, Kind.STORAGE

# 28 May 2026, 12:00 UTC, when the steady clock showed 1000.
NOON = 1_779_969_600.0


def site(*kinds: Kind, phases: int = 1, battery: bool = False) -> Site:
    meters = tuple(Meter(n, kind, kind, True, phases, "normal", ()) for n, kind in enumerate(kinds))
    return Site(Identity("122100000017", "", ""), meters, battery)


def at(seconds: float) -> Instant:
    """So many seconds after noon, both clocks right."""
    return Instant(1000.0 + seconds, NOON + seconds)


def register(delivered_wh: float, received_wh: float = 0.0) -> tuple[Register, ...]:
    return (Register(delivered_wh, received_wh),)


def powers(**watts: float | None) -> Quantities:
    """A reading on one phase: `production=500.0`."""
    return Quantities({Quantity(name): (Phase(power=power),) for name, power in watts.items()})


def floats(energies: dict[str, Any], *keys: str) -> list[Any]:
    return [energies[key] for key in keys]
