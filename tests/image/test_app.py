"""The Home Assistant app's image as the Supervisor builds it, from its folder alone, and as it starts it: as
root, with the rights that the app's own profile leaves it.
"""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from envoy_mqtt import __version__
from envoy_mqtt.simulator.gateway import Gateway
from tests.app.supervisor import TOKEN, supervising
from tests.e2e.harness import eventually, free_port, listening
from tests.image.container import Container, Image
from tests.image.environment import ROOT, TOOLS
from tests.mosquitto import Mosquitto

FOLDER = ROOT / "docker" / "addon"
KEPT = re.findall(r"^ +capability (\w+),$", (FOLDER / "apparmor.txt").read_text(), re.MULTILINE)
NONE = "0000000000000000"


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """The data folder as the Supervisor makes it."""
    folder = tmp_path / "app"
    folder.mkdir(mode=0o700)
    return folder


def fill_in(volume: Path, form: dict[str, Any]) -> None:
    file = volume / "options.json"
    file.touch(0o600)
    file.write_text(json.dumps(form))


def test_its_file_pleases_the_linter() -> None:
    command = [str(TOOLS / "hadolint"), str(FOLDER / "Dockerfile")]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (0, "")


def test_it_says_what_the_supervisor_looks_for(app: Image) -> None:
    labels = {key.removeprefix("io.hass."): text for key, text in app.config["Labels"].items()}
    assert (labels["type"], labels["version"], labels["arch"]) == ("app", __version__, "amd64")
    assert app.config["Entrypoint"] == ["/entry.sh"]
    # No default of ours is a variable: it would beat the form.
    assert not [each for each in app.config["Env"] if each.startswith("ENVOY_")]


def test_nothing_in_it_is_for_making_it(app: Image) -> None:
    names = {file.name for file in (app.root / "opt" / "envoy-mqtt").rglob("*")}
    assert "envoy_mqtt" in names
    assert not names & {"pip", "cryptography", "tests", "pytest"}


async def test_it_starts_as_root_and_reads_as_nobody_with_a_broker_that_comes_late(
    app: Image, volume: Path
) -> None:
    """Its root is read-only here, which the profile makes of it in Home Assistant."""
    port = free_port()
    with Mosquitto() as broker:
        async with Gateway() as gateway, supervising() as supervisor, listening(broker.port) as ears:
            fill_in(
                volume,
                {"gateway_host": f"127.0.0.1:{gateway.port}", "gateway_token": gateway.owner_token},
            )
            given = {
                "SUPERVISOR_TOKEN": TOKEN,
                "SUPERVISOR_API": supervisor.url,
                "HOSTNAME": "local-envoy-mqtt",
            }
            async with Container(app, volume, kept=KEPT, more=given, web__port=port) as container:
                await eventually(lambda: supervisor.asked >= 1)
                supervisor.offer(broker.port, "addons", "secret")
                await ears.hear("/live")
                assert set(container.status("Uid").split() + container.status("Gid").split()) == {"1000"}
                assert {container.status(f"Cap{each}") for each in ("Prm", "Eff", "Inh", "Amb")} == {NONE}
                assert container.status("NoNewPrivs") == "1"
                assert await container.stop() == 0, container.said
            await ears.hear("/bridge/state", b"offline")
    assert not any("Traceback" in line or "denied" in line for line in container.said)


async def test_a_mistake_in_the_form_ends_it_with_a_sentence(app: Image, volume: Path) -> None:
    fill_in(volume, {"interval_s": 0})
    async with Container(app, volume, kept=KEPT, more={"SUPERVISOR_TOKEN": TOKEN}) as container:
        assert await container.ended() == 2, container.said
    assert container.said == [
        '"Update interval" (interval_s): found 0, allowed is a whole number from 1 to 60\n'
    ]
