"""What a broker refuses, and who else is at it: said, shown in health, and lived with."""

import asyncio
import contextlib
import hashlib
import json
import shutil
import socket
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiomqtt
import pytest
from structlog.testing import capture_logs

from envoy_mqtt.app import App
from envoy_mqtt.clock import now
from envoy_mqtt.simulator.broker import Broker
from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options
from tests.e2e.harness import Ears, bridging, eventually, listening, settings, target
from tests.mosquitto import Mosquitto

SERIAL = Options().serial
VERSIONS = {"5": aiomqtt.ProtocolVersion.V5, "3.1.1": aiomqtt.ProtocolVersion.V311}


def codes(app: App) -> list[str]:
    """The problems that health would tell now."""
    told = app.report.content(now())
    return [problem["code"] for problem in told["problems"]]  # type: ignore[attr-defined]


def topics(ears: Ears) -> set[str]:
    return {each.topic for each in ears.heard}


async def test_a_topic_that_the_access_list_denies_is_said_once_and_the_bridge_lives_on(
    keys: Keys, tmp_path: Path
) -> None:
    """Everything but `gateway` may be written; QoS 1 on MQTT 5 is where a broker says so."""
    denied = f"envoy/{SERIAL}/gateway"
    acl = tmp_path / "acl"
    acl.write_text(f"topic deny {denied}\ntopic readwrite #\n")
    with Mosquitto(f"acl_file {acl}") as broker, capture_logs() as logs:
        async with (
            Gateway(Options(rate_hz=10.0), keys=keys) as gateway,
            listening(broker.port) as ears,
            bridging(settings(tmp_path, **target(gateway, broker.port))),
        ):
            await ears.hear("/live", count=5)
            await ears.until(lambda it: any(denied in x.payload.decode() for x in it.on("/bridge/health")))
            told = ears.on("/bridge/health")[-1].json
            assert told["broker"]["refused_topics"] == {denied: "not authorized"}
            (problem,) = [each for each in told["problems"] if each["code"] == "broker_refused_topic"]
            assert denied in problem["text"]
            assert denied not in topics(ears)
            await asyncio.gather(*(ask_again(broker.port) for _ in range(3)))
            await ears.hear("/live", count=20)
    said = [line for line in logs if line["event"] == "broker refuses a topic"]
    assert [(line["topic"], line["error"]) for line in said] == [(denied, "not authorized")]


def password_line(user: str, password: str) -> str:
    """A line of Mosquitto's password file: PBKDF2 of SHA-512; the salt has to have twelve bytes."""
    salt, rounds = b"twelve bytes", 101
    hashed = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds)
    return f"{user}:$7${rounds}${b64encode(salt).decode()}${b64encode(hashed).decode()}\n"


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_a_wrong_password_is_said_with_its_key_and_the_right_one_opens(
    keys: Keys, tmp_path: Path, protocol: str
) -> None:
    (tmp_path / "passwords").write_text(password_line("solar", "marked-right"))
    guard = f"password_file {tmp_path / 'passwords'}", "allow_anonymous false"
    with Mosquitto(*guard) as broker, capture_logs() as logs:
        async with Gateway(Options(rate_hz=10.0), keys=keys) as gateway:
            login = {**target(gateway, broker.port), "mqtt__username": "solar", "mqtt__protocol": protocol}
            async with bridging(settings(tmp_path, **login, mqtt__password="marked-wrong")) as app:
                await eventually(lambda: "broker_refused" in codes(app))
                assert "mqtt.password" in json.dumps(app.report.content(now())["problems"])
            async with bridging(settings(tmp_path, **login, mqtt__password="marked-right")) as app:
                await eventually(lambda: app.publisher.latency.percentiles_ms != (None, None))
                assert codes(app) == []
    assert "marked" not in str(logs)


async def ask_again_and_hear(port: int, ears: Ears) -> None:
    """Whatever was sent before has come when the answer is here."""
    async with aiomqtt.Client("127.0.0.1", port) as client:
        await client.publish("envoy/bridge/request/set_interval", b'{"value":5}', qos=1)
    await ears.hear("/bridge/response/set_interval", count=2)


async def ask_again(port: int) -> None:
    async with aiomqtt.Client("127.0.0.1", port) as client:
        await client.publish("envoy/bridge/request/republish", b"", qos=1)


