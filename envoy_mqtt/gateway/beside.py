"""What is known beside a source, each good for so long: the battery, its charge, the inverters' figure.

A stream has no battery, and a site may have no production meter; what was asked for them is added to every
reading until it is too old to be true (the contract, section "Which meters are published"). Times are the
steady clock's.
"""

from typing import Generic, NamedTuple, TypeVar

from envoy_mqtt.model import Kind, Measured, Phases, Wholes

Value = TypeVar("Value")

# Asked every 5 s.
STORAGE_GOOD_S = 15.0

# So many intervals an answer asked for more slowly is good.
INTERVALS = 3


class Known(NamedTuple, Generic[Value]):
    """A value and until when it is one."""

    value: Value
    until: float


class Beside:
    """Follows one gateway."""

    def __init__(self) -> None:
        self._wholes: dict[Kind, Known[float]] = {}
        self._legs: dict[Kind, Known[Phases]] = {}
        self._charge: Known[float] | None = None

    def whole(self, kind: Kind, power: float, now: float, good_s: float = STORAGE_GOOD_S) -> None:
        """A power in W, of the whole site, that was read at `now`."""
        self._wholes[kind] = Known(power, now + good_s)

    def legs(self, kind: Kind, phases: Phases, now: float) -> None:
        """What a meter that the source does not have said at `now`."""
        self._legs[kind] = Known(phases, now + STORAGE_GOOD_S)

    def charge(self, percent: float, now: float, good_s: float) -> None:
        """The battery's state of charge in %, read at `now`."""
        self._charge = Known(percent, now + good_s)

    def add(self, measured: Measured, wholes: Wholes, now: float) -> tuple[Measured, Wholes]:
        """A reading's meters and wholes with those that are known beside them."""
        if not self._wholes and not self._legs:
            return measured, wholes
        legs = {kind: known.value for kind, known in self._legs.items() if now <= known.until}
        known = {kind: known.value for kind, known in self._wholes.items() if now <= known.until}
        return legs | measured, known | dict(wholes)

    def charged(self, now: float) -> float | None:
        """The state of charge in %, while it is one."""
        return self._charge.value if self._charge is not None and now <= self._charge.until else None
