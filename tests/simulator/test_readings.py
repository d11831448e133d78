import json
import re
from pathlib import Path
from typing import Any

import pytest

from envoy_mqtt.simulator.counters import Counters
from envoy_mqtt.simulator.house import House, PhaseState, State
from envoy_mqtt.simulator.options import Battery, Layout, Options, Wiring
from envoy_mqtt.simulator.readings import readings
from envoy_mqtt.simulator.wire import Style, sample
from tests.simulator.client import RECORDINGS

NOON = 1_751_371_200.0
OPTIONS_OF = {
    "7.6.175_with_cts": Options(firmware="D7.6.175"),
    "7.3.130_no_consumption": Options(firmware="D7.3.130", layout=Layout.PRODUCTION, phases=Wiring.SPLIT),
    "8.3.5167_3rd-pv": Options(firmware="D8.3.5167", phases=Wiring.THREE),
    "8.3.5289_modGone": Options(firmware="D8.3.5289", layout=Layout.PRODUCTION),
    "4.10.35": Options(firmware="R4.10.35", phases=Wiring.SPLIT),
    "8.2.127_with_3cts_and_battery_split": Options(
        firmware="D8.2.127", phases=Wiring.SPLIT, battery=Battery.METERED
    ),
    "5.0.62": Options(firmware="D5.0.62", metered=False),
}

INDENTED_ANEW = {"8.2.127_with_3cts_and_battery_split"}


def text_of(options: Options) -> str:
    number = options.phases.number
    state = House(seed=3, phase_count=number, split=number == 2).at(NOON)
    now = sample(state, Style.of(options))
    return readings(
        options, NOON + 0.7, now, Counters.grown(3, NOON, number, total=options.layout.total)
    ).decode()


def of(options: Options) -> Any:
    return json.loads(text_of(options))


def keys(entries: Any) -> Any:
    return [
        (list(entry), [(channel["eid"], list(channel)) for channel in entry["channels"]]) for entry in entries
    ]


def test_it_is_pretty_printed_with_four_spaces_and_no_final_newline() -> None:
    text = text_of(Options(firmware="D8.3.5167"))
    assert text == json.dumps(json.loads(text), indent=4)


@pytest.mark.parametrize(("firmware", "fixed"), [("D8.2.4286", True), ("D8.3.5167", False)])
def test_numbers_have_three_decimals_up_to_8_2_and_as_few_as_possible_from_8_3(
    firmware: str, fixed: bool
) -> None:
    numbers = re.findall(r'"\w+": (-?\d+\.\d+)', text_of(Options(firmware=firmware)))
    assert len(numbers) > 100
    pattern = r"-?\d+\.\d{3}" if fixed else r"-?\d+\.(0|\d{0,2}[1-9])"
    assert all(re.fullmatch(pattern, number) for number in numbers)


def test_three_phases_worked_by_hand() -> None:
    phase = PhaseState(1000.0, 0.0, 400.0, 0.0, 230.0)
    options = Options(firmware="D8.3.5167", phases=Wiring.THREE)
    now = sample(State(NOON, (phase,) * 3, 50.0), Style.of(options))
    production, net, _ = json.loads(readings(options, NOON, now, Counters.blank()))
    assert (production["activePower"], net["activePower"]) == (3000.0, -1800.0)
    assert net["instantaneousDemand"] == -1800.0
    # Three times sqrt(600² + 190²) = 629.365, unsigned although the stream's is negative.
    assert net["apparentPower"] == pytest.approx(1888.094, abs=0.002)
    assert net["pwrFactor"] == -0.953
    assert net["voltage"] == pytest.approx(690.0, abs=0.2)
    assert net["current"] == pytest.approx(sum(channel["current"] for channel in net["channels"]), abs=0.002)
    assert all(channel["current"] > 0.0 for channel in net["channels"])


def test_the_total_transformer_is_read_as_the_house() -> None:
    state = State(NOON, (PhaseState(2000.0, 0.0, 500.0, 0.0, 230.0),), 50.0)
    for layout, watts in ((Layout.PRODUCTION_TOTAL, 500.0), (Layout.PRODUCTION_NET, -1500.0)):
        options = Options(firmware="D7.6.175", layout=layout)
        entries = json.loads(readings(options, NOON, sample(state, Style.of(options)), Counters.blank()))
        assert entries[1]["activePower"] == watts


def test_unused_channels_show_volts_where_the_stream_shows_zeros() -> None:
    production, net, _ = of(Options(firmware="D8.3.5167"))
    for meter in (production, net):
        assert 200.0 < meter["channels"][0]["voltage"] == meter["voltage"]
        assert all(1.0 < channel["voltage"] < 12.0 for channel in meter["channels"][1:])
    split = of(Options(firmware="D8.2.127", phases=Wiring.SPLIT))
    assert (split[0]["channels"][2]["voltage"], split[0]["channels"][2]["freq"]) == (0.0, 60.0)


