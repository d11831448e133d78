"""All gateways are looked at once, side by side: most of that time is spent waiting for the next reading."""

import asyncio

import pytest

from envoy_mqtt.simulator.identity import Keys
from tests.mosquitto import Mosquitto
from tests.pyenphase.cases import RECORDED, SIMULATED
from tests.pyenphase.gateways import Played, Quiet, Simulated
from tests.pyenphase.looks import Looks, look_at


@pytest.fixture(scope="session")
def looks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Looks]:
    keys = Keys()
    gateways: dict[str, Quiet] = {name: Simulated(house, keys) for name, house in SIMULATED.items()}
    gateways |= {name: Played(folder, keys) for name, folder in RECORDED.items()}
    with Mosquitto() as broker:
        return asyncio.run(look_at(gateways, broker, tmp_path_factory.mktemp("looks")))
