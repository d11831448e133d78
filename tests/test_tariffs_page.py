"""What docs/tariffs.md shows is true: its tariffs load and do what is said of them, its entities exist."""

import re
import shlex
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from envoy_mqtt.config import load, tariff_of
from envoy_mqtt.mqtt.entities import WHOLE
from envoy_mqtt.mqtt.rates import rates
from envoy_mqtt.tariff.calendar import Calendar
from envoy_mqtt.tariff.period import Tariff
from envoy_mqtt.tariff.prices import Prices
from envoy_mqtt.tariff.statement import tariff_keys
from tests.pages import blocks, rows, text
from tests.tariff.ausgrid import EXPORTS, IMPORTS

NAME = "docs/tariffs.md"
PAGE = text(NAME)
AUSGRID, CREUSES, FLAT, DYNAMIC = blocks(NAME, "toml")
ROWS = rows(NAME)


def tariff(folder: Path, toml: str) -> Tariff:
    (folder / "config.toml").write_text(toml)
    found = tariff_of(load(None, environ={}, cwd=folder).tariff)
    assert found is not None
    return found


def test_three_periods_are_those_of_the_year_in_the_tests(tmp_path: Path) -> None:
    found = tariff(tmp_path, AUSGRID)
    assert (found.imports, found.exports) == (IMPORTS, EXPORTS)


@pytest.mark.parametrize(
    ("hour", "minute", "name"),
    [
        *((6, 0, "pleines"), (5, 59, "creuses"), (15, 0, "creuses"), (15, 30, "pleines")),
        *((22, 29, "pleines"), (22, 30, "creuses"), (0, 0, "creuses")),
    ],
)
def test_day_and_night(tmp_path: Path, hour: int, minute: int, name: str) -> None:
    paris = ZoneInfo("Europe/Paris")
    calendar = Calendar(tariff(tmp_path, CREUSES).imports, paris)
    assert calendar.at(datetime(2026, 11, 21, hour, minute, tzinfo=paris).timestamp()).name == name


def test_one_price_less_ten_per_cent(tmp_path: Path) -> None:
    found = tariff(tmp_path, FLAT)
    assert Prices(found.imports, found.discount).of("flat") == 0.288


def test_a_price_that_another_program_says(tmp_path: Path) -> None:
    found = tariff(tmp_path, DYNAMIC)
    said = dict(re.findall(r"-t (\S+) -m (.+)", PAGE))
    prices = [Prices(periods) for periods in (found.imports, found.exports)]
    for topic, argument in said.items():
        (payload,) = shlex.split(argument)
        assert all(each.hear(topic, payload.encode(), 0.0) for each in prices)
    assert [each.of("dynamic") for each in prices] == [0.2871, -0.0042]


def test_every_key_of_the_topic_is_explained(tmp_path: Path) -> None:
    found = tariff(tmp_path, CREUSES)
    told = set(re.findall(r"`([a-z_]+(?:PERIOD)?)`", PAGE))
    for key in tariff_keys(found, grid=True):
        general = re.sub("_(creuses|pleines|surplus)", "_PERIOD", key)
        ways = {general, re.sub("_(today|bill)$", "", general)}
        assert ways & (told | {"time", "timestamp", "currency", "daily_charge"}), key


def test_its_entities_are_those_there_are_each_with_its_unit(tmp_path: Path) -> None:
    for entity in rates(tariff(tmp_path, CREUSES), grid=True):
        name = re.sub("(creuses|pleines|surplus)", "PERIOD", entity.name or "")
        (row,) = [row for row in ROWS if name in row[0].split(", ")]
        assert row[1] == (entity.measurement.unit if entity.measurement else "")
        assert ("disabled" in row[2]) is not entity.enabled


def test_what_takes_the_place_of_helpers_exists(tmp_path: Path) -> None:
    there = {entity.name for entity in WHOLE} | {
        re.sub("(creuses|pleines|surplus)", "PERIOD", entity.name or "")
        for entity in rates(tariff(tmp_path, CREUSES), grid=True)
    }
    moved = ROWS[[row[0] for row in ROWS].index("by hand") + 2 :]
    assert len(moved) == 16
    named = {name for row in moved for name in re.findall(r"\*([^*]+)\*", row[1])}
    assert named
    assert named <= there
