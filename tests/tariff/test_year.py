"""A year of the three-period tariff in Sydney, outages included, against what the house really used when.

The other route is the house's true power in every step, put into a period by a table by the hour and
multiplied by its price. The bridge gets the counters every half hour and 1.3 s after each change of
period, and powers around the changes. Its process is killed, its gateway starts anew with zeros, and its
counters are cleared.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from envoy_mqtt.energy.day import midnight
from envoy_mqtt.model import Instant, Quantities, Register
from envoy_mqtt.simulator.house import House
from envoy_mqtt.summary import Summary, Sums
from tests.energy.sites import N, P, powers, site
from tests.tariff.ausgrid import BUYBACK, DAILY, PRICES, TARIFF, expected

SYDNEY = ZoneInfo("Australia/Sydney")
STEP_S = 1800.0
START, END = midnight(date(2026, 1, 1), SYDNEY), midnight(date(2027, 1, 1), SYDNEY)
LIVE = ("grid_import_power", "grid_export_power", "self_consumption_power", "production_power")
SUMS = Sums(energy_s=STEP_S, zone=SYDNEY, tariff=TARIFF)

WHATS = ["down"] * 24 + ["reboot"] * 4 + ["cleared"]

# When readings come around a change, in s from it; the counters are read 1.3 s after it.
AROUND = (-20.0, 0.0, 0.6, 1.3, 25.0)
CHANGES = (7, 14, 17, 20, 21, 22, 24)


def steps() -> Iterator[tuple[float, bool]]:
    """Every instant of the year at which something happens, and whether the counters are read then."""
    for n in range((date(2027, 1, 1) - date(2026, 1, 1)).days):
        day = date(2026, 1, 1) + timedelta(n)
        begin, end = midnight(day, SYDNEY), midnight(day + timedelta(1), SYDNEY)
        times = {begin + STEP_S * k: True for k in range(1, round((end - begin) / STEP_S) + 1)}
        for hour in CHANGES:
            at = datetime(day.year, day.month, day.day, hour % 24, tzinfo=SYDNEY).timestamp()
            at = end if hour == 24 else at
            times |= {at + offset: offset == 1.3 for offset in AROUND if at + offset <= END}
        yield from sorted(times.items())


class Year:
    """One house, its gateway's counters, and a bridge that follows them."""

    def __init__(self, seed: int) -> None:
        self.house, self.dice = House(seed), Random(seed)
        self.unix, self.booted = START, START - 5000.0
        self.power = self.powers(START)
        self.true = [0.0, 0.0, 0.0]  # made, imported, exported
        self.offset = [14_000_000.0, 9_000_000.0, 11_000_000.0]
        self.zeros_until = self.down_until = START
        self.used: dict[str, float] = defaultdict(float)
        self.sold = self.saved = 0.0
        self.daily: dict[date, float] = defaultdict(float)
        self.told: dict[str, Any] = {}
        self.energies: list[dict[str, Any]] = []
        self.summary = self.opened(None)
        self.trouble = sorted(self.dice.uniform(START + 86_400.0, END - 86_400.0 * 5) for _ in WHATS)
        self.whats = self.dice.sample(WHATS, len(WHATS))
        self.evenings: list[tuple[float, float]] = []

    def opened(self, memory: Any) -> Summary:
        return Summary(site(P, N), LIVE, SUMS, memory)

    @property
    def now(self) -> Instant:
        return Instant(self.unix - self.booted, self.unix)

    def run(self) -> None:
        self.hear(count=True)
        for at, count in steps():
            if at > self.unix:
                self.live_until(at)
                if at >= self.down_until:
                    self.hear(count=count)
                while self.trouble and at > self.trouble[0]:
                    self.happen(self.trouble.pop(0), self.whats.pop())

    def live_until(self, at: float) -> None:
        """What the house does until then, at the mean power of each step, in its true period."""
        seconds, middle = at - self.unix, (at + self.unix) / 2.0
        before, after = self.power, self.powers(at)
        made = (before[0] + after[0]) / 2.0
        bought, given = ((max(0.0, sign * before[1]) + max(0.0, sign * after[1])) / 2.0 for sign in (1, -1))
        period, hours = expected(datetime.fromtimestamp(middle, SYDNEY)), seconds / 3600.0
        imported, exported = bought * hours, given * hours
        own = made * hours - exported
        for place, wh in enumerate((made * hours, imported, exported)):
            self.true[place] += wh
        self.used[period] += imported
        self.daily[datetime.fromtimestamp(middle, SYDNEY).date()] += imported * PRICES[period] / 1000.0
        self.sold += exported * BUYBACK / 1000.0
        self.saved += own * PRICES[period] / 1000.0
        self.unix, self.power = at, after

    def powers(self, unix: float) -> tuple[float, float]:
        (phase,) = self.house.at(unix).phases
        made = max(0.0, phase.production_w)
        return made, phase.load_w - made

    def hear(self, *, count: bool) -> None:
        """The bridge gets a reading, the counters perhaps, and the second is over."""
        made, net = self.power
        live = dict(zip(LIVE, (max(0.0, net), max(0.0, -net), made - max(0.0, -net), made), strict=True))
        if self.unix >= self.zeros_until:
            quantities: Quantities = powers(production=made, net=net, consumption=made + net)
            self.summary.read(live, quantities, self.now.steady, self.now)
        if count:
            made_wh, in_wh, out_wh = (true + off for true, off in zip(self.true, self.offset, strict=True))
            if self.unix < self.zeros_until:
                made_wh = in_wh = out_wh = 0.0
            self.summary.count({P: (Register(made_wh, 0.0),), N: (Register(in_wh, out_wh),)}, self.now)
        for topic, payload in self.summary.topics(self.now, online=True):
            if topic == "tariff":
                self.compare(dict(payload))
            elif topic == "energy":
                self.energies[1:] = [dict(payload)]

    def compare(self, payload: dict[str, Any]) -> None:
        """Nothing falls but what begins anew, and every evening the day's cost is written down."""
        for key, value in payload.items():
            if "energy" in key and not key.endswith("_today"):
                assert value >= self.told.get(key, 0.0), key
        wall = datetime.fromtimestamp(self.unix, SYDNEY)
        if (wall.hour, wall.minute) == (23, 30):
            self.evenings.append((payload["import_cost_today"], self.daily[wall.date()]))
        self.told = payload

    def happen(self, at: float, what: str) -> None:
        """The process is killed and away for a while, or the gateway starts anew, or counts anew."""
        if what == "reboot":
            self.zeros_until = at + 400.0
        elif what == "cleared":
            self.offset = [-true for true in self.true]
        else:
            self.down_until = at + self.dice.uniform(10.0, 3600.0)
            self.booted = at - 3.0
            self.summary = self.opened(json.loads(json.dumps(self.summary.memory)))


