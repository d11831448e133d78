"""Somebody sets the clock, or closes the laptop: the bridge's process gets clocks that do so."""

import os
import signal
import time
from pathlib import Path

from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options
from tests.e2e.harness import Ears, listening
from tests.faults import table
from tests.faults.rig import fresh, missing, now, running
from tests.mosquitto import Mosquitto

HOURS_S = 3600.0

# Seconds by which the wall clock is set, one after another: forwards, back behind where it was, and right.
JUMPS_S = (5 * HOURS_S, -26 * HOURS_S, 0.0)


def move(pid: int, folder: Path, set_s: float, slept_s: float = 0.0) -> None:
    (folder / "clock").write_text(f"{set_s} {slept_s}")
    os.kill(pid, signal.SIGUSR2)


def energies(ears: Ears) -> list[float]:
    """The production's counter each time that it was told, in kWh."""
    return [each.json["production_energy"] for each in ears.on("/energy")]


async def test_a_clock_that_is_set_by_hours_costs_nothing(broker: Mosquitto, tmp_path: Path) -> None:
    """No reading, no connection, no second of freshness, and no energy; `time` is what the clock says."""
    async with (
        Gateway(Options(rate_hz=4.0), keys=Keys()) as gateway,
        listening(broker.port, "envoy/#") as ears,
        running(
            tmp_path,
            broker.port,
            {f"127.0.0.1:{gateway.port}": gateway.owner_token},
            energy__interval_s=10,
            availability__timeout_s=5.0,
        ) as pid,
    ):
        await fresh(ears, gateway.serial)
        (first, *_) = await ears.hear("/energy")
        for set_s in JUMPS_S:
            move(pid, tmp_path, set_s)
            moved = now()
            await fresh(ears, gateway.serial, moved + 2.0)
            assert abs(ears.on("/live")[-1].json["time"] - time.time() - set_s) < 60.0
        await ears.hear("/energy", count=len(ears.on("/energy")) + 1)
        assert missing(ears, gateway.serial) == 0
        assert b"offline" not in [each.payload for each in ears.on("/availability") if each.at > first.at]
        counters = energies(ears)
        assert counters == sorted(counters)
        assert counters[-1] - counters[0] < 1.0
        assert len(gateway.visits.of("/info")) == 1
    table.ROWS.append(table.Row("clock set by hours, forwards and back", len(JUMPS_S), None, None, "none"))


async def test_a_laptop_that_slept_for_a_night_goes_on(broker: Mosquitto, tmp_path: Path) -> None:
    """What is old is offline at once, and the next reading ends it; nothing else happens."""
    async with (
        Gateway(Options(rate_hz=1.0), keys=Keys()) as gateway,
        listening(broker.port, "envoy/#") as ears,
        running(tmp_path, broker.port, {f"127.0.0.1:{gateway.port}": gateway.owner_token}) as pid,
    ):
        await fresh(ears, gateway.serial)
        await ears.hear("/energy")
        woken = now()
        move(pid, tmp_path, 0.0, 8 * HOURS_S)
        again = await fresh(ears, gateway.serial, woken + 1.0)
        await ears.until(lambda it: it.on(f"{gateway.serial}/availability")[-1].payload == b"online")
        await fresh(ears, gateway.serial, again + 3.0)
        assert missing(ears, gateway.serial) == 0
        counters = energies(ears)
        assert counters == sorted(counters)
        assert counters[-1] - counters[0] < 1.0
    row = table.Row("laptop asleep for 8 h (its boot clock)", 1, None, again - woken, "none")
    table.ROWS.append(row)
