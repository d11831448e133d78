"""A bridge at work before a simulated gateway, for programs that read what it says."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Battery, Options, Wiring
from tests.e2e.harness import Ears, bridging, free_port, listening, settings, target
from tests.mosquitto import Mosquitto

# Late on a June morning, when the sun shines.
NOON = 1_782_036_000.0
ONE_PHASE = Options(start=NOON)
# All there can be, and from the stream.
WHOLE = Options(start=NOON, phases=Wiring.THREE, battery=Battery.UNMETERED)
SERIAL = ONE_PHASE.serial

# As fast as a configuration allows where a test waits for it.
BRISK: dict[str, Any] = {"homeassistant__interval_s": 1, "energy__interval_s": 5}


class Site(NamedTuple):
    """The gateway that is read, the port of the bridge's web server, and what the broker was told."""

    gateway: Gateway
    web: int
    ears: Ears


@asynccontextmanager
async def at_work(
    broker: Mosquitto, keys: Keys, folder: Path, options: Options, **changes: Any
) -> AsyncIterator[Site]:
    """From the first energies on."""
    web = free_port()
    async with Gateway(options, keys=keys) as gateway, listening(broker.port, "#") as ears:
        ours = settings(
            folder,
            **target(gateway, broker.port),
            web__enabled=True,
            web__port=web,
            **{**BRISK, **changes},
        )
        async with bridging(ours):
            await ears.hear("/availability", b"online")
            await ears.hear("/energy")
            await ears.hear(f"{SERIAL}/state")
            yield Site(gateway, web, ears)
