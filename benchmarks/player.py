"""The process of the simulated gateways: `python -m benchmarks.player SPEC`.

It says where its gateways listen and then does what it is told, one JSON line each way; the end of
its input is its own. Events are numbered: event k of all goes to gateway k modulo their number, and
phase 1 of its production meter shows FIRST_W plus how many that gateway had before. When each was
written is told in nanoseconds of CLOCK_MONOTONIC, taken just before.
"""

import asyncio
import gc
import json
import re
import sys
import time
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

from benchmarks.machine import until
from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options, Pace, Wiring

FIRST_W = 1000
FIRST_SERIAL = 122_300_000_000

# A client that reads as fast as it can is never given more than this to catch up with.
MOST_UNREAD = 256 * 1024
AT_ONCE = 16

POWER = re.compile(rb'(?<="p":)-?[\d.]+')


class Spec(NamedTuple):
    """The gateways to play."""

    gateways: int = 1
    wiring: str = Wiring.SINGLE_THREE
    pace: str = Pace.MANUAL


class Player:
    """The gateways while they play."""

    def __init__(self, gateways: list[Gateway]) -> None:
        self._gateways = gateways
        self._events = [Event(gateway.event()) for gateway in gateways]
        self._next = 0

    async def streaming(self) -> dict[str, Any]:
        """Every gateway has a client."""
        for gateway in self._gateways:
            await gateway.streaming()
        gc.collect()
        gc.disable()  # A pause of ours would be taken for the bridge's.
        return {}

    async def send(self, events: int, rate_hz: float | None) -> dict[str, Any]:
        """So many events in all, evenly spread, or as fast as they are read; when each was written."""
        first = self._next
        stamps = await (self._pour(events) if rate_hz is None else self._beat(events, 1 / rate_hz))
        return {"first": first, "stamps_ns": stamps}

    async def _beat(self, events: int, interval_s: float) -> list[int]:
        start, stamps = time.monotonic(), []
        for n in range(events):
            early_s = start + n * interval_s - time.monotonic()
            if early_s > 0:
                await asyncio.sleep(early_s)
            stamps.append(self._write())
        return stamps

    async def _pour(self, events: int) -> list[int]:
        stamps: list[int] = []
        while len(stamps) < events:
            stamps += [self._write() for _ in range(min(AT_ONCE, events - len(stamps)))]
            await asyncio.sleep(0)
            await until(lambda: self._unread <= MOST_UNREAD)
        await until(lambda: not self._unread)
        return stamps

    def _write(self) -> int:
        turn, which = divmod(self._next, len(self._gateways))
        self._next += 1
        data = self._events[which].numbered(turn)
        stamp_ns = time.monotonic_ns()
        if self._gateways[which].say(data) != 1:
            raise RuntimeError(f"gateway {which} has no client, or several")
        return stamp_ns

    @property
    def _unread(self) -> int:
        return sum(stream.unread for gateway in self._gateways for stream in gateway.streams)


class Event:
    """An event of a gateway, its first power replaced by a number."""

    def __init__(self, data: bytes) -> None:
        found = POWER.search(data)
        assert found is not None
        self._before, self._after = data[: found.start()], data[found.end() :]

    def numbered(self, number: int) -> bytes:
        """The bytes of the event with this number."""
        return b"%b%d.0%b" % (self._before, FIRST_W + number, self._after)


async def play(spec: Spec) -> None:
    """Play until the input ends."""
    keys = Keys()  # Making one takes a tenth of a second.
    async with AsyncExitStack() as stack:
        gateways = [
            await stack.enter_async_context(Gateway(_options(spec, n), keys=keys))
            for n in range(spec.gateways)
        ]
        _say([{"port": each.port, "serial": each.serial, "token": each.owner_token} for each in gateways])
        player = Player(gateways)
        while line := await asyncio.to_thread(sys.stdin.readline):
            verb, arguments = json.loads(line)
            _say(await (player.send(**arguments) if verb == "send" else player.streaming()))


def _options(spec: Spec, n: int) -> Options:
    return Options(serial=str(FIRST_SERIAL + n), phases=Wiring(spec.wiring), pace=Pace(spec.pace))


def _say(answer: object) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(play(Spec(*json.loads(sys.argv[1]))))