def test_a_year_agrees_with_the_houses_true_power() -> None:
    year = Year(seed=1)
    year.run()
    told = year.told
    assert len(year.used) == 3
    for period, wh in year.used.items():
        assert told[f"grid_import_energy_{period}"] == pytest.approx(wh / 1000.0, rel=1e-3), period
    first, last = year.energies
    whole = sum(told[f"grid_import_energy_{period}"] for period in year.used)
    assert whole == pytest.approx(last["grid_import_energy"] - first["grid_import_energy"], abs=0.003)
    sold = last["grid_export_energy"] - first["grid_export_energy"]
    assert told["grid_export_energy_buyback"] == pytest.approx(sold, abs=0.001)
    assert told["grid_import_energy_former"] == told["grid_export_energy_former"] == 0.0
    assert told["import_cost"] == pytest.approx(sum(year.daily.values()), rel=1e-3)
    assert told["export_revenue"] == pytest.approx(year.sold, rel=1e-3)
    bill = [cost for day, cost in year.daily.items() if day >= date(2026, 12, 12)]
    assert told["import_cost_bill"] == pytest.approx(sum(bill) + DAILY * 21, rel=1e-3)
    assert told["bill_started"] == "2026-12-12"
    assert sum(abs(ours - true) for ours, true in year.evenings) <= 2e-3 * sum(year.daily.values())
    assert 0.0 < told["estimated_energy"] < 0.01 * whole
