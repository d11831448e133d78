"""Are fresh readings coming? What a gateway's `availability` says, on the steady clock alone. Pure."""

from envoy_mqtt.model import Measured, Phase

# Meters tremble in the last digits, so the same values for five minutes while power flows come from a
# gateway that has frozen (the contract, section "Availability").
FROZEN_S = 300.0
FLOWING_W = 1.0


class Freshness:
    """Follows one gateway's readings. `online` is what has to be said now; a start begins offline."""

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self._freezes = True
        self.online = False
        self._last: float | None = None
        self._measured: Measured = {}
        self._unchanged_since = 0.0

    def follow(self, timeout_s: float, *, freezes: bool) -> None:
        """How long readings may stay away, and whether the same one again and again tells something."""
        self.timeout_s = timeout_s
        self._freezes = freezes

    def read(self, measured: Measured, now: float) -> None:
        """A reading came at `now`."""
        if measured != self._measured or not _flowing(measured) or self.silent(now):
            self._unchanged_since = now
        self._measured = measured
        self._last = now
        self.check(now)

    def check(self, now: float) -> None:
        """Time has passed."""
        self.online = not (self.silent(now) or self.frozen(now))

    def silent(self, now: float) -> bool:
        """No reading for longer than the timeout, or none at all yet."""
        return self._last is None or now - self._last > self.timeout_s

    def frozen(self, now: float) -> bool:
        """The same reading again and again while power flows."""
        return self._freezes and now - self._unchanged_since >= FROZEN_S and not self.silent(now)


def _flowing(measured: Measured) -> bool:
    return any(_flows(phase) for phases in measured.values() for phase in phases)


def _flows(phase: Phase) -> bool:
    return phase.power is not None and abs(phase.power) > FLOWING_W
