"""The compose files, read by Compose; what they start is started, each program beside the other."""

import asyncio
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from envoy_mqtt import config
from envoy_mqtt.simulator.gateway import Gateway
from tests.e2e.harness import NODELAY, PATIENCE_S, free_port, listening
from tests.image.composed import compose, folder, resolved
from tests.image.container import Container, Image
from tests.image.environment import ROOT, TOOLS
from tests.pages import commands
from tests.programs import SEARCH_PATH, require

TWO = "GATEWAY_HOST=192.168.1.20\n"
PASSWORD = f"{TWO}COMPOSE_FILE=compose.yaml:compose.password.yaml\nBROKER_ADDRESS=0.0.0.0\n"
SECRET = "se'cr\"et $x"
FILES = sorted(ROOT.glob("docker/compose*.yaml"))


def test_they_are_as_the_specification_has_it() -> None:
    assert len(FILES) == 3
    schema = (TOOLS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec")
    done = subprocess.run([*schema, *FILES], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_two_values_are_enough_and_one_is_not(tmp_path: Path) -> None:
    place = folder(tmp_path, token="a token")
    found = resolved(place, env=TWO)
    assert [secret["file"] for secret in found["secrets"].values()] == [str(place / "secrets" / "token")]
    done = compose(place, "config")
    assert done.returncode != 0
    assert "write GATEWAY_HOST= and your gateway's address into docker/.env" in done.stderr


def test_the_demo_needs_none(tmp_path: Path) -> None:
    found = resolved(folder(tmp_path), "-f", "compose.demo.yaml")
    (demo,) = found["services"].values()
    assert "secrets" not in found
    assert demo["build"]["args"] == {"EXTRA": "simulator"}
    assert demo["command"] == ["demo", "--host", "0.0.0.0"]
    assert published(demo) == {(1883, "127.0.0.1"), (8099, "127.0.0.1")}


@pytest.mark.parametrize("env", [TWO, PASSWORD])
def test_no_service_may_more_than_it_needs(tmp_path: Path, env: str) -> None:
    found = resolved(folder(tmp_path), env=env)
    demo = resolved(tmp_path / "docker", "-f", "compose.demo.yaml")
    for service in (*found["services"].values(), *demo["services"].values()):
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "privileged" not in service
        assert "cap_add" not in service
        assert "network_mode" not in service
    for service in found["services"].values():
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"]


def test_what_has_no_password_is_open_to_this_machine_alone(tmp_path: Path) -> None:
    place = folder(tmp_path)
    without, with_one = resolved(place, env=TWO)["services"], resolved(place, env=PASSWORD)["services"]
    assert published(without["broker"]) == {(1883, "127.0.0.1")}
    assert published(without["bridge"]) == {(8099, "127.0.0.1")}
    assert published(with_one["broker"]) == {(1883, "0.0.0.0")}
    assert (
        "allow_anonymous false" in mounted(with_one["broker"], "/mosquitto/config/mosquitto.conf").read_text()
    )


def published(service: dict[str, Any]) -> set[tuple[int, str]]:
    return {(port["target"], port["host_ip"]) for port in service["ports"]}


def mounted(service: dict[str, Any], target: str) -> Path:
    (source,) = (Path(each["source"]) for each in service["volumes"] if each["target"] == target)
    return source


@pytest.mark.parametrize("env", [TWO, PASSWORD], ids=["open", "password"])
async def test_bridge_and_broker_find_each_other(bridge: Image, data: Path, tmp_path: Path, env: str) -> None:
    async with Gateway() as gateway:
        place = folder(tmp_path, token=gateway.owner_token, mqtt_password=SECRET)
        services = resolved(place, env=env)["services"]
        keys = {name.removeprefix("ENVOY_"): text for name, text in services["bridge"]["environment"].items()}
        assert keys["GATEWAY__HOST"] == "192.168.1.20"
        assert keys["MQTT__HOST"] in services
        with broker(services["broker"], tmp_path) as port:
            here = {
                "GATEWAY__HOST": f"127.0.0.1:{gateway.port}",
                "MQTT__HOST": "127.0.0.1",
                "MQTT__PORT": port,
            }
            told = keys | here | {"WEB__PORT": free_port()}
            async with Container(bridge, data, secrets=place / "secrets", **told) as container:
                await heard(port, keys)
                assert await container.stop() == 0


async def heard(port: int, keys: dict[str, str]) -> None:
    """Wait for a reading, as whoever knows the password."""
    known = {"username": keys.get("MQTT__USERNAME"), "password": None}
    if "MQTT__PASSWORD_FILE" in keys:
        known["password"] = SECRET
        with pytest.raises(aiomqtt.MqttError, match=r"[Nn]ot authori[sz]ed"):
            async with listening(port):
                pass
    async with (
        asyncio.timeout(30),
        aiomqtt.Client("127.0.0.1", port, socket_options=NODELAY, **known) as client,  # type: ignore[arg-type]
    ):
        await client.subscribe("envoy/+/live")
        await anext(aiter(client.messages))


@contextmanager
def broker(service: dict[str, Any], place: Path) -> Iterator[int]:
    """The broker that the service would be, on a free port of this machine; its health was asked."""
    port = free_port()
    moved = {
        "/mosquitto/config/mosquitto.conf": str(place / "mosquitto.conf"),
        "/mosquitto/data": str(place / "broker"),
        "/tmp/passwords": str(place / "passwords"),
        "/run/secrets": str(place / "docker" / "secrets"),
        "listener 1883": f"listener {port} 127.0.0.1\nuser root",
    }

    def here(text: str) -> str:
        return re.sub("|".join(map(re.escape, moved)), lambda found: moved[found[0]], text).replace("$$", "$")

    require("mosquitto")
    environ = {**os.environ, "PATH": SEARCH_PATH}

    def healthy(check: str) -> bool:
        return subprocess.run(["sh", "-c", check], check=False, timeout=30, env=environ).returncode == 0

    (place / "broker").mkdir()
    configuration = mounted(service, "/mosquitto/config/mosquitto.conf").read_text()
    (place / "mosquitto.conf").write_text(here(configuration))
    command = service["command"] or ["mosquitto", "-c", "/mosquitto/config/mosquitto.conf"]
    (kind, test) = service["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    check = here(test).replace("mosquitto_sub", f"mosquitto_sub -p {port}")
    wrong = check.replace("-P ", "-P no") if "-P" in check else check.replace(f"{port}", "1")
    with subprocess.Popen(
        [here(word) for word in command], env=environ, stdout=subprocess.DEVNULL
    ) as process:
        try:
            deadline = time.monotonic() + PATIENCE_S
            while not healthy(check):
                assert time.monotonic() < deadline
            assert not healthy(wrong)
            yield port
        finally:
            process.terminate()
    assert process.returncode == 0
    assert (place / "broker" / "mosquitto.db").exists(), "what is retained outlives a restart"


@pytest.mark.parametrize("secret", ["docker/.env", "docker/secrets/token"])
def test_what_is_filled_in_gets_neither_into_git_nor_into_an_image(secret: str) -> None:
    ignored = subprocess.run(["git", "check-ignore", "-q", secret], cwd=ROOT, check=False)
    assert ignored.returncode == 0
    first, *exceptions = [
        line for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] != "#"
    ]
    assert first == "*"
    assert not [each for each in exceptions if secret.startswith(each.removeprefix("!"))]


def test_what_the_page_types_is_what_compose_wants(tmp_path: Path) -> None:
    """docs/docker.md, typed into a shell; what needs an engine is left out."""
    shutil.copytree(ROOT / "docker", tmp_path / "docker", ignore=shutil.ignore_patterns(".env", "secrets"))
    typed = [each for each in commands("docs/docker.md") if not each.startswith("docker ")]
    subprocess.run(["sh", "-euc", "\n".join(typed)], cwd=tmp_path, check=True)
    place = tmp_path / "docker"
    found = resolved(place, env=(place / ".env").read_text())
    assert found["services"]["bridge"]["environment"]["ENVOY_GATEWAY__HOST"] == "192.168.1.20"
    assert published(found["services"]["broker"]) == {(1883, "0.0.0.0")}
    for secret in found["secrets"].values():
        assert Path(secret["file"]).read_text().strip()
    (token,) = (Path(each["file"]) for name, each in found["secrets"].items() if name == "token")
    assert config.read_token(config.Gateway(token_file=token)) is not None
