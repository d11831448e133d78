"""The keys, read off the settings: what there is, by where it stands."""

from collections.abc import Iterator
from typing import Final, get_args

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from envoy_mqtt.config.settings import Section, Settings

Key = tuple[str | int, ...]
"""Where a value stands: `("mqtt", "port")`, `("gateways", 1, "host")`."""
DATA_DIR: Final[Key] = ("data_dir",)
LIST: Final[Key] = ("gateways",)


def _keys(model: type[BaseModel], at: tuple[str, ...] = ()) -> Iterator[tuple[Key, FieldInfo]]:
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Section):
            yield from _keys(inner, (*at, name))
        elif (*at, name) != LIST:
            yield (*at, name), field


KEYS: Final = dict(_keys(Settings))
SECTIONS: Final = {key[:depth] for key in KEYS for depth in range(len(key))}


def pattern(key: Key) -> Key:
    """The key as KEYS and SECTIONS have it: what holds for `gateway` holds for each of `gateways`."""
    numbered = len(key) > 1 and key[:1] == LIST and isinstance(key[1], int)
    return ("gateway", *key[2:]) if numbered else key


def kind(key: Key) -> type:
    """The type a value of this key ends up as, `| None` left out."""
    annotation = KEYS[pattern(key)].annotation
    types = [it for it in (*get_args(annotation), annotation) if isinstance(it, type)]
    # What is left are the literals, and they are text.
    return types[0] if types else str


SECRETS: Final = {key for key in KEYS if kind(key) is SecretStr}
