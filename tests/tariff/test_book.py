"""The book against sums by hand: a change of period, outages, clocks that are set, restarts, other prices."""

import json
from datetime import UTC, date, datetime
from math import inf
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envoy_mqtt.energy.amount import Amount, Source
from envoy_mqtt.model import Instant
from envoy_mqtt.tariff.book import Book
from envoy_mqtt.tariff.period import Period, Tariff, span
from envoy_mqtt.tariff.statement import tariff_keys

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = Period("night", 0.20, times=(span("22:00-06:00"),))
TARIFF = Tariff("EUR", (NIGHT, Period("day", 0.40)), (Period("sun", 0.08),), 0.5, 15)

# Saturday, 21 November 2026, in Berlin.
NOON = datetime(2026, 11, 21, 12, tzinfo=BERLIN).timestamp()
TEN = NOON + 10 * 3600.0
MIDNIGHT = NOON + 12 * 3600.0


class House:
    """A house whose import, export and production are told to a book, second by second or in leaps."""

    def __init__(self, unix: float = NOON, tariff: Tariff = TARIFF, zone: ZoneInfo = BERLIN) -> None:
        self.steady, self.unix = 1000.0, unix
        self.tariff, self.zone = tariff, zone
        self.wh = [5_000_000.0, 7_000_000.0, 9_000_000.0]
        self.book = self.opened(None)
        self.tick()
        self.settle()

    def opened(self, memory: Any) -> Book:
        return Book(self.tariff, self.zone, layout="net1 phases", memory=memory)

    @property
    def now(self) -> Instant:
        return Instant(self.steady, self.unix)

    def tick(self) -> bool:
        return self.book.tick(self.now)

    def pass_by(
        self, seconds: float, import_w: float = 0.0, export_w: float = 0.0, own_w: float = 0.0
    ) -> None:
        """So much time, of which the book hears powers and ticks every second."""
        self.flow(import_w, export_w, own_w)
        for _ in range(round(seconds)):
            self.leap(1.0, import_w, export_w, own_w)
            self.flow(import_w, export_w, own_w)
            self.tick()

    def leap(self, seconds: float, import_w: float = 0.0, export_w: float = 0.0, own_w: float = 0.0) -> None:
        """So much time, of which the book hears nothing."""
        self.steady, self.unix = self.steady + seconds, self.unix + seconds
        for n, watts in enumerate((import_w, export_w, own_w + export_w)):
            self.wh[n] += watts * seconds / 3600.0

    def flow(self, import_w: float | None, export_w: float | None, own_w: float | None) -> None:
        live = {"grid_import_power": import_w, "grid_export_power": export_w, "self_consumption_power": own_w}
        self.book.flow(live, self.steady)

    def settle(self, age_s: float = 0.0) -> None:
        """The counters are told."""
        keys = ("grid_import_energy", "grid_export_energy", "production_energy")
        amounts = [Amount(wh, age_s, Source.COUNTER) for wh in self.wh]
        self.book.settle(dict(zip(keys, amounts, strict=True)), self.now)

    def restart(self, seconds: float = 0.0, tariff: Tariff | None = None, **watts: float) -> None:
        """The process ends, and so much later there is another one with a steady clock of its own."""
        memory = json.loads(json.dumps(self.book.memory))
        self.leap(seconds, **watts)
        self.steady, self.tariff = 7.0, tariff or self.tariff
        self.book = self.opened(memory)
        self.tick()

    def told(self, *keys: str, **live: float) -> list[Any]:
        payload = self.book.payload(live, self.now)
        assert payload is not None
        return [payload[key] for key in keys]


ENERGIES = ("grid_import_energy_day", "grid_import_energy_night", "grid_import_energy_former")


