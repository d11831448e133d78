"""What is shown: numbers and words as they are, and never more than there is room for."""

import json
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoy_mqtt.terminal.board import Board
from envoy_mqtt.terminal.line import length
from envoy_mqtt.terminal.picture import Scene, picture

SERIAL = "122100000017"
NOON = 1_782_043_200.0  # 2026-06-21 12:00 UTC
SCENE = Scene("envoy-mqtt", NOON + 2, UTC)

LIVE = {
    "time": NOON,
    "production_power": 3412.3,
    "production_voltage": 230.0,
    "production_current": 14.84,
    "net_power": -2105.4,
    "consumption_power": 806.9,
    "storage_power": -500.0,
    "storage_state_of_charge": 76.4,
    "source": "stream",
}
THREE = {"time": NOON, "net_power": 1.0} | {f"net_l{n}_power": n * 100.0 for n in (1, 2, 3)}
ENERGY = {"production_energy_today": 12.345, "grid_export_energy_today": 7.0, "self_sufficiency_today": 81.6}
TARIFF = {
    "currency": "AUD",
    "import_period": "peak",
    "import_price": 0.52,
    "cost_per_hour": -0.147,
    "import_cost_today": 0.26,
}
HEALTH: dict[str, Any] = {
    "status": "ok",
    "uptime_s": 99,
    "problems": [],
    "gateways": {SERIAL: {"rate_hz": 1.0}},
}
PROBLEM = {
    "code": "gateway_silent",
    "serial": SERIAL,
    "since": "2026-06-21T11:58:30Z",
    "text": "The gateway is silent.",
    "remedy": "Look whether it is on.",
}


def board(*told: tuple[str, object]) -> Board:
    it = Board("envoy")
    for topic, payload in told:
        it.hear(f"envoy/{topic}", payload if isinstance(payload, bytes) else json.dumps(payload).encode())
    return it


def shown(it: Board, width: int = 80, height: int = 50, scene: Scene = SCENE) -> list[str]:
    return ["".join(text for text, _ in line) for line in picture(it, scene, width, height)]


WELL = board(
    (f"{SERIAL}/live", LIVE),
    (f"{SERIAL}/energy", ENERGY),
    (f"{SERIAL}/tariff", TARIFF),
    (f"{SERIAL}/availability", b"online"),
    ("bridge/state", b"online"),
    ("bridge/health", HEALTH),
)


def test_a_house_that_feeds_the_grid_is_shown_in_numbers_bars_and_words() -> None:
    lines = shown(WELL)
    bars = {line.split()[0]: line.count("█") for line in lines if "█" in line}
    # 42 columns for the largest of them, 3412.3 W.
    assert bars == {"solar": 42, "house": 10, "grid": 26, "battery": 6}
    assert [line.split("█")[0].split() for line in lines if "█" in line] == [
        ["solar", "3.41", "kW"],
        ["house", "807", "W"],
        ["grid", "2.11", "kW", "exporting"],
        ["battery", "500", "W", "charging", "76", "%"],
    ]
    narrow = [line.split("█")[0].split() for line in shown(WELL, width=40) if line.startswith("battery")]
    assert narrow[0] == ["battery", "500", "W", "charging"]
    assert "The house feeds 2.11 kW into the grid." in lines
    assert lines[0] == "envoy-mqtt" + " " * 62 + "12:00:02"
    assert next(line for line in lines if line.startswith(SERIAL)).endswith(" 2 s old")
    assert "today   produced 12.35 kWh · exported 7.00 kWh · self-sufficient 82 %" in lines
    assert "tariff  peak at 0.52 AUD/kWh · earns 0.15 AUD an hour · paid 0.26 AUD today" in lines
    assert "reading source stream · 1.00 a second" in lines
    assert lines[-1] == "Nothing is wrong."


@pytest.mark.parametrize(
    ("net", "sentence"),
    [
        (1200.0, "The house draws 1.20 kW from the grid."),
        (-3.0, "The house feeds 3 W into the grid."),
        (0.2, "Nothing flows to or from the grid."),
    ],
)
def test_the_sentence_follows_the_sign(net: float, sentence: str) -> None:
    assert sentence in shown(board((f"{SERIAL}/live", {"time": NOON, "net_power": net})))


