"""Energy out of powers, where nobody counts it: the trapezoid rule over the readings' own times.

Both directions at once: between a reading on either side of zero the power is taken to cross it in a
straight line, so that what flows in and what flows out are each counted.
"""

from typing import NamedTuple

# Longer than this between two readings and we do not pretend to know what happened in the gap; the
# gateway's own counters close it where there are any.
MAX_GAP_S = 30.0


class Areas(NamedTuple):
    """Energies in Wh, both ≥ 0: of the positive powers and of the negative ones."""

    delivered_wh: float
    received_wh: float


class Integral:
    """Follows one power on the steady clock. A power beyond `limit_w`, and `None`, are not known."""

    def __init__(self, limit_w: float) -> None:
        self._limit_w = limit_w
        self._power_w = 0.0
        self.at: float | None = None

    def add(self, power_w: float | None, at: float) -> Areas | None:
        """The energies since the last known power, `None` where they cannot be told."""
        if power_w is None or abs(power_w) > self._limit_w:
            return None
        before_w, before, self._power_w, self.at = self._power_w, self.at, power_w, at
        if before is None or at - before > MAX_GAP_S:
            return None
        return areas(before_w, power_w, max(0.0, at - before))


def areas(before_w: float, power_w: float, seconds: float) -> Areas:
    """The energies under the straight line from one power to the other."""
    hours = seconds / 3600.0
    if before_w >= 0.0 <= power_w:
        return Areas((before_w + power_w) / 2.0 * hours, 0.0)
    if before_w <= 0.0 >= power_w:
        return Areas(0.0, -(before_w + power_w) / 2.0 * hours)
    # Two triangles that meet where the line crosses zero.
    per_w = hours / 2.0 / abs(before_w - power_w)
    high, low = max(before_w, power_w), min(before_w, power_w)
    return Areas(high * high * per_w, low * low * per_w)
