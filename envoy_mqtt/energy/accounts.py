"""A site's accounts: every register of its meters, what it reports of itself, and its exchanges.

Counters and powers come in, amounts come out. What nothing is known of yet is `UNKNOWN`.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from envoy_mqtt.energy.amount import UNKNOWN, Amount, Source
from envoy_mqtt.energy.counter import PHASE_LIMIT_W, Verdict
from envoy_mqtt.energy.exchange import Exchange
from envoy_mqtt.energy.integral import Areas, Integral
from envoy_mqtt.energy.plan import BATTERY, DIRECTIONS, REPORTED, Leg, Link, Plan, Terms
from envoy_mqtt.energy.since import number
from envoy_mqtt.energy.tally import Tally
from envoy_mqtt.gateway.layout import whole_power
from envoy_mqtt.model import Counted, Instant, Kind, Quantities, Quantity, Site

# The quantity whose power is that of a meter.
POWER = {
    Kind.PRODUCTION: Quantity.PRODUCTION,
    Kind.NET: Quantity.NET,
    Kind.TOTAL: Quantity.CONSUMPTION,
    Kind.STORAGE: Quantity.STORAGE,
}


# What takes the energies of one step of a power, `None` where they cannot be told.
Take = Callable[[Areas | None, Instant], None]


class Probe(NamedTuple):
    """A power that is followed, and what becomes of its energies."""

    quantity: Quantity
    leg: Leg
    integral: Integral
    take: Take


class Accounts:
    """`resets` counts how often counters have begun again."""

    def __init__(self, site: Site, plan: Plan, *, layout: str, interval_s: float, memory: Mapping[str, Any]):
        self.resets = int(number(memory.get("resets", 0)))
        self._limit_w = PHASE_LIMIT_W * site.phases
        self._interval_s = interval_s
        self._kept = dict(memory.get("accounts", {}))  # those of other layouts too, should they come back
        self._plan = plan
        self._tallies = {name: self._tally(name, PHASE_LIMIT_W) for name in plan.registers}
        used = {name for terms in plan.made_of.values() for _, name in terms or ()}
        if REPORTED in used:
            self._tallies[REPORTED] = self._tally(REPORTED, self._limit_w, source=Source.REPORTED)
        for name in used & set(BATTERY):
            self._tallies[name] = self._tally(name, self._limit_w, uncounted=True)
        self._names = {link: f"{layout} {link.name}" for link in plan.links}
        self._exchanges = {link: Exchange(self._kept.get(self._names[link])) for link in plan.links}
        self._sides = {
            f"{link.name}_{direction}": (exchange, side)
            for link, exchange in self._exchanges.items()
            for side, direction in enumerate(DIRECTIONS)
        }
        self._probes = tuple(self._probed())

    @property
    def held(self) -> tuple[str, ...]:
        """The accounts whose last reading was not believed."""
        return tuple(name for name, tally in self._tallies.items() if tally.held)

    def count(self, counted: Counted, now: Instant) -> None:
        """The meters' registers were read."""
        blank = {kind for kind, registers in counted.items() if not any(map(any, registers))}
        verdicts = {}
        for name, (kind, n, direction) in self._plan.registers.items():
            registers = counted.get(kind, ())
            if n < len(registers):
                raw_wh = registers[n][direction]
                verdicts[name] = self._tallies[name].count(raw_wh, now, blank=kind in blank)
        self.resets += Verdict.RESET in verdicts.values()
        for link, exchange in self._exchanges.items():
            if link.difference:
                self._settle(link, exchange, [verdicts.get(name) for _, name in link.difference], now)

    def report(self, produced_wh: float, now: Instant) -> None:
        """The inverters' own lifetime energy was read; on a site with a production meter it is nothing."""
        if REPORTED in self._tallies:
            verdict = self._tallies[REPORTED].count(produced_wh, now, blank=produced_wh == 0.0)
            self.resets += verdict is Verdict.RESET

    def flow(self, quantities: Quantities, taken: float, now: Instant) -> None:
        """The powers were read at `taken`."""
        for probe in self._probes:
            probe.take(probe.integral.add(_power(quantities, probe), taken), now)

    def amount(self, name: str, now: Instant) -> Amount:
        """What is in an account."""
        if name in self._tallies:
            return self._tallies[name].amount(now)
        exchange, side = self._sides[name]
        gone_s = exchange.at and exchange.at.since_s(now)
        if exchange.at is None:
            return UNKNOWN
        wh = exchange.export_wh if side else exchange.import_wh
        return Amount(wh, UNKNOWN.age_s if gone_s is None else gone_s, Source.INTEGRATED)

    def seal(self) -> None:
        """The amounts are told."""
        for exchange in self._exchanges.values():
            exchange.seal()

    def memory(self, now: Instant) -> dict[str, Any]:
        """What another process needs to go on, for JSON."""
        tallies = {name: tally.memory(now) for name, tally in self._tallies.items()}
        exchanges = {self._names[link]: exchange.memory(now) for link, exchange in self._exchanges.items()}
        return {"resets": self.resets, "accounts": self._kept | tallies | exchanges}

    def _tally(
        self, name: str, limit_w: float, *, source: Source = Source.COUNTER, uncounted: bool = False
    ) -> Tally:
        memory = self._kept.get(name)
        return Tally(limit_w, self._interval_s, source=source, uncounted=uncounted, memory=memory)

    def _settle(self, link: Link, exchange: Exchange, verdicts: list[Verdict | None], now: Instant) -> None:
        if Verdict.RESET in verdicts:
            exchange.rebase()
        if None in verdicts or Verdict.HELD in verdicts:
            return
        if exchange.at is None:
            self._begin(link, exchange, now)
        exchange.settle(self._counted_wh(link.difference), now)

    def _begin(self, link: Link, exchange: Exchange, now: Instant) -> None:
        imported, exported = link.begins or ((), ())
        exchange.begin(self._counted_wh(imported), self._counted_wh(exported), now)

    def _counted_wh(self, terms: Terms) -> float:
        return sum(sign * (self._tallies[name].counted_wh or 0.0) for sign, name in terms)

    def _probed(self) -> Iterator[Probe]:
        """The powers of everything that can be counted, and of what cannot."""
        places = {(kind, n) for kind, n, _ in self._plan.registers.values()}
        for kind, n in sorted(places):
            pair = (self._register(kind, n, 0), self._register(kind, n, 1))
            yield Probe(POWER[kind], n, Integral(PHASE_LIMIT_W), _into(*pair))
        whole = {
            Quantity.PRODUCTION: (self._tallies.get(REPORTED), None),
            Quantity.STORAGE: (self._tallies.get(BATTERY[0]), self._tallies.get(BATTERY[1])),
        }
        for quantity, pair in whole.items():
            if any(pair):
                yield Probe(quantity, None, Integral(self._limit_w), _into(*pair))
        for link, exchange in self._exchanges.items():
            limit_w = self._limit_w if link.leg is None else PHASE_LIMIT_W
            yield Probe(Quantity.NET, link.leg, Integral(limit_w), self._along(link, exchange))

    def _register(self, kind: Kind, n: int, direction: int) -> Tally | None:
        places = self._plan.registers.items()
        return next((self._tallies[name] for name, place in places if place == (kind, n, direction)), None)

    def _along(self, link: Link, exchange: Exchange) -> Take:
        def take(areas: Areas | None, now: Instant) -> None:
            if exchange.at is None and link.begins is None:
                self._begin(link, exchange, now)
            if exchange.at is not None:
                exchange.miss(now) if areas is None else exchange.flow(*areas, now)

        return take


def _into(delivered: Tally | None, received: Tally | None) -> Take:
    def take(areas: Areas | None, _now: Instant) -> None:
        if areas is not None:
            if delivered is not None:
                delivered.flow(areas.delivered_wh)
            if received is not None:
                received.flow(areas.received_wh)

    return take


def _power(quantities: Quantities, probe: Probe) -> float | None:
    """The power of a leg; of the whole also where only that is known."""
    phases = quantities.phases[probe.quantity]
    if probe.leg is not None:
        return phases[probe.leg].power
    power = whole_power(phases)
    return quantities.wholes.get(probe.quantity) if power is None else power
