"""The keys, read off the settings: what there is, by where it stands."""

from collections.abc import Iterator
from typing import Final, get_args

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from envoy_mqtt.config.settings import Section, Settings

Key = tuple[str | int, ...]
"""Where a value stands: `("mqtt", "port")`, `("gateways", 1, "host")`."""
DATA_DIR: Final[Key] = ("data_dir",)
LISTS: Final[dict[Key, Key]] = {
    ("gateways",): ("gateway",),
    ("tariff", "import"): ("tariff", "import", 0),
    ("tariff", "export"): ("tariff", "export", 0),
}
"""The lists of sections, each with what stands for its members in KEYS."""
LIST_OF: Final[dict[Key, str]] = {
    ("gateways",): "a list of at least one gateway",
    ("tariff", "import"): "a list of at least one period, each under [[tariff.import]]",
    ("tariff", "export"): "a list of at least one period, each under [[tariff.export]]",
}


def _keys(model: type[BaseModel], at: Key = ()) -> Iterator[tuple[Key, FieldInfo]]:
    for name, field in model.model_fields.items():
        key = (*at, field.alias or name)
        inner = field.annotation
        if key in LISTS and LISTS[key] != ("gateway",):
            yield from _keys(get_args(inner)[0], LISTS[key])
        elif isinstance(inner, type) and issubclass(inner, Section):
            yield from _keys(inner, key)
        elif key not in LISTS:
            yield key, field


KEYS: Final = dict(_keys(Settings))
SECTIONS: Final = {key[:depth] for key in KEYS for depth in range(len(key))}


def pattern(key: Key) -> Key:
    """The key as KEYS and SECTIONS have it: what holds for `gateway` holds for each of `gateways`."""
    at = listed(key)
    return key if at is None or len(key) == len(at) else (*LISTS[at], *key[len(at) + 1 :])


def listed(key: Key) -> Key | None:
    """The list that a key is, or that it is in by number."""
    for at in LISTS:
        if key == at or (key[: len(at)] == at and isinstance(key[len(at)], int)):
            return at
    return None


def kind(key: Key) -> type:
    """The type a value of this key ends up as, `| None` left out."""
    annotation = KEYS[pattern(key)].annotation
    types = [it for it in (*get_args(annotation), annotation) if isinstance(it, type)]
    # What is left are the literals, and they are text.
    return types[0] if types else str


SECRETS: Final = {key for key in KEYS if kind(key) is SecretStr}
