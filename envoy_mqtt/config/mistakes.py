"""The sentences that tell someone what to edit; no value of a secret ever gets in here.

A line is `key: found …, allowed is …`. What was found is shown when it is short and cannot be a
credential in the wrong place: a token under another key, or the `user:password@` of an address.
"""

import difflib
import json
import re
from collections.abc import Callable
from pathlib import Path

from envoy_mqtt.config.keys import KEYS, LIST_OF, SECRETS, SECTIONS, Key, pattern

_BARE = re.compile(r"[A-Za-z0-9_-]{1,60}")
_LONGEST = 40
_FEW = 12
_CLOSE = 0.7
_POSITION = re.compile(r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")
_KINDS = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "a section",
    type(None): "nothing",
}


def dotted(key: Key) -> str:
    """`mqtt.port`, `gateways[1].host`: as someone would write it in a sentence about the file."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{_step(step)}" for step in key)
    return "".join(steps).removeprefix(".")


def variable(key: Key) -> str:
    """`ENVOY_MQTT__PORT`: the key's environment variable."""
    return "ENVOY_" + "__".join(str(step).upper() for step in key)


def _step(text: str) -> str:
    return text if _BARE.fullmatch(text) else _printable(json.dumps(text[:60], ensure_ascii=False))


def _printable(text: str) -> str:
    """A line end would make two sentences of one, and a lone surrogate (a variable that is not UTF-8) fails
    whoever prints it.
    """
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def wrong(name: str, key: Key, value: object) -> str:
    """The value of a known key is none that is allowed."""
    found = "what is there cannot be used" if pattern(key) in SECRETS else f"found {_shown(value)}"
    return f"{name}: {found}, allowed is {KEYS[pattern(key)].description}"


def no_section(name: str, value: object, allowed: str) -> str:
    """Something else stands where sections belong; only its kind is told, for it may be a secret."""
    found = "an empty list" if value == [] else _KINDS.get(type(value), "something else")
    return f"{name}: found {found}, allowed is {allowed}"


def unknown(name: str, key: Key, spell: Callable[[Key], str]) -> str:
    """There is no such key; names the nearest there is, spelt for the place it was found in."""
    if pattern(key) in SECTIONS:
        keys = ", ".join(spell(it) for it in KEYS if it[:-1] == pattern(key))
        return f"{name}: this is a section and has no value of its own; its keys are {keys}"
    near = _nearest(key)
    return f"{name}: there is no such key" + (f"; did you mean {spell(near)}?" if near else "")


def _nearest(key: Key) -> Key | None:
    known = {dotted(it): it for it in (*KEYS, *(SECTIONS - {()}), *LIST_OF)}
    wanted = ".".join(str(step)[:60] for step in pattern(key)[:4])
    near = difflib.get_close_matches(wanted, known, n=1, cutoff=_CLOSE)
    if not near:
        return None
    found = known[near[0]]
    return (*key[:2], *found[1:]) if pattern(key) != key and found[0] == "gateway" else found


def _shown(value: object) -> str:
    if isinstance(value, str):
        credential = len(value) > _LONGEST or "@" in value or "eyJ" in value
        return f"text of {len(value)} characters" if credential else _quoted(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(value)
    if isinstance(value, int):
        # Python refuses to write integers of more than 4300 digits.
        return str(value) if abs(value) < 10**_LONGEST else "a far greater number"
    if isinstance(value, list) and 0 < len(value) <= _FEW and not any(isinstance(it, list) for it in value):
        return f"[{', '.join(map(_shown, value))}]"
    return _KINDS.get(type(value), "something else")


def _quoted(text: str) -> str:
    return _printable(json.dumps(text, ensure_ascii=False))


def broken(place: Path | str, error: Exception) -> str:
    """A file, or what else holds TOML, holds none: where, and what is wrong there."""
    at = f"{_printable(str(place))}: "
    if isinstance(error, RecursionError):
        return f"{at}lists or sections are nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return f"{at}this is not UTF-8 text"
    return at + _where(str(error))


def _where(text: str) -> str:
    position = _POSITION.search(text)
    # Keys come as Python tuples in these texts.
    what = re.sub(r"\('|',?\)", "", _POSITION.sub("", text)).replace("', '", ".")
    what = what[:1].lower() + what[1:]
    if position is None:
        return what
    where = f"line {position['line']}, column {position['column']}" if position["line"] else "at its end"
    return f"{where}: {what}"


def unreadable(file: Path, error: OSError | ValueError, name: str = "") -> str:
    """A file cannot be read; `name` is the key that asks for it."""
    why = (error.strerror or "it cannot be read") if isinstance(error, OSError) else "it is not UTF-8 text"
    at = f"{name}: " if name else ""
    return f"{at}{_printable(str(file))}: {why[:1].lower()}{why[1:]}"
