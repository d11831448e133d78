"""The broker visited for real: what it allows, what it keeps, and that nothing is left behind."""

import asyncio
import json
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from envoy_mqtt.diagnosis.broker import Running, Trial, Tried
from envoy_mqtt.diagnosis.reach import Reached
from envoy_mqtt.mqtt.connection import Broker
from envoy_mqtt.mqtt.trial import NotTaken, Plan, visiting
from tests import certificates
from tests.e2e.harness import free_port, listening
from tests.mosquitto import Mosquitto

PLAN = Plan("envoy", "doctor_test", "ours", "homeassistant", "homeassistant/status")
HASTY = PLAN._replace(patience_s=0.5)
HASTY = PLAN._replace(patience_s=0.5)
CONFIG = "homeassistant/device/envoy_doctor_test/config"
PROTOCOLS = ["5", "3.1.1"]


@pytest.fixture
def broker() -> Iterator[Mosquitto]:
    with Mosquitto() as running:
        yield running


async def attempt(port: int, plan: Plan = PLAN, **more: Any) -> Trial:
    account = Broker("127.0.0.1", port, "envoy-doctor_test", plan.topic, **more)
    async with visiting(account, plan) as visit:
        return await visit.carry_out(Trial(Reached("x")))


async def left_behind(port: int) -> set[str]:
    """What a broker keeps: subscribed to everything, and to a mark that comes behind all of it."""
    async with listening(port, "#") as ears, aiomqtt.Client("127.0.0.1", port) as client:
        await client.publish("mark", b"", qos=1)
        await ears.hear("mark")
        return {each.topic for each in ears.heard if each.retain}


@asynccontextmanager
async def saying(port: int, **retained: bytes) -> AsyncIterator[aiomqtt.Client]:
    async with aiomqtt.Client("127.0.0.1", port) as client:
        for topic, payload in retained.items():
            await client.publish(topic.replace("__", "/"), payload, qos=1, retain=True)
        yield client


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_broker_that_allows_everything(broker: Mosquitto, protocol: str) -> None:
    trial = await attempt(broker.port, protocol=protocol)
    assert (trial.protocol, trial.trouble) == (protocol, "")
    assert trial.published == Tried("envoy/bridge/doctor_test", received=True)
    assert (trial.retained, trial.removed) == (True, True)
    assert trial.discovery == Tried(CONFIG, received=True)
    assert (trial.birth, trial.running) == (None, None)
    assert await left_behind(broker.port) == set()


async def test_home_assistants_birth_message_is_heard_where_it_is_kept(broker: Mosquitto) -> None:
    async with saying(broker.port, homeassistant__status=b"online"):
        assert (await attempt(broker.port)).birth == "online"


async def test_with_discovery_off_its_topics_are_left_alone(broker: Mosquitto) -> None:
    async with listening(broker.port, "homeassistant/#") as ears:
        trial = await attempt(broker.port, PLAN._replace(prefix="", birth=""))
    assert (trial.discovery, ears.heard) == (None, [])


def guarded(folder: Path, *lines: str) -> Mosquitto:
    """A broker whose ACL allows anybody only this."""
    (folder / "acl").write_text("\n".join(lines) + "\n")
    return Mosquitto(f"acl_file {folder / 'acl'}")


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_an_acl_that_denies_is_seen(tmp_path: Path, protocol: str) -> None:
    """By MQTT 5's reason code; 3.1.1 has none, and nothing comes back."""
    denied = "not authorized" if protocol == "5" else ""
    with guarded(tmp_path, "topic readwrite envoy/#", "topic read homeassistant/status") as broker:
        trial = await attempt(broker.port, HASTY, protocol=protocol)
        assert trial.published == Tried("envoy/bridge/doctor_test", received=True)
        assert trial.discovery == Tried(CONFIG, denied)
        assert trial.retained is True
    with guarded(tmp_path, "topic write homeassistant/#") as broker:
        trial = await attempt(broker.port, HASTY, protocol=protocol)
        assert trial.published == Tried("envoy/bridge/doctor_test", denied)
        assert trial.discovery == Tried(CONFIG)
        assert trial.retained is None


async def test_a_broker_that_keeps_nothing_is_found_out() -> None:
    with Mosquitto("retain_available false") as broker, pytest.raises(NotTaken, match="Retain not supported"):
        await attempt(broker.port)


