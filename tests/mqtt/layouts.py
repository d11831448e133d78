"""Every layout of meters there is, and what its `state` topic says: for discovery and whoever reads it."""

import json
from typing import Any

from envoy_mqtt.energy.keys import energy_keys
from envoy_mqtt.gateway.layout import quantities
from envoy_mqtt.model import UNKNOWN, Identity, Kind, Meter, Quantities, Reading, Site
from envoy_mqtt.mqtt.payload import Payloads, Publish
from envoy_mqtt.mqtt.state import State

P, N, T, S = Kind.PRODUCTION, Kind.NET, Kind.TOTAL, Kind.STORAGE
SERIAL = "122100000017"


def site(*kinds: Kind, phases: int = 1, battery: bool = False, tokens: bool = True, **fewer: int) -> Site:
    """A site with these meters, on all its phases but where `production=1` or the like says otherwise."""
    meters = tuple(
        Meter(n, kind, kind, True, fewer.get(kind, phases), "normal", ()) for n, kind in enumerate(kinds)
    )
    return Site(Identity(SERIAL, "800-00654-r08", "D8.3.5167", True, tokens), meters, battery)


LAYOUTS = {
    f"{phases} phase{'s' * (phases > 1)}, {name}": site(*kinds, phases=phases, battery=battery)
    for phases in (1, 2, 3)
    for name, kinds, battery in (
        ("production and net", (P, N), False),
        ("production and total", (P, T), False),
        ("production, net and storage", (P, N, S), False),
        ("production, total and storage", (P, T, S), False),
        ("production, net and a battery of its own", (P, N), True),
        ("production, total and a battery of its own", (P, T), True),
        ("net", (N,), False),
        ("production", (P,), False),
        ("storage beside net", (N, S), False),
    )
} | {
    "no meter": site(),
    "no meter, a battery of its own": site(battery=True),
    "an old gateway without tokens": site(tokens=False),
    "panels on one phase of three": site(P, N, phases=3, production=1),
}


def state(layout: Site, *, energy: float | None = None) -> dict[str, Any]:
    """A message of `state` of this layout, of which nothing is known but the energies."""
    unknown = dict.fromkeys(quantities(layout), (UNKNOWN,) * layout.phases)
    reading = Reading(1_790_000_000.0, 1, "stream", Quantities(unknown))
    live = json.loads(next(iter(Payloads(layout, Publish()).write(reading, steady=0.0))).payload)
    gathered = State(list(live), phases=layout.phases, night_w=5.0)
    gathered.read(live, 0.0)
    said = gathered.payload(dict.fromkeys(energy_keys(layout), energy), interval_s=10)
    assert said is not None
    return dict(said)
