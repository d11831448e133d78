"""`make soak`: a day of readings in minutes, with everything that a day brings, and every one accounted for.

    python -m tests.faults.soak --minutes 3

24 hours at 1 Hz are 86,400 readings; at 50 a second they take 29 minutes. Bursts come all the time, and the
gateway restarts, and the broker, 24 times each in the whole run. A witness on the wire between bridge and
broker says which readings left and when, a subscriber which of them arrived:

    published    arrived at the subscriber
    replaced     never left, a newer one left instead; the bridge counts those
    lost         left, and the broker was killed with them
    unexplained  none of these: there may be none
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median, median_low

import aiomqtt

from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.options import Options, Pace
from tests.e2e.harness import Ears, eventually, listening
from tests.faults.rig import LONG_S, Look, look, running
from tests.faults.tap import Tap
from tests.faults.witness import Witness
from tests.mosquitto import Mosquitto

RATE_HZ = 50.0
HOURS = 24
DAY_MINUTES = HOURS * 3600 / RATE_HZ / 60

# How much more memory there may be at the end than after the first tenth.
MOST_MIB = 2.0

# What left so long before the broker was killed may have died with it: it takes a broker on a busy machine
# that long to hand on what it has.
DYING_S = 3.0

# So often the process is looked at in all.
LOOKS = 100

# Whoever has a connection to a broker that is killed has noticed by then.
NOTICED_S = 0.5

# How long the gateway is away, busy and asleep when it starts anew: an hour has 72 s here, and a bridge waits
# longer with each failure until it has had a minute of readings.
REBOOT = {"away_s": 0.8, "busy_s": 0.4, "zeros_s": 0.4}


class Tally(Ears):
    """Ears that keep what is needed and not a day of messages."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers: set[int] = set()
        self.twice: set[int] = set()

    def count(self) -> None:
        """Take stock, and forget everything but the newest health."""
        for each in self.on("/live"):
            if not each.retain:
                number = int(each.json["sequence"])
                (self.twice if number in self.numbers else self.numbers).add(number)
        self.heard[:] = self.on("/bridge/health")[-1:]


def fates(readings: int, heard: set[int], sent: dict[int, float], killed: list[float]) -> dict[int, str]:
    """What became of each of the readings 1 to `readings`; `killed` are the times of the broker's deaths."""

    def fate(number: int) -> str:
        if number in heard:
            return "published"
        left = sent.get(number)
        if left is None:
            return "replaced"
        dying = any(-NOTICED_S <= death - left <= DYING_S for death in killed)
        return "lost" if dying else "unexplained"

    return {number: fate(number) for number in range(1, readings + 1)}


def settled(looks: list[Look]) -> Look:
    """The usual one of several: a look may fall into a restart."""
    mib, *counts = zip(*looks, strict=True)
    files, tasks, threads = (median_low(map(int, each)) for each in counts)
    return Look(median(mib), files, tasks, threads)


