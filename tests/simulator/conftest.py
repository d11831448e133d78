"""What the simulator's tests share: one pair of keys, since making an RSA key is slow."""

import pytest

from envoy_mqtt.simulator.identity import Keys


@pytest.fixture(scope="session")
def keys() -> Keys:
    return Keys()
