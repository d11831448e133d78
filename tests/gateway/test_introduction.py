"""Who is there, over HTTPS or HTTP, against simulated gateways of every age."""

from itertools import pairwise

import pytest

from envoy_mqtt.errors import GatewayUnavailable, TryAgain
from envoy_mqtt.gateway.guard import Guard
from envoy_mqtt.gateway.introduction import introduce
from envoy_mqtt.gateway.road import Road
from envoy_mqtt.gateway.trouble import FOREIGN
from envoy_mqtt.gateway.wire import Wire
from envoy_mqtt.model import Identity
from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options

SERIAL = Options().serial
OLD = Options(firmware="R4.10.35")
NEW_WITHOUT_TLS = Options(tls=False)


async def met(
    gateway: Gateway, road: Road, *, secure: bool = False, pinned: frozenset[str] = frozenset()
) -> tuple[Identity, str]:
    wire = Wire(f"{gateway.host}:{gateway.port}", Guard("off"), road)
    try:
        return await introduce(wire, road, serial=None, secure=secure, pinned=pinned), wire.scheme
    finally:
        await wire.close()


@pytest.mark.parametrize("firmware", ["D7.0.88", "D8.2.127", "D8.3.5289"])
async def test_a_new_gateway_answers_over_https(keys: Keys, firmware: str) -> None:
    """With a content type or, from 8.3 on, without."""
    async with Gateway(Options(firmware=firmware), keys=keys) as gateway:
        identity, scheme = await met(gateway, Road())
        assert len(gateway.visits.connections) == 1
    assert (identity.serial, identity.firmware, identity.web_tokens) == (SERIAL, firmware, True)
    assert scheme == "https"


@pytest.mark.parametrize("firmware", ["R3.9.36", "R4.10.35", "D5.0.62"])
async def test_an_old_gateway_answers_over_http_and_is_asked_that_way_first_the_next_time(
    keys: Keys, firmware: str
) -> None:
    road = Road()
    async with Gateway(Options(firmware=firmware), keys=keys) as gateway:
        for _ in range(2):
            identity, scheme = await met(gateway, road)
            assert (identity.firmware, scheme) == (firmware, "http")
        # A handshake that fails, HTTP; and only HTTP the second time.
        assert len(gateway.visits.connections) == 3
        assert all(after - before >= 1.0 for before, after in pairwise(gateway.visits.connections[:2]))


async def test_an_https_that_sends_somewhere_else_is_left_for_http(keys: Keys) -> None:
    """Old gateways send to https://localhost; here that is the end, because HTTP is not there either."""
    async with Gateway(keys=keys) as gateway:
        await gateway.fault("redirect", location="https://localhost/")
        with pytest.raises(GatewayUnavailable, match="it answers 301 for /info"):
            await met(gateway, Road())
        assert len(gateway.visits.connections) == 2


async def test_an_http_that_is_no_more_is_left_for_https_in_the_same_attempt(keys: Keys) -> None:
    """The firmware was updated since the last attempt."""
    road = Road()
    road.arrived("http")
    async with Gateway(keys=keys) as gateway:
        _, scheme = await met(gateway, road)
    assert scheme == "https"
    assert road.schemes(secure=False) == ("https", "http")


async def test_where_http_only_sends_to_https_it_is_https_that_is_told_about(keys: Keys) -> None:
    async with Gateway(NEW_WITHOUT_TLS, keys=keys) as gateway:
        await gateway.fault("redirect")
        with pytest.raises(GatewayUnavailable, match="no secure connection"):
            await met(gateway, Road())
        assert [visit.status for visit in gateway.visits.requests] == [301]


async def test_who_wants_a_token_and_has_no_https_is_not_accepted(keys: Keys) -> None:
    async with Gateway(NEW_WITHOUT_TLS, keys=keys) as gateway:
        with pytest.raises(GatewayUnavailable, match="never sent without encryption"):
            await met(gateway, Road())


async def test_who_once_spoke_https_is_not_listened_to_over_http(keys: Keys) -> None:
    async with Gateway(OLD, keys=keys) as gateway:
        with pytest.raises(GatewayUnavailable, match="spoke HTTPS before"):
            await met(gateway, Road(), pinned=frozenset({SERIAL}))


async def test_where_that_is_known_beforehand_it_is_not_even_asked(keys: Keys) -> None:
    async with Gateway(OLD, keys=keys) as gateway:
        with pytest.raises(TryAgain, match="no secure connection"):
            await met(gateway, Road(), secure=True)
        assert gateway.visits.requests == []


async def test_a_gateway_that_is_away_is_knocked_at_in_turns(keys: Keys) -> None:
    """Its HTTPS is what the sentence is about; from the second attempt on it is one connection each."""
    async with Gateway(keys=keys) as gateway:
        await gateway.fault("refuse")
        road = Road()
        for _ in range(3):
            with pytest.raises(TryAgain, match="nothing listens at") as caught:
                await met(gateway, road)
            assert caught.value.reason == "unreachable"
    assert sum(road.requests.values()) == 2 + 1 + 1


async def test_a_gateway_that_speaks_tls_and_then_closes_is_not_tried_otherwise(keys: Keys) -> None:
    async with Gateway(keys=keys) as gateway:
        await gateway.fault("hang_up")
        with pytest.raises(FOREIGN):
            await met(gateway, Road())
        assert len(gateway.visits.connections) == 1


async def test_another_serial_number_than_the_given_one_is_a_sentence(keys: Keys) -> None:
    async with Gateway(keys=keys) as gateway:
        wire = Wire(f"{gateway.host}:{gateway.port}", Guard("off"), Road())
        with pytest.raises(GatewayUnavailable, match=f"{SERIAL}, not 9: mend gateway.host") as caught:
            await introduce(wire, Road(), serial="9", secure=False, pinned=())
        await wire.close()
    assert caught.value.reason == "other_serial"
