"""(c) Resident memory: after 10,000 events, beside its libraries alone, and while the broker hangs.

The libraries are those that a bridge was seen to import from its start to its first reading, imported
by a Python that does nothing else.
"""

import asyncio
import json
import re
import sys
from contextlib import suppress

from benchmarks.ears import Ears, Heard, listening
from benchmarks.machine import all_read, resident_mib, said, until
from benchmarks.player import Spec
from benchmarks.receipts import event_number
from benchmarks.report import Part, Row, at_most
from benchmarks.rig import Player, bridging, importing, playing
from tests.mosquitto import Mosquitto

EVENTS = 10_000
RATE_HZ = 1000.0
MOST_MIB = 60.0
MOST_MORE_MIB = 8.0

# While the broker hangs. Between the first figure and the last, memory may grow by what an allocator
# rounds up and not by an event.
FROZEN_EVENTS = (20_000, 100_000)
FLAT_MIB = 1.0

# How long to wait for a sign of the broker's return before writing the next event.
ASK_AGAIN_S = 1.0

# A line of `python -X importtime`, section "Command line" of the Python documentation.
IMPORTED = re.compile(r"^import time: +\d+ \| +\d+ \| +([\w.]+)$", re.MULTILINE)


class Last:
    """The last message that carries a whole reading."""

    def __init__(self) -> None:
        self._payload = b"{}"

    def hear(self, heard: Heard) -> None:
        """One `live` message."""
        self._payload = heard.payload

    @property
    def sequence(self) -> int:
        """How many readings the bridge has counted up to there."""
        return int(json.loads(self._payload).get("sequence", 0))

    @property
    def number(self) -> int:
        """The player's number of the event; its first is 0."""
        return event_number(self._payload)


async def measure(_: float) -> Part:
    """It is events that count here, not seconds."""
    async with importing(await _imports()) as pid:
        bare = resident_mib(pid)
    last = Last()
    with Mosquitto() as broker:
        async with (
            listening(broker.port, last.hear, "envoy/+/live") as ears,
            playing(Spec()) as player,
            bridging(broker.port, player.gateways) as (bridge,),
        ):
            await player.streaming()
            await player.send(EVENTS, RATE_HZ)
            await ears.until(lambda: last.sequence >= EVENTS)
            after = resident_mib(bridge)
            broker.freeze()
            frozen = [await _pour(player, events, bridge) for events in _steps(FROZEN_EVENTS)]
            broker.thaw()
            unread = await _unread(player, EVENTS + FROZEN_EVENTS[-1], ears, last)
    return _part(bare, after, frozen, unread)


async def _imports() -> list[str]:
    """What a bridge imports of others, from its start to its first reading."""
    last = Last()
    with Mosquitto() as broker:
        async with (
            listening(broker.port, last.hear, "envoy/+/live") as ears,
            playing(Spec()) as player,
            bridging(broker.port, player.gateways, "-X", "importtime") as (bridge,),
        ):
            await player.streaming()
            await player.send(1)
            await ears.until(lambda: last.sequence >= 1)
            names: list[str] = IMPORTED.findall(said(bridge))
    own = {*sys.stdlib_module_names, "envoy_mqtt"}
    return [name for name in names if name.partition(".")[0] not in own]


def _steps(totals: tuple[int, ...]) -> list[int]:
    return [total - before for before, total in zip((0, *totals), totals, strict=False)]


async def _pour(player: Player, events: int, bridge: int) -> float:
    """Resident memory once the bridge has read so many more events."""
    await player.send(events)
    await until(lambda: all_read(player.gateways[0].port))
    return resident_mib(bridge)


async def _unread(player: Player, written: int, ears: Ears, last: Last) -> int:
    """How many events the bridge never read; the first new one that is heard tells both counts."""
    while last.number < written:
        await player.send(1)
        with suppress(TimeoutError):
            async with asyncio.timeout(ASK_AGAIN_S):
                await ears.until(lambda: last.number >= written)
    return last.number + 1 - last.sequence


def _part(bare: float, after: float, frozen: list[float], unread: int) -> Part:
    growth = frozen[-1] - frozen[0]
    return Part(
        "(c) Resident memory in MiB",
        "its libraries",
        [
            Row(f"after {EVENTS:,} events", after, bare, at_most(after, MOST_MIB)),
            Row("more than its libraries", after - bare, bar=at_most(after - bare, MOST_MORE_MIB)),
            *(
                Row(f"broker hangs, {events:,} events later", mib)
                for events, mib in zip(FROZEN_EVENTS, frozen, strict=True)
            ),
            Row("growth between these two", growth, bar=at_most(growth, FLAT_MIB)),
            Row("events of these that were not read", unread, bar=at_most(unread, 0)),
        ],
    )