def test_it_has_the_designs_keys_and_none_other() -> None:
    payload = House().book.payload({}, Instant(1000.0, NOON))
    assert payload is not None
    keys = tariff_keys(TARIFF, grid=True)
    assert ("time", "timestamp", *payload) == keys
    assert set(keys) == {
        *("time", "timestamp", "currency", "import_period", "export_period", "import_price", "export_price"),
        *("next_import_period", "next_change", "cost_per_hour", "daily_charge", "bill_started"),
        *("grid_import_energy_night", "grid_import_energy_day", "grid_import_energy_former"),
        *("grid_export_energy_sun", "grid_export_energy_former"),
        *("grid_import_energy_night_today", "grid_import_energy_day_today"),
        *(
            "grid_import_energy_former_today",
            "grid_export_energy_sun_today",
            "grid_export_energy_former_today",
        ),
        *("import_cost", "import_cost_today", "import_cost_bill"),
        *("export_revenue", "export_revenue_today", "export_revenue_bill"),
        *("saved_today", "estimated_energy"),
    }


def test_without_export_periods_there_are_no_export_keys() -> None:
    keys = tariff_keys(TARIFF._replace(exports=()), grid=True)
    assert not [key for key in keys if "export" in key]
    house = House(tariff=TARIFF._replace(exports=()))
    house.pass_by(60, export_w=6000.0)
    house.settle()
    assert house.told("cost_per_hour", grid_import_power=0.0, grid_export_power=6000.0) == [0.0]


def test_a_site_without_a_grid_has_prices_and_nothing_else() -> None:
    book = Book(TARIFF, BERLIN, layout="")
    now = Instant(1.0, NOON)
    assert book.tick(now)
    payload = book.payload({}, now)
    assert payload == {
        "currency": "EUR",
        "import_period": "day",
        "export_period": "sun",
        "import_price": 0.40,
        "export_price": 0.08,
        "next_import_period": "night",
        "next_change": "2026-11-21T22:00:00+01:00",
        "daily_charge": 0.5,
        "bill_started": "2026-11-21",
    }


def test_what_now_is() -> None:
    house = House()
    assert house.told("import_period", "import_price", "next_import_period", "next_change") == [
        *("day", 0.40, "night", "2026-11-21T22:00:00+01:00")
    ]
    assert house.told("cost_per_hour", grid_import_power=1500.0, grid_export_power=0.0) == [0.6]
    assert house.told("cost_per_hour", grid_import_power=0.0, grid_export_power=2000.0) == [-0.16]
    assert house.told("cost_per_hour") == [None]


def test_next_change_has_the_offset_of_its_own_time() -> None:
    house = House(datetime(2026, 10, 24, 23, tzinfo=BERLIN).timestamp())
    assert house.told("next_change") == ["2026-10-25T06:00:00+01:00"]


def test_periods_change_at_the_second() -> None:
    house = House(TEN - 2.0)
    changes = house.book.changes
    house.leap(1.999)
    assert not house.tick()
    assert house.told("import_period") == ["day"]
    house.leap(0.001)
    assert house.tick()
    assert house.told("import_period", "import_price") == ["night", 0.20]
    assert house.book.changes == changes + 1
    assert not house.tick()


def test_counters_read_at_the_change_tell_the_periods_apart() -> None:
    """Told a second after the change: 36 W·s are 0.01 Wh, of 3,600 W one second is 1 Wh."""
    house = House(TEN - 60.0)
    house.pass_by(61, import_w=3600.0)
    house.settle()
    assert house.told(*ENERGIES) == [0.06, 0.001, 0.0]


def test_a_rise_over_a_change_is_split_by_the_power_of_its_time() -> None:
    """The counters run 2 % ahead of the powers; 30 s at 7,200 W and 30 s at 2,400 W are three to one."""
    house = House(TEN - 30.0)
    house.pass_by(30, import_w=7200.0)
    house.pass_by(30, import_w=2400.0)
    house.wh[0] += 1.6
    house.settle()
    memory = house.book.memory["accounts"]["import"]["sheet"][0]
    assert memory == {"day": pytest.approx(61.2), "night": pytest.approx(20.4)}
    assert house.told("estimated_energy") == [0.0]


