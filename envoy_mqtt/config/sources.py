"""The sources: the environment, TOML files, and what the command line says, each read into layers."""

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

from envoy_mqtt.config import mistakes
from envoy_mqtt.config.keys import KEYS, LIST_OF, Key, pattern
from envoy_mqtt.config.layers import Layer

_PREFIX = "envoy_"
_INDEX = re.compile(r"[0-9]{1,3}")
Place = Callable[[str], Path]


def command_line(overrides: Mapping[str, object], place: Place) -> Layer:
    """Options by their dotted keys; None is an option nobody gave."""
    layer = Layer(place)
    for name, value in overrides.items():
        key = tuple(name.split("."))
        if value is None:
            continue
        if isinstance(value, str) and key in KEYS:
            layer.put_text(key, value, name)
        else:
            layer.read(key, value, mistakes.dotted)
    return layer


def environment(environ: Mapping[str, str], place: Place) -> tuple[Layer, Layer]:
    """Variables of one key each, and below them the list in ENVOY_GATEWAYS.

    Names may have any case; of two that differ in nothing else the one in capitals counts. An unknown name
    is a mistake only with `__` in it: Kubernetes sets ENVOY_PORT and ENVOY_SERVICE_HOST beside a service
    named envoy, and links of old made ENVOY_GATEWAY=tcp://….
    """
    single, listed = Layer(place), Layer(place)
    for name, text in sorted(environ.items()):
        if not text or not name.lower().startswith(_PREFIX):
            continue
        key = _key(name)
        if pattern(key) in KEYS:
            if key not in single.found:
                single.put_text(key, text, name)
        elif key in LIST_OF:
            _list(listed, key, name, text)
        elif "__" in name:
            single.mistakes.append(mistakes.unknown(name, key, mistakes.variable))
    return single, listed


def _key(name: str) -> Key:
    steps = name.lower()[len(_PREFIX) :].split("__")
    return tuple(int(step) if _INDEX.fullmatch(step) else step for step in steps)


def _list(layer: Layer, at: Key, name: str, text: str) -> None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        members = "gateways" if at == ("gateways",) else "periods"
        layer.mistakes.append(f"{name}: this is not JSON, allowed is a list of {members} as JSON")
        return
    layer.read(at, value, lambda key: mistakes.dotted(key).replace(mistakes.dotted(at), name, 1))


def toml(file: Path, place: Place, spell: Callable[[Key], str] = mistakes.dotted) -> Layer | None:
    """The layer of a file, with what is wrong with it as mistakes; None when there is no such file."""
    layer = Layer(place)
    try:
        layer.read((), tomllib.loads(file.read_bytes().decode("utf-8-sig")), spell)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        layer.mistakes.append(mistakes.unreadable(file, error))
    except (ValueError, RecursionError) as error:
        layer.mistakes.append(mistakes.broken(file, error))
    return layer