async def test_wrong_passwords_are_a_matter_of_the_login(tmp_path: Path) -> None:
    (tmp_path / "passwords").write_text("")
    with Mosquitto(f"password_file {tmp_path / 'passwords'}", "allow_anonymous false") as broker:
        for protocol in PROTOCOLS:
            with pytest.raises(NotTaken, match="refuses us") as caught:
                await attempt(broker.port, username="me", password="marked", protocol=protocol)
            assert caught.value.kind == "login"
            assert "marked" not in str(caught.value)


# paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_tls_that_cannot_be_trusted_is_a_matter_of_tls(tmp_path: Path, broker: Mosquitto) -> None:
    ours, other = (certificates.make(tmp_path, name) for name in ("ours", "other"))
    with Mosquitto(f"certfile {ours}", f"keyfile {ours.with_suffix('.key')}") as secured:
        trusting = ssl.create_default_context(cafile=ours)
        assert (await attempt(secured.port, tls=trusting)).published is not None
        for port, authority in ((secured.port, other), (broker.port, ours)):
            with pytest.raises(NotTaken, match="no secure connection") as caught:
                await attempt(port, tls=ssl.create_default_context(cafile=authority))
            assert caught.value.kind == "tls"
        with pytest.raises(NotTaken) as caught:
            await attempt(secured.port, timeout_s=1.0)
        assert caught.value.kind == "silent"


async def test_nobody_there_is_a_sentence() -> None:
    with pytest.raises(NotTaken, match="refused"):
        await attempt(free_port())


INFO = {"instance": "ours", "version": "0.1.0", "host": "pi", "gateways": [{"host": "h", "serial": "1"}]}


async def answer(client: aiomqtt.Client, data: object) -> None:
    """A running bridge, as far as requests go."""
    await client.subscribe("envoy/bridge/request/doctor")
    async for message in client.messages:
        assert isinstance(message.payload, bytes)
        request = json.loads(message.payload)
        for transaction in ("another's", request["transaction"]):
            told = {"status": "ok", "data": data, "transaction": transaction}
            await client.publish("envoy/bridge/response/doctor", json.dumps(told))
        return


async def test_a_running_bridge_is_asked(broker: Mosquitto) -> None:
    info = json.dumps(INFO).encode()
    async with saying(broker.port, envoy__bridge__state=b"online", envoy__bridge__info=info) as bridge:
        answering = asyncio.create_task(answer(bridge, {"gateways": {}}))
        running = (await attempt(broker.port)).running
        await answering
        assert running == Running(
            ours=True, version="0.1.0", host="pi", serials=("1",), hosts=("h",), answer={"gateways": {}}
        )
        answering = asyncio.create_task(answer(bridge, None))
        running = (await attempt(broker.port, PLAN._replace(instance=None))).running
        await answering
    assert running is not None
    assert (running.ours, running.answer) == (False, None)
    assert await left_behind(broker.port) == {"envoy/bridge/state", "envoy/bridge/info"}


@pytest.mark.parametrize("info", [b"", b"{", b"[]", b'{"gateways": {"a": 1}}', b'{"gateways": [1, {}]}'])
async def test_whatever_bridge_info_holds_a_bridge_that_is_online_is_one(
    broker: Mosquitto, info: bytes
) -> None:
    async with saying(broker.port, envoy__bridge__state=b"online", envoy__bridge__info=info) as bridge:
        answering = asyncio.create_task(answer(bridge, {}))
        running = (await attempt(broker.port)).running
        await answering
    assert running == Running(ours=False, answer={})


async def test_a_bridge_that_is_offline_is_none(broker: Mosquitto) -> None:
    async with saying(broker.port, envoy__bridge__state=b"offline"):
        assert (await attempt(broker.port)).running is None


KEEP = """
import asyncio
from envoy_mqtt.mqtt.connection import Broker
from envoy_mqtt.mqtt.message import Message
from envoy_mqtt.mqtt.trial import Plan, visiting

async def main():
    plan = Plan("envoy", "doctor_test")
    broker = Broker("127.0.0.1", {port}, "killed", plan.topic, protocol="{protocol}")
    async with visiting(broker, plan) as visit:
        await visit._connection.send(Message(plan.topic, b"kept", qos=1))
        print("kept", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_killed_half_way_it_leaves_nothing_behind(broker: Mosquitto, protocol: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", KEEP.format(port=broker.port, protocol=protocol)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    await process.stdout.readline()
    assert await left_behind(broker.port) == {PLAN.topic}
    async with listening(broker.port, PLAN.topic) as ears:
        process.send_signal(signal.SIGKILL)
        await process.wait()
        await ears.hear("doctor_test", b"")
    assert await left_behind(broker.port) == set()
