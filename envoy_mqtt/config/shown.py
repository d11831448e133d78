"""The configuration in force, for people (TOML) and for programs (a dict); secrets are in neither."""

import json
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from envoy_mqtt.config.settings import Period, Section, Settings, Tariff

HIDDEN = "***"


def show(settings: Settings) -> str:
    """TOML in the order of `config.example.toml`; a secret that is set is `***`, what is unset is absent."""
    return "\n".join(_table((), _plain(settings))).lstrip("\n") + "\n"


def public(settings: Settings) -> dict[str, Any]:
    """The same for the topic `bridge/info`: values JSON knows; secrets are absent altogether, and so is what
    lies where on this machine.
    """
    shown: dict[str, Any] = _without(_plain(settings))
    return shown


def _plain(section: Section | Settings) -> dict[str, Any]:
    fields = type(section).model_fields.items()
    values = {field.alias or name: getattr(section, name) for name, field in fields}
    if isinstance(section, Settings):
        values.pop("gateway" if section.gateways else "gateways")
    shown = {
        name: _value(value)
        for name, value in values.items()
        if value is not None and not (value == () and isinstance(section, Tariff | Period))
    }
    if isinstance(section, Settings) and section.broker_offered:
        shown["mqtt"] = {key: value for key, value in shown["mqtt"].items() if key not in ("host", "port")}
    return shown


def _value(value: object) -> Any:
    match value:
        case Section():
            return _plain(value)
        case tuple():
            return [_value(item) for item in value]
        case float() if value.is_integer():
            return int(value)
    return value


def _without(tree: Any) -> Any:
    match tree:
        case dict():
            return {
                name: _without(value)
                for name, value in tree.items()
                if not isinstance(value, SecretStr | Path)
            }
        case list():
            return [_without(item) for item in tree]
    return tree


def _table(at: tuple[str, ...], table: dict[str, Any], brackets: str = "[]") -> list[str]:
    """The lines of a table: its header, its values, then the tables within, as TOML wants them."""
    inner = {name: value for name, value in table.items() if _is_table(value)}
    lines = (
        ["", f"{brackets[: len(brackets) // 2]}{'.'.join(at)}{brackets[len(brackets) // 2 :]}"] if at else []
    )
    lines += [f"{name} = {_text(value)}" for name, value in table.items() if name not in inner]
    for name, value in inner.items():
        several = value if isinstance(value, list) else [value]
        for item in several:
            lines += _table((*at, name), item, "[[]]" if isinstance(value, list) else "[]")
    return lines


def _is_table(value: object) -> bool:
    several = value if isinstance(value, list) else [value]
    return bool(several) and isinstance(several[0], dict)


def _text(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_text(item) for item in value)}]"
    if isinstance(value, SecretStr):
        value = HIDDEN
    if isinstance(value, Path):
        value = str(value)
    if isinstance(value, bool | int | float):
        return str(value).lower()
    # JSON's strings are TOML's but for DEL, which TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
