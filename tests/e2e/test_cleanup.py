"""`envoy-mqtt cleanup` as a process, at a real broker that a real bridge has left its topics at."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiomqtt
import pytest

from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.options import Options
from tests.e2e.harness import PATIENCE_S, bridging, free_port, listening, settings
from tests.mosquitto import Mosquitto

SERIAL = Options().serial
DISCOVERY = f"homeassistant/device/envoy_{SERIAL}/config"
FOREIGN = {
    "envoy/json": b"7",
    "envoy/122300000001/notes": b"mine",
    "homeassistant/sensor/kitchen/config": b"{}",
    f"homeassistant/sensor/envoy_{SERIAL}/config": b'{"o":{"name":"another"}}',
}


class Done(NamedTuple):
    status: int
    out: str
    err: str


async def cleanup(folder: Path, port: int, *arguments: str, answer: str | None = None) -> Done:
    """Run it to its end; `answer` is what someone types, without it nobody is there."""
    environ = {
        "ENVOY_DATA_DIR": str(folder / "data"),
        "ENVOY_MQTT__PORT": str(port),
        "PYTHONWARNINGS": "error",
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "envoy_mqtt", "cleanup", *arguments),
        cwd=folder,
        env={**os.environ, "ENVOY_MQTT__HOST": "127.0.0.1", **environ},
        stdin=asyncio.subprocess.DEVNULL if answer is None else asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate(None if answer is None else answer.encode())
    assert process.returncode is not None
    return Done(process.returncode, out.decode(), err.decode())


async def kept(port: int) -> dict[str, bytes]:
    """All that a broker keeps: subscribed to everything, and to a mark that comes behind it."""
    async with listening(port, "#") as ears, aiomqtt.Client("127.0.0.1", port) as client:
        await client.publish("mark", b"", qos=1)
        await ears.hear("mark")
        return {each.topic: each.payload for each in ears.heard if each.retain and each.payload}


async def keep(port: int, topics: Mapping[str, bytes]) -> None:
    async with aiomqtt.Client("127.0.0.1", port) as client:
        for topic, payload in topics.items():
            await client.publish(topic, payload, qos=1, retain=True)


@asynccontextmanager
async def bridged(folder: Path, port: int, serial: str = SERIAL) -> AsyncIterator[None]:
    """A bridge that has said everything there is to say."""
    options = Options(serial=serial, rate_hz=10.0)
    async with Gateway(options) as gateway, listening(port, "#") as ears:
        keys: dict[str, Any] = {
            "gateway__host": f"127.0.0.1:{gateway.port}",
            "gateway__token": gateway.owner_token,
            "mqtt__host": "127.0.0.1",
            "mqtt__port": port,
        }
        async with bridging(settings(folder, **keys)):
            await ears.hear(f"{serial}/energy")
            await ears.hear(f"device/envoy_{serial}/config")
            await ears.hear(f"{serial}/live")
            yield


async def test_of_a_gateway_that_was_replaced_nothing_stays(broker: Mosquitto, tmp_path: Path) -> None:
    """Between two runs, and nobody has to clean up; nor does a later start tell of it again."""
    new = "122799999999"
    async with bridged(tmp_path, broker.port):
        pass
    assert any(SERIAL in topic for topic in await kept(broker.port))
    for _ in range(2):
        async with bridged(tmp_path, broker.port, new), asyncio.timeout(PATIENCE_S):
            while any(SERIAL in topic for topic in await kept(broker.port)):  # noqa: ASYNC110
                await asyncio.sleep(0.2)
    topics = await kept(broker.port)
    assert not any(SERIAL in topic for topic in topics)
    assert {f"envoy/{new}/live", f"homeassistant/device/envoy_{new}/config"} <= topics.keys()


async def test_what_a_bridge_left_goes_and_other_programs_topics_stay(
    broker: Mosquitto, tmp_path: Path
) -> None:
    await keep(broker.port, FOREIGN)
    async with bridged(tmp_path, broker.port):
        pass
    before = await kept(broker.port)
    assert {DISCOVERY, f"envoy/{SERIAL}/live", "envoy/bridge/info"} <= before.keys()
    done = await cleanup(tmp_path, broker.port, answer="y\n")
    assert (done.status, done.err) == (0, "")
    assert {line.strip() for line in done.out.splitlines() if line.startswith("  ")} == set(before) - set(
        FOREIGN
    )
    assert f"{len(before) - len(FOREIGN)} topics are empty now." in done.out
    assert await kept(broker.port) == FOREIGN
    again = await cleanup(tmp_path, broker.port)
    assert (again.status, again.out) == (0, "Nothing of a bridge is kept under envoy.\n")


async def test_nobody_there_to_ask_is_a_no(broker: Mosquitto, tmp_path: Path) -> None:
    ours = {f"envoy/{SERIAL}/live": b"{}"}
    await keep(broker.port, ours)
    for answer in (None, "n\n"):
        done = await cleanup(tmp_path, broker.port, answer=answer)
        assert done.status == 1
        assert "nothing was changed" in done.err
    assert await kept(broker.port) == ours


async def test_a_bridge_that_runs_is_noticed_and_said(broker: Mosquitto, tmp_path: Path) -> None:
    async with bridged(tmp_path, broker.port):
        done = await cleanup(tmp_path, broker.port)
    assert "A bridge runs there" in done.out
    assert "stop it first" in done.out


async def test_only_one_gateway_and_another_base_topic(broker: Mosquitto, tmp_path: Path) -> None:
    other = {"garage/122300000002/live": b"{}", "garage/bridge/state": b"offline"}
    announced = {"o": {"name": "envoy-mqtt"}, "avty": [{"t": "garage/bridge/state"}]}
    ours = {f"garage/{SERIAL}/live": b"{}", DISCOVERY: json.dumps(announced).encode()}
    await keep(broker.port, {**other, **ours, f"envoy/{SERIAL}/live": b"{}"})
    done = await cleanup(tmp_path, broker.port, "--base-topic", "garage", "--serial", SERIAL, "--yes")
    assert done.status == 0, done.err
    assert await kept(broker.port) == {**other, f"envoy/{SERIAL}/live": b"{}"}


async def test_what_the_broker_does_not_let_go_is_said(tmp_path: Path) -> None:
    acl = tmp_path / "acl"
    acl.write_text("topic readwrite #\n")
    with Mosquitto(f"acl_file {acl}", persistent=True) as broker:
        await keep(broker.port, {f"envoy/{SERIAL}/live": b"{}"})
        broker.stop()
        acl.write_text("topic read #\ntopic readwrite envoy/bridge/#\n")
        broker.start()
        done = await cleanup(tmp_path, broker.port, "--yes")
        assert done.status == 1
        assert "1 of 1 topics are still there" in done.err


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [((), 1, "envoy-mqtt doctor"), (("--base-topic", "a/#"), 2, "a topic without + and #")],
)
async def test_what_cannot_be_done_is_a_sentence(
    tmp_path: Path, arguments: tuple[str, ...], status: int, said: str
) -> None:
    done = await cleanup(tmp_path, free_port(), *arguments)
    assert (done.status, done.out) == (status, "")
    assert said in done.err
    assert len(done.err.splitlines()) == 1
