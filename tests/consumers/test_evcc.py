"""evcc's meters: its own jq expressions on real messages, by a real jq."""

import json
import subprocess
from typing import Any

import pytest
import yaml

from tests.consumers.conftest import Capture
from tests.consumers.pages import FOLDER
from tests.consumers.site import SERIAL
from tests.programs import require

FILES = sorted((FOLDER / "evcc").glob("*.yaml"))


def evaluated(expression: str, payload: bytes) -> Any:
    said = subprocess.run([require("jq"), expression], input=payload, check=True, capture_output=True)
    return json.loads(said.stdout)


def plugins(name: str) -> dict[str, list[dict[str, Any]]]:
    """The reading parts of each meter, by its name and what they tell."""
    meters = yaml.safe_load((FOLDER / "evcc" / name).read_text())["meters"]
    assert {each["type"] for each in meters} == {"custom"}
    return {
        f"{each['name']} {told}": node if isinstance(node, list) else [node]
        for each in meters
        for told, node in each.items()
        if told not in ("name", "type")
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_value_is_a_number_and_never_an_old_one(path: Any, whole: Capture) -> None:
    for told, parts in plugins(path.name).items():
        for part in parts:
            assert part["source"] == "mqtt"
            assert part["timeout"] == ("5m" if told.endswith("energy") else "30s")
            assert isinstance(evaluated(part["jq"], whole[part["topic"]]), float | int), told


def test_a_site_has_its_meters(single: Capture) -> None:
    config = yaml.safe_load((FOLDER / "evcc" / "evcc.yaml").read_text())
    named = {each["name"] for each in config["meters"]}
    assert {config["site"]["meters"]["grid"], *config["site"]["meters"]["pv"]} == named
    for parts in plugins("evcc.yaml").values():
        (part,) = parts
        assert isinstance(evaluated(part["jq"], single[part["topic"]]), float | int)


@pytest.mark.parametrize(("power", "current"), [(-230.0, -1.0), (230.0, 1.0), (0.0, 1.0)])
def test_a_current_has_its_powers_sign(power: float, current: float) -> None:
    said = {
        f"net_l{n}_{key}": value for n in (1, 2, 3) for key, value in (("power", power), ("current", 1.0))
    }
    for part in plugins("three-phase.yaml")["grid currents"]:
        assert evaluated(part["jq"], json.dumps(said).encode()) == current


def test_the_meter_for_three_phases_is_the_same_but_for_its_currents() -> None:
    one, three = plugins("evcc.yaml"), plugins("three-phase.yaml")
    assert len(three.pop("grid currents")) == 3
    assert three == {told: parts for told, parts in one.items() if told.startswith("grid")}


def test_the_signs_are_those_that_evcc_wants(whole: Capture) -> None:
    """Grid + import; all of one reading, so that the house is what they sum to."""
    live = json.loads(whole[f"envoy/{SERIAL}/live"])
    assert live["net_power"] == round(live["grid_import_power"] - live["grid_export_power"], 1)
    house = live["production_power"] + live["net_power"] + live["storage_power"]
    assert abs(house - live["consumption_power"]) < 0.5
