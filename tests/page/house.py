"""A simulated house with all that belongs to it, as real programs: gateway, Mosquitto, `envoy-mqtt run`."""

import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Battery, Options, Wiring
from tests.e2e.harness import Ears, Process, free_port, listening
from tests.mosquitto import Mosquitto

# The house's own clock, an hour east of Greenwich: midsummer's noon, and its evening.
NOON = 1_782_039_600.0  # 2026-06-21 11:00 UTC
EVENING = NOON + 8 * 3600.0

HOUSES = {
    "three phases at noon": Options(phases=Wiring.THREE, start=NOON),
    "single phase in the evening": Options(phases=Wiring.SINGLE_THREE, start=EVENING),
    "three phases with a battery": Options(phases=Wiring.THREE, battery=Battery.METERED, start=NOON),
}

# Where the layout makes no difference, the one with the most to show.
FULLEST = pytest.mark.parametrize("house", ["three phases with a battery"], indirect=True)

# As fast as a configuration allows where somebody waits.
BRISK = {"homeassistant__interval_s": 1, "energy__interval_s": 5, "availability__timeout_s": 3}


class House:
    """What stands; `address` is the page's."""

    def __init__(
        self, folder: Path, gateways: Sequence[Gateway], ears: Ears, keys: Mapping[str, object]
    ) -> None:
        self._folder, self._keys = folder, keys
        self.gateways, self.ears = gateways, ears
        self.address = f"http://127.0.0.1:{keys['web__port']}/"

    @property
    def gateway(self) -> Gateway:
        """The first one."""
        return self.gateways[0]

    async def start(self, **keys: object) -> None:
        """Run the bridge, with these settings besides."""
        self._process = await Process(self._folder, **{**self._keys, **keys}).__aenter__()
        await self._process.says("web server listens")

    async def kill(self) -> None:
        """End the bridge as a power cut does."""
        await self._process.stop(signal.SIGKILL)

    def freeze(self) -> None:
        """It holds its connections and says nothing."""
        self._process.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.process.send_signal(signal.SIGCONT)

    async def close(self) -> None:
        """End what runs."""
        await self._process.__aexit__()


@asynccontextmanager
async def standing(
    folder: Path, keys: Keys, *houses: Options, lines: str = "", **settings: object
) -> AsyncIterator[House]:
    """A house of one or more gateways; `lines` are for its configuration file, dots of settings `__`."""
    with Mosquitto() as broker:
        async with AsyncExitStack() as stack:
            gateways = [await stack.enter_async_context(Gateway(each, keys=keys)) for each in houses]
            ears = await stack.enter_async_context(listening(broker.port))
            (folder / "config.toml").write_text(lines + "".join(map(_section, gateways)))
            given = {"mqtt__host": "127.0.0.1", "mqtt__port": broker.port, "web__port": free_port()}
            house = House(folder, gateways, ears, {**BRISK, **given, "web__enabled": True, **settings})
            await house.start()
            try:
                yield house
            finally:
                await house.close()


def _section(gateway: Gateway) -> str:
    return f'\n[[gateways]]\nhost = "127.0.0.1:{gateway.port}"\ntoken = "{gateway.owner_token}"\n'
