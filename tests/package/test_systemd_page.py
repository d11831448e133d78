"""What docs/systemd.md shows is true: systemd understands its service, and its commands are there."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

from envoy_mqtt.config import load
from tests.package.installed import ROOT, built
from tests.pages import blocks, commands, make_targets, text
from tests.programs import require

PAGE = "docs/systemd.md"
COMMANDS = [shlex.split(command) for command in commands(PAGE)]
(UNIT,) = blocks(PAGE, "ini")
PROGRAM = "/opt/envoy-mqtt/bin/envoy-mqtt"
PIP = "/opt/envoy-mqtt/bin/pip"


def unit(folder: Path) -> Path:
    """The service, with a program that is on this machine, too."""
    file = folder / "envoy-mqtt.service"
    file.write_text(UNIT.replace(PROGRAM, sys.executable))
    return file


def values(key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", UNIT, re.MULTILINE)


def test_systemd_understands_every_line_of_it(tmp_path: Path) -> None:
    verify = [require("systemd-analyze", "systemd"), "verify", "--man=no", str(unit(tmp_path))]
    said = subprocess.run(verify, capture_output=True, text=True, check=False)
    # It names what it ignores, and its status is 0 all the same.
    assert [line for line in said.stderr.splitlines() if "envoy-mqtt.service" in line] == []
    assert said.returncode == 0


def test_it_is_as_little_exposed_as_the_page_says(tmp_path: Path) -> None:
    (shown,) = re.findall(r"gives it ([0-9.]+) of 10 points", " ".join(text(PAGE).split()))
    security = [require("systemd-analyze", "systemd"), "security", "--offline=true", str(unit(tmp_path))]
    said = subprocess.run(security, capture_output=True, text=True, check=True).stdout
    assert f"Overall exposure level for envoy-mqtt.service: {shown} OK" in said


def test_what_it_hands_over_is_what_the_bridge_reads(tmp_path: Path) -> None:
    environ = dict(line.split("=", 1) for line in values("Environment"))
    environ = {
        name: told.replace("%S", "/var/lib").replace("%d", str(tmp_path)) for name, told in environ.items()
    }
    (credential,) = values("LoadCredential")
    name, source = credential.split(":")
    (tmp_path / "config.toml").write_text('[gateway]\nhost = "192.168.1.20"\n')
    settings = load(Path("config.toml"), environ=environ, cwd=tmp_path)
    assert settings.gateway.token_file == tmp_path / name
    assert settings.data_dir == Path("/var/lib") / values("StateDirectory")[0]
    assert ["sudo", "install", "-m", "600", "token", source] in COMMANDS
    for variable in re.findall(r"`(ENVOY_\w+_FILE)", text(PAGE)):
        (tmp_path / "secret").write_text("a secret")
        load(None, environ={variable: str(tmp_path / "secret")}, cwd=tmp_path)


def test_its_program_is_where_its_commands_put_it() -> None:
    (start,) = values("ExecStart")
    program, *words = start.split()
    (install,) = [each for each in COMMANDS if each[:2] == ["sudo", PIP]]
    assert program == PROGRAM
    assert install[2:] == ["install", f"dist/{built('.whl').name}"]
    assert (ROOT / install[-1]).exists()
    assert words == ["run", "--config", "/etc/envoy-mqtt/config.toml"]


def test_its_other_commands_are_there() -> None:
    assert {each[1] for each in COMMANDS if each[0] == "make"} <= make_targets()
    ours = [each[each.index(PROGRAM) :] for each in COMMANDS if PROGRAM in each]
    assert ours
    for _, command, *options in ours:
        helped = subprocess.run(
            [sys.executable, "-m", "envoy_mqtt", command, "--help"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert all(option in helped for option in options if option.startswith("--"))
