"""What each source says, with the name it says it under.

A layer is one level of precedence. It maps keys to what was found, in the types the settings expect, and
holds the mistakes that need no other layer to be seen: unknown keys, and something else where a section
belongs. Values are checked only when the layers are one.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import PydanticBaseSettingsSource

from envoy_mqtt.config import mistakes
from envoy_mqtt.config.keys import KEYS, LIST_OF, SECTIONS, Key, kind, pattern
from envoy_mqtt.config.settings import Settings

_SWITCH = dict.fromkeys(("true", "1", "yes", "on"), True) | dict.fromkeys(("false", "0", "no", "off"), False)
_FROM_TEXT: dict[type, Callable[[str], object]] = {
    bool: lambda text: _SWITCH[text.strip().lower()],
    int: int,
    float: float,
}


class Found(NamedTuple):
    """A value, and its key as whoever wrote it would write it; that a section is there is a Found too."""

    value: object
    name: str


class Layer(PydanticBaseSettingsSource):
    """One source of settings; `place` makes an absolute path of what someone wrote."""

    def __init__(self, place: Callable[[str], Path] = Path) -> None:
        super().__init__(Settings)
        self.found: dict[Key, Found] = {}
        self.mistakes: list[str] = []
        self._place = place

    def __call__(self) -> dict[str, Any]:
        """The layer as nested dicts; gateways by number, so that those of two layers merge."""
        tree: dict[Any, Any] = {}
        for key, found in self.found.items():
            leaf = pattern(key) in KEYS
            node = tree
            for step in key[:-1] if leaf else key:
                node = node.setdefault(step, {})
            if leaf:
                node[key[-1]] = found.value
        return tree

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """For sources that go field by field, which `__call__` of this one does not."""
        raise NotImplementedError

    def read(self, key: Key, value: object, spell: Callable[[Key], str]) -> None:
        """Take in what a file or a JSON text holds at `key` and below; `spell` gives keys their names."""
        if pattern(key) in KEYS:
            self.put(key, value, spell(key))
        elif key in LIST_OF:
            self._read_list(key, value, spell)
        elif pattern(key) in SECTIONS:
            self._read_section(key, value, spell)
        else:
            self.mistakes.append(mistakes.unknown(spell(key), key, spell))

    def _read_list(self, key: Key, value: object, spell: Callable[[Key], str]) -> None:
        if not isinstance(value, list) or not value:
            self.mistakes.append(mistakes.no_section(spell(key), value, LIST_OF[key]))
            return
        self.found[key] = Found(None, spell(key))
        for index, item in enumerate(value):
            self.read((*key, index), item, spell)

    def _read_section(self, key: Key, value: object, spell: Callable[[Key], str]) -> None:
        if not isinstance(value, dict):
            self.mistakes.append(mistakes.no_section(spell(key), value, "a section with keys of its own"))
            return
        if key:
            self.found[key] = Found(None, spell(key))
        for name, item in value.items():
            self.read((*key, name), item, spell)

    def put(self, key: Key, value: object, name: str) -> None:
        """One value, as the type its key has where it is the text of one."""
        self.found[key] = Found(self._ready(kind(key), value), name)

    def put_text(self, key: Key, text: str, name: str) -> None:
        """One value from where everything is text; what cannot be converted stays, and is refused later."""
        try:
            self.put(key, _FROM_TEXT.get(kind(key), str)(text), name)
        except (KeyError, ValueError):
            self.put(key, text, name)

    def _ready(self, to: type, value: object) -> object:
        if isinstance(value, Path):
            return self._place(str(value))
        if not isinstance(value, str) or not _sound(value):
            return value
        if to is Path and value:
            return self._place(value)
        return SecretStr(value) if to is SecretStr else value


def _sound(text: str) -> bool:
    """Neither NUL nor lone surrogates: no path, topic or credential can have them."""
    return text.isprintable() or not any(it == "\0" or "\ud800" <= it <= "\udfff" for it in text)
