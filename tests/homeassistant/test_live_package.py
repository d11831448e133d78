"""The package of docs/consumers: powers each second, of which the recorder keeps nothing."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import yaml

from tests.e2e.harness import eventually
from tests.homeassistant.bridge import Stage
from tests.homeassistant.core import CONFIGURATION, HomeAssistant
from tests.homeassistant.entities import SIMPLE, States, entity, there
from tests.pages import ROOT, blocks

PACKAGE = ROOT / "docs" / "consumers" / "home-assistant" / "live.yaml"
LIVE = {f"sensor.envoy_live_{name}" for name in ("production", "grid", "consumption")}


def recorded(folder: Path) -> set[str]:
    """Whatever the recorder has written a state of."""
    place = f"file:{folder / 'home-assistant_v2.db'}?mode=ro"
    with closing(sqlite3.connect(place, uri=True)) as database:
        rows = database.execute(
            "SELECT DISTINCT meta.entity_id FROM states JOIN states_meta AS meta USING (metadata_id)"
        )
        return {name for (name,) in rows}


async def test_the_sensors_change_each_second_and_leave_no_rows(tmp_path: Path, stage: Stage) -> None:
    folder = tmp_path / "house"
    async with HomeAssistant(folder, PACKAGE) as house:
        await house.add_broker(stage.broker.port)
        async with stage.bridged() as (_, gateway):
            seen: set[str] = set()

            def numbers(states: States) -> bool:
                if states.keys() >= LIVE:
                    seen.add(states["sensor.envoy_live_production"]["last_updated"])
                return len(seen) > 3 and all(
                    re.fullmatch(r"-?[\d.]+", states[name]["state"]) for name in LIVE & states.keys()
                )

            states = await house.until(numbers)
            assert {states[name]["attributes"]["unit_of_measurement"] for name in LIVE} == {"W"}
            await house.until(there(SIMPLE))
            await eventually(lambda: entity("current_power_production") in recorded(folder))
            assert not LIVE & recorded(folder)

            await gateway.fault("outage")
            await house.until(lambda states: all(states[name]["state"] == "unavailable" for name in LIVE))
        assert house.warnings() == []


def test_the_package_is_included_as_the_page_tells() -> None:
    told, *_ = (block for block in blocks("docs/consumers/home-assistant.md", "yaml") if "!include" in block)
    assert told.splitlines()[0] in CONFIGURATION.splitlines()
    assert told.splitlines()[1] in CONFIGURATION.splitlines()
    assert yaml.safe_load(PACKAGE.read_text())
