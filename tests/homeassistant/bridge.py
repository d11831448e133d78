"""`envoy-mqtt run` before a simulated gateway: it can be stopped, killed, and started with other settings."""

import signal
from pathlib import Path
from typing import Self

from envoy_mqtt.simulator.gateway import Gateway
from tests.e2e.harness import Process

# All as fast as a configuration allows where a test waits for it.
BRISK = {"homeassistant__interval_s": 1, "energy__interval_s": 5, "availability__timeout_s": 2}


class Bridge:
    """One installation with its folder; `keys` are settings, dots written `__`."""

    def __init__(self, folder: Path, port: int, gateway: Gateway, **keys: object) -> None:
        self._folder = folder
        self._keys = {
            **BRISK,
            "gateway__host": f"127.0.0.1:{gateway.port}",
            "gateway__token": gateway.owner_token,
            "mqtt__host": "127.0.0.1",
            "mqtt__port": port,
            **keys,
        }

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._process.__aexit__()

    async def start(self, **keys: object) -> None:
        """Run, with these settings changed from now on."""
        self._keys |= keys
        self._process = await Process(self._folder, **self._keys).__aenter__()

    async def stop(self) -> None:
        """End it as a service manager does."""
        status, _ = await self._process.stop(signal.SIGTERM)
        assert status == 0

    async def kill(self) -> None:
        """End it as a power cut does: nothing but its will is left to speak."""
        await self._process.stop(signal.SIGKILL)

    async def restart(self, **keys: object) -> None:
        """Stop it and start it with these settings changed."""
        await self.stop()
        await self.start(**keys)
