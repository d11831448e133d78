"""`kill -9` at random moments of a bridge with a journal: what is lost, what is said of it, what comes twice.

20 rounds, or KILL_ROUNDS of them (`make test-kill`); each fifth with a broker that is frozen meanwhile. What
came out is printed, for `docs/reliability.md`.
"""

import asyncio
import os
import random
import signal
import time
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.options import Options
from tests.e2e.harness import Ears, Process, eventually, listening
from tests.faults.rig import LONG_S
from tests.mosquitto import Mosquitto

ROUNDS = int(os.environ.get("KILL_ROUNDS", "20"))
RATE_HZ = 20.0

# A process lives at most so long; while the broker is frozen from its stream on, and at least a second, so
# that something is on the disk.
LONGEST_S = 3.0
SHORTEST_S = 1.2

# What a kill may take with it, on a disk that does its part.
MAY_BE_LOST_S = 1.0


class Killed(NamedTuple):
    """One process: when it was killed, whether the broker was frozen, and what it may take with it."""

    at: float
    frozen: bool
    may_be_lost_s: float


class Disk:
    """Writes for good beside the bridge, so that what the machine itself held up is known.

    A write that hangs for two seconds on a loaded machine keeps two seconds of readings from the disk,
    whoever writes them.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "probe"
        self._waits: list[tuple[float, float]] = []

    async def probe(self) -> None:
        while True:
            began = time.time()
            await asyncio.to_thread(self._write)
            self._waits.append((began, time.time() - began))
            await asyncio.sleep(0.05)

    def _write(self) -> None:
        with self._file.open("wb") as file:
            file.write(b"x")
            os.fsync(file.fileno())

    def longest_s(self, since: float) -> float:
        """How long the longest write took of those that ended after this."""
        return max(took for began, took in self._waits if began + took >= since)


async def one_round(
    folder: Path, keys: dict[str, Any], broker: Mosquitto, gateway: Gateway, *, disk: Disk, n: int
) -> Killed:
    chance = random.Random(n)
    frozen = n % 5 == 4
    if frozen:
        broker.freeze()
    async with Process(folder, **keys) as bridge:
        if frozen:
            opened = gateway.streams.opened
            await eventually(lambda: gateway.streams.opened > opened, LONG_S)
        await asyncio.sleep(chance.uniform(SHORTEST_S if frozen else 0.0, LONGEST_S))
        at = time.time()
        bridge.process.kill()
        await bridge.process.wait()
    if frozen:
        broker.thaw()
    return Killed(at, frozen, MAY_BE_LOST_S + disk.longest_s(at - LONGEST_S))


async def last_round(folder: Path, keys: dict[str, Any], ears: Ears) -> None:
    """A process that lives: everything comes, and it ends in order."""
    before = len(ears.heard)
    async with Process(folder, **keys) as bridge:

        def caught_up(it: Ears) -> bool:
            live = [each for each in it.heard[before:] if each.topic.endswith("/live") and not each.retain]
            return bool(live) and live[0].json["sequence"] in {
                each.json.get("sequence") for each in it.heard[before:] if each.topic.endswith("/journal")
            }

        await ears.until(caught_up)
        assert (await bridge.stop(signal.SIGTERM))[0] == 0


@pytest.mark.timeout(60 + 6 * ROUNDS)
async def test_nothing_is_lost_beyond_the_last_second_and_every_hole_is_said(
    broker: Mosquitto, tmp_path: Path
) -> None:
    async with Gateway(Options(rate_hz=RATE_HZ)) as gateway, listening(broker.port) as ears:
        keys = {
            "gateway__host": f"127.0.0.1:{gateway.port}",
            "gateway__token": gateway.owner_token,
            "mqtt__host": "127.0.0.1",
            "mqtt__port": broker.port,
            "journal__enabled": True,
            "log__format": "json",
        }
        disk = Disk(tmp_path)
        probing = asyncio.create_task(disk.probe())
        killed = [await one_round(tmp_path, keys, broker, gateway, disk=disk, n=n) for n in range(ROUNDS)]
        probing.cancel()
        await last_round(tmp_path, keys, ears)
        journal = [each.json for each in ears.on("/journal")]
        readings = [each for each in journal if "gap" not in each]
        live = [each.json for each in ears.on("/live") if not each.retain]
        energies = [each.json for each in ears.on("/energy")]
    check_numbers(journal)
    assert_rising([each["sequence"] for each in live])
    check_energies(energies)
    figures = {
        "rounds": ROUNDS,
        "readings": len({each["sequence"] for each in readings}),
        "twice": len(readings) - len({each["sequence"] for each in readings}),
        "gaps": len(journal) - len(readings),
        "lost": check_losses(killed, live, readings),
        "energies": len(energies),
        "longest_write_s": round(max(it.may_be_lost_s for it in killed) - MAY_BE_LOST_S, 3),
    }
    print(f"kill -9: {figures}")


def check_losses(killed: list[Killed], live: list[dict[str, Any]], readings: list[dict[str, Any]]) -> int:
    """How many were seen in `live` and never came in the journal, all of them just before a kill."""
    kept = {each["sequence"] for each in readings}
    lost = [each for each in live if each["sequence"] not in kept]
    for each in lost:
        assert any(0 <= it.at - each["time"] <= it.may_be_lost_s for it in killed), each
    for it in killed:
        if it.frozen:
            # Nobody heard these before the journal told them: the last one is young enough.
            newest = max(each["time"] for each in readings if each["time"] < it.at)
            assert it.at - newest <= it.may_be_lost_s
    return len(lost)


def check_numbers(journal: list[dict[str, Any]]) -> None:
    """Each number from the first to the last is a reading or in a gap, and never both; twice is the same."""
    readings: dict[int, dict[str, Any]] = {}
    missing: set[int] = set()
    for each in journal:
        if "gap" in each:
            missing.update(range(each["from_sequence"], each["to_sequence"] + 1))
        else:
            assert readings.setdefault(each["sequence"], each) == each
    assert not missing & readings.keys()
    assert missing | readings.keys() == set(range(1, max(readings) + 1))


def check_energies(energies: list[dict[str, Any]]) -> None:
    keys = [key for key in energies[0] if key.endswith("_energy") and key != "net_energy"]
    assert keys
    for key in keys:
        told = [each[key] for each in energies if each[key] is not None]
        assert told == sorted(told), key


def assert_rising(numbers: list[int]) -> None:
    assert [pair for pair in pairwise(numbers) if pair[0] >= pair[1]] == []
