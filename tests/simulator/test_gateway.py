import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509

from envoy_mqtt.errors import ConfigError
from envoy_mqtt.simulator.firmware import Role
from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Layout, Options, Pace, Wiring
from tests.simulator.client import visiting

MANUAL = Options(pace=Pace.MANUAL)


class Clock:
    """Unix time that moves when told."""

    def __init__(self) -> None:
        self.now = 1_751_371_200.0

    def __call__(self) -> float:
        return self.now


async def test_info_is_open_and_everything_else_needs_a_token(keys: Keys) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway, visiting(gateway) as client:
        paths = (
            "/info",
            "/info.xml",
            "/ivp/meters",
            "/ivp/meters/readings",
            "/stream/meter",
            "/auth/check_jwt",
            "/x",
        )
        client.token = None
        assert [await client.status(path) for path in paths] == [200, 200, 401, 401, 401, 401, 401]
        client.token = gateway.owner_token
        allowed = [path for path in paths if path != "/stream/meter"]
        assert [await client.status(path) for path in allowed] == [200, 200, 200, 200, 200, 404]


async def test_a_token_that_ended_or_is_anothers_or_was_revoked_is_refused(keys: Keys) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway, visiting(gateway) as client:
        revoked = gateway.owner_token
        gateway.revoke(revoked)
        for token in (
            gateway.token(lifetime_s=-1.0),
            gateway.token(serial="999999999999"),
            revoked,
            "nonsense",
        ):
            client.token = token
            status, body, headers = await client.get("/ivp/meters")
            assert (status, len(body), headers["Content-Type"]) == (401, 539, "text/html")
            assert await client.status("/auth/check_jwt") == 401


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_check_jwt_gives_a_cookie_that_is_as_good_as_the_token(keys: Keys, method: str) -> None:
    clock = Clock()
    async with Gateway(MANUAL, keys=keys, clock=clock) as gateway, visiting(gateway) as client:
        status, body, headers = await client.get("/auth/check_jwt", method)
        assert (status, body) == (200, b"<!DOCTYPE html><h2>Valid token.</h2>\n")
        assert headers["Set-Cookie"].endswith("; Secure; HttpOnly; path=/")
        client.token = None
        assert await client.status("/ivp/meters") == 200
        clock.now += 601.0
        assert await client.status("/ivp/meters") == 401
        assert [visit.cookie for visit in gateway.visits.of("/ivp/meters")] == [True, True]


async def test_8_3_5289_gives_a_cookie_with_every_bearer_answer_and_sends_browsers_to_its_login_page(
    keys: Keys,
) -> None:
    options = Options(firmware="D8.3.5289", pace=Pace.MANUAL)
    async with Gateway(options, keys=keys) as gateway, visiting(gateway) as client:
        first = (await client.get("/ivp/meters"))[2]["Set-Cookie"]
        # Now the cookie is known and used, and there is no new one.
        assert "Set-Cookie" not in (await client.get("/ivp/meters"))[2]
        client.session.cookie_jar.clear()
        assert (await client.get("/ivp/meters"))[2]["Set-Cookie"] != first
        client.session.cookie_jar.clear()
        client.token = None
        assert b"/login.html" in (await client.get("/ivp/meters"))[1]


# Protocol notes, section 1.6.
@pytest.mark.parametrize(
    ("firmware", "role", "status"),
    [
        ("D7.0.88", Role.OWNER, 200),
        ("D7.6.175", Role.OWNER, 401),
        ("D7.6.175", Role.INSTALLER, 200),
        ("D8.3.6086", Role.OWNER, 200),
    ],
)
async def test_who_may_read_the_stream_depends_on_firmware_and_role(
    keys: Keys, firmware: str, role: Role, status: int
) -> None:
    options = Options(firmware=firmware, pace=Pace.MANUAL)
    async with Gateway(options, keys=keys) as gateway, visiting(gateway) as client:
        client.token = gateway.token(role)
        async with client.session.get(f"{gateway.url}/stream/meter/", headers=client.headers) as answer:
            assert answer.status == status
        # The other paths are open to owners on all of them.
        assert await client.status("/ivp/meters") == 200


async def test_where_a_cookie_is_required_a_token_alone_opens_nothing_but_check_jwt(keys: Keys) -> None:
    async with Gateway(Options(cookie_required=True), keys=keys) as gateway, visiting(gateway) as client:
        assert await client.status("/ivp/meters") == 401
        assert await client.status("/auth/check_jwt") == 200
        assert await client.status("/ivp/meters") == 200


async def test_without_tokens_everything_is_open(keys: Keys) -> None:
    async with Gateway(Options(tokens=False, tls=False), keys=keys) as gateway, visiting(gateway) as client:
        client.token = None
        assert gateway.url.startswith("http://")
        assert await client.status("/ivp/meters/readings") == 200


