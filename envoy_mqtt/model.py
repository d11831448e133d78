"""The values that flow through the bridge, from bytes to messages.

All powers are in W, var or VA, voltages in V, currents in A, frequencies in Hz. `None` is a value
nobody knows; it is never written as 0. Signs: production is positive while producing, net is
positive on import, storage is positive on discharge; currents and apparent powers are magnitudes.
"""

from enum import StrEnum
from typing import NamedTuple


class Instant(NamedTuple):
    """One moment on two clocks: `steady` seconds that never jump, and `unix` seconds that people read."""

    steady: float
    unix: float


class Kind(StrEnum):
    """What a fitted transformer measures; meters of any other kind are listed and otherwise ignored."""

    PRODUCTION = "production"
    NET = "net"
    TOTAL = "total"
    STORAGE = "storage"


class Quantity(StrEnum):
    """What is published of a site; each is a topic, measured by a meter or computed from several."""

    PRODUCTION = "production"
    NET = "net"
    CONSUMPTION = "consumption"
    STORAGE = "storage"


class Meter(NamedTuple):
    """One entry of the gateway's list of meters. `type` is the vendor's word, `kind` ours."""

    eid: int
    type: str
    kind: Kind | None
    enabled: bool
    phases: int
    status: str
    flags: tuple[str, ...]


class Identity(NamedTuple):
    """Who a gateway says it is. `firmware` keeps the vendor's letter, as in "D8.3.5167".

    `metered` is whether it has metering hardware (`None` where it does not say), `web_tokens` whether it says
    that it wants tokens.
    """

    serial: str
    part_number: str
    firmware: str
    metered: bool | None = None
    web_tokens: bool = False


class Site(NamedTuple):
    """A gateway and its meters: what decides which topics and keys there are."""

    identity: Identity
    meters: tuple[Meter, ...]

    @property
    def fitted(self) -> dict[Kind, int]:
        """The enabled meters of the kinds we know, each with its number of phases."""
        return {meter.kind: meter.phases for meter in self.meters if meter.enabled and meter.kind}

    @property
    def phases(self) -> int:
        """The site's number of phases: the most that any enabled meter has, 1 where none is enabled."""
        return max(self.fitted.values(), default=1)


class Phase(NamedTuple):
    """What one meter knows of one phase."""

    power: float | None = None
    reactive_power: float | None = None
    apparent_power: float | None = None
    power_factor: float | None = None
    voltage: float | None = None
    current: float | None = None
    frequency: float | None = None


UNKNOWN = Phase()

# A quantity's phases, phase 1 first, as many as the site has.
Phases = tuple[Phase, ...]


class Reading(NamedTuple):
    """Everything the gateway said at one moment. `time` is in Unix seconds, `sequence` grows by one."""

    time: float
    sequence: int
    source: str
    quantities: dict[Quantity, Phases]
