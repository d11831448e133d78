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
from datetime import date, tzinfo
from typing import Any

from envoy_mqtt.energy.amount import UNKNOWN, Amount
from envoy_mqtt.energy.keys import Energy
from envoy_mqtt.energy.since import Mark, marked, number, plausible, recalled
from envoy_mqtt.model import Instant
from envoy_mqtt.tariff.account import Account
from envoy_mqtt.tariff.calendar import Calendar
from envoy_mqtt.tariff.course import Side, columns
from envoy_mqtt.tariff.flow import Flow
from envoy_mqtt.tariff.period import Tariff
from envoy_mqtt.tariff.prices import Prices
from envoy_mqtt.tariff.statement import Statement, Value, tariff_keys

# What reading something else than our own memory raises.
FOREIGN = (ValueError, KeyError, TypeError, AttributeError, OverflowError)

# Two clocks that differ by more since the second before are not one clock's drift: one was set.
SET_S = 2.0

# Which side's periods and prices each account goes by.
ACCOUNTS = {"import": "import", "export": "export", "self": "import"}


class Book:
    """`layout` is a word that changes with where the energies come from, empty where there is no grid.

    `flow` is told of every reading (`Flow.read`), `changes` is how often another period, price or day began.
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
        self._payload_keys = [key for key in self.keys if key not in ("time", "timestamp")]
        self._sums: dict[str, Value] | None = None
        self._flow = Flow()
        self.flow = self._flow.read
        self._until = 0.0
        self.changes = 0
        try:
            self._open(memory or {})
        except FOREIGN:
            self._open({})

    def _open(self, memory: Mapping[str, Any]) -> None:
        self._kept = {key: dict(memory.get(key, {})) for key in ("accounts", "prices", "courses")}
        self._since = None if memory.get("since") is None else date.fromisoformat(memory["since"])
        self._mark: Mark | None = None if memory.get("mark") is None else recalled(memory["mark"])
        strange = memory.get("layout") != self._layout
        self._sides = dict(self._open_sides())
        self._prices = {name: side.prices for name, side in self._sides.items()}
        self._accounts = {
            name: self._account(name, self._sides[side], strange=strange)
            for name, side in ACCOUNTS.items()
            if side in self._sides
        }
        self._calendar = self._sides["import"].calendar
        self._statement = Statement(self.tariff, self._zone, self._calendar, self._accounts, self._prices)
        self._own_wh = 0.0
        if "self" in self._kept["accounts"] and not strange:
            self._own_wh = number(self._kept["accounts"]["self"]["wh"] or 0.0)

    def _open_sides(self) -> Iterator[tuple[str, Side]]:
        tariff, kept = self.tariff, self._kept
        for name, periods, discount in (
            ("import", tariff.imports, tariff.discount),
            ("export", tariff.exports, 0.0),
        ):
            if periods:
                calendar = Calendar(periods, self._zone, tariff.holiday)
                heard, told = kept["prices"].get(name), kept["courses"].get(name, ())
                yield name, Side(calendar, Prices(periods, discount, heard, told))

    def _account(self, name: str, side: Side, *, strange: bool) -> Account:
        kept = self._kept["accounts"].get(name)
        return Account(side.calendar, side.prices.of, kept, phases=self._phases, strange=strange)

    def hear(self, topic: str, payload: bytes, now: Instant) -> bool:
        """A message came on a price's topic; whether it was understood. What was costs as before."""
        self._arrive(now)
        self._until = 0.0
        return self.learn(topic, payload, now)

    def learn(self, topic: str, payload: bytes, at: Instant) -> bool:
        """The same before time begins."""
        understood = [prices.hear(topic, payload, at.unix) for prices in self._prices.values()]
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
        if self._sums is None:
            today = self._today(now)
            self._sums = dict(self._statement.sums(today, self._since or today))
        values = dict(self._statement.rates(live, now.unix)) | self._sums
        return {key: values[key] for key in self._payload_keys}

    def course(self, now: Instant) -> dict[str, object] | None:
        """Today's prices in columns, and their currency; `None` while the clock cannot be believed."""
        if not plausible(now.unix):
            return None
        return {**columns(self._sides, self._zone, now.unix), "currency": self.tariff.currency}

    @property
    def memory(self) -> dict[str, Any]:
        """What another process needs to go on, for JSON."""
        self._hand_over()
        own: dict[str, dict[str, Any]] = {
            "accounts": {name: account.memory for name, account in self._accounts.items()},
            "prices": {name: dict(prices.memory) for name, prices in self._prices.items()},
            "courses": {name: prices.course for name, prices in self._prices.items()},
        }
        return {
            "since": self._since and self._since.isoformat(),
            "mark": self._mark and self._mark.unix,
            "layout": self._layout,
            **{key: kept | own[key] for key, kept in self._kept.items()},
        }

    def _hand_over(self) -> None:
        """What flowed by the powers belongs to the present rate."""
        flowed, seconds = self._flow.hand_over()
        if seconds:
            for name, account in self._accounts.items():
                account.flow(flowed[name], seconds)

    def _own(self, made: Amount, exported: Amount) -> Amount:
        """What of the production stayed in the house; the two are not read at once, but it never falls."""
        if made.wh is None or exported.wh is None:
            return UNKNOWN
        self._own_wh = max(made.wh - exported.wh, self._own_wh)
        return Amount(self._own_wh, max(made.age_s, exported.age_s), made.source)

    def _today(self, now: Instant) -> date:
        return self._calendar.at(now.unix).day