def test_the_meter_nobody_fitted_is_last_or_first_and_all_zero() -> None:
    assert [entry["eid"] for entry in of(Options(firmware="D8.2.127"))] == [704643328, 704643584]
    assert [entry["eid"] for entry in of(Options(firmware="D8.3.5167"))][-1] == 1023410688
    text = text_of(Options(firmware="D8.3.5167", unknown_meter_first=True))
    first = json.loads(text)[0]
    assert first["eid"] == 1023410688
    assert [channel["eid"] for channel in first["channels"]] == [2097152513, 2097152258, 2097152515]
    assert {value for key, value in first.items() if key not in {"eid", "timestamp", "channels"}} == {0.0}
    assert 0 <= NOON - first["timestamp"] <= 30
    assert isinstance(first["channels"][0]["timestamp"], float)


def test_the_newest_stack_sums_power_factors_and_lists_seven_meters() -> None:
    entries = of(Options(firmware="D8.3.5433", layout=Layout.PRODUCTION_TOTAL, phases=Wiring.SPLIT))
    assert len(entries) == 8
    production = entries[0]
    assert 1.0 < production["pwrFactor"] <= 2.0
    assert production["activePower"] == production["instantaneousDemand"]
    assert production["activePower"] != sum(channel["activePower"] for channel in production["channels"])
    assert production["apparentEnergy"] < 0.05


def with_battery(firmware: str, phases: Wiring, storage_w: float) -> Any:
    phase = PhaseState(2000.0, 0.0, 500.0, 0.0, 230.0, storage_w / phases.number)
    options = Options(firmware=firmware, phases=phases, battery=Battery.METERED)
    now = sample(State(NOON, (phase,) * phases.number, 50.0), Style.of(options))
    counters = Counters.grown(3, NOON, phases.number, total=False)
    return json.loads(readings(options, NOON, now, counters)), counters


def test_a_battery_is_behind_the_net_meter_and_has_its_own() -> None:
    (_, net, storage, _), counters = with_battery("D8.3.5167", Wiring.THREE, -1200.0)
    assert (net["activePower"], storage["activePower"]) == (-3300.0, -1200.0)
    assert [channel["activePower"] for channel in storage["channels"]] == [-400.0] * 3
    assert [channel["eid"] for channel in storage["channels"]] == [1778385681, 1778385682, 1778385683]
    assert storage["actEnergyDlvd"] == pytest.approx(
        sum(register.delivered_wh for register in counters.storage), abs=0.01
    )


def test_the_third_channel_of_a_split_net_meter_is_the_batterys() -> None:
    (_, net, storage, *_), _ = with_battery("D8.2.4286", Wiring.SPLIT, -1000.0)
    third, second = (
        {key: value for key, value in channel.items() if key != "eid"}
        for channel in (net["channels"][2], storage["channels"][1])
    )
    assert third == second
    assert net["activePower"] == -2000.0


def test_8_2_127_copies_the_first_leg_of_the_storage_meter_but_for_its_counters() -> None:
    (_, net, storage), counters = with_battery("D8.2.127", Wiring.SPLIT, -1000.0)
    leg, copied = storage["channels"][0], net["channels"][0]
    for key in ("voltage", "current", "pwrFactor"):
        assert leg[key] == copied[key]
    assert leg["activePower"] == pytest.approx(-500.0 * 4.548)
    assert storage["channels"][1]["activePower"] == -500.0
    assert leg["actEnergyRcvd"] == pytest.approx(counters.storage[0].received_wh, abs=0.001)


def test_meters_that_were_never_read_say_so() -> None:
    entries = of(Options(firmware="D8.3.5433", layout=Layout.PRODUCTION_TOTAL, phases=Wiring.SPLIT))
    assert [entry["timestamp"] for entry in entries[:7]] == [int(NOON)] * 3 + [0] * 4
    assert isinstance(entries[7]["channels"][0]["timestamp"], float)


def test_the_stray_meter_can_be_there_on_any_firmware() -> None:
    options = Options(firmware="D8.2.127", unknown_meter=True, unknown_meter_first=True)
    assert [entry["eid"] for entry in of(options)] == [1023410688, 704643328, 704643584]


def test_the_timestamp_is_a_whole_second() -> None:
    assert '"timestamp": 1751371200,' in text_of(Options())


def skeleton(text: str, path: Path) -> str:
    text = re.sub(r"-?\d+(\.\d+)?(?=,?\n)", "0", text.rstrip("\n"))
    return re.sub(r"(?m)^ +", "", text) if path.name in INDENTED_ANEW else text


@pytest.mark.parametrize(
    "path", [path for path in RECORDINGS if path.name in OPTIONS_OF], ids=lambda path: path.name
)
def test_keys_eids_and_their_order_are_those_of_the_recording(path: Path) -> None:
    recorded = (path / "ivp_meters_readings").read_text(encoding="utf-8")
    ours = text_of(OPTIONS_OF[path.name])
    assert keys(json.loads(ours)) == keys(json.loads(recorded))
    # Line by line the same but for the numbers; one recorder indented anew.
    assert skeleton(ours, path) == skeleton(recorded, path)
