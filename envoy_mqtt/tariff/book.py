"""The topic `tariff`: which period it is, what that costs, and what day and bill have come to. Pure.

    every whole second ──tick──┐                  ┌─ import: energies and cost by period
    every reading ──────flow───┤  the time since  │
    a price's topic ────hear───┤  energies were ──┼─ export: energies and revenue by period
    told energies ─────settle──┘  known, by rate  └─ self-consumed: what it would have cost

Periods go by the clock on the wall, durations by the steady one: a clock that is set changes what comes and
nothing that was. A clock that cannot be believed books nothing; the time until it can is made up for by the
calendar, as the time between two processes is. `memory` is a small JSON object with which another process
goes on; nothing told of it ever falls.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, tzinfo
from math import inf
from typing import Any

from envoy_mqtt.energy.amount import UNKNOWN, Amount
from envoy_mqtt.energy.integral import MAX_GAP_S
from envoy_mqtt.energy.keys import Energy
from envoy_mqtt.energy.since import Mark, marked, number, plausible, recalled
from envoy_mqtt.model import Instant
from envoy_mqtt.tariff.account import Account
from envoy_mqtt.tariff.bill import begun, started
from envoy_mqtt.tariff.calendar import Calendar
from envoy_mqtt.tariff.period import Period, Tariff, names
from envoy_mqtt.tariff.prices import Prices

Value = float | int | str | None

# What reading something else than our own memory raises.
FOREIGN = (ValueError, KeyError, TypeError, AttributeError, OverflowError)

# Two clocks that differ by more since the second before are not one clock's drift: one was set.
SET_S = 2.0

GRID = {"import": "grid_import_energy", "export": "grid_export_energy"}
MONEY = {"import": "import_cost", "export": "export_revenue"}


def tariff_keys(tariff: Tariff, *, grid: bool) -> tuple[str, ...]:
    """The keys of the topic, in its order; `grid` is whether the site's net is known at all."""
    sides = ("import", "export") if tariff.exports else ("import",)
    now = [f"{side}_{what}" for what in ("period", "price") for side in sides]
    head = ("time", "timestamp", "currency", *now, "next_import_period", "next_change")
    tail = ("daily_charge", "bill_started")
    if not grid:
        return head + tail
    energies = [energy_key(side, name) for side in sides for name in (*_names(tariff, side), "former")]
    today = [f"{key}_today" for key in energies]
    money = [f"{MONEY[side]}{upto}" for side in sides for upto in ("", "_today", "_bill")]
    return (*head, "cost_per_hour", *energies, *today, *money, "saved_today", "estimated_energy", *tail)


def energy_key(side: str, name: str) -> str:
    """`grid_import_energy_peak`."""
    return f"{GRID[side]}_{name}"


def _names(tariff: Tariff, side: str) -> tuple[str, ...]:
    return names(tariff.imports if side == "import" else tariff.exports)


