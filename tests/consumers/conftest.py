"""A broker for each test, and what bridges of three kinds say, captured once."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest

from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options
from tests.consumers.site import ONE_PHASE, SERIAL, WHOLE, at_work
from tests.mosquitto import Mosquitto

Capture = Mapping[str, bytes]


@pytest.fixture
def broker() -> Iterator[Mosquitto]:
    with Mosquitto() as running:
        yield running


@pytest.fixture(scope="session")
def captures(tmp_path_factory: pytest.TempPathFactory, keys: Keys) -> dict[str, Capture]:
    """By the site's kind, the newest message of each topic."""

    async def capture(name: str, options: Options, **changes: Any) -> tuple[str, Capture]:
        folder = tmp_path_factory.mktemp("site")
        with Mosquitto() as broker:
            async with at_work(broker, keys, folder, options, publish__scalars=True, **changes) as its:
                # What comes last of its kind.
                await its.ears.hear("token_expires/config" if changes else "/config")
                if options is WHOLE:
                    await its.ears.hear("sensor/storage_state_of_charge")
                await its.ears.hear(f"{SERIAL}/state", count=2)
                return name, {each.topic: each.payload for each in its.ears.heard if each.payload}

    async def all_of_them() -> Iterable[tuple[str, Capture]]:
        return await asyncio.gather(
            capture("one phase", ONE_PHASE),
            capture("three phases and a battery", WHOLE),
            capture("an entity a message", ONE_PHASE, homeassistant__style="component"),
        )

    return dict(asyncio.run(all_of_them()))


@pytest.fixture(scope="session")
def whole(captures: dict[str, Capture]) -> Capture:
    """Of the site where there is everything."""
    return captures["three phases and a battery"]


@pytest.fixture(scope="session")
def single(captures: dict[str, Capture]) -> Capture:
    """Of the site of one phase without a battery."""
    return captures["one phase"]
