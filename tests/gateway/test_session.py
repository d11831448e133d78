"""Getting in and asking: tokens, cookies, digest, and what each 401 means; against simulated gateways."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from envoy_mqtt.clock import steady
from envoy_mqtt.errors import Absent, GatewayUnavailable, Refused
from envoy_mqtt.gateway.auth import Cloud
from envoy_mqtt.gateway.guard import Guard
from envoy_mqtt.gateway.road import Road
from envoy_mqtt.gateway.session import CHECK, STREAM, Session
from envoy_mqtt.gateway.tokens import Tokens
from envoy_mqtt.line import Line
from envoy_mqtt.simulator.firmware import Role
from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options

METERS = "/ivp/meters"

# The token that is configured, which a test may change.
Own = dict[str, str | None]


def tokens_of(folder: Path, own: Own) -> Tokens:
    nowhere = Cloud("http://127.0.0.1:9", "http://127.0.0.1:9")
    return Tokens(folder, lambda: own["token"], None, nowhere, Line("gateway"))


@asynccontextmanager
async def inside(
    gateway: Gateway,
    folder: Path,
    token: str | None = None,
    road: Road | None = None,
    clock: Callable[[], float] = steady,
) -> AsyncIterator[Session]:
    """A session that has signed in; with the owner's token where none is given."""
    tokens = tokens_of(folder, {"token": token or gateway.owner_token})
    where = f"{gateway.host}:{gateway.port}"
    async with Session(where, Guard("off"), road or Road(), steady=clock) as session:
        await session.sign_in(await session.identify(), tokens)
        yield session


def seen(gateway: Gateway) -> list[tuple[str, int | None]]:
    """Path and status of everything that was asked, but for who it is."""
    return [(visit.path, visit.status) for visit in gateway.visits.requests if visit.path != "/info"]


async def test_a_good_token_is_enough_by_itself(keys: Keys, tmp_path: Path) -> None:
    old = Options(firmware="D7.0.88")
    async with Gateway(old, keys=keys) as gateway, inside(gateway, tmp_path) as session:
        await session.ask(METERS)
        async with session.stream() as response:
            assert response.status == 200
            await session.ask(METERS)
        assert seen(gateway) == [(METERS, 200), (STREAM, 200), (METERS, 200)]
        assert [visit.cookie for visit in gateway.visits.requests] == [False] * 4
        assert len(gateway.visits.connections) == 2


async def test_who_it_is_is_asked_without_the_token(keys: Keys, tmp_path: Path) -> None:
    async with Gateway(keys=keys) as gateway, inside(gateway, tmp_path) as session:
        await session.ask(METERS)
        assert [(visit.path, visit.token) for visit in gateway.visits.requests] == [
            ("/info", False),
            (METERS, True),
        ]


async def test_a_cookie_that_comes_with_each_answer_is_kept_and_used_again(
    keys: Keys, tmp_path: Path
) -> None:
    """Firmware 8.3.5289 opens a session for each request without one."""
    async with (
        Gateway(Options(firmware="D8.3.5289"), keys=keys) as gateway,
        inside(gateway, tmp_path) as session,
    ):
        for _ in range(3):
            await session.ask(METERS)
        async with session.stream():
            pass
        cookies = [visit.cookie for visit in gateway.visits.requests[1:]]
        assert cookies == [False, True, True, True]
        assert len(gateway.reception.sessions) == 1


async def test_where_a_cookie_is_required_the_token_is_shown_once_for_it(keys: Keys, tmp_path: Path) -> None:
    options = Options(firmware="D7.6.175", cookie_required=True, stream_role=Role.OWNER)
    async with Gateway(options, keys=keys) as gateway, inside(gateway, tmp_path) as session:
        await session.ask(METERS)
        await session.ask(METERS)
        async with session.stream():
            pass
        assert seen(gateway) == [
            (METERS, 401), (CHECK, 200), (METERS, 200), (METERS, 200), (STREAM, 200)
        ]  # fmt: skip
        assert all(visit.token for visit in gateway.visits.requests[1:]), "the token always goes with it"
        assert len(gateway.visits.connections) == 1


async def test_the_stream_can_be_what_needs_the_cookie_first(keys: Keys, tmp_path: Path) -> None:
    options = Options(cookie_required=True)
    async with Gateway(options, keys=keys) as gateway, inside(gateway, tmp_path) as session:
        async with session.stream() as response:
            assert response.status == 200
        assert seen(gateway) == [(STREAM, 401), (CHECK, 200), (STREAM, 200)]


