"""Whether a total-consumption meter's stream says what it should: firmware 8.3.5433 says the net instead.

There the gateway overwrites the total it reports with the net it computed (protocol notes, section 3.4),
so while anything is produced the two cannot be the same unless one is a copy of the other. At night they
are the same on every gateway, and nothing is learnt. The meters' own readings are not affected: their
channels say what the transformer measures (recording 8.3.5433: 786.5 W where the net is 428.4 W).
"""

from envoy_mqtt.gateway.layout import computed, has_total
from envoy_mqtt.model import UNKNOWN, Kind, Measured, Phases, Site

# The contract, section "Which meters": below this the two are the same on every gateway.
PRODUCING_W = 10.0
BELIEVED_AFTER_S = 60.0

# The stream has three decimals, and a sum of two of them may be one off.
SAME_W = 0.0015


class Total:
    """Follows the events of one site's stream. `is_net` is whether its total is the net now."""

    def __init__(self, site: Site) -> None:
        self._watching = has_total(site.metered)
        self._differing_since: float | None = None
        self.is_net = False

    def mend(self, measured: Measured, now: float) -> Measured:
        """What the meters say in an event, the total set right; `now` is when, on the steady clock.

        The net that the event told is taken out: the site has no meter of it. Other sites' values come
        back as they are.
        """
        if not self._watching:
            return measured
        told: Measured = dict(measured)
        net = told.pop(Kind.NET, ())
        same = _same(told.get(Kind.TOTAL, ()), net)
        if same is not None:
            self._learn(same, told, now)
        return told | {Kind.TOTAL: _sum(net, told)} if self.is_net else told

    def _learn(self, same: bool, told: Measured, now: float) -> None:
        if same:
            self._differing_since = None
            self.is_net |= _flow_w(told.get(Kind.PRODUCTION, ())) > PRODUCING_W
        elif self._differing_since is None:
            self._differing_since = now
        elif now - self._differing_since >= BELIEVED_AFTER_S:
            self.is_net = False


def _same(total: Phases, net: Phases) -> bool | None:
    """Whether the two are the same on every phase; `None` where that cannot be said."""
    pairs = [(one.power, other.power) for one, other in zip(total, net, strict=False)]
    known = [(one, other) for one, other in pairs if one is not None and other is not None]
    return all(abs(one - other) < SAME_W for one, other in known) if known else None


def _flow_w(production: Phases) -> float:
    return sum(abs(phase.power) for phase in production if phase.power is not None)


def _sum(net: Phases, told: Measured) -> Phases:
    """The net and the production, phase by phase; the total stands for the net where the event has none."""
    production = told[Kind.PRODUCTION]
    drawn = [
        one if one.power is not None else other
        for one, other in zip(net or (UNKNOWN,) * len(production), told[Kind.TOTAL], strict=True)
    ]
    return tuple(computed([(1, one), (1, made)], one) for one, made in zip(drawn, production, strict=True))
