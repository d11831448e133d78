"""Multicast DNS for real, on the loopback interface."""

import pytest

from envoy_mqtt.errors import EnvoyMqttError
from envoy_mqtt.gateway.locate import locate
from envoy_mqtt.gateway.sighting import Sighting
from tests.announcer import LOOPBACK, announced

ONE, OTHER = "122300000101", "122300000102"


async def test_every_gateway_on_the_network_is_found_once() -> None:
    gateways = {
        "envoy": (ONE, ["169.254.3.4", "127.0.0.5"]),
        "envoy-2": (OTHER, ["127.0.0.6"]),
    }
    async with announced(gateways):
        found = await locate(1.0, [LOOPBACK])
    assert [each for each in found if each.serial in (ONE, OTHER)] == [
        Sighting("envoy", ONE, "8.3.4041", ("127.0.0.5", "169.254.3.4")),
        Sighting("envoy-2", OTHER, "8.3.4041", ("127.0.0.6",)),
    ]


# zeroconf leaves the socket open that it could not use; the command ends there.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_network_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(EnvoyMqttError, match=r"set gateway\.host"):
        await locate(0.1, ["203.0.113.7"])