async def test_on_mqtt_3_1_1_nobody_can_know_and_the_bridge_lives_on(keys: Keys, tmp_path: Path) -> None:
    acl = tmp_path / "acl"
    acl.write_text(f"topic deny envoy/{SERIAL}/gateway\ntopic readwrite #\n")
    with Mosquitto(f"acl_file {acl}") as broker:
        async with (
            Gateway(Options(rate_hz=10.0), keys=keys) as gateway,
            listening(broker.port) as ears,
            bridging(settings(tmp_path, **target(gateway, broker.port), mqtt__protocol="3.1.1")) as app,
        ):
            await ears.hear("/live", count=5)
            assert app.publisher.facts().refused_topics == {}
            assert app.publisher.facts().protocol == "3.1.1"


async def test_what_is_larger_than_the_broker_takes_is_not_sent(keys: Keys, tmp_path: Path) -> None:
    """`bridge/info` and `live` have more than 600 bytes; sent all the same, they would end the connection."""
    with Mosquitto("max_packet_size 600") as broker:
        async with (
            Gateway(Options(rate_hz=10.0), keys=keys) as gateway,
            listening(broker.port) as ears,
            bridging(settings(tmp_path, **target(gateway, broker.port))) as app,
        ):
            await ears.hear("/production", count=5)
            facts = app.publisher.facts()
            reason = "it is larger than the broker's maximum packet size"
            assert facts.refused_topics["envoy/bridge/info"] == reason
            assert set(facts.refused_topics.values()) == {reason}
            assert facts.connects == 1
            assert "broker_refused_topic" in codes(app)


async def test_a_broker_that_takes_one_message_at_a_time_gets_one_at_a_time(
    keys: Keys, tmp_path: Path
) -> None:
    with Mosquitto("max_inflight_messages 1") as broker:
        async with (
            Gateway(Options(rate_hz=10.0), keys=keys) as gateway,
            listening(broker.port) as ears,
            bridging(settings(tmp_path, **target(gateway, broker.port))) as app,
        ):
            await ears.hear("/live", count=30)
            assert app.publisher.facts().connects == 1


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_two_of_one_client_id_notice_it_and_leave_each_other_alone(
    broker: Mosquitto, keys: Keys, tmp_path: Path, protocol: str
) -> None:
    """The other one comes back whenever it is thrown out; without a word of the broker's three times."""
    same = {"mqtt__client_id": "twin", "mqtt__protocol": protocol}
    thrown_out = 0

    async def twin(app: App) -> None:
        nonlocal thrown_out
        while True:
            await eventually(lambda: app.publisher.connected)
            with contextlib.suppress(aiomqtt.MqttError):
                async with aiomqtt.Client(
                    "127.0.0.1", broker.port, identifier="twin", protocol=VERSIONS[protocol]
                ) as client:
                    async for _ in client.messages:
                        pass
            thrown_out += 1

    with capture_logs() as logs:
        async with (
            Gateway(Options(rate_hz=10.0), keys=keys) as gateway,
            bridging(settings(tmp_path, **target(gateway, broker.port), **same)) as app,  # type: ignore[arg-type]
        ):
            await eventually(lambda: app.gateways[0].bridge.online)
            rival = asyncio.create_task(twin(app))
            await eventually(lambda: "broker_same_client_id" in codes(app))
            retries = [line["retry_in_s"] for line in logs if line.get("reason") == "taken_over"]
            assert min(retries) >= 120
            rival.cancel()
            await asyncio.gather(rival, return_exceptions=True)
    assert thrown_out <= 3
    (said,) = [line for line in logs if line["event"] == "client id used twice"]
    assert "twin" in said["error"]


@asynccontextmanager
async def two_bridges(broker: Mosquitto, keys: Keys, folder: Path) -> AsyncIterator[tuple[App, App]]:
    """Two bridges of two installations under one base topic."""
    (folder / "other").mkdir()
    async with (
        Gateway(Options(rate_hz=10.0), keys=keys) as gateway,
        bridging(settings(folder, **target(gateway, broker.port))) as first,
    ):
        await eventually(lambda: first.desk._ours_heard)
        async with bridging(settings(folder / "other", **target(gateway, broker.port))) as second:
            yield first, second