def test_while_the_bridge_was_down_time_decides_and_that_is_told() -> None:
    """From 20:00 to 2:00, two hours by day and four by night, 6 kWh; four hours of it are before midnight."""
    house = House(TEN - 7200.0)
    house.restart(6 * 3600.0, import_w=1000.0)
    house.settle()
    assert house.told(*ENERGIES, "estimated_energy") == [2.0, 4.0, 0.0, 6.0]
    assert house.told("import_cost", "import_cost_today") == [2 * 0.4 + 4 * 0.2, 2 * 0.2]
    assert house.told("grid_import_energy_night_today", "grid_import_energy_day_today") == [2.0, 0.0]


def test_an_outage_within_one_period_estimates_nothing() -> None:
    house = House()
    house.restart(3600.0, import_w=1000.0)
    house.settle()
    assert house.told(*ENERGIES, "estimated_energy") == [1.0, 0.0, 0.0, 0.0]


def test_money_by_hand() -> None:
    """1 kW at 0.40 for an hour, then for an hour 2 kW to the grid at 0.08 and 1 kW used that was made."""
    house = House()
    house.pass_by(3600, import_w=1000.0)
    house.pass_by(3600, export_w=2000.0, own_w=1000.0)
    house.settle()
    assert house.told("import_cost", "import_cost_today", "import_cost_bill") == [0.4, 0.4, 0.9]
    assert house.told("export_revenue", "export_revenue_today", "export_revenue_bill") == [0.16, 0.16, 0.16]
    assert house.told("saved_today") == [0.4]


def test_the_discount_is_off_import_prices_only() -> None:
    house = House(tariff=TARIFF._replace(discount=0.25))
    assert house.told("import_price", "export_price") == [0.30, 0.08]
    house.leap(3600, import_w=1000.0)
    house.tick()
    house.settle()
    assert house.told("import_cost", "import_cost_bill") == [0.3, 0.8]


def test_a_negative_price_lets_costs_fall() -> None:
    house = House(tariff=Tariff("EUR", (Period("flat", -0.1),)))
    house.leap(3600, import_w=1000.0)
    house.tick()
    house.settle()
    assert house.told("import_cost", "grid_import_energy_flat") == [-0.1, 1.0]


def test_todays_sums_begin_at_midnight_and_bills_on_their_day() -> None:
    house = House(datetime(2026, 12, 14, 22, tzinfo=BERLIN).timestamp())
    house.leap(3600, import_w=1000.0)
    house.tick()
    house.settle()
    assert house.told("import_cost_today", "import_cost_bill", "bill_started") == [0.2, 0.7, "2026-12-14"]
    house.leap(3600.0)
    house.tick()
    house.settle()
    assert house.told("import_cost_today", "import_cost_bill", "bill_started") == [0.0, 0.5, "2026-12-15"]
    assert house.told("import_cost", "grid_import_energy_night", "grid_import_energy_night_today") == [
        0.2,
        1.0,
        0,
    ]
    house.leap(86_400.0)
    house.tick()
    assert house.told("import_cost_bill") == [1.0]


def test_a_removed_period_keeps_its_sum_and_its_day() -> None:
    house = House()
    house.leap(3600, import_w=1000.0)
    house.tick()
    house.settle()
    house.restart(tariff=TARIFF._replace(imports=(Period("flat", 0.3),)))
    house.leap(3600, import_w=2000.0)
    house.tick()
    house.settle()
    former = "grid_import_energy_former"
    assert house.told("grid_import_energy_flat", former, f"{former}_today") == [2.0, 1.0, 1.0]
    assert house.told("import_cost") == [0.4 + 0.6]
    house.restart(tariff=TARIFF)
    assert house.told(*ENERGIES) == [1.0, 0.0, 2.0]


def test_another_price_changes_what_comes_and_not_what_was() -> None:
    house = House()
    house.leap(3600, import_w=1000.0)
    house.tick()
    house.settle()
    house.restart(tariff=TARIFF._replace(imports=(NIGHT, Period("day", 1.0))))
    assert house.told("import_cost") == [0.4]
    house.leap(3600, import_w=1000.0)
    house.tick()
    house.settle()
    assert house.told("import_cost", "grid_import_energy_day") == [1.4, 2.0]