class Book:
    """`layout` is a word that changes with where the energies come from, empty where there is no grid.

    `counts` is whether there is one, and `changes` how often another period, price or day began.
    """

    def __init__(
        self,
        tariff: Tariff,
        zone: tzinfo,
        *,
        layout: str,
        phases: int = 1,
        memory: Mapping[str, Any] | None = None,
    ) -> None:
        self.tariff, self._zone, self._layout, self._phases = tariff, zone, layout, phases
        self.keys = tariff_keys(tariff, grid=bool(layout))
        self._taken = -inf
        self._payload_keys = [key for key in self.keys if key not in ("time", "timestamp")]
        self._sums: dict[str, Value] | None = None
        self._until = 0.0
        self._begin()
        self.counts, self.changes = bool(layout), 0
        try:
            self._open(memory or {})
        except FOREIGN:
            self._open({})

    def _open(self, memory: Mapping[str, Any]) -> None:
        tariff, heard, kept = self.tariff, memory.get("prices", {}), memory.get("accounts", {})
        self._since = None if memory.get("since") is None else date.fromisoformat(memory["since"])
        self._mark: Mark | None = None if memory.get("mark") is None else recalled(memory["mark"])
        strange = memory.get("layout") != self._layout
        lists: dict[str, tuple[Period, ...]] = {"import": tariff.imports, "export": tariff.exports}
        discounts = {"import": tariff.discount, "export": 0.0}
        self._kept = dict(kept)
        self._heard = dict(heard)
        self._accounts: dict[str, Account] = {}
        self._prices = {
            side: Prices(periods, discounts[side], heard.get(side)) for side, periods in lists.items()
        }
        for name, side in (("import", "import"), ("export", "export"), ("self", "import")):
            if lists[side]:
                calendar = Calendar(lists[side], self._zone, tariff.holiday)
                self._accounts[name] = Account(
                    calendar, self._prices[side].of, kept.get(name), phases=self._phases, strange=strange
                )
        self._calendar = Calendar(tariff.imports, self._zone, tariff.holiday)
        self._own_wh = 0.0
        if "self" in kept and not strange:
            self._own_wh = number(kept["self"]["wh"] or 0.0)

    def hear(self, topic: str, payload: bytes, now: Instant) -> bool:
        """A message came on a price's topic; whether it was understood. What was costs as before."""
        self._arrive(now)
        self._until = 0.0
        return self.learn(topic, payload)

    def learn(self, topic: str, payload: bytes) -> bool:
        """The same before time begins."""
        understood = [prices.hear(topic, payload) for prices in self._prices.values()]
        return all(understood)

    def tick(self, now: Instant) -> bool:
        """Time has passed; whether a period, a price or the day is another."""
        mark = self._mark
        if mark is not None and mark.steady is not None and mark.unix is not None:
            gone_s = now.unix - mark.unix
            if gone_s >= 0.0 and now.unix < self._until and abs(gone_s - now.steady + mark.steady) <= SET_S:
                return False  # as almost always
        return self._arrive(now)

    def _arrive(self, now: Instant) -> bool:
        if not plausible(now.unix):
            return False
        before, self._mark = self._mark, marked(now)
        self._sums = None
        self._hand_over()
        gone_s = None if before is None or before.steady is None else now.steady - before.steady
        begin = now.unix if before is None or before.unix is None else before.unix
        changed = False
        for account in self._accounts.values():
            if gone_s is None or abs(now.unix - begin - gone_s) <= SET_S:
                account.pass_by(begin, now.unix)
            else:
                account.jump(gone_s)
            changed |= account.arrive(now.unix)
        self._until = min(account.until for account in self._accounts.values())
        self._since = self._since or self._today(now)
        self.changes += changed
        return changed

    def flow(self, live: Mapping[str, Any], taken: float) -> None:
        """A reading, taken at `taken` on the steady clock; `live` is as it is published."""
        seconds, self._taken = taken - self._taken, taken
        if 0.0 < seconds <= MAX_GAP_S:
            try:
                self._flowed_import += live["grid_import_power"] * seconds
                self._flowed_export += live["grid_export_power"] * seconds
                self._flowed_own += (live["self_consumption_power"] or 0.0) * seconds
                self._flowed_s += seconds
            except TypeError:  # the net is not known
                return

    def settle(self, energies: Mapping[str, Amount], now: Instant) -> None:
        """The lifetime energies were told."""
        self._arrive(now)
        imported, exported, made = (
            energies.get(energy.key(), UNKNOWN)
            for energy in (Energy.IMPORT, Energy.EXPORT, Energy.PRODUCTION)
        )
        if plausible(now.unix):
            told = {"import": imported, "export": exported, "self": self._own(made, exported)}
            for name, account in self._accounts.items():
                account.settle(told[name])

    def payload(self, live: Mapping[str, Any], now: Instant) -> dict[str, Value] | None:
        """The topic, but for its time; `live` gives the power, where it is fresh. `None` while the clock
        cannot be believed.
        """
        if self._mark is None or not plausible(now.unix):
            return None
        values = dict(self._rates(now))
        values["cost_per_hour"] = self._cost_per_hour(live)
        if self._sums is None:
            self._sums = dict(self._energies(now)) | dict(self._money(now))
        values |= self._sums
        return {key: values[key] for key in self._payload_keys}

    @property
    def memory(self) -> dict[str, Any]:
        """What another process needs to go on, for JSON."""
        self._hand_over()
        accounts = {name: account.memory for name, account in self._accounts.items()}
        prices = {side: dict(prices.memory) for side, prices in self._prices.items()}
        return {
            "since": self._since and self._since.isoformat(),
            "mark": self._mark and self._mark.unix,
            "layout": self._layout,
            "accounts": self._kept | accounts,
            "prices": self._heard | prices,
        }

    def _begin(self) -> None:
        self._flowed_import = self._flowed_export = self._flowed_own = self._flowed_s = 0.0

    def _hand_over(self) -> None:
        """What flowed by the powers, which are told in W and s, belongs to the present rate."""
        flowed = {"import": self._flowed_import, "export": self._flowed_export, "self": self._flowed_own}
        for name, account in self._accounts.items():
            if self._flowed_s:
                account.flow(flowed[name] / 3600.0, self._flowed_s)
        self._begin()

    def _own(self, made: Amount, exported: Amount) -> Amount:
        """What of the production stayed in the house; the two are not read at once, but it never falls."""
        if made.wh is None or exported.wh is None:
            return UNKNOWN
        self._own_wh = max(made.wh - exported.wh, self._own_wh)
        return Amount(self._own_wh, max(made.age_s, exported.age_s), made.source)

    def _today(self, now: Instant) -> date:
        return self._calendar.at(now.unix).day

    def _rates(self, now: Instant) -> Iterator[tuple[str, Value]]:
        coming = self._calendar.next(now.unix)
        yield "currency", self.tariff.currency
        for side in GRID:
            if side in self._accounts:
                yield f"{side}_period", self._accounts[side].rate.name
                yield f"{side}_price", self._accounts[side].rate.price
        yield "next_import_period", coming and coming.name
        yield "next_change", coming and datetime.fromtimestamp(coming.begin, self._zone).isoformat()

    def _cost_per_hour(self, live: Mapping[str, Any]) -> float | None:
        cost = 0.0
        for side, sign in (("import", 1), ("export", -1)):
            if side in self._accounts:
                power, price = live.get(f"grid_{side}_power"), self._accounts[side].rate.price
                if power is None or price is None:
                    return None
                cost += sign * power * price / 1000.0
        return _money(cost)

    def _energies(self, now: Instant) -> Iterator[tuple[str, Value]]:
        for side in GRID.keys() & self._accounts.keys():
            sheet, named = self._accounts[side].sheet, _names(self.tariff, side)
            for day, suffix in ((None, ""), (self._today(now), "_today")):
                for name in named:
                    yield energy_key(side, name) + suffix, _kwh(sheet.energy_wh(name, day))
                yield energy_key(side, "former") + suffix, _kwh(sheet.former_wh(named, day))
        yield "estimated_energy", _kwh(sum(self._accounts[side].sheet.estimated_wh for side in self._sides))

    @property
    def _sides(self) -> list[str]:
        return [side for side in GRID if side in self._accounts]

    def _money(self, now: Instant) -> Iterator[tuple[str, Value]]:
        today = self._today(now)
        bill = started(today, self.tariff.billing_day, self._since or today)
        charges = {"import": self.tariff.daily_charge * begun(bill, today), "export": 0.0}
        for side in self._sides:
            sheet, known = self._accounts[side].sheet, self._prices[side].complete
            of_bill = sheet.money_between(bill, today) + charges[side]
            for upto, money in (
                ("", sheet.money),
                ("_today", sheet.money_between(today, today)),
                ("_bill", of_bill),
            ):
                yield MONEY[side] + upto, _money(money) if known else None
        saved = self._accounts["self"].sheet.money_between(today, today)
        yield "saved_today", _money(saved) if self._prices["import"].complete else None
        yield "daily_charge", self.tariff.daily_charge
        yield "bill_started", bill.isoformat()


def _kwh(wh: float) -> float:
    return round(wh / 1000.0, 3) + 0.0


def _money(amount: float) -> float:
    """As it is published; adding 0.0 makes a `-0.0` a plain 0."""
    return round(amount, 4) + 0.0
