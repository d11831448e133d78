"""What the topic `tariff` says: its keys, and their values out of accounts and prices. Pure.

Energies are kWh to 1 Wh, money has four decimals; both are rounded here and nowhere before.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, tzinfo
from typing import Any

from envoy_mqtt.tariff.account import Account
from envoy_mqtt.tariff.bill import begun, started
from envoy_mqtt.tariff.calendar import Calendar
from envoy_mqtt.tariff.period import Tariff, names
from envoy_mqtt.tariff.prices import Prices

Value = float | int | str | None

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


class Statement:
    """Of one tariff; `calendar` is that of its import, `accounts` and `prices` are by direction."""

    def __init__(
        self,
        tariff: Tariff,
        zone: tzinfo,
        calendar: Calendar,
        accounts: Mapping[str, Account],
        prices: Mapping[str, Prices],
    ) -> None:
        self._tariff, self._zone, self._calendar = tariff, zone, calendar
        self._accounts, self._prices = accounts, prices
        self._sides = [side for side in GRID if side in accounts]

    def rates(self, live: Mapping[str, Any], unix: float) -> Iterator[tuple[str, Value]]:
        """What now is and what comes; `live` gives the power, where it is fresh."""
        coming = self._calendar.next(unix)
        yield "currency", self._tariff.currency
        for side in self._sides:
            yield f"{side}_period", self._accounts[side].rate.name
            yield f"{side}_price", self._accounts[side].rate.price
        yield "next_import_period", coming and coming.name
        yield "next_change", coming and datetime.fromtimestamp(coming.begin, self._zone).isoformat()
        yield "cost_per_hour", self._cost_per_hour(live)

    def sums(self, today: date, since: date) -> Iterator[tuple[str, Value]]:
        """What all, the day and the bill have come to; `since` is the tariff's first day."""
        yield from self._energies(today)
        yield from self._money(today, started(today, self._tariff.billing_day, since))

    def _cost_per_hour(self, live: Mapping[str, Any]) -> float | None:
        cost = 0.0
        for side, sign in (("import", 1), ("export", -1)):
            if side in self._accounts:
                power, price = live.get(f"grid_{side}_power"), self._accounts[side].rate.price
                if power is None or price is None:
                    return None
                cost += sign * power * price / 1000.0
        return _money(cost)

    def _energies(self, today: date) -> Iterator[tuple[str, Value]]:
        for side in self._sides:
            sheet, named = self._accounts[side].sheet, _names(self._tariff, side)
            for day, suffix in ((None, ""), (today, "_today")):
                for name in named:
                    yield energy_key(side, name) + suffix, _kwh(sheet.energy_wh(name, day))
                yield energy_key(side, "former") + suffix, _kwh(sheet.former_wh(named, day))
        yield "estimated_energy", _kwh(sum(self._accounts[side].sheet.estimated_wh for side in self._sides))

    def _money(self, today: date, bill: date) -> Iterator[tuple[str, Value]]:
        charge = self._tariff.daily_charge
        charges = {"import": charge * begun(bill, today), "export": 0.0}
        for side in self._sides:
            sheet, known = self._accounts[side].sheet, self._prices[side].complete
            of_day, of_bill = sheet.money_between(today, today), sheet.money_between(bill, today)
            told = {"": sheet.money, "_today": of_day, "_bill": of_bill + charges[side]}
            yield from ((MONEY[side] + upto, _money(it) if known else None) for upto, it in told.items())
        saved = self._accounts["self"].sheet.money_between(today, today)
        yield "saved_today", _money(saved) if self._prices["import"].complete else None
        yield "daily_charge", charge
        yield "bill_started", bill.isoformat()


def _names(tariff: Tariff, side: str) -> tuple[str, ...]:
    return names(tariff.imports if side == "import" else tariff.exports)


def _kwh(wh: float) -> float:
    return round(wh / 1000.0, 3) + 0.0


def _money(amount: float) -> float:
    """As it is published; adding 0.0 makes a `-0.0` a plain 0."""
    return round(amount, 4) + 0.0