async def test_ivp_answers_have_no_content_type(keys: Keys) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway, visiting(gateway) as client:
        _, body, headers = await client.get("/ivp/meters")
        assert "Content-Type" not in headers
        assert json.loads(body)[0]["measurementType"] == "production"


async def test_it_notes_who_came_when_and_what_they_got(keys: Keys) -> None:
    async with Gateway(MANUAL, keys=keys, clock=lambda: 1000.0) as gateway, visiting(gateway) as client:
        await client.get("/info")
        client.token = None
        await client.get("/ivp/meters", "POST")
        seen = [(v.at, v.method, v.path, v.token, v.status) for v in gateway.visits.requests]
        assert seen == [(1000.0, "GET", "/info", True, 200), (1000.0, "POST", "/ivp/meters", False, 401)]


async def test_it_counts_connections(keys: Keys) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway:
        async with visiting(gateway) as client:
            async with client.stream(), client.stream():
                await gateway.streaming(2)
                assert (gateway.connections, gateway.visits.peak_connections) == (2, 2)
            await gateway.quiet()
            await client.get("/info")
        assert len(gateway.visits.connections) == 3
        assert gateway.streams.opened == 2


async def test_the_certificate_is_renewed_for_the_next_handshake(keys: Keys) -> None:
    async with Gateway(Options(expired_certificate=True), keys=keys) as gateway, visiting(gateway) as client:
        first = x509.load_pem_x509_certificate(gateway.certificate_pem)
        assert first.not_valid_after_utc.timestamp() < time.time()
        gateway.renew_certificate()
        second = x509.load_pem_x509_certificate(gateway.certificate_pem)
        assert second.serial_number != first.serial_number
        assert second.not_valid_after_utc.timestamp() > time.time()
        assert await client.status("/info") == 200


async def test_the_certificate_may_be_anothers_while_info_is_ones_own(keys: Keys) -> None:
    async with Gateway(keys=keys) as gateway, visiting(gateway) as client:
        gateway.renew_certificate(serial="122399999999")
        subject = x509.load_pem_x509_certificate(gateway.certificate_pem).subject
        assert subject.rfc4514_string() == "CN=envoy-122399999999"
        _, body, _ = await client.get("/info")
        assert gateway.options.serial.encode() in body


async def test_the_event_is_that_of_the_source_at_the_time_of_the_clock(keys: Keys) -> None:
    clock = Clock()
    gateway = Gateway(MANUAL, keys=keys, clock=clock)
    assert gateway.event() == gateway.source.event(clock.now)
    assert gateway.event(5.0) == gateway.source.event(clock.now - 5.0)


async def test_it_can_be_refitted_while_it_runs(keys: Keys) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway, visiting(gateway) as client:
        before = json.loads((await client.get("/ivp/meters/readings"))[1])
        gateway.refit(replace(MANUAL, layout=Layout.PRODUCTION, phases=Wiring.THREE))
        listed = json.loads((await client.get("/ivp/meters"))[1])
        assert [(meter["state"], meter["phaseCount"]) for meter in listed] == [
            ("enabled", 3),
            ("disabled", 3),
        ]
        after = json.loads((await client.get("/ivp/meters/readings"))[1])
        assert after[0]["channels"][0]["actEnergyDlvd"] >= before[0]["channels"][0]["actEnergyDlvd"]
        assert json.loads(gateway.event()[6:])["production"]["ph-c"]["v"] > 200.0


async def test_it_ends_at_once_with_streams_open_and_requests_unanswered(keys: Keys) -> None:
    before = asyncio.all_tasks()
    gateway = Gateway(Options(rate_hz=50.0), keys=keys)
    async with AsyncExitStack() as stack, visiting(gateway) as client:
        await stack.enter_async_context(gateway)
        async with client.session.get(f"{gateway.url}/stream/meter", headers=client.headers):
            await gateway.streaming()
            await gateway.fault("silent", seconds=1000.0)
            hanging = asyncio.create_task(client.status("/info"))
            await gateway.visits.requested("/info")
            started = time.monotonic()
            await stack.aclose()
            assert time.monotonic() - started < 1.0
            with pytest.raises(aiohttp.ClientError):
                await hanging
    # One turn for what only has to see that it is over.
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


async def test_a_port_in_use_is_one_sentence(keys: Keys) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway:
        with pytest.raises(ConfigError, match="port: cannot listen"):
            async with Gateway(MANUAL, gateway.port, keys=keys):
                pass


