"""The image as people run it: read-only, without capabilities, as a user that is nobody on the host."""

import asyncio
import json
import os
import stat
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from envoy_mqtt.simulator.gateway import Gateway
from tests.e2e.harness import Ears, eventually, free_port, listening
from tests.image.container import Container, Image
from tests.mosquitto import Mosquitto

NONE = "0000000000000000"

# From the start to the first reading at the broker are 3 s at most. A second of them is the gateway's, whose
# readings come once a second; what others do on this machine meanwhile is nobody's fault.
START_S = 2.0
MEMORY_KB = 65 * 1024


def told(gateway: Gateway, broker: Mosquitto, web_port: int) -> dict[str, Any]:
    return {
        "gateway__host": f"127.0.0.1:{gateway.port}",
        "gateway__token": gateway.owner_token,
        "mqtt__host": "127.0.0.1",
        "mqtt__port": broker.port,
        "web__port": web_port,
    }


async def test_it_runs_with_nothing_but_its_data_and_ends_with_0(bridge: Image, data: Path) -> None:
    port = free_port()
    with Mosquitto() as broker:
        async with Gateway() as gateway, listening(broker.port) as ears:
            keys = told(gateway, broker, port)
            async with Container(bridge, data, **keys) as container:
                (first, *_) = await ears.hear("/live")
                assert container.processor_s < START_S
                assert first.json["source"] == "stream"
                assert container.status("NSpid").split()[-1] == "1"
                assert container.status("Uid").split() == ["1000"] * 4
                assert {container.status(f"Cap{each}") for each in ("Prm", "Eff", "Bnd", "Inh", "Amb")} == {
                    NONE
                }
                assert container.status("NoNewPrivs") == "1"
                await looked_at(container, port, ears)
                assert await container.stop() == 0, container.said
            await ears.hear("/bridge/state", b"offline")
            assert [json.loads(line)["level"] for line in container.said if "warning" in line] == []
    check_files(data)


def check_files(data: Path) -> None:
    """What it has left is its user's alone."""
    found = {each.name: each.stat() for each in data.rglob("*")}
    assert "installation.json" in found
    assert {each.st_uid for each in found.values()} == {1000}
    assert {stat.S_IMODE(each.st_mode) for each in found.values()} <= {0o600, 0o700}


async def looked_at(container: Container, port: int, ears: Ears) -> None:
    """Page, figures and health answer, from beside it and from without, and it stays small."""
    for path in ("/", "/api/state", "/metrics", "/livez", "/healthz"):
        assert await asyncio.to_thread(fetch, f"http://127.0.0.1:{port}{path}")
    done = await asyncio.to_thread(container.execute, "envoy-mqtt", "healthcheck")
    assert (done.returncode, done.stdout) == (0, f"the bridge is alive: it answers at port {port}\n")
    await ears.hear("/live", count=8)
    assert int(container.status("VmRSS").split()[0]) <= MEMORY_KB


def fetch(url: str) -> bytes:
    with urlopen(url, timeout=30) as answer:
        body: bytes = answer.read()
    return body


async def test_where_nothing_runs_the_health_check_fails(bridge: Image, data: Path) -> None:
    async with Container(bridge, data, "healthcheck", web__port=free_port()) as container:
        assert await container.ended() == 1
    assert "does not answer" in container.said[0]


@pytest.mark.parametrize(
    ("mode", "what"),
    [(0o755, "/data cannot be written"), (0o700, "/data/config.toml cannot be read")],
    ids=["one-may-look-into", "closed"],
)
async def test_a_folder_of_somebody_else_ends_the_start_with_the_remedy(
    bridge: Image, data: Path, mode: int, what: str
) -> None:
    os.chown(data, 0, 0)
    os.chmod(data, mode)  # noqa: PTH101
    async with Container(bridge, data) as container:
        assert await container.ended() == 2
    (sentence,) = container.said
    assert sentence == (
        f"data_dir: {what} (Permission denied): give it to this user with 'chown -R 1000:1000 /data' (in a "
        "container: the folder on the host that is mounted there), or choose another data_dir\n"
    )


async def test_no_folder_at_all_ends_the_start_with_the_remedy(bridge: Image) -> None:
    async with Container(bridge, None) as container:
        assert await container.ended() == 2
    (sentence,) = container.said
    assert "mount a folder at /data that can be written" in sentence


async def test_what_the_image_wants_is_the_last_word_on_nothing(bridge: Image, data: Path) -> None:
    async with Container(bridge, data, "config", "show") as container:
        assert await container.ended() == 0
    assert 'host = "0.0.0.0"\n' in container.said
    (data / "config.toml").write_text('[web]\nhost = "127.0.0.1"\n[mqtt]\nhost = "broker"\n')
    async with Container(bridge, data, "config", "show", mqtt__host="elsewhere") as container:
        assert await container.ended() == 0
    assert 'host = "0.0.0.0"\n' not in container.said
    assert 'host = "127.0.0.1"\n' in container.said
    assert 'host = "elsewhere"\n' in container.said


async def test_the_image_for_the_demo_needs_no_value_and_no_gateway(demo: Image, data: Path) -> None:
    port = free_port()
    async with Container(demo, data, "demo", "--host", "0.0.0.0", "--port", str(port)) as container:
        await eventually(lambda: any("ms old" in line for line in container.said))
        async with listening(port) as ears:
            await ears.hear("/live")
        assert await container.stop() == 0
