"""One session's certificate, over real handshakes with a simulated gateway."""

import hashlib
import ssl

import aiohttp
import pytest

from envoy_mqtt.errors import GatewayUnavailable
from envoy_mqtt.gateway.guard import Guard
from envoy_mqtt.gateway.verdict import Verdict
from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options
from tests.e2e.harness import eventually

SERIAL = Options().serial
OLD = "ab" * 32


async def ask(gateway: Gateway, guard: Guard, times: int = 1, *, renew: bool = False) -> None:
    """Ask who is there, each time over a connection of its own."""
    connector = aiohttp.TCPConnector(ssl=guard, force_close=True)
    async with aiohttp.ClientSession(gateway.url, connector=connector) as http:
        for _ in range(times):
            async with http.get("/info") as answer:
                assert answer.status == 200
            if renew:
                gateway.renew_certificate()


def shown(gateway: Gateway) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(gateway.certificate_pem.decode())).hexdigest()


async def test_it_knows_what_was_shown(keys: Keys) -> None:
    guard = Guard("pin")
    async with Gateway(keys=keys) as gateway:
        await ask(gateway, guard, 3)
        assert (guard.name, guard.sha256) == (f"envoy-{SERIAL}", shown(gateway))
    assert guard.judge(SERIAL) == Verdict(pin=True)


@pytest.mark.parametrize("mode", ["pin", "strict"])
async def test_within_a_session_no_second_certificate_is_taken(keys: Keys, mode: str) -> None:
    """Not even a renewed one of the same name: the first is the one that was judged."""
    async with Gateway(keys=keys) as gateway:
        first = shown(gateway)
        guard = Guard("pin" if mode == "pin" else "strict", {}, SERIAL)
        with pytest.raises(aiohttp.ServerFingerprintMismatch):
            await ask(gateway, guard, 2, renew=True)
        assert guard.sha256 == first
        assert len(gateway.visits.requests) == 1


async def test_off_takes_any_at_any_time(keys: Keys) -> None:
    guard = Guard("off", {SERIAL: OLD}, SERIAL)
    async with Gateway(keys=keys) as gateway:
        gateway.renew_certificate(serial="122399999999")
        await ask(gateway, guard, 2, renew=True)
        assert len(gateway.visits.requests) == 2


async def test_where_the_serial_is_known_a_changed_certificate_ends_the_handshake(keys: Keys) -> None:
    """Nothing is asked, and the connection does not stay open."""
    async with Gateway(keys=keys) as gateway:
        with pytest.raises(GatewayUnavailable) as caught:
            await ask(gateway, Guard("strict", {SERIAL: OLD}, SERIAL))
        assert caught.value.reason == "certificate_changed"
        assert gateway.visits.requests == []
        await eventually(lambda: gateway.connections == 0)


async def test_anothers_name_is_judged_when_it_has_said_who_it_is(keys: Keys) -> None:
    """It may be an impostor, or another gateway and a wrong serial number in the configuration."""
    guard = Guard("pin", {}, SERIAL)
    async with Gateway(keys=keys) as gateway:
        gateway.renew_certificate(serial="122399999999")
        await ask(gateway, guard)
    with pytest.raises(GatewayUnavailable) as caught:
        guard.judge(SERIAL)
    assert caught.value.reason == "other_serial"


async def test_where_it_is_not_known_yet_the_verdict_waits_for_it(keys: Keys) -> None:
    guard = Guard("strict", {SERIAL: OLD})
    async with Gateway(keys=keys) as gateway:
        await ask(gateway, guard)
    with pytest.raises(GatewayUnavailable, match="envoy-mqtt trust"):
        guard.judge(SERIAL)
