"""What a broker has told of bridges: the last of each topic that `envoy-mqtt watch` shows. Pure.

Anyone may publish at a broker, so nothing is believed: what is no JSON object is nothing, and what should be
a number or a text and is none is not known.
"""

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any

OF_GATEWAY = ("live", "state", "energy", "tariff", "gateway", "availability")
OF_BRIDGE = ("health", "state")

# What of a foreign text reaches a terminal: it could hold what moves cursors and rings bells.
MOST_CHARACTERS = 400

Table = Mapping[str, Any]
NOTHING: Table = {}


class Gateway:
    """One gateway's topics."""

    def __init__(self) -> None:
        self.tables: dict[str, Table] = {}
        self.online: bool | None = None

    @property
    def live(self) -> Table:
        """The last reading; where the broker does not get them, the last `state`, which has means."""
        return self.tables.get("live") or self.tables.get("state") or NOTHING

    def table(self, name: str) -> Table:
        """The last of a topic, empty where there is none."""
        return self.tables.get(name, NOTHING)


class Board:
    """Every gateway under a base topic, by serial number, and what the bridge says of itself."""

    def __init__(self, base_topic: str) -> None:
        self._base = base_topic
        self.gateways: dict[str, Gateway] = {}
        self.health: Table = NOTHING
        self.bridge_online: bool | None = None

    @property
    def filters(self) -> tuple[str, ...]:
        """What to subscribe to."""
        names = dict.fromkeys((*OF_GATEWAY, *OF_BRIDGE))
        return tuple(f"{self._base}/+/{name}" for name in names)

    def hear(self, topic: str, payload: bytes) -> None:
        """A message has come; an empty one says that there is nothing any more."""
        serial, _, name = topic.removeprefix(f"{self._base}/").partition("/")
        if serial == "bridge":
            self._hear_bridge(name, payload)
        elif name in OF_GATEWAY and serial.isalnum() and (payload or serial in self.gateways):
            self._hear_gateway(serial, name, payload)

    def _hear_bridge(self, name: str, payload: bytes) -> None:
        if name == "state":
            self.bridge_online = _online(payload)
        elif name == "health":
            self.health = _table(payload)

    def _hear_gateway(self, serial: str, name: str, payload: bytes) -> None:
        gateway = self.gateways.setdefault(serial, Gateway())
        if name == "availability":
            gateway.online = _online(payload)
        else:
            gateway.tables[name] = _table(payload)
        if gateway.online is None and not any(gateway.tables.values()):
            del self.gateways[serial]


def number(table: Table, key: str) -> float | None:
    """A number in a table."""
    value = table.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if isfinite(value) else None
    except OverflowError:
        return None


def words(table: Table, key: str) -> str:
    """A text in a table that can be shown; empty where there is none."""
    value = table.get(key)
    return "".join(filter(str.isprintable, value[:MOST_CHARACTERS])) if isinstance(value, str) else ""


def rows(table: Table, key: str) -> list[Table]:
    """The tables in a list in a table."""
    value = table.get(key)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _online(payload: bytes) -> bool | None:
    return {b"online": True, b"offline": False}.get(payload)


def _table(payload: bytes) -> Table:
    try:
        content = json.loads(payload)
    except (ValueError, RecursionError):
        return NOTHING
    return content if isinstance(content, dict) else NOTHING
