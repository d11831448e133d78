"""The app's form as a source of configuration: what it says, where it stands, how its mistakes are told."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from envoy_mqtt.config import Settings, load
from envoy_mqtt.config.keys import KEYS, SECRETS
from envoy_mqtt.config.options import FORM
from envoy_mqtt.errors import ConfigError

APP = {"SUPERVISOR_TOKEN": "x", "HOME": "/home/me"}
JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl"


def settings(folder: Path, options: Any, environ: dict[str, str] | None = None, **more: Any) -> Settings:
    text = options if isinstance(options, str) else json.dumps(options)
    (folder / "options.json").write_text(text)
    around = {**APP, "ENVOY_DATA_DIR": str(folder), **(environ or {})}
    return load(None, environ=around, cwd=folder / "elsewhere", **{"image": folder / "image.toml", **more})


def mistakes(folder: Path, options: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        settings(folder, options)
    return list(caught.value.mistakes)


def test_every_field_sets_its_key(tmp_path: Path) -> None:
    it = settings(
        tmp_path,
        {
            "gateway_host": "192.0.2.5",
            "account_username": "me@example.com",
            "account_password": "secret",
            "account_role": "installer",
            "gateway_token": JWT,
            "gateway_serial": "122312345678",
            "interval_s": 5,
            "energy_grid": "balanced",
            "inverters": True,
            "mqtt_host": "192.0.2.6",
            "mqtt_port": 8884,
            "mqtt_tls": True,
            "mqtt_username": "envoy",
            "mqtt_password": "hidden",
            "log_level": "debug",
        },
    )
    gateway, mqtt = it.gateway, it.mqtt
    assert (gateway.host, gateway.serial, gateway.token) == ("192.0.2.5", "122312345678", SecretStr(JWT))
    assert gateway.account.username == SecretStr("me@example.com")
    assert (gateway.account.password, gateway.account.role) == (SecretStr("secret"), "installer")
    assert (it.homeassistant.interval_s, it.energy.grid, it.inverters.enabled) == (5, "balanced", True)
    assert (mqtt.host, mqtt.port, mqtt.tls.enabled) == ("192.0.2.6", 8884, True)
    assert (mqtt.username, mqtt.password, it.log.level) == ("envoy", SecretStr("hidden"), "debug")


def test_the_fields_are_keys_there_are_each_with_a_name_of_its_own() -> None:
    assert {field.key for field in FORM.values()} <= KEYS.keys()
    assert len({field.key for field in FORM.values()}) == len(FORM)
    assert len({field.label for field in FORM.values()}) == len(FORM)


@pytest.mark.parametrize("nothing", ["", None])
def test_an_empty_field_is_not_filled_in(tmp_path: Path, nothing: str | None) -> None:
    it = settings(tmp_path, {**dict.fromkeys(FORM, nothing), "further_settings": []})
    assert it.gateway.host == "envoy.local"
    assert it.gateway.account.username is None
    assert (it.mqtt.host, it.broker_offered) == ("localhost", True)


def test_a_switch_that_is_off_is_said(tmp_path: Path) -> None:
    image = tmp_path / "image.toml"
    image.write_text("[inverters]\nenabled = true")
    assert settings(tmp_path, {"inverters": False}, image=image).inverters.enabled is False


def test_the_form_counts_before_the_image_and_after_everything_else(tmp_path: Path) -> None:
    (tmp_path / "image.toml").write_text("[homeassistant]\ninterval_s = 1")
    assert settings(tmp_path, {}).homeassistant.interval_s == 1
    assert settings(tmp_path, {"interval_s": 2}).homeassistant.interval_s == 2
    further = {"interval_s": 2, "further_settings": ["homeassistant.interval_s = 3"]}
    assert settings(tmp_path, further).homeassistant.interval_s == 3
    (tmp_path / "config.toml").write_text("[homeassistant]\ninterval_s = 4")
    assert settings(tmp_path, further).homeassistant.interval_s == 4
    environ = {"ENVOY_HOMEASSISTANT__INTERVAL_S": "5"}
    assert settings(tmp_path, further, environ).homeassistant.interval_s == 5


def test_a_secret_file_counts_before_the_forms_password(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("from the file\n")
    environ = {"ENVOY_MQTT__PASSWORD_FILE": str(tmp_path / "pw")}
    assert settings(tmp_path, {"mqtt_password": "x"}, environ).mqtt.password == SecretStr("from the file")


def test_further_settings_are_lines_of_one_file(tmp_path: Path) -> None:
    lines = ["mqtt.base_topic = 'solar'", "[[gateways]]", "host = '192.0.2.1'", "[[gateways]]", "host = 'x'"]
    it = settings(tmp_path, {"gateway_host": "", "further_settings": lines})
    assert it.mqtt.base_topic == "solar"
    assert [gateway.host for gateway in it.gateways] == ["192.0.2.1", "x"]


def test_elsewhere_than_in_home_assistant_the_file_is_nothing(tmp_path: Path) -> None:
    assert (
        settings(tmp_path, {"gateway_host": "other"}, {"SUPERVISOR_TOKEN": ""}).gateway.host == "envoy.local"
    )


def test_without_a_file_there_is_no_form(tmp_path: Path) -> None:
    around = {**APP, "ENVOY_DATA_DIR": str(tmp_path / "none")}
    assert load(None, environ=around, cwd=tmp_path, image=tmp_path / "image").gateway.host == "envoy.local"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"gateway_host": "192.0.2.300"},
            (
                '"Gateway address" (gateway_host): found "192.0.2.300", allowed is a name, an IPv4 address '
                "or [an IPv6 address], each with or without :port"
            ),
        ),
        (
            {"interval_s": 61},
            '"Update interval" (interval_s): found 61, allowed is a whole number from 1 to 60',
        ),
        (
            {"gateway_token": "not a token"},
            (
                '"Token" (gateway_token): what is there cannot be used, allowed is a token: three parts of '
                "letters, digits, - and _ with dots between them"
            ),
        ),
        (
            {"gateway_serial": 12},
            '"Serial number" (gateway_serial): found 12, allowed is 12 digits in quotes',
        ),
        ({"colour": "red"}, "colour: the app's form has no such option"),
        (
            {"further_settings": ["mqtt.bas_topic = 'x'"]},
            (
                'mqtt.bas_topic in "Further settings" (further_settings): there is no such key; did you mean '
                'mqtt.base_topic in "Further settings" (further_settings)?'
            ),
        ),
        (
            {"further_settings": ["web.port = 0"]},
            (
                'web.port in "Further settings" (further_settings): found 0, allowed is a whole number from '
                "1 to 65535"
            ),
        ),
        (
            {"further_settings": ["energy.grid = balanced"]},
            '"Further settings" (further_settings): line 1, column 15: invalid value',
        ),
        (
            {"further_settings": "web.port = 1"},
            '"Further settings" (further_settings): found text, allowed is a list of lines',
        ),
        (
            {"gateway_host": "x", "further_settings": ["[[gateways]]", "host = 'y'"]},
            (
                'gateways in "Further settings" (further_settings): stands beside "Gateway address" '
                "(gateway_host); gateways replaces gateway altogether, keep one of the two"
            ),
        ),
    ],
)
def test_a_mistake_is_told_in_the_words_of_the_form(tmp_path: Path, options: Any, sentence: str) -> None:
    assert mistakes(tmp_path, options) == [sentence]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', "[" * 60_000])
def test_a_file_that_is_no_form_is_a_sentence(tmp_path: Path, text: str) -> None:
    (sentence,) = mistakes(tmp_path, text)
    assert sentence == (
        f"{tmp_path}/options.json: this is not what the Supervisor writes; save the app's configuration again"
    )


def test_no_secret_of_the_form_is_in_a_sentence(tmp_path: Path) -> None:
    secrets = {name: f"sw0rdfish\0{name}" for name, field in FORM.items() if field.key in SECRETS}
    told = "\n".join(mistakes(tmp_path, {**secrets, "interval_s": 0}))
    assert "sw0rdfish" not in told
    assert len(secrets) == 4
