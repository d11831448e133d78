"""What is in the image, what it says of itself, and what its file looks like to a linter."""

import json
import subprocess
from pathlib import Path

import pytest

from envoy_mqtt import __version__
from tests.image.container import Container, Image
from tests.image.environment import BASE, IMAGE, ROOT, SERIES, TOOLS, buildah

SECOND_NS = 1_000_000_000


def test_its_file_pleases_the_linter() -> None:
    said = subprocess.run(
        [TOOLS / "hadolint", "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (said.returncode, said.stdout) == (0, "")


def test_it_says_who_it_is_and_how_it_is_run(bridge: Image) -> None:
    config = bridge.config
    labels = {key.removeprefix("org.opencontainers.image."): text for key, text in config["Labels"].items()}
    assert labels["version"] == __version__
    assert labels["base.name"] == BASE
    assert (labels["title"], labels["licenses"], labels["revision"]) == ("envoy-mqtt", "MIT", "tested")
    assert config["User"] == "1000:1000"
    assert set(config["Volumes"]) == {"/data"}
    assert set(config["ExposedPorts"]) == {"8099/tcp"}
    assert (config["Entrypoint"], config["Cmd"]) == (["envoy-mqtt"], ["run"])
    # No default of ours is a variable: it would beat the user's file.
    assert not [each for each in config["Env"] if each.startswith("ENVOY_")]


def test_its_health_is_asked_of_the_program_that_knows(bridge: Image) -> None:
    health = bridge.config["Healthcheck"]
    assert health["Test"] == ["CMD", "envoy-mqtt", "healthcheck"]
    assert health["Interval"] == 60 * SECOND_NS
    # `healthcheck` itself gives up after 5 s.
    assert health["Timeout"] == 10 * SECOND_NS


def test_our_own_layers_are_at_most_60_mb_and_an_update_is_a_fraction(tmp_path: Path) -> None:
    sizes = layers(IMAGE, tmp_path)
    base = layers(BASE, tmp_path)
    ours = sizes[len(base) :]
    assert sizes[: len(base)] == base
    assert sum(ours) <= 60_000_000
    assert sum(ours[1:]) < 0.5 * ours[0], "the libraries, which seldom change, are the first"


def layers(name: str, folder: Path) -> list[int]:
    """The sizes of its layers, not compressed."""
    target = folder / name.replace("/", "_")
    buildah("push", "--disable-compression", name, f"dir:{target}")
    manifest = json.loads((target / "manifest.json").read_text())
    return [layer["size"] for layer in manifest["layers"]]


@pytest.mark.parametrize("processor", ["x86_64", "aarch64"])
def test_every_library_has_a_wheel_for_its_processor(processor: str, tmp_path: Path) -> None:
    """Of the lock's versions and hashes, with nothing to compile."""
    listed = tmp_path / "requirements.txt"
    uv(
        "export",
        "--quiet",
        "--locked",
        "--no-dev",
        "--no-emit-project",
        "--all-extras",
        "--output-file",
        listed,
    )
    wheels = ("--only-binary", ":all:", "--require-hashes", "--no-deps", "--requirement", listed)
    there = ("--python-platform", f"{processor}-manylinux_2_17", "--python-version", SERIES)
    uv("pip", "install", "--quiet", "--target", tmp_path / "there", *there, *wheels)
    (binary,) = (tmp_path / "there" / "pydantic_core").glob(f"*{processor}-linux-gnu.so")
    assert binary.stat().st_size > 1_000_000


def uv(*arguments: object) -> None:
    subprocess.run([ROOT / ".tools" / "bin" / "uv", *map(str, arguments)], cwd=ROOT, check=True)


def test_nothing_in_it_is_for_making_it(bridge: Image) -> None:
    ours = bridge.root / "opt" / "envoy-mqtt"
    names = {file.name for file in ours.rglob("*")}
    assert "envoy_mqtt" in names
    assert not names & {"pip", "uv", "uvx", "hatchling", "setuptools", "cryptography", "tests", "pytest"}
    assert not [each for each in ("cc", "gcc", "make") if (bridge.root / "usr/bin" / each).exists()]
    assert sorted(each.name for each in (bridge.root / "etc/envoy-mqtt").iterdir()) == ["image.toml"]
    assert not list((bridge.root / "data").iterdir())


def test_it_brings_the_licence_of_all_that_is_in_our_package(bridge: Image) -> None:
    (about,) = (bridge.root / "opt/envoy-mqtt").glob("lib/python*/site-packages/envoy_mqtt-*.dist-info")
    brought = {
        str(file.relative_to(about / "licenses")) for file in about.rglob("licenses/**/*") if file.is_file()
    }
    assert brought == {"LICENSE", *(f"LICENSES/{file.name}" for file in (ROOT / "LICENSES").iterdir())}


def test_what_runs_was_compiled_when_it_was_built(bridge: Image) -> None:
    """Who runs it can write no bytecode, and would compile it all again at every start."""
    modules = (
        "envoy_mqtt.cli, envoy_mqtt.app, envoy_mqtt.web.server, envoy_mqtt.healthcheck, envoy_mqtt.doctor"
    )
    check = (
        f"import os, sys, {modules}\n"
        "cached = {name: getattr(it, '__cached__', None) for name, it in sys.modules.items()}\n"
        "assert sum(1 for path in cached.values() if path) > 500\n"
        "print([name for name, path in cached.items() if path and not os.path.exists(path)])"
    )
    python = ["chroot", str(bridge.root), "/opt/envoy-mqtt/bin/python", "-B", "-c", check]
    assert subprocess.run(python, capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("command", ["doctor", "token", "discover", "trust", "cleanup"])
async def test_its_other_commands_are_there(bridge: Image, data: Path, command: str) -> None:
    async with Container(bridge, data, command, "--help") as container:
        assert await container.ended() == 0
    assert command in "".join(container.said)
