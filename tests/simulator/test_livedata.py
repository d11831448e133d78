import json
from typing import Any

import pytest

from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.house import PhaseState, State
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.installation import Installation
from envoy_mqtt.simulator.livedata import LiveStream, status, wants_on
from envoy_mqtt.simulator.options import Battery, Layout, Options, Wiring
from envoy_mqtt.simulator.wire import Style, sample
from tests.simulator.client import visiting

NOON = 1_751_371_200.0
STATUS, STREAM = "/ivp/livedata/status", "/ivp/livedata/stream"
ON = b'{"enable":1}'


def document(**settings: Any) -> Any:
    """Two phases of 2000 W from the sun, 500 W used and 600 W stored, on each."""
    options = Options(phases=Wiring.SPLIT, **settings)
    state = State(NOON, (PhaseState(2000.0, 0.0, 500.0, 0.0, 120.0, -600.0),) * 2, 60.0)
    now = sample(state, Style.of(options))
    return json.loads(status(options, now, state, 0.62, NOON + 0.9, enabled=True))


def test_powers_are_milliwatts_and_the_load_is_the_sum_of_the_others() -> None:
    meters = document(battery=Battery.METERED)["meters"]
    assert [meters[name]["agg_p_mw"] for name in ("pv", "storage", "grid", "load", "generator")] == [
        4_000_000,
        -1_200_000,
        -1_800_000,
        1_000_000,
        0,
    ]
    assert [meters["grid"][f"agg_p_ph_{phase}_mw"] for phase in "abc"] == [-900_000, -900_000, 0]
    for key in ("agg_p_mw", "agg_s_mva", "agg_p_ph_a_mw", "agg_s_ph_b_mva"):
        assert meters["load"][key] == sum(meters[name][key] for name in ("pv", "storage", "grid"))


def test_the_keys_are_those_of_the_notes_in_their_order() -> None:
    found = document(battery=Battery.METERED)
    assert list(found) == ["connection", "meters", "tasks", "counters"]
    assert list(found["connection"]) == ["mqtt_state", "prov_state", "auth_state", "sc_stream", "sc_debug"]
    batteries = (
        "last_update soc main_relay_state gen_relay_state backup_bat_mode backup_soc is_split_phase "
        "phase_count enc_agg_soc enc_agg_energy acb_agg_soc acb_agg_energy"
    )
    assert list(found["meters"]) == [*batteries.split(), "pv", "storage", "grid", "load", "generator"]
    assert list(found["meters"]["pv"]) == [
        "agg_p_mw",
        "agg_s_mva",
        *(f"agg_p_ph_{phase}_mw" for phase in "abc"),
        *(f"agg_s_ph_{phase}_mva" for phase in "abc"),
    ]
    assert (found["meters"]["last_update"], found["meters"]["is_split_phase"]) == (int(NOON), 1)


def test_7_0_88_knows_sums_only() -> None:
    meters = document(firmware="D7.0.88")["meters"]
    assert list(meters["pv"]) == ["agg_p_mw", "agg_s_mva"]
    assert "phase_count" not in meters


@pytest.mark.parametrize(
    ("battery", "expected"),
    [
        (Battery.UNMETERED, (62, 62, 6200, 0, 0)),
        (Battery.AC, (62, 0, 0, 62, 6200)),
        (Battery.NONE, (0, 0, 0, 0, 0)),
    ],
)
def test_each_kind_of_battery_has_its_own_fields(battery: Battery, expected: tuple[int, ...]) -> None:
    meters = document(battery=battery)["meters"]
    keys = ("soc", "enc_agg_soc", "enc_agg_energy", "acb_agg_soc", "acb_agg_energy")
    assert tuple(meters[key] for key in keys) == expected


def test_what_no_meter_measures_is_nothing() -> None:
    meters = document(layout=Layout.NONE)["meters"]
    assert (meters["pv"]["agg_p_mw"], meters["grid"]["agg_p_mw"]) == (0, 0)


def test_it_goes_off_by_itself_and_then_shows_the_past() -> None:
    live = LiveStream(NOON, 900.0)
    assert (live.enabled(NOON), live.shown(NOON) < NOON) == (False, True)
    assert live.enable(NOON)
    assert not live.enable(NOON + 899.0)
    assert (live.enabled(NOON + 899.0), live.shown(NOON + 899.0)) == (True, NOON + 899.0)
    assert (live.enabled(NOON + 900.0), live.shown(NOON + 2000.0)) == (False, NOON + 900.0)
    assert live.enable(NOON + 2000.0)
    live.disable(NOON + 2100.0)
    assert live.shown(NOON + 2200.0) == NOON + 2100.0


@pytest.mark.parametrize(
    ("body", "expected"),
    [(ON, True), (b'{"enable": 0}', False), (b"", None), (b"[1]", None), (b'{"enable": "1"}', None)],
)
def test_only_a_one_switches_it_on(body: bytes, expected: bool | None) -> None:
    assert wants_on(body) is expected


def test_while_it_is_off_the_document_is_stale_and_says_so() -> None:
    installation = Installation(Options(livedata_s=60.0), NOON)

    def shown(unix: float) -> Any:
        answer = installation.answer(STATUS, unix)
        assert answer is not None
        return json.loads(answer.body)

    stale = shown(NOON)
    assert stale["connection"]["sc_stream"] == "disabled"
    assert stale["info"].startswith("Last available status data shown.")
    assert stale["meters"]["last_update"] < NOON
    assert shown(NOON + 30.0)["meters"] == stale["meters"]
    posted = installation.post(STREAM, ON, NOON)
    assert posted is not None
    assert json.loads(posted.body) == {"sc_stream": "enabled"}
    assert (shown(NOON + 30.0)["meters"]["last_update"], "info" in shown(NOON + 30.0)) == (NOON + 30, False)
    assert shown(NOON + 61.0)["meters"]["last_update"] == NOON + 60


async def test_it_is_switched_on_by_a_post_without_a_final_slash_once(keys: Keys) -> None:
    async with Gateway(keys=keys) as gateway, visiting(gateway) as client:

        async def post(path: str) -> int:
            async with client.session.post(gateway.url + path, data=ON, headers=client.headers) as answer:
                return answer.status

        assert [await post(path) for path in (f"{STREAM}/", STREAM, STREAM)] == [404, 200, 400]
        assert json.loads((await client.get(STATUS))[1])["connection"]["sc_stream"] == "enabled"
        assert await client.status(STREAM) == 404
        client.token = None
        client.session.cookie_jar.clear()
        assert await post(STREAM) == 401


async def test_old_firmware_has_none(keys: Keys) -> None:
    options = Options(firmware="D5.0.62", tokens=False)
    async with Gateway(options, keys=keys) as gateway, visiting(gateway) as client:
        assert await client.status(STATUS) == 404
