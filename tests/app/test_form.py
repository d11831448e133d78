"""The app's `config.yaml`: the Supervisor's rules (HA notes, section 3.1), the settings behind the form."""

import re
from typing import Any, get_args

import pytest
import yaml
from pydantic.fields import FieldInfo

from envoy_mqtt import __version__
from envoy_mqtt.config.keys import KEYS, SECRETS, kind
from envoy_mqtt.config.options import FORM, FURTHER, FURTHER_LABEL
from tests.pages import ROOT, text

FOLDER = ROOT / "docker" / "addon"
CONFIG: dict[str, Any] = yaml.safe_load((FOLDER / "config.yaml").read_text())
SCHEMA: dict[str, Any] = CONFIG["schema"]
LANGUAGES = {path.stem: yaml.safe_load(path.read_text()) for path in (FOLDER / "translations").iterdir()}

REQUIRED = {"name", "version", "slug", "description", "arch"}
# What else the Supervisor knows today: what an app such as ours may have, and what it has no use for.
OPTIONAL = {"homeassistant", "image", "init", "stage", "startup", "boot", "timeout", "url", "watchdog"}
OPTIONAL |= {"ingress", "ingress_port", "ingress_entry", "ingress_stream", "panel_icon", "panel_title"}
OPTIONAL |= {"panel_admin", "services", "options", "schema", "backup", "backup_exclude", "breaking_versions"}
UNWANTED = {"host_network", "host_pid", "host_ipc", "host_dbus", "host_uts", "full_access", "docker_api"}
UNWANTED |= {"privileged", "map", "hassio_api", "hassio_role", "homeassistant_api", "auth_api", "devices"}
UNWANTED |= {"ports", "webui", "apparmor", "legacy", "advanced", "codenotary", "snapshot", "auto_uart"}

TYPE = re.compile(
    r"(?P<type>str|bool|float|email|url|password|port|int|list)"
    r"(?:\((?P<range>-?\d+,-?\d+)\)|\((?P<words>[a-z.]+(?:\|[a-z.]+)+)\))?\?"
)
WATCHDOG = re.compile(r"^(?:https?|\[PROTO:\w+\]|tcp):\/\/\[HOST\]:(\[PORT:\d+\]|\d+).*$")
OF_KIND = {"str": str, "password": str, "list": str, "bool": bool, "int": int, "port": int}


def test_every_key_is_one_of_today_and_what_must_be_there_is() -> None:
    assert CONFIG.keys() >= REQUIRED
    assert CONFIG.keys() <= REQUIRED | OPTIONAL
    assert not CONFIG.keys() & UNWANTED


def test_what_is_promised_of_the_app_stands_in_it() -> None:
    assert CONFIG["arch"] == ["aarch64", "amd64"]
    assert CONFIG["services"] == ["mqtt:want"]
    assert CONFIG["ingress"] is True
    assert "init" not in CONFIG
    assert WATCHDOG.fullmatch(CONFIG["watchdog"])
    assert CONFIG["watchdog"] == f"http://[HOST]:[PORT:{CONFIG['ingress_port']}]/livez"
    assert KEYS["web", "port"].default == CONFIG["ingress_port"]
    assert re.fullmatch(r"[a-z0-9_]+", CONFIG["slug"]), "its host name has - for _ and has to be read back"
    assert re.fullmatch(r"mdi:[a-z-]+", CONFIG["panel_icon"])
    assert 10 <= CONFIG["timeout"] <= 300
    assert CONFIG["version"] == __version__


def test_the_supervisor_finds_one_app_in_the_repository() -> None:
    """It takes every config.yaml, .yml and .json for one, but for those in folders that begin with a dot.

    `dist` is made, and not in the repository.
    """
    names = {"config.yaml", "config.yml", "config.json"}
    found = [path.relative_to(ROOT) for path in ROOT.rglob("config.*") if path.name in names]
    seen = [str(path) for path in found if not any(part[:1] == "." or part == "dist" for part in path.parts)]
    assert seen == ["docker/addon/config.yaml"]


def test_the_repository_has_a_name() -> None:
    repository = yaml.safe_load(text("repository.yaml"))
    assert repository["name"]
    assert repository.keys() <= {"name", "url", "maintainer"}


def test_the_form_shows_the_fields_that_the_program_reads_and_no_other() -> None:
    assert SCHEMA.keys() == {*FORM, FURTHER}
    assert CONFIG["options"].keys() <= SCHEMA.keys()


@pytest.mark.parametrize("name", FORM)
def test_a_field_has_the_type_of_its_setting(name: str) -> None:
    match = TYPE.fullmatch(SCHEMA[name])
    assert match, "optional, and of a type the Supervisor knows; its str(min,max) refuses every text"
    key = FORM[name].key
    field, type_ = KEYS[key], match["type"]
    assert (type_ == "password") == (key in SECRETS and name != "account_username")
    if key not in SECRETS:
        assert OF_KIND[type_] is kind(key)
    if match["range"]:
        assert limits(field) == tuple(map(int, match["range"].split(",")))
    if type_ == "port":
        assert limits(field) == (1, 65535)
    if match["words"]:
        assert set(match["words"].split("|")) == set(words(field))
    else:
        assert not words(field)


def limits(field: FieldInfo) -> tuple[Any, Any]:
    found = {"ge": None, "le": None}
    for item in field.metadata:
        found |= {name: getattr(item, name) for name in found if hasattr(item, name)}
    return found["ge"], found["le"]


def words(field: FieldInfo) -> tuple[str, ...]:
    """The words of a `Literal`."""
    return tuple(word for word in get_args(field.annotation) if isinstance(word, str))


@pytest.mark.parametrize("name", CONFIG["options"])
def test_what_a_field_begins_with_is_the_default_or_nothing(name: str) -> None:
    """Nothing where the default may differ; a field that someone empties comes back as it began."""
    value = CONFIG["options"][name]
    if name == FURTHER:
        assert (value, SCHEMA[name]) == ([], ["str?"])
    elif value != "":
        assert value == KEYS[FORM[name].key].default


def test_english_and_more_are_spoken() -> None:
    assert LANGUAGES.keys() >= {"en", "de", "fr"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_field_has_a_name_and_a_description_in_every_language(language: str) -> None:
    assert LANGUAGES[language].keys() == {"configuration"}
    fields = LANGUAGES[language]["configuration"]
    assert list(fields) == list(SCHEMA)
    for field in fields.values():
        assert field.keys() == {"name", "description"}
        assert all(said and said == said.strip() for said in field.values())
    assert len({field["name"] for field in fields.values()}) == len(fields)


def test_mistakes_are_told_under_the_names_that_the_form_shows() -> None:
    shown = {name: field["name"] for name, field in LANGUAGES["en"]["configuration"].items()}
    assert shown == {name: field.label for name, field in FORM.items()} | {FURTHER: FURTHER_LABEL}
