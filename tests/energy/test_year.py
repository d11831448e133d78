"""A year of one house, and days of it second by second, against what the house really did.

The year goes by in steps of five minutes, and of one where something happens to the gateway; the days in
seconds, with readings held back and sent in bursts. The house is the simulator's, and a function of time.
"""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from envoy_mqtt.energy.day import midnight
from envoy_mqtt.energy.ledger import Ledger
from envoy_mqtt.gateway.pace import Pace
from envoy_mqtt.model import Counted, Instant, Phase, Quantities, Quantity, Register, Site
from envoy_mqtt.simulator.house import House
from tests.energy.sites import N, P, T, site

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE, HOUR, DAY_S = 60.0, 3600.0, 86400.0
STEP_S = 300.0
START = midnight(date(2025, 7, 1), BERLIN)
END = midnight(date(2026, 7, 1), BERLIN)

# What had been made, imported and exported before, in Wh.
BEGAN = (14_000_000.0, 9_000_000.0, 11_000_000.0)

LIFETIME = ("production_energy", "grid_import_energy", "grid_export_energy", "consumption_energy")


class Meters:
    """What the house has made and used, in Wh, and what its gateway shows of that."""

    def __init__(self, production: float, imported: float, exported: float) -> None:
        self.true = [production, imported, exported]
        self.offset = [0.0, 0.0, 0.0]
        self.zeros = False

    def pass_by(self, house: House, unix: float, seconds: float) -> None:
        """The house lived so many seconds until `unix`, at the power of the middle."""
        (phase,) = house.at(unix - seconds / 2.0).phases
        hours = seconds / HOUR
        net_w = phase.load_w - phase.production_w
        self.true[0] += max(0.0, phase.production_w) * hours
        self.true[1] += max(0.0, net_w) * hours
        self.true[2] += max(0.0, -net_w) * hours

    @property
    def shown(self) -> Counted:
        wh = (
            [0.0] * 3
            if self.zeros
            else [true + off for true, off in zip(self.true, self.offset, strict=True)]
        )
        return {P: (Register(wh[0], 0.0),), N: (Register(wh[1], wh[2]),)}

    @property
    def lifetime_wh(self) -> list[float]:
        """Made, imported, exported and used."""
        made, imported, exported = self.true
        return [made, imported, exported, made + imported - exported]


class Event(NamedTuple):
    """Something that happens; `hours` is how long the bridge is down with it."""

    at: float
    what: str
    hours: float = 0.0


DOWN_HOURS = (0.2, 0.5, 1.0, 2.0, 3.0, 7.0, 9.0, 11.0, 14.0, 20.0, 30.0, 55.0, 80.0)


def events(dice: Random) -> list[Event]:
    """Three reboots with zeros, counters cleared, one that steps back by 1.19 MWh, outages of the bridge."""
    whats = ["reboot"] * 3 + ["cleared", "stepped back"] + ["down"] * len(DOWN_HOURS)
    hours = [0.0] * 5 + list(DOWN_HOURS)
    days = dice.sample(range(4, 360, 5), len(whats))
    times = [START + day * DAY_S + dice.uniform(0.0, DAY_S) for day in days]
    return sorted(map(Event, times, whats, hours))


class Year:
    """Lives a year, and holds every message against the one before and every evening against the day."""

    def __init__(self, seed: int) -> None:
        self.house = House(seed)
        self.events = events(Random(seed))
        self.meters = Meters(*BEGAN)
        self.unix, self.booted = START, START - 500.0
        self.ledger = self.started(None)
        self.values: dict[str, Any] = {}
        self.at_midnight = self.meters.lifetime_wh
        self.evenings: list[tuple[float, list[float], list[float]]] = []

    def run(self) -> None:
        """From the first midnight to the last."""
        coming = iter([*self.events, Event(END, "end")])
        event = next(coming)
        for first in range((date(2026, 7, 1) - date(2025, 7, 1)).days):
            end = midnight(date(2025, 7, 1) + timedelta(first + 1), BERLIN)
            while self.unix < end - 0.5:
                if self.unix >= event.at:
                    self.happens(event)
                    event = next(coming)
                else:
                    self.step(min(STEP_S, end - self.unix))
                    self.evening(end)
            self.at_midnight = self.meters.lifetime_wh

    def step(self, seconds: float, *, heard: bool = True) -> None:
        self.unix += seconds
        self.meters.pass_by(self.house, self.unix, seconds)
        if heard:
            now = Instant(self.unix - self.booted, self.unix)
            self.ledger.count(self.meters.shown, now)
            before, self.values = self.values, self.ledger.energies(now)
            for key in LIFETIME:
                assert before.get(key, 0.0) <= self.values[key], (key, self.unix)

    def evening(self, end: float) -> None:
        """The last message of a day holds the day's sums."""
        if STEP_S / 2 < end - self.unix < 1.5 * STEP_S:
            day = [now - then for now, then in zip(self.meters.lifetime_wh, self.at_midnight, strict=True)]
            self.evenings.append((end, day, [1000.0 * self.values[f"{key}_today"] for key in LIFETIME]))

    def happens(self, event: Event) -> None:
        if event.what == "reboot":
            self.reboot()
        elif event.what == "cleared":
            self.meters.offset = [-true for true in self.meters.true]
        elif event.what == "stepped back":
            self.meters.offset[0] -= 1_190_000.0
        else:
            self.down(event.hours)
        for _ in range(25):
            self.step(MINUTE)

    def reboot(self) -> None:
        """Away for two minutes, zeros for six."""
        self.step(2 * MINUTE, heard=False)
        self.meters.zeros = True
        for _ in range(6):
            self.step(MINUTE)
        self.meters.zeros = False

    def down(self, hours: float) -> None:
        """Killed, and started from what was saved with the last message, on a machine that was off too."""
        kept = json.dumps(self.ledger.memory)
        for _ in range(round(hours * HOUR / STEP_S)):
            self.step(STEP_S, heard=False)
        self.booted = self.unix - 40.0
        self.ledger = self.started(json.loads(kept))

    def started(self, memory: Any) -> Ledger:
        return Ledger(site(P, N), zone=BERLIN, interval_s=STEP_S, memory=memory)