def test_without_export_for_a_while_its_book_is_kept_and_goes_on() -> None:
    house = House()
    house.pass_by(60, export_w=6000.0)
    house.settle()
    house.restart(tariff=TARIFF._replace(exports=()))
    house.pass_by(60, export_w=6000.0)
    house.settle()
    house.restart(tariff=TARIFF)
    house.settle()
    assert house.told("grid_export_energy_sun") == [0.2]


HEARD = Tariff("EUR", (Period("now", price_topic="prices"),), (Period("sun", 0.08),), 0.5)


def test_until_a_price_came_money_is_unknown_and_energies_are_not() -> None:
    house = House(tariff=HEARD)
    house.leap(3600, import_w=1000.0)
    house.tick()
    house.settle()
    unknown = ("import_price", "import_cost", "import_cost_today", "import_cost_bill", "saved_today")
    assert house.told(*unknown) == [None] * 5
    assert house.told("grid_import_energy_now", "export_revenue") == [1.0, 0.0]
    assert house.told("cost_per_hour", grid_import_power=1.0, grid_export_power=0.0) == [None]


def test_a_price_costs_from_the_moment_that_it_came() -> None:
    house = House(tariff=HEARD)
    assert house.book.hear("prices", b"0.30", house.now)
    house.pass_by(60, import_w=6000.0)
    changes = house.book.changes
    assert house.book.hear("prices", b"0.60", house.now)
    house.pass_by(30, import_w=6000.0)
    assert house.book.changes == changes + 1
    house.settle()
    assert house.told("import_price", "import_cost", "import_cost_bill") == [0.60, 0.06, 0.56]
    house.restart()
    assert house.told("import_price", "import_cost") == [0.60, 0.06]


def test_what_is_no_price_changes_nothing() -> None:
    house = House(tariff=HEARD)
    house.book.hear("prices", b"0.30", house.now)
    assert not house.book.hear("prices", b"tomorrow", house.now)
    assert house.book.hear("other", b"tomorrow", house.now)
    house.tick()
    assert house.told("import_price") == [0.30]


def test_a_clock_set_ahead_moves_no_energy_and_one_set_back_counts_none_twice() -> None:
    """At 21:00 it is set to 23:00, half an hour later back to 21:31."""
    house = House(TEN - 3600.0)
    house.unix += 7200.0
    house.tick()
    assert house.told("import_period") == ["night"]
    house.pass_by(1800, import_w=2000.0)
    house.wh[0] += 100.0  # the counters run ahead of the powers
    house.settle()
    house.unix -= 7140.0
    house.tick()
    assert house.told("import_period") == ["day"]
    house.pass_by(1700, import_w=3600.0)
    house.settle()
    day, night = house.book.memory["accounts"]["import"]["sheet"][0].values()
    assert sorted((day, night)) == [pytest.approx(1100.0), pytest.approx(1700.0)]
    assert house.told(*ENERGIES) == [1.7, 1.1, 0.0]


def test_a_clock_that_cannot_be_believed_books_nothing_and_loses_nothing() -> None:
    """A machine without a clock chip comes up in 1970 in the evening and learns the time an hour later."""
    house = House(TEN - 3600.0)
    memory = json.loads(json.dumps(house.book.memory))
    house.leap(3600.0, import_w=1000.0)
    right = house.unix
    house.unix, house.book = 5.0, house.opened(memory)
    assert not house.tick()
    house.settle()
    assert house.book.payload({}, house.now) is None
    house.leap(3600.0, import_w=1000.0)
    house.unix = right + 3600.0
    house.tick()
    house.settle()
    assert house.told(*ENERGIES, "estimated_energy") == [1.0, 1.0, 0.0, 2.0]


def test_a_counter_that_was_held_is_booked_to_the_time_it_was_not_known() -> None:
    """Held from 21:58 to 22:02 with its last value repeated, at 6 kW and then at 2 kW."""
    house = House(TEN - 120.0)
    held = list(house.wh)
    for watts in (6000.0, 2000.0):
        house.pass_by(120, import_w=watts)
        true, house.wh = house.wh, held
        house.settle(age_s=house.unix - TEN + 120.0)
        house.wh = true
    house.settle()
    assert house.told(*ENERGIES) == [0.2, 0.067, 0.0]


