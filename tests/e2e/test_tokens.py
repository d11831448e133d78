"""A bridge that has an account and no token, or nothing at all, through a real broker."""

import json
import signal
import stat
from collections import Counter
from pathlib import Path
from typing import Any

from structlog.testing import capture_logs

from envoy_mqtt.simulator.cloud import Cloud, Person
from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options
from tests.e2e.harness import Process, bridging, eventually, listening, settings
from tests.mosquitto import Mosquitto

PASSWORD = "marked-hunter2-secret"
USERNAME = "marked.owner@example.com"
PERSON = Person(USERNAME, PASSWORD)


def account(gateway: Gateway, cloud: Cloud, broker: Mosquitto, **more: object) -> dict[str, Any]:
    return {
        "gateway__host": f"127.0.0.1:{gateway.port}",
        "gateway__account__username": USERNAME,
        "gateway__account__password": PASSWORD,
        "cloud__login_url": cloud.url,
        "cloud__token_url": cloud.url,
        "mqtt__host": "127.0.0.1",
        "mqtt__port": broker.port,
        **more,
    }


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_an_account_alone_is_enough_for_readings_and_no_secret_is_told(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    """As a process, at the chattiest level; only the cache holds the token, and no file the password."""
    async with (
        Gateway(Options(rate_hz=10.0), keys=keys) as gateway,
        Cloud(keys, PERSON) as cloud,
        listening(broker.port) as ears,
        Process(tmp_path, **account(gateway, cloud, broker), log__level="debug") as process,
    ):
        await ears.hear("/live", count=3)
        (about,) = await ears.hear("/gateway")
        await process.stop(signal.SIGTERM)
        said = (tmp_path / "log").read_text() + "".join(f"{it.topic} {it.payload!r}" for it in ears.heard)

    cache = tmp_path / "data" / "tokens" / f"{gateway.serial}.json"
    token = json.loads(cache.read_text())["token"]
    assert (mode(cache), mode(cache.parent)) == (0o600, 0o700)
    assert about.json["token_role"] == "owner"
    assert about.json["token_expires"].endswith("Z")
    assert cloud.logins == 1
    (used,) = [line for line in process.log if line["event"] == "token in use"]
    assert (used["role"], used["origin"]) == ("owner", "cloud")
    files = {path: path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file()}
    assert {mode(path) for path in files} == {0o600}
    secrets = (PASSWORD, USERNAME, token, token.split(".")[1], token.split(".")[2], *cloud.sessions)
    for secret in secrets:
        assert secret not in said
        assert [path for path, raw in files.items() if secret.encode() in raw and path != cache] == []


async def test_a_token_is_renewed_ahead_of_its_end_without_a_gap_in_the_readings(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    """Tokens live 8 s here, so each is renewed after 4; the stream that runs is never interrupted."""
    async with (
        Gateway(Options(rate_hz=10.0), keys=keys) as gateway,
        Cloud(keys, PERSON, lifetime_s=8.0) as cloud,
        listening(broker.port) as ears,
        bridging(settings(tmp_path, **account(gateway, cloud, broker))),
    ):
        first, second = (each.json for each in await ears.hear("/gateway", count=2))
        heard = len(ears.on("/live"))
        await ears.hear("/live", count=heard + 5)
        assert gateway.streams.opened == 1
        assert cloud.logins == 2

        await gateway.fault("end")  # the next connection uses the new token
        await ears.until(lambda _: gateway.streams.opened == 2)

    assert first["token_expires"] < second["token_expires"]
    assert {**first, "token_expires": ""} == {**second, "token_expires": ""}
    sequence = [each.json["sequence"] for each in ears.on("/live")]
    assert sequence == list(range(1, len(sequence) + 1))


async def test_without_token_and_account_the_remedy_is_said_once_until_a_file_appears(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    file = tmp_path / "jwt"
    with capture_logs() as logs:
        async with (
            Gateway(Options(rate_hz=10.0), keys=keys) as gateway,
            listening(broker.port) as ears,
            bridging(
                settings(
                    tmp_path,
                    gateway__host=f"127.0.0.1:{gateway.port}",
                    gateway__token_file=str(file),
                    mqtt__host="127.0.0.1",
                    mqtt__port=broker.port,
                )
            ),
        ):
            await gateway.visits.requested("/info", 3)
            file.write_text(gateway.owner_token)
            await ears.hear("/live", count=2)
    told = [line for line in logs if line["event"] == "gateway not reached" and line["log_level"] != "debug"]
    assert [line["code"] for line in told] == ["token_missing"]
    assert "gateway.token_file" in told[0]["error"]
    assert "gateway.account" in told[0]["error"]


async def test_a_wrong_password_is_said_once_and_tried_once_however_often_the_process_starts(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    keys_ = {"gateway__account__password": "marked-wrong"}
    async with Gateway(Options(rate_hz=10.0), keys=keys) as gateway, Cloud(keys, PERSON) as cloud:
        for _ in range(3):
            gateway.visits.requests.clear()
            async with Process(tmp_path, **{**account(gateway, cloud, broker), **keys_}) as process:
                await process.says("gateway not reached")
                await gateway.visits.requested("/info", 2)
                await process.stop(signal.SIGTERM)
            told = [line for line in process.log if line["event"] == "gateway not reached"]
            assert [line["code"] for line in told] == ["account_password"]
            assert "mend gateway.account" in told[0]["error"]
            assert "marked" not in (tmp_path / "log").read_text()
        assert cloud.logins == 1


async def test_a_cached_token_that_the_gateway_refuses_is_replaced_once(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    """A token that was revoked is followed by a new one at once; a second refusal fetches none."""
    configuration = account_of = None
    async with (
        Gateway(Options(rate_hz=10.0), keys=keys) as gateway,
        Cloud(keys, PERSON) as cloud,
        listening(broker.port) as ears,
    ):
        configuration = settings(tmp_path, **account(gateway, cloud, broker))
        async with bridging(configuration) as app:
            await ears.hear("/live", count=2)
            account_of = app.gateways[0].tokens.held
            assert account_of is not None
            gateway.revoke(account_of.token.text)
            await gateway.fault("end")
            await ears.until(lambda _: gateway.streams.opened == 2)
            assert cloud.logins == 2
        async with bridging(configuration):
            await ears.until(lambda _: gateway.streams.opened == 3)
    assert cloud.logins == 2, "the new token is in the cache"
    assert Counter(visit.status for visit in gateway.visits.of("/ivp/meters"))[401] >= 1


async def test_several_bridges_ask_the_cloud_one_at_a_time_and_share_what_they_get(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    """Two processes with the same data folder and gateway: one login, one token."""
    async with Gateway(Options(rate_hz=10.0), keys=keys) as gateway, Cloud(keys, PERSON) as cloud:
        cloud.delay_s = 0.5
        common = account(gateway, cloud, broker)
        async with (
            Process(tmp_path, **common, mqtt__client_id="a", mqtt__base_topic="a"),
            Process(tmp_path, **common, mqtt__client_id="b", mqtt__base_topic="b"),
        ):
            await gateway.streaming(2)
        await eventually(lambda: cloud.logins > 0)
        assert cloud.logins == 1
        assert cloud.peak == 1
