"""The command line as a person meets it: every call here is a process of its own."""

import os
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from envoy_mqtt import __version__, cli
from envoy_mqtt.simulator.options import Battery, Layout, Pace, Wiring

TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJhdWQiOiIxMjIzMTIzNDU2NzgifQ.c2VjcmV0"


def envoy_mqtt(
    *arguments: str, folder: Path, environ: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "envoy_mqtt", *arguments],
        cwd=folder,
        env={**os.environ, "ENVOY_DATA_DIR": str(folder / "data"), "COLUMNS": "200", **(environ or {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_version_and_help_answer(tmp_path: Path) -> None:
    assert envoy_mqtt("--version", folder=tmp_path).stdout == f"envoy-mqtt {__version__}\n"
    helped = envoy_mqtt("--help", folder=tmp_path)
    assert helped.returncode == 0
    for command in ("run", "demo", "simulate", "trust", "token", "tariff", "config"):
        assert f" {command} " in helped.stdout
        assert envoy_mqtt(command, "--help", folder=tmp_path).returncode == 0


def test_a_wrong_key_ends_with_2_and_one_line_that_names_it(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[mqtt]\nport = 99999\nhots = "x"\n')
    for command in (("run",), ("config", "check"), ("config", "show")):
        done = envoy_mqtt(*command, folder=tmp_path)
        assert done.returncode == 2
        assert done.stdout == ""
        lines = done.stderr.splitlines()
        assert len(lines) == 2
        assert [line for line in lines if line.startswith("mqtt.port: ")]
        assert [line for line in lines if line.startswith("mqtt.hots: ")]


def test_config_show_shows_what_is_in_force_and_no_secret(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f'[gateway]\ntoken = "{TOKEN}"\n')
    shown = envoy_mqtt(
        "config",
        "show",
        folder=tmp_path,
        environ={"ENVOY_MQTT__PASSWORD": "hunter2", "ENVOY_MQTT__PORT": "1884"},
    )
    assert shown.returncode == 0
    assert "port = 1884" in shown.stdout
    assert "hunter2" not in shown.stdout + shown.stderr
    assert TOKEN not in shown.stdout + shown.stderr


def test_config_check_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("")
    done = envoy_mqtt("config", "check", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "config.toml" in done.stdout


def test_a_folder_that_cannot_be_written_ends_with_2_and_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = envoy_mqtt("run", folder=tmp_path, environ={"ENVOY_DATA_DIR": str(tmp_path / "file" / "data")})
    assert done.returncode == 2
    assert "data_dir" in done.stderr
    assert "chown" in done.stderr


def test_a_missing_ca_file_is_a_mistake_and_not_a_traceback(tmp_path: Path) -> None:
    environ = {"ENVOY_MQTT__TLS__ENABLED": "true", "ENVOY_MQTT__TLS__CA_FILE": str(tmp_path / "none.pem")}
    done = envoy_mqtt("run", folder=tmp_path, environ=environ)
    assert done.returncode == 2
    assert "mqtt.tls" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_choice_that_does_not_exist_ends_with_2(tmp_path: Path) -> None:
    done = envoy_mqtt("simulate", "--layout", "production+moon", folder=tmp_path)
    assert done.returncode == 2
    assert "production+total" in done.stderr
    done = envoy_mqtt("simulate", "--firmware", "nonsense", folder=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("spelled", "real"),
    [(cli.Layouts, Layout), (cli.Wirings, Wiring), (cli.Paces, Pace), (cli.Batteries, Battery)],
)
def test_the_spelled_out_choices_are_the_simulators(spelled: object, real: type[Layout]) -> None:
    assert list(get_args(spelled)) == [str(each) for each in real]


def test_run_imports_nothing_that_only_another_command_needs(tmp_path: Path) -> None:
    script = (
        "import sys; from envoy_mqtt import cli; cli._keep_lean(); "
        "import envoy_mqtt.app, envoy_mqtt.log; print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    loaded = done.stdout.split()
    assert "envoy_mqtt.app" in loaded
    unwanted = (
        *("envoy_mqtt.simulator", "envoy_mqtt.demo", "envoy_mqtt.doctor", "envoy_mqtt.diagnosis"),
        *("aiohttp.web", "rich.", "cryptography.", "pytest", "zeroconf"),
    )
    assert [name for name in loaded if name.startswith(unwanted)] == []


def test_a_demo_that_nobody_reads_any_more_ends_quietly(tmp_path: Path) -> None:
    demo = f"{sys.executable} -m envoy_mqtt demo --port 0 | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", demo],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=tmp_path,
    )
    assert done.stderr == ""


def test_tariff_shows_now_and_a_week_and_ends_with_2_where_there_is_none(tmp_path: Path) -> None:
    none = envoy_mqtt("tariff", folder=tmp_path)
    assert (none.returncode, none.stdout) == (2, "")
    assert none.stderr.startswith("tariff: there are no periods; add at least one [[tariff.import]]")
    (tmp_path / "config.toml").write_text(
        'site.timezone = "Europe/Berlin"\n[tariff]\ncurrency = "EUR"\ndiscount = 0.5\n'
        '[[tariff.import]]\nname = "night"\nprice = 0.2\ntimes = ["22:00-06:00"]\n'
        '[[tariff.import]]\nname = "day"\nprice_topic = "prices/day"\n'
    )
    shown = envoy_mqtt("tariff", folder=tmp_path)
    assert (shown.returncode, shown.stderr) == (0, "")
    head, _, now, *days = shown.stdout.splitlines()
    assert head == "Local times in Europe/Berlin, prices in EUR per kWh."
    assert now.startswith(("Import now: night 0.1, until ", "Import now: day (prices/day), until "))
    assert len(days) == 7
    for day in days:
        assert " ".join(day.split()[2:]) == "00:00 night 0.1 06:00 day (prices/day) 22:00 night 0.1"