def test_an_age_nobody_knows_forgets_nothing() -> None:
    house = House(TEN - 60.0)
    house.pass_by(120, import_w=6000.0)
    true, house.wh = house.wh, [5_000_000.0, 7_000_000.0, 9_000_000.0]
    house.settle(age_s=inf)
    house.wh = true
    house.settle()
    assert house.told(*ENERGIES) == [0.1, 0.1, 0.0]


def test_energies_of_another_layout_that_leap_are_no_energy() -> None:
    house = House()
    memory = json.loads(json.dumps(house.book.memory))
    house.leap(60.0)
    house.wh[0] += 3_000_000.0
    house.book = Book(TARIFF, BERLIN, layout="net1 balanced", memory=memory)
    house.tick()
    house.settle()
    assert house.told(*ENERGIES) == [0.0, 0.0, 0.0]
    house.leap(3600.0, import_w=1000.0)
    house.tick()
    house.settle()
    assert house.told(*ENERGIES) == [1.0, 0.0, 0.0]
    house.wh[0] += 500_000.0
    house.settle()
    assert house.told(*ENERGIES) == [501.0, 0.0, 0.0], "of this layout the ledger has the last word"


def test_an_unknown_production_leaves_the_grid_known() -> None:
    """As on a site whose inverters do not report."""
    house = House(TEN - 40.0)
    for watts in (7200.0, 3600.0):
        for _ in range(40):
            house.leap(1.0, watts)
            house.flow(watts, 0.0, None)
            house.tick()
    house.wh[0] += 6.0
    house.settle()
    assert house.told("estimated_energy", *ENERGIES) == [0.0, 0.084, 0.042, 0.0]


def test_powers_since_the_counters_were_read_survive_a_restart() -> None:
    house = House(TEN - 30.0)
    house.pass_by(30, import_w=7200.0)
    house.pass_by(20, import_w=3600.0)
    house.restart()
    house.settle()
    assert house.told(*ENERGIES) == [0.06, 0.02, 0.0]


@pytest.mark.parametrize("restarted", [False, True])
def test_what_was_saved_is_not_saved_twice_where_counters_are_not_read_together(restarted: bool) -> None:
    """Where the report of inverters comes minutes late, production − export falls and rises again."""
    house = House()
    house.pass_by(3600, export_w=2000.0, own_w=1000.0)
    house.settle()
    house.wh[1] += 500.0
    house.settle()
    if restarted:
        house.restart()
        house.settle()
    house.wh[2] += 500.0
    house.settle()
    assert house.told("saved_today") == [0.4]


@pytest.mark.parametrize(
    "memory", [{"accounts": 5}, {"since": "soon"}, {"accounts": {"import": {"sheet": [1]}}}, {"mark": "x"}]
)
def test_a_memory_that_is_not_ours_is_no_memory(memory: dict[str, Any]) -> None:
    book = Book(TARIFF, BERLIN, layout="net1 phases", memory=memory)
    now = Instant(1.0, NOON)
    book.tick(now)
    assert book.payload({}, now) is not None


# Properties

PERIODS = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 23), st.integers(0, 23)).filter(
        lambda it: it[1] != it[2]
    ),
    max_size=4,
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["pass", "leap", "restart", "settle", "set"]),
        st.integers(1, 100_000),
        st.floats(0.0, 20_000.0),
        st.floats(0.0, 20_000.0),
    ),
    min_size=1,
    max_size=25,
)


# Zones, and the days on which their clocks change in 2026; one of them by half an hour.
CHANGES = [
    *(("Europe/Berlin", 3, 29), ("Europe/Berlin", 10, 25), ("Australia/Sydney", 10, 4)),
    *(("Australia/Lord_Howe", 4, 5), ("America/St_Johns", 11, 1), ("Asia/Beirut", 3, 29), ("UTC", 1, 1)),
]


