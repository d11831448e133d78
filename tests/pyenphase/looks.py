"""What the bridge publishes of a gateway and what pyenphase says of it, at the same moment of that gateway.

All gateways are looked at side by side: each for the first time, and where it has meters a minute later.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from envoy_mqtt.simulator.gateway import Gateway
from tests.e2e.harness import Ears, bridging, listening, settings
from tests.mosquitto import Mosquitto
from tests.pyenphase.environment import PYTHON
from tests.pyenphase.gateways import READINGS, Quiet

ASK = Path(__file__).with_name("ask.py")

# An answer is one line with all that the gateway said in it.
LONGEST_LINE = 2**24

# A look takes ten seconds at most; they all begin at once, on whatever machine this is.
PATIENCE_S = 60.0

# The bridge believes no rise of much more than 0.1 kWh in the seconds that really pass.
LATER_S = 60.0

# What the bridge learns beside the meters, or computes from that.
HOUSE = {"consumption_power"}
BATTERY = {*HOUSE, "storage_power", "storage_state_of_charge"}


class Seen(NamedTuple):
    """The payloads of `live` and `energy`, and pyenphase's `EnvoyData`."""

    live: dict[str, Any]
    energy: dict[str, Any]
    theirs: dict[str, Any]


# One of a gateway without meters, which tells nothing new for a minute; else two.
Looks = list[Seen]

Update = Callable[[], Awaitable[dict[str, Any]]]


async def look_at(gateways: Mapping[str, Quiet], broker: Mosquitto, folder: Path) -> dict[str, Looks]:
    """At each of these, by name."""
    tasks = {
        asyncio.create_task(_look_at(quiet, broker, folder / name), name=name)
        for name, quiet in gateways.items()
    }
    done, late = await asyncio.wait(tasks, timeout=PATIENCE_S, return_when=asyncio.FIRST_EXCEPTION)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    looks = {task.get_name(): task.result() for task in done}
    assert not late, f"nothing whole was seen of {sorted(task.get_name() for task in late)}"
    return looks


async def _look_at(quiet: Quiet, broker: Mosquitto, folder: Path) -> Looks:
    async with quiet.gateway as gateway, listening(broker.port, f"{folder.name}/#") as ears:
        config = _configuration(quiet, broker, folder)
        async with asking(gateway) as update, bridging(settings(folder, **config)):
            moments = (1.0, LATER_S) if quiet.metered else (0.0,)
            return [await _look(quiet, ears, update, seconds) for seconds in moments]


def _configuration(quiet: Quiet, broker: Mosquitto, folder: Path) -> dict[str, Any]:
    token = {"gateway__token": quiet.gateway.owner_token} if quiet.gateway.options.version.has_tokens else {}
    return token | {
        "gateway__host": f"127.0.0.1:{quiet.gateway.port}",
        "gateway__source": quiet.source,
        "mqtt__host": "127.0.0.1",
        "mqtt__port": broker.port,
        "mqtt__base_topic": folder.name,
        "homeassistant__enabled": False,
        "energy__interval_s": 5,
    }


@asynccontextmanager
async def asking(gateway: Gateway) -> AsyncIterator[Update]:
    """pyenphase with the owner's token, or on old firmware with a password of its own."""
    token = gateway.owner_token if gateway.options.version.has_tokens else None
    process = await asyncio.create_subprocess_exec(
        *(PYTHON, "-I", ASK),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LONGEST_LINE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    asks, answers = process.stdin, process.stdout
    asks.write(json.dumps({"host": f"127.0.0.1:{gateway.port}", "token": token}).encode() + b"\n")

    async def update() -> dict[str, Any]:
        asks.write(b"\n")
        found: dict[str, Any] = json.loads(await answers.readline() or "null")
        assert found, "pyenphase has failed; its own words are on stderr"
        return found

    try:
        yield update
    finally:
        # It may be trying again and again to reach somebody.
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _look(quiet: Quiet, ears: Ears, update: Update, seconds: float) -> Seen:
    quiet.pass_by(seconds)
    live = await _live(quiet, ears)
    # An energy that is older may be of counters that are, too.
    energy = await _newer(ears, "/energy", live["time"] - 0.001)
    return Seen(live, energy, await update())


async def _live(quiet: Quiet, ears: Ears) -> dict[str, Any]:
    """The first whole reading after this; what is told beside the meters may come after them."""
    if not quiet.metered:
        return await _newer(ears, "/live", 0.0)
    visits = quiet.gateway.visits
    while True:
        await visits.requested(READINGS, len(visits.of(READINGS)) + 1)
        # To the millisecond, as it is written; what the visit brings is read after this.
        live = await _newer(ears, "/live", time.time() - 0.001)
        wanted = BATTERY if quiet.battery else live.keys() & HOUSE
        if all(live.get(key) is not None for key in wanted):
            return live
        quiet.pass_by(1.0)


async def _newer(ears: Ears, topic: str, unix: float) -> dict[str, Any]:
    """The first message there that is later than this."""

    def newer() -> list[dict[str, Any]]:
        return [each.json for each in ears.on(topic) if each.json["time"] > unix]

    await ears.until(lambda _: newer() != [], PATIENCE_S)
    return newer()[0]
