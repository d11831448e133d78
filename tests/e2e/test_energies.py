"""Energies through a real broker: what survives what, and what is never told."""

import json
import signal
from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.installation import Installation
from envoy_mqtt.simulator.options import Battery, Options, Wiring
from tests.e2e.harness import Ears, Process, listening, target
from tests.mosquitto import Mosquitto

# The gateway's counters once a second, so that nothing takes minutes.
quick = partial(target, energy__interval_s=5, homeassistant__interval_s=1, gateway__source="readings")
SERIAL = Options().serial
LIFETIME = ("production_energy", "grid_import_energy", "grid_export_energy", "consumption_energy")


def energies(ears: Ears) -> list[dict[str, Any]]:
    """What was told of energies, retained ones of before left out."""
    return [each.json for each in ears.on("/energy") if not each.retain]


def rises(told: list[dict[str, Any]]) -> bool:
    """Whether no lifetime energy ever fell, and none was unknown."""
    return all(before[key] <= after[key] for key in LIFETIME for before, after in pairwise(told))


def counted(gateway: Gateway) -> Mapping[str, float]:
    """The simulator's own counters in kWh, summed over the phases that are fitted."""
    assert isinstance(gateway.source, Installation)
    counters, fitted = gateway.source.counters(gateway.clock()), gateway.options.phases.number
    return {
        "production_energy": sum(each.delivered_wh for each in counters.production[:fitted]) / 1000,
        "grid_import_energy": sum(each.delivered_wh for each in counters.consumption[:fitted]) / 1000,
        "grid_export_energy": sum(each.received_wh for each in counters.consumption[:fitted]) / 1000,
    }


async def test_energies_are_the_gateways_own_counters(broker: Mosquitto, keys: Keys, tmp_path: Path) -> None:
    options = Options(phases=Wiring.THREE, battery=Battery.METERED)
    async with (
        Gateway(options, keys=keys) as gateway,
        listening(broker.port) as ears,
        Process(tmp_path, **quick(gateway, broker.port)),
    ):
        told = (await ears.hear("/energy", count=2))[-1].json
        expected = counted(gateway)
    assert {key: told[key] for key in expected} == pytest.approx(expected, abs=0.01)
    used = told["production_energy"] + told["grid_import_energy"] - told["grid_export_energy"]
    used += told["storage_discharged_energy"] - told["storage_charged_energy"]
    assert told["consumption_energy"] == pytest.approx(used, abs=0.002)
    assert told["net_energy"] == pytest.approx(
        told["grid_import_energy"] - told["grid_export_energy"], abs=0.002
    )


async def test_kill_9_costs_no_energy_and_today_goes_on(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with Gateway(Options(), keys=keys) as gateway, listening(broker.port) as ears:
        for n in range(3):
            async with Process(tmp_path, **quick(gateway, broker.port)) as bridge:
                await ears.hear("/energy", count=2 * n + 2)
                await bridge.stop(signal.SIGKILL)
        told = energies(ears)
    assert rises(told)
    assert told[-1]["resets"] == 0
    today = [each["production_energy_today"] for each in told]
    assert today == sorted(today)


@pytest.mark.parametrize("fault", ["counters_zero", "counters_back"])
async def test_a_counter_that_falls_is_not_told(
    broker: Mosquitto, keys: Keys, tmp_path: Path, fault: str
) -> None:
    """Zeros after a reboot, and the step back of 1.19 MWh (protocol notes, sections 3.5 and 7)."""
    async with Gateway(Options(), keys=keys) as gateway, listening(broker.port) as ears:
        async with Process(tmp_path, **quick(gateway, broker.port)):
            before = (await ears.hear("/energy", count=1))[-1].json
            await gateway.fault(fault)
            during = (await ears.hear("/energy", count=3))[-1].json
            await gateway.clear()
            await ears.hear("/energy", count=5)
        told = energies(ears)
    assert during["production_energy"] == pytest.approx(before["production_energy"], abs=0.05)
    assert rises(told)
    assert told[-1]["resets"] == 0


async def test_books_that_nobody_understands_are_kept_aside_and_said(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    book = tmp_path / "data" / f"energy-{SERIAL}.json"
    book.parent.mkdir()
    book.write_text('{"version": 1, "energy": ')
    async with (
        Gateway(Options(), keys=keys) as gateway,
        listening(broker.port) as ears,
        Process(tmp_path, **quick(gateway, broker.port)) as bridge,
    ):
        await ears.hear("/energy")
        await bridge.says("energies of before lost")
        line = next(line for line in bridge.log if line["event"] == "energies of before lost")
    assert f"energy-{SERIAL}.json.broken" in line["error"]
    assert book.with_name(f"{book.name}.broken").read_text() == '{"version": 1, "energy": '
    assert json.loads(book.read_text())["version"] == 1
    assert book.stat().st_mode & 0o777 == 0o600


async def test_books_of_a_newer_version_end_the_start_with_a_sentence(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    book = tmp_path / "data" / f"energy-{SERIAL}.json"
    book.parent.mkdir()
    book.write_text('{"version": 99}')
    async with (
        Gateway(Options(), keys=keys) as gateway,
        Process(tmp_path, **quick(gateway, broker.port)) as bridge,
    ):
        assert await bridge.process.wait() == 2
    assert "was written by a newer envoy-mqtt" in (tmp_path / "log").read_text()
    assert book.read_text() == '{"version": 99}'


async def test_state_has_what_live_and_energy_have(broker: Mosquitto, keys: Keys, tmp_path: Path) -> None:
    async with (
        Gateway(Options(phases=Wiring.SPLIT), keys=keys) as gateway,
        listening(broker.port) as ears,
        Process(tmp_path, **quick(gateway, broker.port)),
    ):
        await ears.hear("/energy")
        state = (await ears.hear(f"{SERIAL}/state", count=3))[-1]
        live, energy = ears.on("/live")[-1].json, ears.on("/energy")[-1].json
    told = [each.json for each in ears.on(f"{SERIAL}/state")][-1]
    assert state.retain is False
    numbers = {key for key in energy if not key.endswith("_source")}
    assert set(told) == set(live) | numbers | {"interval_s"}
    assert told["interval_s"] == 1
    assert isinstance(told["production_power"], int)
    assert told["production_energy"] is not None
