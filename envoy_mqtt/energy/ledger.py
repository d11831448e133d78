"""Energy one can trust: a site's lifetime energies and today's sums, in the contract's keys.

    /ivp/meters/readings ──count──┐
    the inverters' own ──report──┤  accounts (guarded counters,   ┌─ told: never less than before
    every reading ──────flow─────┘  integrals, exchanges) ── sums ─┤
                                                                  └─ days: what came since midnight

Everything is in Wh until it is told. Consumption and net energy are made of what is told of their parts, so
they agree with it; while a part is held consumption may have to wait for it, but nothing except `net_energy`
ever falls. `memory` is a small JSON object with which another process goes on as if it were this one.
"""

from collections.abc import Iterator, Mapping
from datetime import tzinfo
from math import isinf
from typing import Any

from envoy_mqtt.energy.accounts import Accounts
from envoy_mqtt.energy.amount import NOTHING, UNKNOWN, Amount, total
from envoy_mqtt.energy.day import Day, day_of
from envoy_mqtt.energy.keys import NET_ENERGY, Energy, energy_keys
from envoy_mqtt.energy.plan import Grid, Plan, plan
from envoy_mqtt.energy.since import number, plausible
from envoy_mqtt.model import Counted, Instant, Quantities, Site

Told = float | int | str | None

# What reading something else than our own memory raises.
FOREIGN = (ValueError, KeyError, TypeError, AttributeError, OverflowError)

# Layouts whose books are kept: a meter or a battery that is gone may come back.
KEPT_LAYOUTS = 4

# Below this a ratio of today's sums would say nothing (the contract, "Energy").
LEAST_WH = 10.0


