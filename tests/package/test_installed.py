"""The wheel in an empty environment: as pip and pipx install it, and as uvx runs it."""

import asyncio
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

from envoy_mqtt import __version__
from envoy_mqtt.simulator.gateway import Gateway
from tests.e2e.harness import free_port, listening
from tests.mosquitto import Mosquitto
from tests.package.installed import ROOT, UV
from tests.pages import commands

TYPED = """\
from pathlib import Path
from envoy_mqtt.config import load
port: int = load(None, environ={}).mqtt.port
host: int = load(None, environ={}).mqtt.host
"""


def said(*command: object) -> str:
    words = [str(word) for word in command]
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=150).stdout


def test_it_is_whole_and_answers(programs: Path) -> None:
    assert said(programs / "pip", "check") == "No broken requirements found.\n"
    assert said(programs / "envoy-mqtt", "--version") == f"envoy-mqtt {__version__}\n"
    shown = said(programs / "envoy-mqtt", "--help")
    assert all(command in shown for command in ("run", "doctor", "discover", "token", "healthcheck"))


async def test_it_bridges_a_gateway_to_a_broker(programs: Path, tmp_path: Path) -> None:
    with Mosquitto() as broker:
        async with Gateway() as gateway, listening(broker.port) as ears:
            keys = {
                "GATEWAY__HOST": f"127.0.0.1:{gateway.port}",
                "GATEWAY__TOKEN": gateway.owner_token,
                "MQTT__PORT": str(broker.port),
                "WEB__PORT": str(free_port()),
                "DATA_DIR": str(tmp_path / "data"),
            }
            process = await asyncio.create_subprocess_exec(
                *(programs / "envoy-mqtt", "run"),
                env={**os.environ, **{f"ENVOY_{name}": text for name, text in keys.items()}},
                cwd=tmp_path,
                stderr=asyncio.subprocess.PIPE,
            )
            (first, *_) = await ears.hear("/live")
            process.terminate()
            _, log = await process.communicate()
    assert process.returncode == 0
    assert first.json["source"] == "stream"
    assert {json.loads(line)["level"] for line in log.splitlines()} == {"info"}


def test_without_the_simulator_the_demo_says_what_to_install(programs: Path) -> None:
    for command in ("demo", "simulate"):
        done = subprocess.run(
            [programs / "envoy-mqtt", command], capture_output=True, text=True, check=False, timeout=60
        )
        assert (done.returncode, done.stdout) == (1, "")
        assert "install the wheel with [simulator] behind its name" in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_uvx_runs_the_demo_from_the_wheel(tmp_path: Path) -> None:
    """As docs/systemd.md shows it."""
    (shown,) = [shlex.split(each) for each in commands("docs/systemd.md") if each.startswith("uvx")]
    command = [str(UV), "tool", "run", *shown[1:], "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=away(tmp_path)
    ) as process:
        assert process.stdout is not None
        try:
            first = next(line for line in process.stdout if "ms old" in line)
        finally:
            process.terminate()
    assert "production" in first
    assert process.returncode == 0


def away(folder: Path) -> dict[str, str]:
    """No environment of this project, and nothing remembered of an earlier wheel of this version."""
    ours = {"UV_TOOL_DIR": str(folder / "tools"), "UV_PYTHON": sys.executable}
    return {name: text for name, text in os.environ.items() if name != "VIRTUAL_ENV"} | ours


def test_who_builds_on_it_gets_its_types(programs: Path, tmp_path: Path) -> None:
    (tmp_path / "theirs.py").write_text(TYPED)
    mypy = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(programs / "python")]
    done = subprocess.run(
        [*mypy, "theirs.py"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=150
    )
    (wrong,) = [line for line in done.stdout.splitlines() if "error" in line and "Found" not in line]
    assert wrong.startswith("theirs.py:4: error: Incompatible types in assignment")
