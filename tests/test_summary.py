"""When `energy` and `state` are due, and that they are of one mind."""

from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from envoy_mqtt.model import Quantities
from envoy_mqtt.summary import Summary, Sums
from tests.energy.sites import N, P, at, powers, register, site

LIVE_KEYS = ("time", "timestamp", "sequence", "source", "production_power", "net_power")

# 2026-05-28 at noon in UTC, which is when `at(0)` is.
MIDNIGHT_S = 43_200.0


def summary(memory: Mapping[str, Any] | None = None, **sums: Any) -> Summary:
    return Summary(site(P, N), LIVE_KEYS, Sums(**sums), memory)


def count(of: Summary, seconds: float, produced_wh: float, imported_wh: float = 0.0) -> None:
    of.count({P: register(produced_wh), N: register(imported_wh, 500.0)}, at(seconds))


def read(of: Summary, seconds: float, production: float = 1000.0, net: float = -200.0) -> None:
    live = dict.fromkeys(LIVE_KEYS) | {"production_power": production, "net_power": net, "time": seconds}
    quantities: Quantities = powers(production=production, net=net, consumption=production + net)
    of.read(live, quantities, at(seconds).steady, at(seconds))


def told(of: Summary, seconds: float, *, online: bool = True) -> dict[str, Mapping[str, Any]]:
    return dict(of.topics(at(seconds), online=online))


def times(of: Summary, topic: str, seconds: range) -> Iterator[int]:
    """When the topic comes, looked at every second, with a reading in each."""
    for now in seconds:
        read(of, now)
        if topic in told(of, now):
            yield now


def test_energy_comes_as_soon_as_the_counters_were_read_and_then_once_an_interval() -> None:
    it = summary(energy_s=60.0)
    assert told(it, 1) == {}
    sent = []
    for now in range(2, 200):
        if now % 20 == 2:
            count(it, now, 1_000_000.0 + now)
        if "energy" in (due := told(it, now)):
            sent.append((now, due["energy"]["production_energy"]))
    assert sent == [(2, 1000.002), (62, 1000.062), (122, 1000.122), (182, 1000.182)]


def test_a_poll_that_comes_a_moment_early_is_the_next_one() -> None:
    it = summary(energy_s=60.0)
    count(it, 2, 1000.0)
    told(it, 2)
    count(it, 60, 1100.0)
    assert "energy" not in told(it, 60)
    count(it, 61.5, 1100.0)
    assert "energy" in told(it, 61.5)


def test_where_no_counter_can_be_read_energy_comes_after_an_interval_and_a_half() -> None:
    it = summary(energy_s=60.0)
    count(it, 0, 1000.0)
    assert list(times(it, "energy", range(300))) == [0, 90, 180, 270]


def test_energies_that_nobody_knows_are_not_told() -> None:
    it = summary(energy_s=60.0)
    assert list(times(it, "energy", range(300))) == []


def test_nothing_old_looks_new() -> None:
    """A gateway that is away is not told of again, and what is told has the time at which it was heard."""
    it = summary(energy_s=60.0)
    count(it, 0, 1000.0)
    read(it, 1)
    assert told(it, 2)["energy"]["time"] == at(1).unix
    assert not any("energy" in told(it, now, online=False) for now in range(3, 600))


def test_energy_comes_at_local_midnight() -> None:
    """Berlin's is at 22:00 UTC in May."""
    it = summary(energy_s=3600.0, zone=ZoneInfo("Europe/Berlin"))
    midnight = MIDNIGHT_S - 7200.0
    count(it, midnight - 100.0, 5000.0)
    assert told(it, midnight - 100.0)["energy"]["production_energy_today"] == 0.0
    count(it, midnight - 1.0, 6000.0)
    assert "energy" not in told(it, midnight - 1.0)
    assert "energy" in told(it, midnight)
    assert "energy" not in told(it, midnight + 1.0)


def test_another_zone_begins_the_day_elsewhere_and_forgets_no_energy() -> None:
    it = summary(energy_s=5.0, zone=UTC)
    count(it, 0.0, 5000.0)
    told(it, 0.0)
    it.move(ZoneInfo("Europe/Berlin"))
    midnight = MIDNIGHT_S - 7200.0
    count(it, midnight - 10.0, 9000.0)
    assert told(it, midnight - 10.0)["energy"]["production_energy_today"] == 4.0
    count(it, midnight + 10.0, 9000.0)
    energy = told(it, midnight + 10.0)["energy"]
    assert (energy["production_energy"], energy["production_energy_today"]) == (9.0, 0.0)


