"""A Home Assistant and a broker it is connected to, for each test; its log has to be clean afterwards."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from envoy_mqtt.simulator.identity import Keys
from tests.homeassistant.bridge import Stage
from tests.homeassistant.core import HomeAssistant
from tests.mosquitto import Mosquitto


@pytest.fixture
def broker() -> Iterator[Mosquitto]:
    with Mosquitto() as running:
        yield running


@pytest_asyncio.fixture
async def house(tmp_path: Path, broker: Mosquitto) -> AsyncIterator[HomeAssistant]:
    async with HomeAssistant(tmp_path / "house") as running:
        await running.add_broker(broker.port)
        yield running


@pytest.fixture
def stage(tmp_path: Path, broker: Mosquitto, keys: Keys) -> Stage:
    return Stage(tmp_path, broker, keys)
