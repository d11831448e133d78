"""What docs/docker.md shows is true, as far as one sees without an engine; `make test-image` says more."""

import re
import shlex
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

from envoy_mqtt.config import load
from tests.pages import ROOT, blocks, commands, text

PAGE = "docs/docker.md"
COMMANDS = [shlex.split(command) for command in commands(PAGE)]
COMPOSE = [each for each in COMMANDS if each[:2] == ["docker", "compose"]]
(RUN,) = (shlex.split(block.replace("\\\n", "")) for block in blocks(PAGE, "sh"))


def options(words: list[str], name: str) -> list[str]:
    return [value for option, value in pairwise(words) if option == name]


def test_without_compose_the_same_is_dropped_and_mounted(tmp_path: Path) -> None:
    """The words of `docker run` say what compose.yaml says."""
    assert "--read-only" in RUN
    assert options(RUN, "--cap-drop") == ["ALL"]
    assert options(RUN, "--security-opt") == ["no-new-privileges"]
    assert options(RUN, "--publish") == ["127.0.0.1:8099:8099"]
    assert "envoy-mqtt:/data" in options(RUN, "--volume")
    environ = dict(each.split("=", 1) for each in options(RUN, "--env"))
    settings = load(None, environ=environ, cwd=tmp_path, image=ROOT / "docker" / "image.toml")
    assert (settings.gateway.host, settings.mqtt.host) == ("192.168.1.20", "192.168.1.10")
    assert f"./token:{settings.gateway.token_file}:ro" in options(RUN, "--volume")
    assert (settings.data_dir, settings.web.host) == (Path("/data"), "0.0.0.0")


def test_it_says_all_that_the_image_wants() -> None:
    wanted = tomllib.loads((ROOT / "docker" / "image.toml").read_text())
    assert wanted == {"data_dir": "/data", "web": {"host": "0.0.0.0"}}
    told = " ".join(text(PAGE).split())
    assert 'The image itself wants only `data_dir = "/data"` and `web.host = "0.0.0.0"`' in told


def test_its_compose_files_and_its_variables_are_there() -> None:
    assert [name for each in COMPOSE for name in options(each, "-f")] == ["docker/compose.demo.yaml"]
    assert (ROOT / "docker" / "compose.demo.yaml").exists()
    known = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker" / "compose.yaml").read_text())) | {
        "COMPOSE_FILE"
    }
    assert set(re.findall(r"\b([A-Z]+_[A-Z]+)=", "\n".join(commands(PAGE)))) <= known
    assert {"GATEWAY_HOST", "PAGE_ADDRESS", "BROKER_ADDRESS"} == known - {"COMPOSE_FILE"}
    assert all(name in text(PAGE) for name in known)


@pytest.mark.parametrize(
    "command", [each[each.index("envoy-mqtt") + 1] for each in COMPOSE if "exec" in each]
)
def test_what_it_runs_inside_is_a_command(command: str) -> None:
    subprocess.run([sys.executable, "-m", "envoy_mqtt", command, "--help"], capture_output=True, check=True)


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#:]+)", text(PAGE)))
def test_its_links_lead_somewhere(target: str) -> None:
    assert (ROOT / "docs" / target).resolve().exists()
