import json
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from envoy_mqtt.simulator.home import home
from envoy_mqtt.simulator.options import Options
from tests.simulator.client import RECORDINGS

NOON = 1_751_371_200.0  # 2025-07-01T12:00:00Z


def test_date_and_time_are_the_houses_own() -> None:
    document = json.loads(home(Options(utc_offset_s=-18_000.0), NOON, NOON - 43_200.0 + 61.0, 15))
    assert (document["current_date"], document["current_time"]) == ("06/30/2025", "19:01")
    assert document["comm"]["pcu"]["num"] == 15


@pytest.mark.parametrize("hours", [-5, 0, 1, 10])
def test_the_zone_has_the_houses_offset(hours: int) -> None:
    zone = json.loads(home(Options(utc_offset_s=3600.0 * hours), NOON, NOON, 1))["timezone"]
    offset = datetime.fromtimestamp(NOON, ZoneInfo(zone)).utcoffset()
    assert offset is not None
    assert offset.total_seconds() == 3600.0 * hours


def test_the_zone_can_be_any() -> None:
    assert json.loads(home(Options(timezone="Europe/Brussels"), NOON, NOON, 1))["timezone"] == (
        "Europe/Brussels"
    )


@pytest.mark.parametrize(
    "path", [path for path in RECORDINGS if (path / "home").exists()], ids=lambda path: path.name
)
def test_its_keys_are_those_of_the_recorded_one(path: Path) -> None:
    theirs = json.loads((path / "home").read_bytes())
    ours = json.loads(home(Options(), NOON, NOON, 12))
    assert list(ours) == list(theirs)
    assert list(ours["comm"]) == list(theirs["comm"])
    assert list(ours["network"]["interfaces"][0]) == list(theirs["network"]["interfaces"][0])
