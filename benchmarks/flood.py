"""(b) As fast as the client reads, end to end: TLS in, four topics through Mosquitto out.

What counts is the bridge's own `sequence`, which numbers readings, in the `live` messages that arrive;
readings between them that did not are those the outbox replaced. The pipe is measured on the same core.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple

from benchmarks.ears import Heard, listening
from benchmarks.machine import Core, cpu_s
from benchmarks.player import Spec
from benchmarks.report import OTHERS, Part, Row, at_least
from benchmarks.rig import UNLIMITED, bridging, piping, playing
from envoy_mqtt.simulator.options import Pace, Wiring
from tests.mosquitto import Mosquitto

READINGS_A_SECOND = 3000
WARM_UP = 2000
NAMES = {Wiring.SINGLE_THREE: "one phase", Wiring.THREE: "three phases"}


class Count:
    """How many messages came, and the last that carries a whole reading."""

    def __init__(self) -> None:
        self.messages = 0
        self.live = 0
        self.last = b""

    def hear(self, heard: Heard) -> None:
        """One message came."""
        self.messages += 1
        if heard.topic.endswith("/live"):
            self.live += 1
            self.last = heard.payload

    @property
    def sequence(self) -> int:
        """The bridge's own count; the pipe has none, and what came is all there is."""
        return int(json.loads(self.last).get("sequence", self.live))


class Moment(NamedTuple):
    """Everything that is counted, at one moment."""

    at: float
    cpu_s: float
    messages: int
    live: int
    sequence: int

    @classmethod
    def of(cls, count: Count, pids: Sequence[int]) -> "Moment":
        """This moment."""
        return cls(time.monotonic(), cpu_s(*pids), count.messages, count.live, count.sequence)


class Rates(NamedTuple):
    """What happened between two moments."""

    readings_a_second: float
    cpu_ms: float
    replaced: int
    messages_a_second: float
    others_percent: float

    @classmethod
    def between(cls, first: Moment, last: Moment, core: Core) -> "Rates":
        """From counts to rates."""
        seconds, readings = last.at - first.at, last.sequence - first.sequence
        return cls(
            readings / seconds,
            (last.cpu_s - first.cpu_s) / readings * 1e3,
            readings - (last.live - first.live),
            (last.messages - first.messages) / seconds,
            core.others_percent,
        )


async def measure(seconds: float) -> Part:
    """So many seconds each: a single-phase site and a three-phase one, bridge and pipe."""
    rows: list[Row] = []
    for wiring, name in NAMES.items():
        ours = await _flood(wiring, seconds, piped=False)
        shell = await _flood(wiring, seconds, piped=True)
        rows += _rows(name, ours, shell)
    return Part(f"(b) Flood: as fast as the client reads, {seconds:g} s each", "shell pipe", rows)


def _rows(name: str, ours: Rates, shell: Rates) -> list[Row]:
    core, shell_core = 1e3 / ours.cpu_ms, 1e3 / shell.cpu_ms
    return [
        Row(f"{name}: readings a second of CPU", core, shell_core, at_least(core, READINGS_A_SECOND)),
        Row(f"{name}: CPU a reading, ms", ours.cpu_ms, shell.cpu_ms),
        Row(f"{name}: readings a second by the clock", ours.readings_a_second, shell.readings_a_second),
        Row(f"{name}: messages a second", ours.messages_a_second, shell.messages_a_second),
        Row(f"{name}: readings replaced", ours.replaced),
        Row(f"{name}: {OTHERS}", ours.others_percent, shell.others_percent),
    ]


async def _flood(wiring: Wiring, seconds: float, *, piped: bool) -> Rates:
    count = Count()
    with Mosquitto(UNLIMITED) as broker:
        async with (
            listening(broker.port, count.hear, "envoy/#", "shell/#") as ears,
            playing(Spec(wiring=wiring, pace=Pace.FLOOD)) as player,
        ):
            reader: AbstractAsyncContextManager[Sequence[int]]
            reader = (
                piping(broker.port, player.gateways[0]) if piped else bridging(broker.port, player.gateways)
            )
            async with reader as pids:
                await ears.until(lambda: count.live >= WARM_UP)
                core, first = Core(*pids), Moment.of(count, pids)
                await asyncio.sleep(seconds)  # This is the measurement.
                return Rates.between(first, Moment.of(count, pids), core)