class Run:
    """One soak; `looks` are the process's through the whole of it, in order."""

    def __init__(self, minutes: float, restarts: int) -> None:
        self.minutes, self.restarts = minutes, restarts
        self.tally, self.witness = Tally(), Witness()
        self.looks: list[Look] = []
        self.killed: list[float] = []
        self.log: list[str] = []

    async def play(self) -> None:
        """All of it, up to what the bridge itself says at the end."""
        options = Options(rate_hz=RATE_HZ, pace=Pace.BURSTS, speed=RATE_HZ)
        with Mosquitto() as broker, tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            async with AsyncExitStack() as outer, AsyncExitStack() as house:
                gateway = await house.enter_async_context(Gateway(options))
                tap = await outer.enter_async_context(Tap("127.0.0.1", broker.port, self.witness.overhear))
                ears = await outer.enter_async_context(AsyncExitStack())
                await ears.enter_async_context(self._listening(broker.port))
                hosts = {f"127.0.0.1:{gateway.port}": gateway.owner_token}
                pid = await outer.enter_async_context(running(folder, tap.port, hosts))
                self._look_at, self._every_s = (pid, folder), self.minutes * 60 / LOOKS
                await eventually(lambda: bool(self.witness.sent), LONG_S)
                end = time.monotonic() + self.minutes * 60
                for hour in range(self.restarts):
                    part_s = (end - time.monotonic()) / (self.restarts - hour) / 3
                    await self._watch(part_s)
                    await gateway.fault("reboot", **REBOOT)
                    await self._watch(part_s)
                    await self._restart(broker, tap, ears)
                    await self._watch(part_s)
                await house.aclose()
                self.health = await self._health(broker.port)
            self.log = (folder / "log").read_text().splitlines()

    async def _restart(self, broker: Mosquitto, tap: Tap, ears: AsyncExitStack) -> None:
        """Who listens is there again before the bridge can be: what is lost is lost with the broker."""
        self.killed.append(time.monotonic())
        broker.kill()
        await asyncio.sleep(NOTICED_S)
        await tap.shut()
        await ears.aclose()
        broker.start()
        await ears.enter_async_context(self._listening(broker.port))
        await tap.mend()

    @asynccontextmanager
    async def _listening(self, port: int) -> AsyncIterator[None]:
        async with listening(port, "envoy/#", self.tally):
            yield
        self.tally.count()

    async def _watch(self, part_s: float) -> None:
        until, again = time.monotonic() + part_s, 0.0
        while time.monotonic() < until:
            await asyncio.sleep(1.0)
            self.tally.count()
            if time.monotonic() >= again:
                again = time.monotonic() + self._every_s
                self.looks.append(await look(*self._look_at))

    async def _health(self, port: int) -> dict[str, int]:
        """What the bridge counted, once the last reading has left."""
        async with (
            listening(port, "envoy/bridge/response/health") as ears,
            aiomqtt.Client("127.0.0.1", port) as asker,
        ):
            while not ears.heard:  # the bridge may still be on its way to the broker
                await asker.publish("envoy/bridge/request/health", qos=1)
                await asyncio.sleep(1.0)
            told = ears.heard[0]
        data = told.json["data"]
        readings = next(iter(data["gateways"].values()))["readings"]
        return {"readings": readings, "replaced": data["broker"]["replaced"]}

    def report(self) -> bool:
        """Print what there was to see; whether it is as it should be."""
        tally, readings, replaced = self.tally, self.health["readings"], self.health["replaced"]
        tally.count()
        fate = fates(readings, tally.numbers, self.witness.sent, self.killed)
        count = Counter(fate.values())
        tenth = len(self.looks) // 10
        after, end = settled(self.looks[tenth : 2 * tenth]), settled(self.looks[-tenth:])
        rows = {
            "readings": f"{readings:,}",
            "published and heard": f"{count['published']:,}",
            "replaced by newer ones while the broker was away": f"{count['replaced']:,}",
            "lost in the broker that was killed": f"{count['lost']:,}",
            "**not accounted for**": f"{count['unexplained']:,}",
            "messages on all topics that the bridge counts as replaced": f"{replaced:,}",
            "heard twice / sent twice": f"{len(tally.twice):,} / {len(self.witness.again):,}",
            "restarts of the broker / of the gateway": f"{self.restarts} / {self.restarts}",
            "memory after a tenth / at the end": f"{after.mib:.1f} / {end.mib:.1f} MiB",
            "open files": f"{after.files} / {end.files}",
            "tasks": f"{after.tasks} / {end.tasks}",
            "threads": f"{after.threads} / {end.threads}",
            "lines in the log": f"{len(self.log)}",
        }
        sys.stdout.write("".join(f"| {name} | {value} |\n" for name, value in rows.items()))
        for number in (each for each, became in fate.items() if became == "unexplained"):
            before_s = min((death - self.witness.sent[number] for death in self.killed), key=abs)
            sys.stdout.write(f"reading {number} left {before_s:.2f} s before the nearest kill\n")
        sys.stdout.write("MiB: " + " ".join(f"{each.mib:.1f}" for each in self.looks) + "\n")
        bars = (
            end.mib - after.mib <= MOST_MIB,
            (after.files, after.tasks) == (end.files, end.tasks),
            count["unexplained"] == 0,
            count["replaced"] <= replaced,
            tally.twice <= self.witness.again,
        )
        return all(bars)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=DAY_MINUTES)
    parser.add_argument("--restarts", type=int, help="of each; one for each of the day's hours otherwise")
    given = parser.parse_args()
    restarts = given.restarts or max(1, round(HOURS * given.minutes / DAY_MINUTES))
    run = Run(given.minutes, restarts)
    asyncio.run(run.play())
    if not run.report():
        sys.exit("the soak is not as it should be")


if __name__ == "__main__":
    main()
