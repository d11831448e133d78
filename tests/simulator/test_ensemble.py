import json
from pathlib import Path
from typing import Any

import pytest

from envoy_mqtt.simulator.installation import Installation
from envoy_mqtt.simulator.options import Battery, Options, Wiring
from tests.simulator.client import RECORDINGS

NOON = 1_751_371_200.0
OPTIONS_OF = {
    "7.6.175_with_cts": Options(firmware="D7.6.175"),
    "7.6.185_with_cts_and_battery_3t": Options(
        firmware="D7.6.185", battery=Battery.UNMETERED, battery_wh=3500.0
    ),
    "8.2.127_with_3cts_and_battery_split": Options(
        firmware="D8.2.127", phases=Wiring.SPLIT, battery=Battery.METERED, battery_wh=25_000.0
    ),
    "8.2.4264_metered_noct": Options(firmware="D8.2.4264"),
    "8.3.5167_3rd-pv": Options(
        firmware="D8.3.5167", phases=Wiring.THREE, battery=Battery.UNMETERED, battery_wh=10_000.0
    ),
    "8.3.5289_modGone": Options(firmware="D8.3.5289"),
}
ALIKE = [path for path in RECORDINGS if path.name in OPTIONS_OF]


def of(options: Options, page: str, *, asleep: bool = False) -> Any:
    installation = Installation(options, NOON)
    installation.asleep = asleep
    answer = installation.answer(f"/ivp/ensemble/{page}", NOON)
    assert answer is not None
    assert answer.headers == {}
    assert answer.body.decode() == json.dumps(json.loads(answer.body), indent=4)
    return json.loads(answer.body)


def recorded(path: Path, page: str) -> Any:
    return json.loads((path / f"ivp_ensemble_{page}").read_bytes())


@pytest.mark.parametrize("path", ALIKE, ids=lambda path: path.name)
def test_the_control_page_has_the_keys_of_the_recorded_one(path: Path) -> None:
    ours, theirs = of(OPTIONS_OF[path.name], "secctrl"), recorded(path, "secctrl")
    assert list(ours) == list(theirs)
    assert {key: type(value) for key, value in ours.items()} == {
        key: type(value) for key, value in theirs.items()
    }
    for key in ("Max_energy", "Enc_commissioned_capacity", "ENC_agg_soh"):
        assert ours[key] == theirs[key]


@pytest.mark.parametrize("path", ALIKE, ids=lambda path: path.name)
def test_batteries_have_the_keys_of_the_recorded_ones(path: Path) -> None:
    ours, theirs = of(OPTIONS_OF[path.name], "inventory"), recorded(path, "inventory")
    batteries = [group for group in theirs if group["type"] == "ENCHARGE"]
    assert [len(group["devices"]) for group in ours] == [len(group["devices"]) for group in batteries]
    for mine, other in zip(ours, batteries, strict=True):
        assert [list(device) for device in mine["devices"]] == [list(device) for device in other["devices"]]
        assert mine["devices"][0]["encharge_capacity"] == other["devices"][0]["encharge_capacity"]


@pytest.mark.parametrize("path", ALIKE, ids=lambda path: path.name)
def test_powers_have_the_keys_of_the_recorded_ones(path: Path) -> None:
    ours, theirs = of(OPTIONS_OF[path.name], "power"), recorded(path, "power")
    assert list(ours) == list(theirs) == ["devices:"]
    assert [list(device) for device in ours["devices:"]] == [list(device) for device in theirs["devices:"]]


def test_batteries_share_the_power_and_the_charge_of_the_whole() -> None:
    options = OPTIONS_OF["8.2.127_with_3cts_and_battery_split"]
    installation = Installation(options, NOON)
    percent, watts = round(100.0 * installation.soc(NOON)), installation.storage_w(NOON)
    assert watts != 0.0
    devices = of(options, "power")["devices:"]
    assert {device["soc"] for device in devices} == {percent}
    assert sum(device["real_power_mw"] for device in devices) == pytest.approx(1000.0 * watts, abs=3000.0)
    assert {d["percentFull"] for d in of(options, "inventory")[0]["devices"]} == {percent}
    assert of(options, "secctrl")["agg_soc"] == percent


def test_an_ac_battery_is_in_the_control_page_only() -> None:
    options = Options(battery=Battery.AC)
    assert of(options, "inventory") == []
    assert of(options, "power") == {"devices:": []}
    found = of(options, "secctrl")
    assert found["ACB_agg_soc"] == found["agg_soc"] > 0
    assert found["ENC_agg_soc"] == 0


def test_minutes_after_a_start_numbers_are_a_word() -> None:
    options = Options(battery=Battery.UNMETERED)
    (device, *_) = of(options, "inventory", asleep=True)[0]["devices"]
    assert (device["percentFull"], device["temperature"]) == ("unknown", "unknown")
    assert of(options, "power", asleep=True)["devices:"][0]["real_power_mw"] == "unknown"
    assert of(options, "secctrl", asleep=True)["agg_soc"] == "unknown"


def test_before_7_there_is_no_such_page() -> None:
    installation = Installation(Options(firmware="D5.0.62", battery=Battery.AC), NOON)
    assert installation.answer("/ivp/ensemble/inventory", NOON) is None
