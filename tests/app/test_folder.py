"""What lies beside the app's `config.yaml`: documentation that loads, drawings, profile, image."""

import json
import os
import re
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from envoy_mqtt import __version__
from envoy_mqtt.config import Settings, load
from envoy_mqtt.config.options import FORM, FURTHER
from envoy_mqtt.problems import WORDS
from envoy_mqtt.supervisor import NONE_YET
from tests.app.test_form import CONFIG, FOLDER, LANGUAGES
from tests.pages import ROOT, blocks, rows, text
from tests.programs import require

DOCS = "docker/addon/DOCS.md"
FORMS = [yaml.safe_load(block) for block in blocks(DOCS, "yaml")]


def loaded(folder: Path, options: Any) -> Settings:
    (folder / "options.json").write_text(json.dumps(options))
    environ = {"SUPERVISOR_TOKEN": "x", "ENVOY_DATA_DIR": str(folder)}
    return load(None, environ=environ, cwd=folder, image=FOLDER / "image.toml")


def test_there_are_forms_to_load() -> None:
    assert len(FORMS) == 5


@pytest.mark.parametrize("form", FORMS)
def test_a_form_in_the_documentation_loads(tmp_path: Path, form: dict[str, Any]) -> None:
    it = loaded(tmp_path, {**CONFIG["options"], **form})
    filled = [it.mqtt.base_topic == "solar", it.tariff.imports, it.gateways, it.mqtt.host != "localhost"]
    assert any(filled) or it.gateway.account.username is not None
    assert it.every_gateway[0].host == "192.168.1.20"


def test_the_app_starts_with_its_form_untouched(tmp_path: Path) -> None:
    it = loaded(tmp_path, CONFIG["options"])
    assert it.broker_offered
    assert (it.gateway.host, it.web.host, it.log.format) == ("envoy.local", "0.0.0.0", "console")


def test_the_image_keeps_its_state_in_the_apps_folder() -> None:
    it = load(None, environ={}, cwd=Path("/nowhere"), image=FOLDER / "image.toml")
    assert it.data_dir == Path("/data")


def test_only_home_assistant_is_answered(tmp_path: Path) -> None:
    """Ingress and the watchdog come from this address (HA notes, section 3.3)."""
    web = loaded(tmp_path, CONFIG["options"]).web
    assert web.allowed_clients == web.trusted_proxies == ("172.30.32.2",)


def test_the_documentation_tells_of_every_field_by_the_name_it_shows() -> None:
    told = {row[1].strip("`"): row[0] for row in rows(DOCS) if row[1].strip("`") in {*FORM, FURTHER}}
    assert told == {name: field["name"] for name, field in LANGUAGES["en"]["configuration"].items()}


def test_what_the_documentation_quotes_is_what_the_program_says() -> None:
    page = text(DOCS)
    assert NONE_YET.partition(":")[0] in page
    for code in ("gateway_refused", "account_second_factor"):
        assert WORDS[code].what in page


def test_the_newest_entry_of_the_changelog_is_this_version() -> None:
    (newest, *_) = re.findall(r"^## (\S+)", text("docker/addon/CHANGELOG.md"), re.MULTILINE)
    assert newest == __version__


@pytest.mark.parametrize(("name", "size"), [("icon", (128, 128)), ("logo", (250, 100))])
def test_a_drawing_has_the_size_that_is_asked_for_and_a_clear_background(
    name: str, size: tuple[int, int]
) -> None:
    head = (FOLDER / f"{name}.png").read_bytes()[:26]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", head[16:24]) == size
    assert head[25] == 6, "colours with transparency (PNG, section 11.2.2)"
    assert f'viewBox="0 0 {size[0]} {size[1]}"' in text(f"docker/addon/drawing/{name}.svg")


def test_the_profile_has_the_apps_name_and_is_one_that_the_kernel_would_take() -> None:
    profile = FOLDER / "apparmor.txt"
    assert re.findall(r"^profile (\S+)", profile.read_text(), re.MULTILINE) == [CONFIG["slug"]]
    parser = require("apparmor_parser", "apparmor")
    done = subprocess.run(
        [parser, "--skip-kernel-load", "--skip-cache", profile], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_the_profile_lets_nobody_write_outside_of_the_data_folder_and_scratch() -> None:
    lines = re.findall(r"^ +(/\S*) (\w+),$", text("docker/addon/apparmor.txt"), re.MULTILINE)
    written = {path for path, may in lines if set(may) & set("wal")}
    assert {path.split("/")[1] for path in written} == {"data", "tmp", "dev"}


def test_the_image_gets_the_packages_that_the_lock_file_names() -> None:
    """`make app-requirements` writes the list."""
    command = [str(ROOT / ".tools" / "bin" / "uv"), "export", "--frozen", "--offline", "--quiet"]
    command += ["--no-dev", "--no-emit-project", "--no-header"]
    environ = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True)
    assert (FOLDER / "requirements.txt").read_text() == done.stdout


def test_everything_that_the_image_is_made_of_lies_in_the_apps_folder() -> None:
    """The Supervisor gives the builder nothing else; the wheel may be there or in the package index."""
    dockerfile = (FOLDER / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", dockerfile, re.MULTILINE)
    needed = {name for line in copied for name in line.split()} - {"*.whl"}
    assert needed == {"requirements.txt", "image.toml", "entry.sh"}
    assert all((FOLDER / name).is_file() for name in needed)
    assert os.access(FOLDER / "entry.sh", os.X_OK)
    assert set(re.findall(r"^ARG BUILD_VERSION=(\S+)", dockerfile, re.MULTILINE)) == {__version__}