def tariff_with(hours: list[tuple[str, int, int]]) -> Tariff:
    periods = tuple(
        Period(name, 0.1 * ord(name), times=(span(f"{begin}:00-{end}:00"),)) for name, begin, end in hours
    )
    return Tariff("EUR", (*periods, Period("rest", 0.2)), (*periods, Period("rest", 0.1)))


@settings(max_examples=80, deadline=None)
@given(PERIODS, PERIODS, STEPS, st.sampled_from(["Europe/Berlin", "Australia/Lord_Howe", "Asia/Beirut"]))
def test_whatever_happens_the_periods_sum_to_the_rise_and_none_falls(
    one: list[tuple[str, int, int]], other: list[tuple[str, int, int]], steps: list[Any], name: str
) -> None:
    house = House(tariff=tariff_with(one), zone=ZoneInfo(name))
    began = list(house.wh)
    before: dict[tuple[str, str], float] = {}
    tariffs = [tariff_with(one), tariff_with(other)]
    for n, (what, seconds, import_w, export_w) in enumerate(steps):
        if what == "pass":
            house.pass_by(seconds % 90, import_w, export_w, 100.0)
        elif what == "leap":
            house.leap(float(seconds), import_w, export_w)
            house.tick()
        elif what == "restart":
            house.restart(float(seconds), tariffs[n % 2], import_w=import_w, export_w=export_w)
        elif what == "set":
            house.unix += seconds * (-1) ** n
            house.tick()
        house.settle()
        for place, side in ((0, "import"), (1, "export")):
            sheet = house.book.memory["accounts"][side]["sheet"]
            assert sum(sheet[0].values()) == pytest.approx(house.wh[place] - began[place], abs=1e-3)
            assert all(wh >= before.get((side, period), 0.0) - 1e-6 for period, wh in sheet[0].items())
            before |= {(side, period): wh for period, wh in sheet[0].items()}
        payload = house.book.payload({}, house.now)
        assert payload is not None
        assert ("time", "timestamp", *payload) == house.book.keys


@settings(max_examples=40, deadline=None)
@given(PERIODS, STEPS, st.integers(0, 24), st.sampled_from(CHANGES))
def test_a_restart_at_any_instant_changes_nothing(
    hours: list[tuple[str, int, int]], steps: list[Any], when: int, change: tuple[str, int, int]
) -> None:
    """One house whose process ends and begins again, one whose process does not: the same in the end. It is
    the day before the zone's clocks change.
    """
    name, month, day = change
    zone, tariff = ZoneInfo(name), tariff_with(hours)
    eve = datetime(2026, month, day, 12, tzinfo=zone).timestamp() - 86_400.0
    houses = [House(eve, tariff, zone), House(eve, tariff, zone)]
    for n, (_, seconds, import_w, export_w) in enumerate(steps):
        for house in houses:
            house.pass_by(seconds % 90, import_w, export_w, 100.0)
            house.leap(float(seconds % 40_000), import_w, export_w)
            house.tick()
            if n % 3:
                house.settle()
        if n == when % len(steps):
            houses[1].restart()
    for house in houses:
        house.settle()
    for side in ("import", "export", "self"):
        one, other = (house.book.memory["accounts"][side]["sheet"] for house in houses)
        assert one[0] == pytest.approx(other[0])
        assert one[2] == pytest.approx(other[2])
        assert one[3:] == pytest.approx(other[3:])


def test_the_first_day_is_remembered() -> None:
    house = House()
    assert house.book.memory["since"] == date(2026, 11, 21).isoformat()
    house.restart(10 * 86_400.0)
    assert house.told("bill_started", "import_cost_bill") == ["2026-11-21", 5.5]


def test_a_zone_may_be_without_rules() -> None:
    book = Book(TARIFF, UTC, layout="net1 phases")
    book.tick(Instant(1.0, NOON))
    payload = book.payload({}, Instant(1.0, NOON))
    assert payload is not None
    assert payload["next_change"] == "2026-11-21T22:00:00+00:00"
