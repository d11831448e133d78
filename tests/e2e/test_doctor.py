"""`envoy-mqtt doctor` against simulated gateways and a real broker."""

import asyncio
import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from envoy_mqtt import doctor
from envoy_mqtt.config import Settings
from envoy_mqtt.diagnosis.findings import Finding, Level, worst
from envoy_mqtt.errors import ConfigError
from envoy_mqtt.simulator.cloud import Cloud, Person
from envoy_mqtt.simulator.firmware import Role
from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.installation import Installation
from envoy_mqtt.simulator.options import Battery, Layout, Options
from envoy_mqtt.simulator.pages import Answer
from tests import certificates
from tests.e2e.harness import bridging, eventually, free_port, listening, settings, target
from tests.mosquitto import Mosquitto
from tests.mqtt.test_trial import guarded, left_behind
from tests.test_trust import pinned, shown

SERIAL = Options().serial
OTHER = "122399999999"
FAST = Options(rate_hz=10.0)
SECONDS = 1.5


async def look(folder: Path, **keys: Any) -> list[Finding]:
    return await examine(settings(folder, **keys))


async def examine(configured: Settings) -> list[Finding]:
    return await doctor.look(lambda: configured, SECONDS, in_container=False)


def of(findings: list[Finding], about: str, check: str) -> Finding:
    return next(each for each in findings if each.about.startswith(about) and each.check == check)


def faults(findings: list[Finding]) -> list[tuple[str, str]]:
    """What is bad, by its check."""
    return [(each.about.split()[0], each.check) for each in findings if each.level is Level.BAD]