async def test_a_session_that_is_lost_is_opened_again_once_a_minute_at_most(
    keys: Keys, tmp_path: Path
) -> None:
    seconds = [1000.0]
    options = Options(cookie_required=True)
    async with (
        Gateway(options, keys=keys) as gateway,
        inside(gateway, tmp_path, clock=lambda: seconds[-1]) as session,
    ):
        for later_s in (0.0, 60.0):
            seconds.append(seconds[-1] + later_s)
            gateway.forget_sessions()
            await session.ask(METERS)
        assert seen(gateway) == [(METERS, 401), (CHECK, 200), (METERS, 200)] * 2
        assert [visit.cookie for visit in gateway.visits.of(CHECK)] == [False, False]
        gateway.forget_sessions()
        seconds.append(seconds[-1] + 59.0)
        with pytest.raises((Absent, Refused)):
            await session.ask(METERS)
        assert seen(gateway)[6:] == [(METERS, 401)]


async def test_a_role_that_may_not_read_the_stream_is_not_an_ended_token(keys: Keys, tmp_path: Path) -> None:
    """7.6.175 keeps its stream for installers; everything else goes on being answered."""
    old = Options(firmware="D7.6.175")
    async with Gateway(old, keys=keys) as gateway, inside(gateway, tmp_path) as session:
        await session.ask(METERS)
        for _ in range(2):
            with pytest.raises((Absent, Refused), match="role, owner, may not read the stream") as caught:
                async with session.stream():
                    pass
            assert (caught.value.code, caught.value.reason) == ("stream_not_for_role", "refused")
            await session.ask(METERS)
        assert "gateway.account.role" in str(caught.value)
        # With the check's cookie the stream is asked once more, and after that the check is believed.
        first = [(METERS, 200), (STREAM, 401), (CHECK, 200), (STREAM, 401), (METERS, 200)]
        assert seen(gateway) == [*first, (STREAM, 401), (METERS, 200)]


async def test_an_installers_token_reads_it(keys: Keys, tmp_path: Path) -> None:
    async with (
        Gateway(Options(firmware="D7.6.175"), keys=keys) as gateway,
        inside(gateway, tmp_path, gateway.installer_token) as session,
        session.stream() as response,
    ):
        assert response.status == 200


@pytest.mark.parametrize("why", ["revoked", "ended", "another gateway's"])
async def test_a_token_that_the_check_refuses_too_is_refused(keys: Keys, tmp_path: Path, why: str) -> None:
    async with Gateway(keys=keys) as gateway:
        token = gateway.token(lifetime_s=-1.0) if why == "ended" else gateway.owner_token
        if why == "revoked":
            gateway.revoke(token)
        if why == "another gateway's":
            gateway.rename("122399999999")
            token = gateway.token(serial="un-commissioned")
        async with inside(gateway, tmp_path, token) as session:
            with pytest.raises(Refused, match="refuses the token") as caught:
                await session.ask(METERS)
        assert caught.value.code == "gateway_refused"
        assert seen(gateway) == [(METERS, 401), (CHECK, 401)]


async def test_a_path_that_only_installers_may_read_does_not_condemn_the_token(
    keys: Keys, tmp_path: Path
) -> None:
    async with Gateway(keys=keys) as gateway, inside(gateway, tmp_path) as session:
        await gateway.fault("401", path=METERS)
        with pytest.raises((Absent, Refused), match="it takes the token") as caught:
            await session.ask(METERS)
        assert caught.value.code == "gateway_refused"


async def test_firmware_without_the_check_is_judged_by_what_it_answers_elsewhere(
    keys: Keys, tmp_path: Path
) -> None:
    async with Gateway(Options(firmware="D7.6.175"), keys=keys) as gateway:
        await gateway.fault("404", path=CHECK)
        async with inside(gateway, tmp_path) as session:
            await session.ask(METERS)
            with pytest.raises((Absent, Refused)) as caught:
                async with session.stream():
                    pass
            assert caught.value.code == "stream_not_for_role"
        async with inside(gateway, tmp_path, gateway.token(lifetime_s=-1.0)) as session:
            with pytest.raises((Absent, Refused)) as caught:
                await session.ask(METERS)
            assert caught.value.code == "gateway_refused"


async def test_a_gateway_that_is_too_busy_for_the_check_condemns_nothing(keys: Keys, tmp_path: Path) -> None:
    async with Gateway(keys=keys) as gateway:
        await gateway.fault("401", path=METERS)
        await gateway.fault("503", path=CHECK, retry_after=30.0)
        async with inside(gateway, tmp_path) as session:
            with pytest.raises(GatewayUnavailable, match="503") as caught:
                await session.ask(METERS)
    assert caught.value.after_s == 30.0


