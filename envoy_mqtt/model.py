"""The values that flow through the bridge, from bytes to messages.

All powers are in W, var or VA, voltages in V, currents in A, frequencies in Hz. `None` is a value
nobody knows; it is never written as 0. Signs: production is positive while producing, net is
positive on import, storage is positive on discharge; currents and apparent powers are magnitudes.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple


class Instant(NamedTuple):
    """One moment on two clocks: `steady` seconds that never jump, and `unix` seconds that people read."""

    steady: float
    unix: float


# A machine without a clock chip starts in 1970 and knows the time only once the network told it; before
# 2024 nothing can be said of dates.
CLOCK_SET = 1_704_067_200.0  # 2024-01-01


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

    `metered` is whether it has metering hardware, fitted with transformers or not; `None` where an old
    firmware does not say. `web_tokens` is whether it wants tokens.
    """

    serial: str
    part_number: str
    firmware: str
    metered: bool | None = None
    web_tokens: bool = False


class Site(NamedTuple):
    """A gateway and its meters: what decides which topics and keys there are.

    `battery` is one without a meter of its own: it counts as storage all the same.
    """

    identity: Identity
    meters: tuple[Meter, ...]
    battery: bool = False

    @property
    def metered(self) -> dict[Kind, int]:
        """The enabled meters of the kinds we know, each with its number of phases."""
        return {meter.kind: meter.phases for meter in self.meters if meter.enabled and meter.kind}

    @property
    def fitted(self) -> dict[Kind, int]:
        """What is known of by a meter or, a battery, by its own report."""
        return ({Kind.STORAGE: self.phases} if self.battery else {}) | self.metered

    @property
    def phases(self) -> int:
        """The site's number of phases: the most that any enabled meter has, 1 where none is enabled."""
        return max(self.metered.values(), default=1)


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

# A meter's or a quantity's phases, phase 1 first, as many as the site has.
Phases = tuple[Phase, ...]

# What the meters say at one moment; a meter that said nothing is not in it.
Measured = dict[Kind, Phases]

# Powers in W that are known of the whole and not of its phases: a battery's own report, the inverters'.
Wholes = Mapping[Kind, float]
NO_WHOLES: Wholes = MappingProxyType({})


class Quantities(NamedTuple):
    """What is published of one moment: each quantity's phases, and the power in W of the whole where it is
    known although a phase's is not.
    """

    phases: dict[Quantity, Phases]
    wholes: Mapping[Quantity, float] = MappingProxyType({})


class Register(NamedTuple):
    """One phase of one meter's lifetime counters, in Wh: `delivered` towards the house, `received` from it.

    Of production what was produced, of net imported and exported, of storage discharged and charged, of
    total what was used.
    """

    delivered_wh: float
    received_wh: float


# A register for each fitted phase of each enabled meter.
Counted = dict[Kind, tuple[Register, ...]]


class Reading(NamedTuple):
    """Everything the gateway said at one moment. `time` is in Unix seconds, `sequence` grows by one, the
    battery's `state_of_charge` is in %.
    """

    time: float
    sequence: int
    source: str
    quantities: Quantities
    state_of_charge: float | None = None
