"""Getting in and staying in on every firmware, through a real broker."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from envoy_mqtt.simulator.cloud import Cloud, Person
from envoy_mqtt.simulator.firmware import Role
from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options
from tests.e2e.harness import addresses, bridging, eventually, listening, settings, target
from tests.mosquitto import Mosquitto
from tests.test_trust import pinned

SERIAL = Options().serial
PERSON = Person()


@pytest.fixture
def logs() -> Iterator[Any]:
    with capture_logs() as lines:
        yield lines


def account(cloud: Cloud) -> dict[str, Any]:
    return {
        "gateway__account__username": PERSON.username,
        "gateway__account__password": PERSON.password,
        "cloud__login_url": cloud.url,
        "cloud__token_url": cloud.url,
    }


def told(logs: Any) -> list[Any]:
    """Every loss of the gateway that was more than a repetition."""
    return [line for line in logs if "retry_in_s" in line and line["log_level"] == "warning"]


async def test_a_stream_that_is_not_for_owners_is_told_apart_from_an_ended_token(
    broker: Mosquitto, keys: Keys, tmp_path: Path, logs: Any
) -> None:
    """On 7.6.175, with the same 401 for both: an owner gets the readings, and is told why."""
    async with Gateway(Options(firmware="D7.6.175"), keys=keys) as gateway, listening(broker.port) as ears:
        owner = target(gateway, broker.port)
        async with bridging(settings(tmp_path / "owner", **owner)):
            await ears.until(lambda it: any(each.json["source"] == "readings" for each in it.on("/live")))
        assert told(logs) == []
        ended = addresses(gateway, broker.port, gateway__token=gateway.token(lifetime_s=-60.0))
        async with bridging(settings(tmp_path / "ended", **ended)):
            await eventually(lambda: told(logs) != [])
    about = ears.on("/gateway")[-1].json
    assert about["source"] == "readings"
    assert "role, owner, may not read the stream" in about["source_reason"]
    assert told(logs)[0]["code"] == "gateway_refused"
    assert "it may be expired" in told(logs)[0]["error"]


async def test_an_installers_token_reads_the_stream_there(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with (
        Gateway(Options(firmware="D7.6.175", rate_hz=10.0), keys=keys) as gateway,
        listening(broker.port) as ears,
        bridging(
            settings(tmp_path, **addresses(gateway, broker.port, gateway__token=gateway.installer_token))
        ),
    ):
        (about,) = await ears.hear("/gateway")
        await ears.hear("/live", count=2)
    assert about.json["token_role"] == "installer"


async def test_a_gateway_that_restarts_and_wants_its_cookie_is_followed_again(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    """The cookie of before is worth nothing, and the token is not blamed for it."""
    options = Options(firmware="D7.6.175", cookie_required=True, stream_role=Role.OWNER, rate_hz=10.0)
    async with (
        Gateway(options, keys=keys) as gateway,
        Cloud(keys, PERSON) as cloud,
        listening(broker.port) as ears,
        bridging(settings(tmp_path, **addresses(gateway, broker.port, **account(cloud)))),
    ):
        await ears.hear("/live", count=2)
        await gateway.fault("reboot", away_s=1.5, busy_s=1.5, zeros_s=0.0)
        await gateway.visits.until(lambda: gateway.streams.opened == 2)
        assert cloud.logins == 1
        checks = [visit.status for visit in gateway.visits.of("/auth/check_jwt")]
        assert checks == [200, 200]
        attempts = [visit.at for visit in gateway.visits.of("/info")]
        assert all(after - before >= 1.0 for before, after in pairwise(attempts))


async def test_a_token_that_was_revoked_is_renewed_with_the_next_attempt(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    """Although it would have been good for a year; the check has the last word."""
    async with (
        Gateway(Options(rate_hz=10.0), keys=keys) as gateway,
        Cloud(keys, PERSON) as cloud,
        listening(broker.port) as ears,
        bridging(settings(tmp_path, **addresses(gateway, broker.port, **account(cloud)))),
    ):
        await ears.hear("/live", count=2)
        await gateway.fault("revoked_tokens")
        gateway.visits.requests.clear()
        await gateway.fault("end")
        await gateway.visits.until(lambda: gateway.streams.opened == 2)
        asked = [(visit.path, visit.status) for visit in gateway.visits.requests]
        again = asked.index(("/auth/check_jwt", 401)) + 1
        assert asked[again : again + 2] == [("/info", 200), ("/ivp/meters", 200)]
        assert cloud.logins == 2


@pytest.mark.parametrize("firmware", ["R4.10.35", "D5.0.62"])
async def test_before_firmware_7_the_stream_comes_without_a_token(
    broker: Mosquitto, keys: Keys, tmp_path: Path, firmware: str
) -> None:
    """Although there is an account: nobody is asked for a token, and nothing is told of one."""
    async with (
        Gateway(Options(firmware=firmware, rate_hz=10.0), keys=keys) as gateway,
        Cloud(keys, PERSON) as cloud,
        listening(broker.port) as ears,
        bridging(settings(tmp_path, **addresses(gateway, broker.port, **account(cloud)))),
    ):
        (about,) = await ears.hear("/gateway")
        await ears.hear("/live", count=3)
        await gateway.fault("end")
        await gateway.visits.until(lambda: gateway.streams.opened == 2)
        assert cloud.visits.requests == []
        assert not any(visit.encrypted for visit in gateway.visits.requests)
    unknown = ("token_role", "token_expires", "certificate_sha256")
    assert [about.json[key] for key in unknown] == [None] * 3
    assert about.json["firmware"] == firmware
    assert pinned(tmp_path) == {}


async def test_an_old_gateway_that_gets_new_firmware_in_the_night_goes_on_with_a_token(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    """The same address, and from one minute to the next HTTPS and a token instead of HTTP and a password."""
    async with Cloud(keys, PERSON) as cloud, listening(broker.port) as ears:
        old = Gateway(Options(firmware="D5.0.62", rate_hz=10.0), keys=keys)
        async with old:
            bridge = bridging(settings(tmp_path, **addresses(old, broker.port, **account(cloud))))
            await bridge.__aenter__()
            await ears.hear("/live", count=2)
        try:
            new = Options(firmware="D8.3.5289", rate_hz=10.0)
            async with Gateway(new, old.port, keys=keys) as gateway:
                await gateway.streaming()
                about = (await ears.hear("/gateway", count=2))[-1]
        finally:
            await bridge.__aexit__(None, None, None)
    assert (about.json["firmware"], about.json["token_role"]) == ("D8.3.5289", "owner")
    assert list(pinned(tmp_path)) == [SERIAL]


async def test_a_challenge_of_garbage_is_a_sentence_and_the_bridge_goes_on(
    broker: Mosquitto, keys: Keys, tmp_path: Path, logs: Any
) -> None:
    async with (
        Gateway(Options(firmware="R3.9.36", rate_hz=10.0), keys=keys) as gateway,
        listening(broker.port) as ears,
    ):
        await gateway.fault("garbled_challenge")
        async with bridging(settings(tmp_path, **addresses(gateway, broker.port))):
            await gateway.visits.requested("/info", 3)
            await gateway.clear()
            await ears.hear("/live")
    (line,) = told(logs)
    assert line["code"] == "gateway_refused"
    assert "in a way that nobody understands" in line["error"]


async def test_a_gateway_that_once_spoke_https_is_not_asked_over_http(
    broker: Mosquitto, keys: Keys, tmp_path: Path, logs: Any
) -> None:
    """Somebody at its address speaks plain HTTP, says the same serial number, and would like a password."""
    async with Gateway(Options(rate_hz=10.0), keys=keys) as gateway:
        token = gateway.owner_token
        async with bridging(settings(tmp_path, **addresses(gateway, broker.port, gateway__token=token))):
            await gateway.streaming()
    async with Gateway(Options(firmware="D5.0.62"), keys=keys) as impostor:
        where = addresses(impostor, broker.port, gateway__token=token)
        async with bridging(settings(tmp_path, **where, gateway__serial=SERIAL)):
            await eventually(lambda: told(logs) != [])
        assert impostor.visits.requests == []
        async with bridging(settings(tmp_path, **where)):
            await eventually(lambda: len(told(logs)) > 1)
        assert [(it.path, it.token) for it in impostor.visits.requests] == [("/info", False)]
    assert "no secure connection" in told(logs)[0]["error"]
    assert "spoke HTTPS before" in told(logs)[1]["error"]


async def test_no_token_is_sent_over_plain_http_whatever_answers_there(
    broker: Mosquitto, keys: Keys, tmp_path: Path, logs: Any
) -> None:
    """It says it is new, and has no HTTPS."""
    async with Gateway(Options(tls=False), keys=keys) as gateway:
        token = gateway.owner_token
        async with bridging(settings(tmp_path, **addresses(gateway, broker.port, gateway__token=token))):
            await gateway.visits.requested("/info", 2)
        asked = {(visit.path, visit.token, visit.cookie) for visit in gateway.visits.requests}
        assert asked == {("/info", False, False)}
    assert "never sent without encryption" in told(logs)[0]["error"]


async def test_streaming_takes_one_connection_and_all_else_another_and_each_request_counts(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with (
        Gateway(Options(rate_hz=10.0), keys=keys) as gateway,
        listening(broker.port) as ears,
        bridging(settings(tmp_path, **target(gateway, broker.port))) as app,
    ):
        await ears.hear("/live", count=5)
        assert len(gateway.visits.connections) <= 2
        counted = app.gateways[0].road.requests
        assert (
            counted["/info", "200"] == counted["/ivp/meters", "200"] == counted["/stream/meter", "200"] == 1
        )
        assert counted.total() == len(gateway.visits.requests)