def test_each_phase_has_a_line_and_narrow_terminals_have_fewer_columns() -> None:
    it = board((f"{SERIAL}/live", THREE))
    wide = [line for line in shown(it) if line.startswith("grid L")]
    assert [line.split()[:4] for line in wide] == [["grid", f"L{n}", f"{n}00", "W"] for n in (1, 2, 3)]
    assert any("frequency" in line for line in shown(it))
    narrow = shown(it, width=40)
    assert not any("frequency" in line for line in narrow)
    assert any("voltage" in line for line in narrow)


def test_a_single_phase_has_a_line_too() -> None:
    assert any(line.split()[:3] == ["solar", "3412", "W"] for line in shown(WELL))


def test_what_is_wrong_is_said_with_since_when_and_what_to_do() -> None:
    it = board((f"{SERIAL}/live", LIVE), (f"{SERIAL}/availability", b"offline"))
    it.hear("envoy/bridge/health", json.dumps({**HEALTH, "problems": [PROBLEM]}).encode())
    lines = shown(it)
    assert f"✗ The gateway is silent. ({SERIAL} · since 11:58)" in lines
    assert "  → Look whether it is on." in lines
    assert any(line.endswith("offline, last reading at 12:00:00") for line in lines)
    assert any(line.startswith("The house feeds") for line in shown(WELL))
    assert not any(line.startswith("The house") for line in lines)
    assert "Nothing is wrong." not in lines


def test_what_is_not_known_is_a_dash_and_no_bar() -> None:
    it = board((f"{SERIAL}/live", {"time": None, "net_power": None, "production_power": None}))
    lines = shown(it)
    assert [line.split() for line in lines if line.startswith(("solar", "grid"))] == [
        ["solar", "–"],
        ["grid", "–"],
    ]
    assert any(line.endswith("no reading yet") for line in lines)


def test_before_anything_was_told_it_says_so() -> None:
    assert shown(Board("envoy"))[1] == "No gateway is told of here yet."
    away = SCENE._replace(trouble="The broker is away.")
    assert shown(Board("envoy"), scene=away)[1:] == ["The broker is away."]
    assert "The bridge does not run" in shown(board(("bridge/state", b"offline")))[1]


def test_several_gateways_are_a_table_with_their_sum_and_an_unknown_one_has_none() -> None:
    it = board(
        ("1/live", {"net_power": 100, "production_power": 50, "consumption_power": 150}),
        ("2/live", {"net_power": -300, "production_power": None}),
    )
    lines = [line.split() for line in shown(it)]
    assert ["solar", "house", "grid"] in lines
    assert ["1", "50", "W", "150", "W", "100", "W"] in lines
    assert ["2", "–", "–", "-300", "W"] in lines
    # The second has no meter of the house, and one of the sun that says nothing.
    assert ["together", "–", "150", "W", "-200", "W"] in lines
    assert ["solar", "house", "grid"] in [line.split() for line in shown(it, width=40)]


@pytest.mark.parametrize(("width", "height"), [(80, 24), (40, 20), (160, 50), (30, 5), (20, 1), (1, 9)])
def test_it_fits_and_the_flow_stays_longest(width: int, height: int) -> None:
    lines = picture(WELL, SCENE, width, height)
    assert len(lines) <= height
    assert all(length(line) <= max(width, 40) for line in lines)
    if height >= 20:
        assert "The house feeds 2.11 kW into the grid." in shown(WELL, width, height)


VALUES = st.one_of(
    st.none(), st.floats(), st.integers(), st.text(max_size=20), st.booleans(), st.lists(st.none())
)


@given(
    st.dictionaries(st.sampled_from([*LIVE, *THREE]), VALUES),
    st.dictionaries(st.sampled_from([*ENERGY, *TARIFF]), VALUES),
    st.dictionaries(st.sampled_from([*HEALTH, *PROBLEM]), VALUES),
    st.integers(1, 200),
    st.integers(0, 60),
)
def test_whatever_anybody_publishes_is_shown_or_not_and_nothing_breaks(
    live: Any, energy: Any, health: Any, width: int, height: int
) -> None:
    it = board(
        (f"{SERIAL}/live", live),
        (f"{SERIAL}/energy", energy),
        (f"{SERIAL}/tariff", energy),
        ("bridge/health", {**health, "problems": [health], "gateways": {SERIAL: health}}),
    )
    for line in picture(it, SCENE, width, height):
        assert all(text.isprintable() for text, _ in line)