class Ledger:
    """One gateway's energies. `interval_s` is how often its counters are meant to be read, `forgotten` is
    whether `memory` was not ours. `amounts` are the lifetime energies as they were told last, by key, and
    `layout` is a word for what they are made of.
    """

    def __init__(
        self,
        site: Site,
        *,
        zone: tzinfo,
        grid: Grid = "phases",
        interval_s: float = 60.0,
        memory: Mapping[str, Any] | None = None,
    ) -> None:
        self.keys = energy_keys(site)
        self._site, self._zone, self._interval_s = site, zone, interval_s
        self._plan: Plan = plan(site, grid)
        self.layout = " ".join((*(f"{kind}{n}" for kind, n in sorted(site.fitted.items())), grid))
        self._now = Instant(0.0, 0.0)
        self._date: object = None
        self.amounts: Mapping[str, Amount] = {}
        self.forgotten = False
        try:
            self._open(memory or {})
        except FOREIGN:
            self.forgotten = True
            self._open({})

    def _open(self, memory: Mapping[str, Any]) -> None:
        self._books = dict(memory.get("books", {}))
        book = self._books.pop(self.layout, {})
        self._told = {str(key): number(wh) for key, wh in book.get("told", {}).items()}
        days = book.get("days", {})
        self._days = {energy: Day(self._zone, days.get(energy)) for energy in self._plan.energies}
        self._accounts = Accounts(
            self._site, self._plan, layout=self.layout, interval_s=self._interval_s, memory=memory
        )

    @property
    def resets(self) -> int:
        """How often counters began again and were carried on."""
        return self._accounts.resets

    @property
    def held(self) -> tuple[str, ...]:
        """The accounts whose last reading is not believed, as `net_l1_delivered`."""
        return self._accounts.held

    def count(self, counted: Counted, now: Instant) -> None:
        """The gateway's counters were read."""
        self._now = now
        self._accounts.count(counted, now)

    def report(self, produced_wh: float, now: Instant) -> None:
        """The inverters' own lifetime energy was read."""
        self._now = now
        self._accounts.report(produced_wh, now)

    def flow(self, quantities: Quantities, taken: float, now: Instant) -> None:
        """A reading's powers, taken at `taken` on the steady clock."""
        self._now = now
        self._accounts.flow(quantities, taken, now)

    def tick(self, now: Instant) -> bool:
        """Whether a local day has begun since the last call: then `energy` is sent."""
        self._now = now
        before = self._date
        if plausible(now.unix):
            self._date = day_of(now.unix, self._zone)
        return before not in (None, self._date)

    def energies(self, now: Instant) -> dict[str, Told]:
        """Every key that this layout has, in kWh and %, `None` where nothing is known yet.

        What comes back counts as told and never falls after this: remember `memory` before you publish it.
        """
        self._now = now
        self.amounts = amounts = self._tell(now)
        values: dict[str, Told] = {key: _kwh(amount.wh) for key, amount in amounts.items()}
        for key, amount in amounts.items():
            values[f"{key}_source"] = None if amount.wh is None else str(amount.source)
        values |= self._today({energy: amounts[energy.key()] for energy in self._plan.energies}, now)
        values["resets"] = self.resets
        return {key: values[key] for key in self.keys}

    @property
    def memory(self) -> dict[str, Any]:
        """What another process needs to go on, for JSON."""
        days = {energy: day.memory(self._now) for energy, day in self._days.items()}
        others = dict(list(self._books.items())[1 - KEPT_LAYOUTS :])
        books = others | {self.layout: {"told": dict(self._told), "days": days}}
        return self._accounts.memory(self._now) | {"books": books}

    def _tell(self, now: Instant) -> dict[str, Amount]:
        """The amounts of all lifetime energies, by key, none less than before except net energy."""
        amounts: dict[str, Amount] = {}
        for key, terms in self._plan.made_of.items():
            parts = terms and [(sign, self._accounts.amount(name, now)) for sign, name in terms]
            amounts[key] = self._never_less(key, UNKNOWN if parts is None else total(parts or [(1, NOTHING)]))
        for key, terms in self._plan.derived.items():
            parts = [(sign, amounts[part]) for sign, part in terms]
            amounts[key] = self._never_less(key, total(parts, derived=True))
        if Energy.IMPORT in self._plan.energies:
            grid = [(1, amounts[Energy.IMPORT.key()]), (-1, amounts[Energy.EXPORT.key()])]
            amounts[NET_ENERGY] = total(grid, derived=True)
        self._accounts.seal()
        return amounts

    def _never_less(self, key: str, amount: Amount) -> Amount:
        told_wh = self._told.get(key)
        known = [wh for wh in (amount.wh, told_wh) if wh is not None]
        if not known:
            return amount
        self._told[key] = max(known)
        return amount._replace(wh=self._told[key])

    def _today(self, amounts: Mapping[Energy, Amount], now: Instant) -> Iterator[tuple[str, Told]]:
        sums = {energy: self._since_midnight(energy, amount, now) for energy, amount in amounts.items()}
        yield from ((f"{energy.key()}_today", _kwh(wh)) for energy, wh in sums.items())
        if Energy.IMPORT in sums:
            yield "self_sufficiency_today", _share(sums[Energy.IMPORT], sums[Energy.CONSUMPTION])
            yield "self_consumption_today", _share(sums[Energy.EXPORT], sums[Energy.PRODUCTION])

    def _since_midnight(self, energy: Energy, amount: Amount, now: Instant) -> float | None:
        if amount.wh is None:
            return None
        if not isinf(amount.age_s):
            self._days[energy].read(amount.wh, amount.age_s, now)
        return self._days[energy].sum_wh(amount.wh, now)


def _kwh(wh: float | None) -> float | None:
    """As it is published; adding 0.0 makes a `-0.0` a plain 0."""
    return None if wh is None else round(wh / 1000.0, 3) + 0.0


def _share(part_wh: float | None, whole_wh: float | None) -> float | None:
    """100 × (1 − part ÷ whole) in %, limited to 0…100; `None` while the whole is next to nothing."""
    if part_wh is None or whole_wh is None or whole_wh < LEAST_WH:
        return None
    return round(min(100.0, max(0.0, 100.0 * (1.0 - part_wh / whole_wh))), 3)
