"""The form of the Home Assistant app: what the Supervisor writes into `options.json` in the data folder.

A mistake is told in the words of the form, which `docker/addon/translations/en.yaml` says in the same words.
A field that is empty says nothing. The lines of `further_settings` are together one TOML text, so that
everything can be set that the form does not show; they count before its fields.
"""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from envoy_mqtt.config import mistakes
from envoy_mqtt.config.keys import Key
from envoy_mqtt.config.layers import Layer
from envoy_mqtt.config.sources import Place

NAME = "options.json"
FURTHER = "further_settings"
FURTHER_LABEL = "Further settings"


class Field(NamedTuple):
    """A field of the form: the key it sets, and what stands before it in English."""

    key: Key
    label: str


FORM: Mapping[str, Field] = MappingProxyType(
    {
        "gateway_host": Field(("gateway", "host"), "Gateway address"),
        "account_username": Field(("gateway", "account", "username"), "Enphase account"),
        "account_password": Field(("gateway", "account", "password"), "Enphase password"),
        "account_role": Field(("gateway", "account", "role"), "Role of the account"),
        "gateway_token": Field(("gateway", "token"), "Token"),
        "gateway_serial": Field(("gateway", "serial"), "Serial number"),
        "interval_s": Field(("homeassistant", "interval_s"), "Update interval"),
        "energy_grid": Field(("energy", "grid"), "Import and export"),
        "inverters": Field(("inverters", "enabled"), "Microinverters"),
        "mqtt_host": Field(("mqtt", "host"), "Broker address"),
        "mqtt_port": Field(("mqtt", "port"), "Broker port"),
        "mqtt_tls": Field(("mqtt", "tls", "enabled"), "Encryption to the broker"),
        "mqtt_username": Field(("mqtt", "username"), "Broker user"),
        "mqtt_password": Field(("mqtt", "password"), "Broker password"),
        "log_level": Field(("log", "level"), "Log level"),
    }
)


def read(folder: Path, place: Place) -> tuple[Layer, Layer]:
    """What the form in `folder` says, `further_settings` before its fields; nothing where there is none."""
    further, fields = Layer(place), Layer(place)
    for name, value in _content(folder / NAME, fields.mistakes).items():
        if value is None or value == "":
            continue
        if name == FURTHER:
            _read_further(further, value)
        elif name in FORM:
            fields.put(FORM[name].key, value, _words(FORM[name].label, name))
        else:
            fields.mistakes.append(f"{mistakes.dotted((name,))}: the app's form has no such option")
    return further, fields


def _content(file: Path, wrong: list[str]) -> Mapping[str, object]:
    try:
        content = json.loads(file.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        wrong.append(mistakes.unreadable(file, error))
        return {}
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        wrong.append(f"{file}: this is not what the Supervisor writes; save the app's configuration again")
        return {}
    return content


def _read_further(layer: Layer, value: object) -> None:
    words = _words(FURTHER_LABEL, FURTHER)
    if not isinstance(value, list) or not all(isinstance(line, str) for line in value):
        layer.mistakes.append(mistakes.no_section(words, value, "a list of lines"))
        return
    try:
        settings = tomllib.loads("\n".join(value))
    except (ValueError, RecursionError) as error:
        layer.mistakes.append(mistakes.broken(words, error))
        return
    layer.read((), settings, lambda key: f"{mistakes.dotted(key)} in {words}")


def _words(label: str, name: str) -> str:
    return f'"{label}" ({name})'
