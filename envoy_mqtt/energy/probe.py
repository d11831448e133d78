"""A power that is followed because energies may have to be made of it."""

from collections.abc import Callable

from envoy_mqtt.energy.integral import Areas, Integral
from envoy_mqtt.energy.keys import Leg
from envoy_mqtt.energy.tally import Tally
from envoy_mqtt.gateway.layout import whole_power
from envoy_mqtt.model import Instant, Kind, Quantities, Quantity

# The quantity whose power is that of a meter.
POWER = {
    Kind.PRODUCTION: Quantity.PRODUCTION,
    Kind.NET: Quantity.NET,
    Kind.TOTAL: Quantity.CONSUMPTION,
    Kind.STORAGE: Quantity.STORAGE,
}

# What takes the energies of one step of a power, `None` after a gap.
Take = Callable[[Areas | None, Instant], None]


class Probe:
    """Follows the power of a phase or of the whole; one beyond `limit_w` is not known."""

    def __init__(self, quantity: Quantity, leg: Leg, limit_w: float, take: Take) -> None:
        self._quantity, self._leg, self._limit_w = quantity, leg, limit_w
        self._integral = Integral()
        self._take = take

    def follow(self, quantities: Quantities, taken: float, now: Instant) -> None:
        """A reading was taken at `taken`; one of which the power is not known is bridged by the next."""
        power = self._power(quantities)
        if power is not None and abs(power) <= self._limit_w:
            self._take(self._integral.add(power, taken), now)

    def _power(self, quantities: Quantities) -> float | None:
        phases = quantities.phases[self._quantity]
        if self._leg is not None:
            return phases[self._leg].power
        power = whole_power(phases)
        return quantities.wholes.get(self._quantity) if power is None else power


def into(delivered: Tally | None, received: Tally | None) -> Take:
    """Positive powers into one account and negative ones into the other, where they are wanted."""

    def take(areas: Areas | None, _now: Instant) -> None:
        if areas is not None:
            if delivered is not None:
                delivered.flow(areas.delivered_wh)
            if received is not None:
                received.flow(areas.received_wh)

    return take
