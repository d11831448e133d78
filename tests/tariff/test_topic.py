"""When `tariff` is said, and that the counters are wanted and told at a change of period."""

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from envoy_mqtt.model import Counted, Instant, Register
from envoy_mqtt.summary import Summary, Sums
from envoy_mqtt.tariff.period import Period, Tariff, span
from tests.energy.sites import N, P, powers, site

BERLIN = ZoneInfo("Europe/Berlin")
TARIFF = Tariff(
    "EUR", (Period("night", 0.2, times=(span("22:00-06:00"),)), Period("day", price_topic="prices")), (), 1.0
)
HEARD = {"prices": (b"0.5", Instant(1.0, 1_795_000_000.0))}
TEN = datetime(2026, 11, 21, 22, tzinfo=BERLIN).timestamp()
LIVE = ("production_power", "grid_import_power", "grid_export_power", "self_consumption_power")


class Second:
    """A bridge's seconds around ten in the evening: what is said in each."""

    def __init__(self, began: float, tariff: Tariff | None = TARIFF, memory: Any = None) -> None:
        self.unix, self.wh = TEN + began, 1000.0
        self.summary = Summary(site(P, N), LIVE, Sums(zone=BERLIN, tariff=tariff), memory, HEARD)

    @property
    def now(self) -> Instant:
        return Instant(self.unix - TEN + 10_000.0, self.unix)

    def go(self, seconds: int = 1, watts: float = 3600.0) -> list[tuple[float, str, dict[str, Any]]]:
        """What is said in each of the next seconds, with when, from ten o'clock."""
        said = []
        for _ in range(seconds):
            self.unix += 1.0
            self.wh += watts / 3600.0
            live = dict(zip(LIVE, (0.0, watts, 0.0, 0.0), strict=True))
            self.summary.read(live, powers(production=0.0, net=watts), self.now.steady, self.now)
            said += [(self.unix - TEN, topic, dict(it)) for topic, it in self.topics()]
        return said

    def topics(self) -> Any:
        return list(self.summary.topics(self.now, online=True))

    def count(self) -> None:
        counted: Counted = {P: (Register(0.0, 0.0),), N: (Register(self.wh, 0.0),)}
        self.summary.count(counted, self.now)


def test_it_is_said_with_every_beat_and_at_once_at_a_change() -> None:
    second = Second(-15.5)
    second.go()
    said = [
        (at, it["import_period"], it["import_price"]) for at, topic, it in second.go(30) if topic == "tariff"
    ]
    assert said == [
        *((-9.5, "day", 0.5), (0.5, "night", 0.2), (10.5, "night", 0.2)),
    ]


def test_it_is_said_at_the_change_and_not_at_the_next_beat() -> None:
    second = Second(-3.0)
    second.summary.beat(60)
    second.go()
    said = [at for at, topic, _ in second.go(10) if topic == "tariff"]
    assert said == [0.0]


def test_a_new_price_is_said_at_once() -> None:
    second = Second(-305.0)
    second.go(2)
    assert second.summary.hear("prices", b"0.6", second.now)
    ((_, topic, it),) = second.go()
    assert (topic, it["import_price"]) == ("tariff", 0.6)
    assert not second.summary.hear("prices", b"dear", second.now)


def test_counters_are_wanted_at_a_change_and_told_as_soon_as_they_are_read() -> None:
    second = Second(-20.0)
    second.count()
    second.go(19)
    changes = second.summary.changes
    second.go(1)
    assert second.summary.changes == changes + 1
    second.count()
    said = second.go(1)
    assert "energy" in [topic for _, topic, _ in said]
    second.count()
    assert "energy" not in [topic for _, topic, _ in second.go(1)], "only once"


def test_what_each_period_got_is_in_the_topic_after_that() -> None:
    second = Second(-20.0)
    second.count()
    second.go(21, watts=36_000.0)
    second.count()
    told = [it for _, topic, it in second.go(10, watts=0.0) if topic == "tariff"]
    assert told[-1]["grid_import_energy_day"] == 0.2
    assert told[-1]["grid_import_energy_night"] == 0.01


def test_power_that_is_not_fresh_costs_nothing_that_anyone_knows() -> None:
    second = Second(-300.0)
    second.go(2)
    (fresh,) = [it for _, topic, it in second.go(10) if topic == "tariff"]
    assert fresh["cost_per_hour"] == 1.8
    second.unix += 10.0
    (stale,) = [it for topic, it in second.summary.topics(second.now, online=False) if topic == "tariff"]
    assert stale["cost_per_hour"] is None
    assert stale["import_period"] == "day"


def test_without_a_tariff_nothing_is_said_and_what_was_is_kept() -> None:
    second = Second(-300.0)
    second.count()
    second.go(60)
    second.count()
    second.go(1)
    memory = json.loads(json.dumps(second.summary.memory))
    without = Second(-200.0, None, memory)
    assert not [topic for _, topic, _ in without.go(30) if topic == "tariff"]
    assert without.summary.changes == 0
    again = Second(-100.0, TARIFF, json.loads(json.dumps(without.summary.memory)))
    again.go(1)
    assert again.go(10)[-1][2]["grid_import_energy_day"] == 0.06


def test_days_of_another_zone_do_not_lose_what_was() -> None:
    second = Second(-300.0)
    second.count()
    second.go(60)
    second.count()
    second.go(1)
    second.summary.move(ZoneInfo("Australia/Sydney"))
    said = [it for _, topic, it in second.go(12) if topic == "tariff"]
    assert (said[-1]["import_period"], said[-1]["grid_import_energy_day"]) == ("day", 0.06)
    assert said[-1]["next_change"] == "2026-11-22T22:00:00+11:00"
