import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from envoy_mqtt.simulator.documents import info, meters
from envoy_mqtt.simulator.options import Battery, Layout, Options, Wiring
from tests.simulator.client import RECORDINGS

# The head of `/info` in the three styles of the recordings.
HEADS = {
    "D7.6.175": "<?xml version='1.0' encoding='UTF-8'?>\n<envoy_info>\n  <time>1693745127</time>",
    "D8.3.5167": '<?xml version="1.0" encoding="utf-8"?>\n<envoy_info>\n  <time>1693745127</time>',
    "D8.3.5433": '<?xml version="1.0" encoding="UTF-8"?>\n<envoy_info>\n\t<time>1693745127</time>',
}
METERS_OF = {
    "7.3.130_no_consumption": Options(firmware="D7.3.130", layout=Layout.PRODUCTION, phases=Wiring.SPLIT),
    "7.6.175_with_cts": Options(firmware="D7.6.175"),
    "8.2.127_with_3cts_and_battery_split": Options(
        firmware="D8.2.127", phases=Wiring.SPLIT, battery=Battery.METERED
    ),
    "8.2.4264_metered_noct": Options(firmware="D8.2.4264", layout=Layout.NONE, phases=Wiring.THREE),
    "8.3.5167_3rd-pv": Options(firmware="D8.3.5167", phases=Wiring.THREE),
    "8.3.5289_modGone": Options(firmware="D8.3.5289", layout=Layout.PRODUCTION),
    "5.0.62": Options(firmware="D5.0.62", metered=False),
}


@pytest.mark.parametrize("firmware", HEADS)
def test_info_is_written_in_the_style_of_its_firmware(firmware: str) -> None:
    text = info(Options(firmware=firmware, serial="122238082763"), 1693745127.9).decode()
    assert text.startswith(HEADS[firmware])
    device = ElementTree.fromstring(text).find("device")
    assert device is not None
    assert [(child.tag, child.text) for child in device] == [
        ("sn", "122238082763"),
        ("pn", "800-00654-r08"),
        ("software", firmware),
        ("euaid", "4c8675"),
        ("seqnum", "0"),
        ("apiver", "1"),
        ("imeter", "true"),
    ]


def test_tokens_and_the_children_of_build_info_depend_on_the_firmware() -> None:
    def children(firmware: str, **settings: Any) -> tuple[list[str], list[str]]:
        root = ElementTree.fromstring(info(Options(firmware=firmware, **settings), 0.0))
        build = root.find("build_info")
        assert build is not None
        return [child.tag for child in root if child.tag != "package"], [child.tag for child in build]

    assert children("R4.10.35") == (["time", "device", "build_info"], ["build_time_gmt", "build_id"])
    assert children("D5.0.62")[1] == ["build_id", "build_time_gmt"]
    assert children("D7.6.175")[0] == ["time", "device", "web-tokens", "build_info"]
    assert children("D7.6.175")[1] == ["build_id", "build_time_gmt", "release_ver", "release_stage"]
    assert children("D8.3.5167")[1] == ["build_id", "build_time_gmt", "release_stage", "release_ver"]


def test_a_gateway_without_meter_hardware_says_so() -> None:
    assert b"<imeter>false</imeter>" in info(Options(metered=False), 0.0)
    assert meters(Options(metered=False)) == b"[]"


def test_meters_are_pretty_printed_with_four_spaces_and_no_final_newline() -> None:
    text = meters(Options(layout=Layout.NET, phases=Wiring.SINGLE_THREE)).decode()
    assert text == json.dumps(json.loads(text), indent=4)
    assert [(m["state"], m["phaseMode"], m["phaseCount"]) for m in json.loads(text)] == [
        ("disabled", "three", 1),
        ("enabled", "three", 1),
    ]


def test_from_8_3_5433_on_all_seven_meters_are_listed() -> None:
    listed = json.loads(
        meters(Options(firmware="D8.3.5433", layout=Layout.PRODUCTION_TOTAL, phases=Wiring.SPLIT))
    )
    assert [(m["eid"], m["state"], m["measurementType"]) for m in listed] == [
        (704643328, "enabled", "production"),
        (704643584, "enabled", "total-consumption"),
        (704643840, "disabled", "storage"),
        (704644352, "disabled", "backfeed"),
        (704644608, "disabled", "load"),
        (704644864, "disabled", "evse"),
        (704645120, "disabled", "pv3p"),
    ]


def test_a_storage_meter_is_the_third_and_one_of_seven_on_the_newest_stack() -> None:
    for firmware, count in (("D8.2.127", 3), ("D8.3.6086", 7)):
        listed = json.loads(meters(Options(firmware=firmware, battery=Battery.METERED)))
        assert len({meter["eid"] for meter in listed}) == len(listed) == count
        assert (listed[2]["eid"], listed[2]["state"]) == (704643840, "enabled")
    for battery in (Battery.UNMETERED, Battery.AC):
        assert len(json.loads(meters(Options(battery=battery)))) == 2


@pytest.mark.parametrize(
    "path", [path for path in RECORDINGS if path.name in METERS_OF], ids=lambda path: path.name
)
def test_the_list_of_meters_is_byte_for_byte_the_recorded_one(path: Path) -> None:
    recorded = (path / "ivp_meters").read_bytes()
    # The recorder added a newline: the Content-Length beside it is one less.
    assert meters(METERS_OF[path.name]) == recorded.rstrip(b"\n")


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.name)
def test_info_has_the_elements_of_the_recorded_one(path: Path) -> None:
    recorded = (path / "info").read_text(encoding="utf-8")
    root = ElementTree.fromstring(recorded)
    firmware, serial = root.findtext("device/software"), root.findtext("device/sn")
    imeter = root.findtext("device/imeter") == "true"
    assert firmware
    assert serial
    ours = info(
        Options(firmware=firmware, serial=serial, metered=imeter), float(root.findtext("time") or 0)
    ).decode()

    def skeleton(text: str) -> str:
        """Without what differs: the packages, what is in build_info, the part number."""
        text = re.sub(r"\s*<package.*</package>", "", text, flags=re.DOTALL)
        text = re.sub(r"(<build_\w+_?\w*>|<release_\w+>|<pn>|<euaid>)[^<]+(?=<)", r"\1", text)
        return text.rstrip("\n")

    assert skeleton(ours) == skeleton(recorded)