async def test_gateways_can_share_their_keys_and_still_be_told_apart(keys: Keys) -> None:
    one, other = Options(serial="122300000001"), Options(serial="122300000002")
    async with (
        Gateway(one, keys=keys) as first,
        Gateway(other, keys=keys) as second,
        visiting(first) as client,
    ):
        client.token = second.owner_token
        assert await client.status("/ivp/meters") == 401
        assert first.certificate_pem != second.certificate_pem
        assert first.event() != second.event()


def test_the_product_reads_nothing_of_what_is_shared_for_tests() -> None:
    folder = Path(__file__).parents[2] / "envoy_mqtt" / "simulator"
    for path in folder.glob("*.py"):
        assert "shared/" not in path.read_text(encoding="utf-8")


@asynccontextmanager
async def signed_in(gateway: Gateway, user: str, password: str) -> AsyncIterator[aiohttp.ClientSession]:
    """aiohttp's own idea of Digest, which knows nothing of ours."""
    digest = aiohttp.DigestAuthMiddleware(login=user, password=password)
    async with aiohttp.ClientSession(gateway.url, middlewares=(digest,)) as session:
        yield session


# Protocol notes, section 2: the password of this serial number.
OLD = Options(firmware="R4.10.35", serial="122112123456", pace=Pace.MANUAL)


@pytest.mark.parametrize("firmware", ["D3.18.10", "R4.10.35", "D5.0.62"])
async def test_before_7_the_stream_is_the_installers_over_http_and_digest(keys: Keys, firmware: str) -> None:
    async with Gateway(replace(OLD, firmware=firmware), keys=keys) as gateway:
        assert gateway.url.startswith("http://")
        statuses = []
        for user, password in (("installer", "d525d2jh"), ("installer", "d525d2jx"), ("envoy", "123456")):
            async with (
                signed_in(gateway, user, password) as session,
                session.get("/stream/meter") as answer,
            ):
                statuses.append(answer.status)
                assert answer.headers["Connection"] == "close"
        assert statuses == [200, 401, 401]


async def test_before_7_some_paths_ask_for_a_password_and_others_do_not(keys: Keys) -> None:
    async with Gateway(OLD, keys=keys) as gateway, visiting(gateway) as client:
        client.token = None
        assert [await client.status(path) for path in ("/info", "/ivp/meters", "/ivp/meters/readings")] == [
            200
        ] * 3
        status, body, headers = await client.get("/production")
        assert (status, body) == (401, b"<html><body><h2>401 Unauthorized</h2></body></html>")
        assert headers["WWW-Authenticate"].startswith('Digest qop="auth", realm="enphaseenergy.com", nonce="')
        assert await client.status("/api/v1/production/inverters") == 401
        async with (
            signed_in(gateway, "envoy", "123456") as session,
            session.get("/production") as page,
            session.get("/api/v1/production/inverters") as inverters,
        ):
            assert (page.status, inverters.status == 401) == (401, False)


async def test_port_80_sends_to_https_until_8_3_5286_and_is_closed_from_then_on(keys: Keys) -> None:
    async with (
        Gateway(Options(firmware="D8.3.5167"), keys=keys, http_port=0) as gateway,
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{gateway.http_port}/ivp/meters?x=1", allow_redirects=False) as answer,
    ):
        assert (answer.status, answer.headers["Location"]) == (301, f"{gateway.url}/ivp/meters?x=1")
        assert [visit.encrypted for visit in gateway.visits.requests] == [False]
    async with (
        Gateway(Options(firmware="D8.3.5286"), keys=keys, http_port=0) as gateway,
        aiohttp.ClientSession() as session,
    ):
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(f"http://127.0.0.1:{gateway.http_port}/info", allow_redirects=False)


@pytest.mark.parametrize(("firmware", "status"), [("D8.3.5167", 200), ("D8.3.5286", 404)])
async def test_the_front_page_is_gone_from_8_3_5286_on(keys: Keys, firmware: str, status: int) -> None:
    async with Gateway(Options(firmware=firmware), keys=keys) as gateway, visiting(gateway) as client:
        client.token = None
        assert await client.status("/") == status


async def test_some_pages_are_for_installers(keys: Keys) -> None:
    async with Gateway(Options(firmware="D7.3.130"), keys=keys) as gateway, visiting(gateway) as client:
        pages = ("/ivp/peb/reports", "/ivp/ensemble/power", "/ivp/ensemble/secctrl")
        assert [await client.status(path) for path in pages] == [401, 401, 401]
        client.token = gateway.installer_token
        assert 401 not in [await client.status(path) for path in pages]


async def test_a_gateway_can_have_no_stream(keys: Keys) -> None:
    async with Gateway(Options(stream=False), keys=keys) as gateway, visiting(gateway) as client:
        assert [await client.status(path) for path in ("/stream/meter", "/ivp/meters")] == [404, 200]