async def test_where_everything_is_well_nothing_is_bad_and_nothing_is_left_behind(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with Gateway(FAST, keys=keys) as gateway:
        found = await look(tmp_path, **target(gateway, broker.port))
        asked = [visit.path for visit in gateway.visits.requests]
    assert worst(found) is Level.OK, found
    assert asked == ["/info", "/info", "/ivp/meters", "/ivp/ensemble/inventory", "/stream/meter"]
    assert of(found, "gateway", "source").text.startswith("stream: ")
    assert of(found, "gateway", "topics").text.startswith(f"envoy/{SERIAL}/ has production, net, consumption")
    (rate_hz,) = re.findall(r"\(([0-9.]+) a second\)", of(found, "gateway", "stream").text)
    assert 5.0 < float(rate_hz) < 12.0  # 10, less what a loaded machine holds up
    assert await left_behind(broker.port) == set()
    assert not (tmp_path / "data").exists(), "it only looks"


async def test_a_wrong_token_is_bad_and_the_broker_is_looked_at_all_the_same(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with Gateway(FAST, keys=keys) as gateway:
        stranger = Keys()
        async with Gateway(FAST, keys=stranger) as elsewhere:
            token = elsewhere.owner_token
        found = await look(tmp_path, **target(gateway, broker.port, gateway__token=token))
        assert "/auth/check_jwt" in [visit.path for visit in gateway.visits.requests]
    assert faults(found) == [("gateway", "access")]
    assert "401" in of(found, "gateway", "access").text
    assert of(found, "gateway", "stream").level is Level.SKIPPED
    assert of(found, "broker", "publish").level is Level.OK


async def test_a_token_of_another_gateway_never_leaves(broker: Mosquitto, keys: Keys, tmp_path: Path) -> None:
    async with Gateway(FAST, keys=keys) as gateway:
        found = await look(
            tmp_path, **target(gateway, broker.port, gateway__token=gateway.token(serial=OTHER))
        )
        assert not any(visit.token for visit in gateway.visits.requests)
    assert faults(found) == [("gateway", "token")]
    assert OTHER in of(found, "gateway", "token").text


async def test_another_serial_number_than_the_configured_one_is_bad(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with Gateway(FAST, keys=keys) as gateway:
        found = await look(tmp_path, **target(gateway, broker.port, gateway__serial=OTHER))
        assert not any(visit.token for visit in gateway.visits.requests)
    assert faults(found) == [("gateway", "identity")]


async def test_another_gateways_certificate_is_bad_and_no_token_leaves(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with Gateway(FAST, keys=keys) as gateway:
        gateway.renew_certificate(serial=OTHER)
        found = await look(tmp_path, **target(gateway, broker.port))
        assert not any(visit.token for visit in gateway.visits.requests)
    assert faults(found) == [("gateway", "certificate")]


class Flagged(Installation):
    """An installation whose meters have a status flag."""

    def answer(self, target: str, unix: float) -> Answer | None:
        answer = super().answer(target, unix)
        if answer is None or target != "/ivp/meters":
            return answer
        flagged = json.loads(answer.body)
        flagged[0] |= {"meteringStatus": "check-wiring", "statusFlags": ["negative-production"]}
        return answer._replace(body=json.dumps(flagged).encode())


async def test_a_reversed_transformer_is_told_in_plain_words(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with Gateway(FAST, keys=keys, source=Flagged(FAST, 1_774_000_000.0)) as gateway:
        found = await look(tmp_path, **target(gateway, broker.port))
    assert faults(found) == [("gateway", "meters")]
    (told,) = [each for each in found if each.level is Level.BAD]
    assert "current transformer is reversed" in told.text


async def test_a_stream_that_owners_may_not_read_is_a_warning_and_readings_are_used(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    options = Options(rate_hz=10.0, stream_role=Role.INSTALLER)
    async with Gateway(options, keys=keys) as gateway:
        found = await look(tmp_path, **target(gateway, broker.port))
    assert worst(found) is Level.WARNING
    assert of(found, "gateway", "stream").level is Level.WARNING
    assert of(found, "gateway", "source").text.startswith("readings: ")


async def test_with_a_storage_meter_readings_are_the_source_and_no_stream_is_opened(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with Gateway(Options(battery=Battery.METERED), keys=keys) as gateway:
        found = await look(tmp_path, **target(gateway, broker.port))
        assert gateway.streams.opened == 0
    assert worst(found) is Level.OK, found
    assert of(found, "gateway", "source").text.startswith("readings: ")
    assert "storage" in of(found, "gateway", "topics").text


async def test_without_meters_there_is_no_stream_to_read(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with Gateway(Options(layout=Layout.NONE), keys=keys) as gateway:
        found = await look(tmp_path, **target(gateway, broker.port))
        assert gateway.streams.opened == 0
    assert of(found, "gateway", "source").text.startswith("production: ")


async def test_old_firmware_is_looked_at_over_http_with_its_own_password(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with Gateway(Options(firmware="D5.0.62", rate_hz=10.0), keys=keys) as gateway:
        found = await look(tmp_path, **{**target(gateway, broker.port), "gateway__token": None})
    assert worst(found) is Level.OK, found
    assert of(found, "gateway", "certificate").level is Level.INFO
    assert of(found, "gateway", "token").level is Level.INFO


async def test_a_gateway_that_is_away_is_told_in_a_sentence(broker: Mosquitto, tmp_path: Path) -> None:
    found = await look(
        tmp_path,
        gateway__host=f"127.0.0.1:{free_port()}",
        mqtt__host="127.0.0.1",
        mqtt__port=broker.port,
    )
    assert faults(found) == [("gateway", "ports")]
    assert of(found, "gateway", "stream").text == "no port takes a connection"


async def test_a_silent_stream_is_bad(broker: Mosquitto, keys: Keys, tmp_path: Path) -> None:
    async with Gateway(FAST, keys=keys) as gateway:
        await gateway.fault("stall")
        found = await look(tmp_path, **target(gateway, broker.port))
    assert faults(found) == [("gateway", "stream")]


async def test_unreadable_events_and_an_early_end_are_warnings(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with Gateway(FAST, keys=keys) as gateway:
        await gateway.fault("garbage", share=1.0, kind="empty object")
        looking = asyncio.create_task(look(tmp_path, **target(gateway, broker.port)))
        await gateway.streaming()
        gateway.say(gateway.event())
        gateway.say(b"data: {}\r\n\r\n")
        await gateway.fault("end")
        found = await looking
    told = [each for each in found if each.check == "stream"]
    assert [each.level for each in told[1:]] == [Level.WARNING, Level.WARNING]
    assert "it ended early: the gateway closed it" in told[1].text
    assert "could not be read" in told[2].text


async def test_a_broker_that_is_away_leaves_the_gateway_to_be_looked_at(keys: Keys, tmp_path: Path) -> None:
    async with Gateway(FAST, keys=keys) as gateway:
        found = await look(
            tmp_path,
            gateway__host=f"127.0.0.1:{gateway.port}",
            gateway__token=gateway.owner_token,
            mqtt__host="127.0.0.1",
            mqtt__port=free_port(),
        )
    assert faults(found) == [("broker", "port")]
    assert of(found, "gateway", "stream").level is Level.OK
    assert of(found, "broker", "publish").text == "it takes no connection"


async def test_a_wrong_password_is_bad(keys: Keys, tmp_path: Path) -> None:
    (tmp_path / "passwords").write_text("")
    with Mosquitto(f"password_file {tmp_path / 'passwords'}", "allow_anonymous false") as broker:
        async with Gateway(FAST, keys=keys) as gateway:
            account = {"mqtt__username": "me", "mqtt__password": "marked-password"}
            found = await look(tmp_path, **target(gateway, broker.port, **account))
    assert faults(found) == [("broker", "login")]
    assert "marked" not in str(found)


async def test_an_acl_that_denies_the_base_topic_is_bad(keys: Keys, tmp_path: Path) -> None:
    with guarded(tmp_path, "topic readwrite solar/#") as broker:
        async with Gateway(FAST, keys=keys) as gateway:
            denied = await look(tmp_path, **target(gateway, broker.port))
            allowed = await look(tmp_path, **target(gateway, broker.port, mqtt__base_topic="solar"))
    assert ("broker", "publish") in faults(denied)
    assert "envoy/#" in of(denied, "broker", "publish").remedy
    assert ("broker", "publish") not in faults(allowed)


# paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_broker_of_another_authority_is_bad(keys: Keys, tmp_path: Path) -> None:
    ours, other = (certificates.make(tmp_path, name) for name in ("ours", "other"))
    with Mosquitto(f"certfile {ours}", f"keyfile {ours.with_suffix('.key')}") as broker:
        async with Gateway(FAST, keys=keys) as gateway:
            for authority, expected in ((other, [("broker", "login")]), (ours, [])):
                tls = {"mqtt__tls__enabled": True, "mqtt__tls__ca_file": str(authority)}
                found = await look(tmp_path, **target(gateway, broker.port, **tls))
                assert faults(found) == expected
    assert "over TLS" in of(found, "broker", "login").text


async def test_it_logs_in_only_where_no_living_token_is_there(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with Gateway(FAST, keys=keys) as gateway, Cloud(keys, Person("me@example.com", "marked")) as cloud:
        account = {
            "gateway__host": f"127.0.0.1:{gateway.port}",
            "gateway__account__username": "me@example.com",
            "gateway__account__password": "marked",
            "cloud__login_url": cloud.url,
            "cloud__token_url": cloud.url,
            "mqtt__host": "127.0.0.1",
            "mqtt__port": broker.port,
        }
        for origin in ("fetched just now", "fetched before"):
            found = await look(tmp_path, **account)
            assert faults(found) == []
            assert origin in of(found, "gateway", "token").text
            assert "marked" not in str(found)
            assert "eyJ" not in str(found)
        assert cloud.logins == 1


async def test_a_refused_account_is_a_finding(broker: Mosquitto, keys: Keys, tmp_path: Path) -> None:
    async with Gateway(FAST, keys=keys) as gateway, Cloud(keys, Person("me@example.com", "right")) as cloud:
        found = await look(
            tmp_path,
            gateway__host=f"127.0.0.1:{gateway.port}",
            gateway__account__username="me@example.com",
            gateway__account__password="marked",
            cloud__login_url=cloud.url,
            cloud__token_url=cloud.url,
            mqtt__host="127.0.0.1",
            mqtt__port=broker.port,
        )
        assert cloud.logins == 1
    assert faults(found) == [("gateway", "token")]
    assert "marked" not in str(found)


async def test_a_running_bridge_keeps_its_stream_and_its_connection(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with Gateway(FAST, keys=keys) as gateway, listening(broker.port) as ears:
        configured = settings(tmp_path, **target(gateway, broker.port))
        async with bridging(configured):
            await gateway.streaming()
            await ears.hear("/live", count=3)
            found = await examine(configured)
            lives = len(ears.on("/live"))
            await ears.hear("/live", count=lives + 1)
            assert (gateway.streams.opened, len(gateway.streams)) == (1, 1)
            assert b"offline" not in [each.payload for each in ears.on("/bridge/state")]
        assert faults(found) == []
        assert of(found, "broker", "bridge").level is Level.OK
        assert of(found, "gateway", "stream").text.startswith("as the running bridge sees it: ")
        await ears.hear("/bridge/state", b"offline")
    assert not any("doctor" in topic for topic in await left_behind(broker.port))


async def test_a_certificate_that_is_known_is_told_so_and_none_is_pinned(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with Gateway(FAST, keys=keys) as gateway:
        configured = settings(tmp_path, **target(gateway, broker.port))
        async with bridging(configured):
            await eventually(lambda: pinned(tmp_path) == {SERIAL: shown(gateway)})
        first = shown(gateway)
        assert "the one we know" in of(await examine(configured), "gateway", "certificate").text
        gateway.renew_certificate()
        assert "renewed" in of(await examine(configured), "gateway", "certificate").text
        assert pinned(tmp_path) == {SERIAL: first}


async def test_a_newer_versions_data_is_a_finding_and_no_reason_to_end(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    for name in ("certificates.json", "installation.json"):
        (tmp_path / "data" / name).write_text('{"version": 99}')
    async with Gateway(FAST, keys=keys) as gateway:
        found = await look(tmp_path, **target(gateway, broker.port))
    assert faults(found) == [("this", "data_dir")]
    assert "newer envoy-mqtt" in of(found, "this", "data_dir").text


def wrong() -> Settings:
    raise ConfigError("mqtt.port: found 0, allowed is a whole number from 1 to 65535")


async def test_a_wrong_configuration_is_a_finding_too() -> None:
    found = await doctor.look(wrong, SECONDS, in_container=False)
    assert [(each.check, each.level) for each in found] == [
        ("configuration", Level.BAD),
        ("data_dir", Level.SKIPPED),
    ]


class Done(NamedTuple):
    status: int
    out: str
    err: str


async def run(folder: Path, *arguments: str, keys: Mapping[str, Any] = MappingProxyType({})) -> Done:
    environ = {f"ENVOY_{key.upper()}": str(value) for key, value in keys.items()}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "envoy_mqtt", "doctor", "--seconds", "1", *arguments),
        cwd=folder,
        env={**os.environ, "PYTHONWARNINGS": "error", "ENVOY_DATA_DIR": str(folder / "data"), **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return Done(process.returncode, out.decode(), err.decode())


async def test_as_a_command_its_status_tells_whether_something_is_bad(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with Gateway(FAST, keys=keys) as gateway:
        well = await run(tmp_path, keys=target(gateway, broker.port))
        token = gateway.token(lifetime_s=-5)
        ended = await run(tmp_path, "--json", keys=target(gateway, broker.port, gateway__token=token))
    assert (well.status, well.err) == (0, "")
    assert well.out.endswith("\nEverything is well.\n")
    assert ended.status == 1
    told = json.loads(ended.out)
    assert told["status"] == "bad"
    assert {each["level"] for each in told["findings"]} >= {"ok", "bad", "not tried"}
    for done in (well, ended):
        assert "eyJ" not in done.out + done.err


async def test_as_a_command_a_wrong_configuration_ends_with_1_and_is_json_too(tmp_path: Path) -> None:
    done = await run(tmp_path, "--json", keys={"mqtt__port": "0"})
    assert done.status == 1
    assert json.loads(done.out)["findings"][0]["check"] == "configuration"
