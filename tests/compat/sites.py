"""Sites and one reading of each, with values worked out by hand, for all shapes of other bridges."""

from collections.abc import Mapping

from envoy_mqtt.gateway.layout import combiner
from envoy_mqtt.model import Identity, Kind, Meter, Phase, Phases, Reading, Site

P, N, T, S = Kind.PRODUCTION, Kind.NET, Kind.TOTAL, Kind.STORAGE
SERIAL = "122100000017"
EIDS = {P: 704643328, N: 704643584, T: 704643584, S: 704643840}
TIME = 1_790_000_000.75

MADE = Phase(2500.0, 100.0, 2502.0, 0.999, 230.0, 10.878, 50.0)
EXPORT = Phase(-1600.0, -300.0, 1627.882, -0.983, 232.0, 7.017, 50.0)
IMPORT = Phase(400.0, -200.0, 447.214, 0.894, 231.0, 1.936, 50.0)
CHARGE = Phase(-900.0, 0.0, 900.0, -1.0, 231.0, 3.896, 50.0)


def site(*kinds: Kind, phases: int = 1, firmware: str = "D8.3.5167", battery: bool = False) -> Site:
    meters = tuple(Meter(EIDS[kind], kind, kind, True, phases, "normal", ()) for kind in kinds)
    return Site(Identity(SERIAL, "800-00654-r08", firmware, True, True), meters, battery)


def reading(
    layout: Site, measured: Mapping[Kind, Phases], source: str = "stream", charge: float | None = None
) -> Reading:
    return Reading(TIME, 7, source, combiner(layout)(dict(measured), {}), charge)