@pytest.fixture(scope="module")
def year() -> Year:
    lived = Year(seed=7)
    lived.run()
    return lived


def test_over_a_year_of_trouble_a_thousandth_is_not_lost(year: Year) -> None:
    """That nothing told ever stepped back was asserted message by message."""
    for key, then, true in zip(LIFETIME, Meters(*BEGAN).lifetime_wh, year.meters.lifetime_wh, strict=True):
        assert 1000.0 * year.values[key] - then == pytest.approx(true - then, rel=1e-3), key
    assert year.values["resets"] == 2


def test_the_sums_of_quiet_days_are_right_on_both_days_of_a_clock_change_too(year: Year) -> None:
    quiet = [
        evening
        for evening in year.evenings
        if not any(event.at < evening[0] < event.at + 5.0 * DAY_S for event in year.events)
    ][1:]  # of the first day the first step was not seen
    for end, day, shown in quiet:
        assert shown == pytest.approx(day, abs=1.01), end
    changes = {midnight(date(2025, 10, 27), BERLIN), midnight(date(2026, 3, 30), BERLIN)}
    assert changes <= {end for end, _, _ in quiet}
    assert len(quiet) > 200


# Second by second


class Seconds:
    """A day of a house at one reading a second, each held back for some seconds now and then."""

    def __init__(self, layout: Site, house: House, day: date, **options: Any) -> None:
        self.house, self.layout = house, layout
        self.start = midnight(day, BERLIN)
        self.ledger = Ledger(layout, zone=BERLIN, **options)
        self.registers = {kind: [[5e6, 5e6] for _ in range(layout.phases)] for kind in layout.metered}
        self.imported = self.exported = self.missed = 0.0  # in truth, of the sum of the phases

    def run(self, dice: Random, gaps: Iterator[tuple[float, float]]) -> dict[str, Any]:
        """What is told at the end; in the gaps, in hours of the day, nothing comes of powers."""
        holes = [(self.start + HOUR * begin, self.start + HOUR * end) for begin, end in gaps]
        pace, held, until = Pace(), list[tuple[float, Quantities]](), self.start
        pace.open(self.start)
        for second in range(round(DAY_S)):
            unix = self.start + second
            self.live(unix - 0.5, hole=any(begin <= unix < end for begin, end in holes))
            if not any(begin <= unix < end for begin, end in holes):
                held.append((unix, self.powers(unix)))
            if unix >= until:
                for _, quantities in held:
                    self.ledger.flow(quantities, pace.stamp(unix), Instant(unix, unix))
                held.clear()
                until = unix + dice.choice([0.0] * 20 + [3.0, 8.0, 13.0])
            if second % 60 == 30:
                self.ledger.count(self.counted(), Instant(unix, unix))
                values = self.ledger.energies(Instant(unix, unix))
        return values

    def live(self, unix: float, *, hole: bool) -> None:
        """A second about this moment."""
        whole_w = 0.0
        for n, phase in enumerate(self.house.at(unix).phases):
            net_w = phase.load_w - phase.production_w
            whole_w += net_w
            for kind, watts in ((P, phase.production_w), (N, net_w), (T, phase.load_w)):
                if kind in self.registers:
                    self.registers[kind][n][watts < 0.0] += abs(watts) / HOUR
        self.imported += max(0.0, whole_w) / HOUR
        self.exported += max(0.0, -whole_w) / HOUR
        self.missed += abs(whole_w) / HOUR * hole

    def powers(self, unix: float) -> Quantities:
        phases = self.house.at(unix).phases
        made = tuple(Phase(power=phase.production_w) for phase in phases)
        net = tuple(Phase(power=phase.load_w - phase.production_w) for phase in phases)
        used = tuple(Phase(power=phase.load_w) for phase in phases)
        return Quantities({Quantity.PRODUCTION: made, Quantity.NET: net, Quantity.CONSUMPTION: used})

    def counted(self) -> Counted:
        return {kind: tuple(Register(*wh) for wh in phases) for kind, phases in self.registers.items()}


JUNE, OCTOBER = date(2026, 6, 10), date(2026, 10, 4)
GAPS = [(3.0, 3.1), (9.5, 9.6), (12.2, 12.3), (19.0, 19.2)]


@pytest.mark.parametrize(
    ("layout", "house", "day", "grid", "gaps"),
    [
        (site(P, T), House(3), JUNE, "phases", GAPS),
        (site(P, T), House(4), OCTOBER, "phases", []),
        (site(P, N, phases=3), House(5, phase_count=3), JUNE, "balanced", []),
    ],
    ids=["production and total, with gaps", "production and total", "three phases, balanced"],
)
def test_integrated_import_and_export_are_true_to_half_a_percent(
    layout: Site, house: House, day: date, grid: str, gaps: list[tuple[float, float]]
) -> None:
    """And what fell into gaps of more than 30 s."""
    lived = Seconds(layout, house, day, grid=grid)
    values = lived.run(Random(11), iter(gaps))
    begun = 15_000_000.0 if grid == "balanced" else 0.0  # three registers of 5 MWh
    for key, true in (("grid_import_energy", lived.imported), ("grid_export_energy", lived.exported)):
        shown = 1000.0 * values[key] - begun
        assert abs(shown - true) < 0.005 * true + lived.missed, key
        assert values[f"{key}_source"] == "integrated"