def test_state_keeps_to_the_clock_and_to_another_interval_from_then_on() -> None:
    it = summary(state_s=10)
    assert list(times(it, "state", range(3, 36))) == [10, 20, 30]
    it.beat(4)
    assert list(times(it, "state", range(36, 50))) == [36, 40, 44, 48]


def test_no_state_comes_while_nothing_is_fresh() -> None:
    it = summary(state_s=10)
    told(it, 5)
    read(it, 6)
    assert "state" not in told(it, 10, online=False)
    assert told(it, 20)["state"]["production_power"] == 1000


def test_when_readings_come_again_state_does_not_wait_for_its_turn() -> None:
    it = summary(state_s=10)
    read(it, 11)
    assert "state" not in told(it, 11)  # its energies are not known yet
    count(it, 12, 5000.0)
    assert told(it, 12)["state"]["production_energy"] == 5.0
    assert "state" not in told(it, 13)
    assert told(it, 21, online=False) == {}
    read(it, 23, production=2000.0)
    assert told(it, 23)["state"]["production_power"] == 2000
    assert "state" not in told(it, 24)


def test_state_shows_the_energies_that_were_told_last() -> None:
    it = summary(state_s=10, energy_s=60.0)
    told(it, 1)
    count(it, 2, 5000.0, 250.0)
    read(it, 2)
    due = told(it, 10)
    assert list(due) == ["energy", "state"]
    assert due["state"].keys() == {*it.keys}
    energies = {key: value for key, value in due["energy"].items() if not key.endswith("_source")}
    assert due["state"].items() >= (energies | {"time": 2, "timestamp": None, "interval_s": 10}).items()
    count(it, 12, 6000.0, 250.0)
    read(it, 12)
    assert told(it, 20)["state"]["production_energy"] == 5.0


def test_before_the_counters_were_read_the_energies_of_state_are_unknown() -> None:
    it = summary(state_s=10)
    told(it, 1)
    read(it, 2)
    state = told(it, 10)["state"]
    assert state["production_energy"] is None
    assert state.keys() == {*it.keys}


def test_another_process_goes_on_where_this_one_ended() -> None:
    it = summary(energy_s=5.0)
    count(it, 0.0, 5000.0)
    assert told(it, 0.0)["energy"]["production_energy"] == 5.0
    other = summary(it.memory, energy_s=5.0)
    count(other, 60.0, 4000.0)  # lower than what was told: not believed yet
    assert told(other, 60.0)["energy"]["production_energy"] == 5.0
    assert other.held
    assert (other.resets, it.held) == (0, ())


@pytest.mark.parametrize("memory", [{}, {"books": 5}, {"books": {"x": {}}}])
def test_a_memory_that_says_nothing_is_none(memory: dict[str, Any]) -> None:
    it = summary(memory)
    count(it, 0.0, 5000.0)
    assert told(it, 0.0)["energy"]["production_energy"] == 5.0


def test_a_day_that_ended_is_told_with_what_came_after_the_last_word_of_it() -> None:
    """4 kWh were told of the day, half a kWh came in its last minute; import stood still."""
    it = summary(energy_s=5.0)
    count(it, 0.0, 5000.0)
    told(it, 0.0)
    count(it, MIDNIGHT_S - 60.0, 9000.0)
    assert told(it, MIDNIGHT_S - 60.0)["energy"]["production_energy_today"] == 4.0
    assert it.ended is None
    count(it, MIDNIGHT_S - 0.5, 9500.0)
    told(it, MIDNIGHT_S)
    assert it.ended is not None
    assert it.ended["production_energy"] == 4.5
    assert it.ended["grid_import_energy"] == 0.0
    assert set(it.ended) == {
        "production_energy",
        "grid_import_energy",
        "grid_export_energy",
        "consumption_energy",
    }
    told(it, MIDNIGHT_S + 1.0)
    assert it.ended is None


def test_a_day_of_which_no_energy_is_known_ends_without_one() -> None:
    it = summary()
    told(it, MIDNIGHT_S - 1.0)
    told(it, MIDNIGHT_S)
    assert it.ended == {}