async def test_two_bridges_under_one_base_topic_both_notice_it(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with listening(broker.port) as ears, two_bridges(broker, keys, tmp_path) as bridges:
        for app in bridges:
            await eventually(lambda app=app: "broker_same_base_topic" in codes(app))  # type: ignore[misc]
        told = bridges[0].report.content(now())["problems"]
        (problem,) = [each for each in told if each["code"] == "broker_same_base_topic"]  # type: ignore[attr-defined]
        assert "choose another base_topic" in problem["text"]
        for app in bridges:
            await eventually(lambda app=app: app.gateways[0].bridge.online)  # type: ignore[misc]
        # Each at its start, when it met the gateway, and once more for the other one.
        await ask_again_and_hear(broker.port, ears)
        assert len(ears.on("/bridge/info")) <= 6


async def test_a_restored_copy_with_a_client_id_of_its_own_is_noticed_by_both(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    """Both have the same `instance`: only host and start tell them apart."""
    other = tmp_path / "other"
    async with (
        Gateway(Options(rate_hz=10.0), keys=keys) as gateway,
        bridging(settings(tmp_path, **target(gateway, broker.port))) as first,
    ):
        await eventually(lambda: first.desk._ours_heard)
        shutil.copytree(tmp_path / "data", other / "data")
        started = int(time.time())
        await eventually(lambda: int(time.time()) > started)  # `started` is in whole seconds
        elsewhere = settings(other, **target(gateway, broker.port), mqtt__client_id="envoy-mqtt-restored")
        async with bridging(elsewhere) as second:
            for app in (first, second):
                await eventually(lambda app=app: "broker_same_base_topic" in codes(app))  # type: ignore[misc]
                told = app.report.content(now())["problems"]
                (problem,) = [each for each in told if each["code"] == "broker_same_base_topic"]  # type: ignore[attr-defined]
                assert "a copy of this data_dir" in problem["text"]
                assert socket.gethostname() in problem["text"]


async def test_the_info_that_another_bridge_left_behind_is_no_other_bridge(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        old = json.dumps({"instance": "0" * 32})
        await client.publish("envoy/bridge/info", old, qos=1, retain=True)
    async with (
        Gateway(Options(rate_hz=10.0), keys=keys) as gateway,
        bridging(settings(tmp_path, **target(gateway, broker.port))) as app,
    ):
        await eventually(lambda: app.desk._ours_heard and app.gateways[0].bridge.online)
        await eventually(lambda: codes(app) == [])


@asynccontextmanager
async def curt_broker(port: int) -> AsyncIterator[tuple[int, list[int]]]:
    """In front of a broker: hangs up on MQTT 5 without a word. Its port, and the versions asked for."""
    asked: list[int] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connect = await reader.read(4096)
        # The version stands behind the protocol's name (MQTT 5, section 3.1.2.2).
        version = connect[connect.index(b"MQTT") + 4]
        asked.append(version)
        if version == 5:
            writer.close()
            return
        behind, ahead = await asyncio.open_connection("127.0.0.1", port)
        ahead.write(connect)
        await asyncio.gather(pump(reader, ahead), pump(behind, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], asked


async def test_a_broker_that_hangs_up_on_mqtt_5_is_asked_for_3_1_1(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    """Once could be a broker that starts; twice in a row is an answer."""
    async with (
        Gateway(Options(rate_hz=10.0), keys=keys) as gateway,
        listening(broker.port) as ears,
        curt_broker(broker.port) as (port, asked),
    ):
        started = time.monotonic()
        async with bridging(settings(tmp_path, **target(gateway, port))) as app:
            await ears.hear("/live")
            assert asked == [5, 5, 4]
            assert app.publisher.facts().protocol == "3.1.1"
            assert time.monotonic() - started < 15


async def test_a_frozen_broker_is_noticed_within_two_keepalives_where_live_is_off(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with (
        Gateway(Options(rate_hz=10.0), keys=keys) as gateway,
        listening(broker.port) as ears,
        bridging(
            settings(tmp_path, **target(gateway, broker.port), publish__live=False, mqtt__keepalive_s=5)
        ) as app,
    ):
        await ears.hear("/production", count=5)
        broker.freeze()
        frozen = time.monotonic()
        await eventually(lambda: not app.publisher.connected)
        assert time.monotonic() - frozen < 10
        broker.thaw()


async def test_a_broker_that_says_so_is_believed_the_first_time(keys: Keys, tmp_path: Path) -> None:
    """MQTT 5's reason code 142: the bridge leaves the other one alone for five minutes."""
    with capture_logs() as logs:
        async with (
            Broker() as broker,
            Gateway(Options(rate_hz=10.0), keys=keys) as gateway,
            bridging(settings(tmp_path, **target(gateway, broker.port), mqtt__client_id="twin")) as app,
        ):
            await eventually(lambda: app.gateways[0].bridge.online and app.publisher.connected)
            async with aiomqtt.Client("127.0.0.1", broker.port, identifier="twin"):
                await eventually(lambda: "broker_same_client_id" in codes(app))
            assert app.publisher.connects == 1
    (lost,) = [line for line in logs if line.get("reason") == "taken_over"]
    assert lost["retry_in_s"] >= 300
