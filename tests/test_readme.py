"""What the README shows is true: its configuration loads, its commands and topics exist."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from envoy_mqtt.config import load
from envoy_mqtt.model import Quantity
from envoy_mqtt.mqtt.payload import EXTRA_KEYS
from envoy_mqtt.mqtt.requests import REQUESTS
from tests.pages import blocks, commands, make_targets, text

README = text("README.md")
COMMANDS = commands("README.md")


def test_its_configuration_loads(tmp_path: Path) -> None:
    shown = blocks("README.md", "toml")
    assert shown
    for block in shown:
        (tmp_path / "account_password").write_text("a password")
        (tmp_path / "config.toml").write_text(block.replace("/run/secrets", str(tmp_path)))
        settings = load(None, environ={}, cwd=tmp_path)
        assert settings.gateway.host in block
        account = settings.gateway.account
        assert settings.gateway.token or (account.username and account.password)


def test_each_configuration_for_a_real_gateway_has_five_lines() -> None:
    assert [len(block.splitlines()) for block in blocks("README.md", "toml")] == [5, 5]


@pytest.mark.parametrize(
    "command", [each for each in COMMANDS if "envoy-mqtt" in each and "clone" not in each]
)
def test_its_commands_exist(command: str) -> None:
    words = shlex.split(command)
    arguments = [word for word in words[1:] if not word.startswith("-") and not word.endswith(".toml")]
    options = [word for word in words if word.startswith("--")]
    helped = subprocess.run(
        [sys.executable, "-m", "envoy_mqtt", *arguments, "--help"], capture_output=True, text=True, check=True
    )
    assert all(option in helped.stdout for option in options)


def test_its_make_targets_exist() -> None:
    assert set(re.findall(r"`make ([a-z-]+)", README)) <= make_targets()


def test_its_apt_line_is_the_one_make_prints() -> None:
    (line,) = re.findall(r"APT_LINE\s+:= (.*)", text("Makefile"))
    assert line in COMMANDS


def test_the_web_pages_paths_are_those_of_the_server() -> None:
    views = text("envoy_mqtt/web/views.py")
    named = {
        path.partition("?")[0] for path in re.findall(r"^\| `(/\S*)`", text("docs/web.md"), re.MULTILINE)
    }
    assert named == {*re.findall(r'^ +"(/\S*)": self\.', views, re.MULTILINE), "/"}


def test_its_topics_are_those_of_the_code() -> None:
    topics = set(re.findall(r"`envoy/(\S+)`", README))
    assert topics == {
        "bridge/state",
        "bridge/info",
        "bridge/health",
        "bridge/request/NAME",
        "bridge/response/NAME",
        *(
            f"SERIAL/{name}"
            for name in (
                "availability",
                "gateway",
                "live",
                "energy",
                "state",
                "tariff",
                "inverter/SN",
                *Quantity,
            )
        ),
        "SERIAL/sensor/KEY",
        "SERIAL/journal",
    }
    (asked,) = [line for line in README.splitlines() if "bridge/request/NAME" in line]
    assert set(re.findall("`([a-z_]+)`", asked)) == set(REQUESTS)
    for keys in EXTRA_KEYS.values():
        assert all(f"`{key}`" in README or key == "state_of_charge" for key in keys)
