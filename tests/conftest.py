"""What every test has: the same examples of properties in every run, and one set of keys for all gateways."""

import pytest
from hypothesis import settings

from envoy_mqtt.simulator.identity import Keys

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def keys() -> Keys:
    """What simulated gateways and clouds sign with; making it takes a while and changes nothing."""
    return Keys()