async def test_a_new_token_is_shown_from_the_next_request_on(keys: Keys, tmp_path: Path) -> None:
    """It was renewed while the session goes on; what was found out about the old one is forgotten."""
    async with Gateway(Options(firmware="D7.6.175"), keys=keys) as gateway:
        own: Own = {"token": gateway.owner_token}
        tokens = tokens_of(tmp_path, own)
        async with Session(f"{gateway.host}:{gateway.port}", Guard("off"), Road()) as session:
            await session.sign_in(await session.identify(), tokens)
            with pytest.raises((Absent, Refused)):
                async with session.stream():
                    pass
            own["token"] = gateway.installer_token
            await tokens.find(gateway.serial)
            async with session.stream() as response:
                assert response.status == 200
            assert [visit.cookie for visit in gateway.visits.of(STREAM)] == [False, True, False]
            assert session.token is not None
            assert session.token.claims.role == "installer"


async def test_firmware_3_knows_the_password_too_though_it_has_no_stream(keys: Keys, tmp_path: Path) -> None:
    """Its nonce is a number of seconds."""
    path = "/api/v1/production/inverters"
    async with Gateway(Options(firmware="R3.18.10"), keys=keys) as gateway:
        async with Session(f"{gateway.host}:{gateway.port}", Guard("off"), Road()) as session:
            await session.sign_in(await session.identify(), tokens_of(tmp_path, {"token": None}))
            await session.ask(path)
            with pytest.raises(Absent, match="404 for /stream/meter"):
                async with session.stream():
                    pass
        assert [each for each in seen(gateway) if each[0] == path] == [(path, 401), (path, 200)]


@pytest.mark.parametrize("firmware", ["R4.10.35", "D5.0.62"])
async def test_before_firmware_7_the_installers_password_is_enough(
    keys: Keys, tmp_path: Path, firmware: str
) -> None:
    """No token is looked for, and none is missed."""
    tokens = tokens_of(tmp_path, {"token": None})
    async with Gateway(Options(firmware=firmware), keys=keys) as gateway:
        where = f"{gateway.host}:{gateway.port}"
        async with Session(where, Guard("off"), Road()) as session:
            await session.sign_in(await session.identify(), tokens)
            assert (session.encrypted, session.token) == (False, None)
            async with session.stream() as response:
                assert response.status == 200
            await session.ask(METERS)
            async with session.stream():
                pass
            # The challenge is good for more than one request.
            assert seen(gateway) == [(STREAM, 401), (STREAM, 200), (METERS, 200), (STREAM, 200)]


async def test_a_challenge_that_nobody_understands_ends_in_a_sentence(keys: Keys, tmp_path: Path) -> None:
    async with Gateway(Options(firmware="R3.9.36"), keys=keys) as gateway:
        await gateway.fault("garbled_challenge")
        async with inside(gateway, tmp_path) as session:
            with pytest.raises(Refused, match="in a way that nobody understands") as caught:
                await session.ask("/production")
        assert caught.value.code == "gateway_refused"
        assert seen(gateway) == [("/production", 401)]


async def test_a_password_that_is_refused_is_tried_once(keys: Keys, tmp_path: Path) -> None:
    async with Gateway(Options(firmware="R4.10.35"), keys=keys) as gateway:
        await gateway.fault("401")
        async with inside(gateway, tmp_path) as session:
            with pytest.raises(Refused, match="the installer's password"):
                await session.ask("/production")
        assert seen(gateway) == [("/production", 401)] * 2


async def test_a_token_does_not_leave_over_plain_http(keys: Keys, tmp_path: Path) -> None:
    """Not even where somebody signs in without having looked at what answers."""
    async with Gateway(Options(firmware="D5.0.62"), keys=keys) as gateway:
        tokens = tokens_of(tmp_path, {"token": gateway.owner_token})
        async with Session(f"{gateway.host}:{gateway.port}", Guard("off"), Road()) as session:
            identity = await session.identify()
            await session.sign_in(identity._replace(web_tokens=True), tokens)
            with pytest.raises(Refused):
                async with session.stream():
                    pass
        assert [visit.token for visit in gateway.visits.requests] == [False] * len(gateway.visits.requests)
        assert not any(visit.encrypted for visit in gateway.visits.requests)


async def test_what_is_counted_outlives_the_session(keys: Keys, tmp_path: Path) -> None:
    road = Road()
    async with Gateway(keys=keys) as gateway:
        for _ in range(2):
            async with inside(gateway, tmp_path, road=road) as session:
                await session.ask(METERS)
                await session.post(METERS, {"enable": 1})
    assert road.requests["/info", "200"] == 2
    assert road.requests[METERS, "200"] == 4
