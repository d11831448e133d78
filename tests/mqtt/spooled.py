"""A journal for tests: lives of a process that takes readings and dies, and what it hands to a broker."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from envoy_mqtt.line import Line
from envoy_mqtt.mqtt.message import Message
from envoy_mqtt.mqtt.spool import Item, Spool

SERIAL = "122100000017"

# Far longer than anything takes.
PATIENCE_S = 120.0


def reading(sequence: int, serial: str = SERIAL, *, size: int = 0) -> Message:
    content = {"time": 1000.0 + sequence, "sequence": sequence, "filler": "x" * size}
    return Message(f"envoy/{serial}/journal", json.dumps(content).encode(), qos=1, retain=False, kept=True)


def put(spool: Spool, numbers: Iterable[int], serial: str = SERIAL, *, size: int = 0) -> None:
    assert list(spool.keep(reading(number, serial, size=size) for number in numbers)) == []


@asynccontextmanager
async def life(
    folder: Path, *, orderly: bool = False, max_mb: float = 256, line: Line | None = None
) -> AsyncIterator[Spool]:
    """A process with a journal; without an orderly end it is killed."""
    max_bytes = int(max_mb * 1_000_000)
    spool = Spool(folder, "envoy", line or Line("bridge"), max_bytes=max_bytes, every_s=0.001)
    task = asyncio.create_task(spool.run())
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield spool
            if orderly:
                spool.finish()
                await task
    finally:
        task.cancel()
        await asyncio.wait({task})


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what the disk's thread does; nobody tells when."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0)


async def take(spool: Spool, count: int) -> list[Item]:
    """So many messages, in the order in which they leave."""
    return [await spool.next() for _ in range(count)]


async def drain(spool: Spool, until: int, serial: str = SERIAL) -> list[dict[str, Any]]:
    """Every message up to the reading of this number, each acknowledged at once."""
    told: list[dict[str, Any]] = []
    while not told or told[-1].get("sequence") != until:
        item = await spool.next()
        spool.sent(item)
        if item.serial == serial:
            told.append(json.loads(item.message.payload))
    return told


def brief(told: Iterable[dict[str, Any]]) -> list[object]:
    """Readings as their numbers, gaps as (first, last, how many)."""
    return [
        (each["from_sequence"], each["to_sequence"], each["gap"]) if "gap" in each else each["sequence"]
        for each in told
    ]
