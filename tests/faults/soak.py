"""`make soak`: a day of readings in minutes, with everything that a day brings, and every one accounted for.

    python -m tests.faults.soak --minutes 3

24 hours at 1 Hz are 86,400 readings; at 50 a second they take 29 minutes. Bursts come all the time, and the
gateway restarts, and the broker, 24 times each in the whole run. A reading that the bridge counted was heard
by a subscriber, replaced by a newer one, or lost with the broker that was killed.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.options import Options, Pace
from tests.e2e.harness import Ears, listening
from tests.faults.rig import resident_mib, running
from tests.mosquitto import Mosquitto

RATE_HZ = 50.0
HOURS = 24
DAY_MINUTES = HOURS * 3600 / RATE_HZ / 60

# How much more memory there may be at the end than after the first tenth.
MOST_MIB = 2.0


class Look(NamedTuple):
    """The process at one moment."""

    mib: float
    files: int
    threads: int


def look(pid: int) -> Look:
    proc = Path(f"/proc/{pid}")
    return Look(resident_mib(pid), len(list((proc / "fd").iterdir())), len(list((proc / "task").iterdir())))


class Tally(Ears):
    """Ears that keep what is needed and not a day of messages."""

    def __init__(self) -> None:
        super().__init__()
        self.last = self.heard_live = self.twice = 0
        self.first = 0

    def count(self) -> None:
        for each in self.on("/live"):
            if not each.retain:
                number = int(each.json["sequence"])
                self.first = self.first or number
                self.twice += number <= self.last
                self.heard_live += number > self.last
                self.last = max(self.last, number)
        health = self.on("/bridge/health")[-1:]
        self.heard[:] = health


class Run:
    """One soak: `tally` is what subscribers heard."""

    def __init__(self, minutes: float, restarts: int) -> None:
        self.minutes, self.restarts = minutes, restarts
        self.tally = Tally()
        self.looks: list[Look] = []

    async def play(self) -> None:
        options = Options(rate_hz=RATE_HZ, pace=Pace.BURSTS, speed=RATE_HZ)
        with Mosquitto() as broker, tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            async with AsyncExitStack() as stack:
                gateway = await stack.enter_async_context(Gateway(options))
                hosts = {f"127.0.0.1:{gateway.port}": gateway.owner_token}
                pid = await stack.enter_async_context(running(folder, broker.port, hosts))
                end = time.monotonic() + self.minutes * 60
                for number in range(2 * self.restarts):
                    await self._listen(broker, pid, end, 2 * self.restarts - number)
                    if number % 2:
                        broker.kill()
                        broker.start()
                    else:
                        await gateway.fault("reset")
                self.health = await self._health(broker)
            self.log = (folder / "log").read_text().splitlines()

    async def _listen(self, broker: Mosquitto, pid: int, end: float, parts: int) -> None:
        """A part of what is left of the time; memory is looked at ten times in all, once readings flow."""
        part_s = (end - time.monotonic()) / parts
        async with listening(broker.port, "envoy/#", self.tally):
            until = time.monotonic() + part_s
            while time.monotonic() < until:
                await asyncio.sleep(1.0)
                self.tally.count()
            self.looks.append(look(pid))

    async def _health(self, broker: Mosquitto) -> dict[str, float]:
        async with listening(broker.port, "envoy/bridge/health") as ears:
            (told, *_) = await ears.hear("/bridge/health")
            readings = next(iter(told.json["gateways"].values()))["readings"]
            return {"readings": readings, "replaced": told.json["broker"]["replaced"]}

    def report(self) -> bool:
        """Print what there was to see; whether it is as it should be."""
        tenth, last = self.looks[len(self.looks) // 10], self.looks[-1]
        tally = self.tally
        unheard = tally.last - tally.first + 1 - tally.heard_live
        rows = {
            "readings": f"{tally.last:,}",
            "heard": f"{tally.heard_live:,}",
            "not heard: replaced, or the broker was killed with them": f"{unheard:,}",
            "messages on all topics that newer ones replaced": f"{self.health['replaced']:,}",
            "heard twice": f"{tally.twice:,}",
            "restarts of the broker / of the stream": f"{self.restarts} / {self.restarts}",
            "memory after a tenth / at the end": f"{tenth.mib:.1f} / {last.mib:.1f} MiB",
            "open files": f"{tenth.files} / {last.files}",
            "threads": f"{tenth.threads} / {last.threads}",
            "lines in the log": f"{len(self.log)}",
        }
        sys.stdout.write("".join(f"| {name} | {value} |\n" for name, value in rows.items()))
        bars = (
            last.mib - tenth.mib <= MOST_MIB,
            abs(last.files - tenth.files) <= 2,
            tally.twice == 0,
            unheard <= self.restarts * RATE_HZ * 15,
        )
        return all(bars)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=DAY_MINUTES)
    minutes = parser.parse_args().minutes
    run = Run(minutes, max(1, round(HOURS * minutes / DAY_MINUTES)))
    asyncio.run(run.play())
    if not run.report():
        sys.exit("the soak is not as it should be")


if __name__ == "__main__":
    main()
