import json
from dataclasses import replace
from typing import Any

import pytest

from envoy_mqtt.simulator.installation import Installation
from envoy_mqtt.simulator.options import Battery, Layout, Options, Wiring

NOON = 1_751_364_000.0  # 2025-07-01T10:00:00Z, and noon in the house of these tests
OPTIONS = Options(phases=Wiring.THREE, utc_offset_s=7200.0, seed=4)


def ask(installation: Installation, path: str, unix: float) -> Any:
    answer = installation.answer(path, unix)
    assert answer is not None
    assert answer.status == 200
    return json.loads(answer.body)


def test_it_answers_its_own_paths_and_no_other() -> None:
    installation = Installation(OPTIONS, NOON)
    answered = {
        path: installation.answer(path, NOON)
        for path in ("/info", "/info.xml", "/ivp/meters", "/", "/ivp/peb")
    }
    assert [path for path, answer in answered.items() if answer] == ["/info", "/info.xml", "/ivp/meters"]


def test_info_has_a_content_type_up_to_8_2_and_none_from_8_3() -> None:
    for firmware, headers in (("D8.2.127", {"Content-Type": "text/xml"}), ("D8.3.5167", {})):
        answer = Installation(Options(firmware=firmware), NOON).answer("/info", NOON)
        assert answer is not None
        assert answer.headers == headers


def test_the_house_time_runs_as_fast_as_the_speed_says() -> None:
    fast = Installation(Options(speed=60.0, start=0.0), NOON)
    assert fast.house_time(NOON) == 0.0
    assert fast.house_time(NOON + 10.0) == 600.0
    assert Installation(Options(), NOON).house_time(NOON + 10.0) == NOON + 10.0


@pytest.mark.parametrize("speed", [1.0, 20.0])
def test_counters_grow_by_what_the_events_say_whatever_the_speed(speed: float) -> None:
    installation = Installation(Options(phases=Wiring.THREE, utc_offset_s=7200.0, speed=speed, seed=4), NOON)
    before = ask(installation, "/ivp/meters/readings", NOON)
    after = ask(installation, "/ivp/meters/readings", NOON + 120.0)
    for place, section in ((0, "production"), (1, "net")):
        grown_wh = (
            after[place]["actEnergyDlvd"]
            - before[place]["actEnergyDlvd"]
            - after[place]["actEnergyRcvd"]
            + before[place]["actEnergyRcvd"]
        )
        said_wh = sum(
            sum(reading.p for reading in getattr(installation.sample(NOON + second), section)) / 3600.0
            for second in range(120)
        )
        assert grown_wh == pytest.approx(said_wh, rel=0.02, abs=0.5)


def test_import_and_export_of_phases_are_counted_each_on_its_own() -> None:
    installation = Installation(OPTIONS, NOON)
    before, after = (ask(installation, "/ivp/meters/readings", NOON + seconds) for seconds in (0.0, 3600.0))
    for key in ("actEnergyDlvd", "actEnergyRcvd"):
        parts = [c[1][key] - c[0][key] for c in zip(before[1]["channels"], after[1]["channels"], strict=True)]
        assert all(part >= 0.0 for part in parts)
        assert after[1][key] - before[1][key] == pytest.approx(sum(parts), abs=0.01)


def test_meters_that_are_not_fitted_do_not_count() -> None:
    installation = Installation(Options(layout=Layout.NET, seed=4), NOON)
    before, after = (ask(installation, "/ivp/meters/readings", NOON + seconds) for seconds in (0.0, 600.0))
    assert after[0]["actEnergyDlvd"] == before[0]["actEnergyDlvd"]
    assert after[1]["actEnergyDlvd"] + after[1]["actEnergyRcvd"] > (
        before[1]["actEnergyDlvd"] + before[1]["actEnergyRcvd"]
    )


def test_asleep_everything_is_zero_and_awake_the_counters_are_back() -> None:
    installation = Installation(OPTIONS, NOON)
    before = ask(installation, "/ivp/meters/readings", NOON)
    installation.asleep = True
    asleep = ask(installation, "/ivp/meters/readings", NOON + 60.0)
    assert asleep[0]["actEnergyDlvd"] == asleep[0]["activePower"] == 0.0
    assert installation.event(NOON).count(b"0.0") == 63
    installation.asleep = False
    after = ask(installation, "/ivp/meters/readings", NOON + 120.0)
    assert after[0]["actEnergyDlvd"] > before[0]["actEnergyDlvd"]


def test_a_battery_counts_what_it_gives_and_takes() -> None:
    options = replace(OPTIONS, battery=Battery.METERED, battery_w=500.0)
    installation = Installation(options, NOON - 14400.0)
    before, after = (
        ask(installation, "/ivp/meters/readings", NOON - 14400.0 + seconds)[2] for seconds in (0.0, 3600.0)
    )
    assert after["actEnergyRcvd"] - before["actEnergyRcvd"] == pytest.approx(500.0, rel=0.15)
    assert after["actEnergyDlvd"] >= before["actEnergyDlvd"]


def test_a_gateways_inverters_count_even_where_no_meter_does() -> None:
    installation = Installation(replace(OPTIONS, layout=Layout.NONE), NOON)
    before = installation.counters(NOON).array.delivered_wh
    made_w = sum(phase.production_w for phase in installation.house.at(NOON + 30.0).phases)
    grown_wh = installation.counters(NOON + 60.0).array.delivered_wh - before
    assert grown_wh == pytest.approx(made_w / 60.0, rel=0.3)
