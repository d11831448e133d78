"""One of Home Assistant's entities, and how its number is shown there. Pure."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple


class Measurement(NamedTuple):
    """How Home Assistant shows a number and what its statistics make of it (HA notes, section 1.6)."""

    device_class: str | None
    unit: str | None
    state_class: str
    decimals: int


class Entity(NamedTuple):
    """One entity. `topic` is the gateway's that it reads, `request` the bridge's that it sends; `alone` is
    one that is there without fresh readings, `more` what only its platform knows, as it is sent.
    """

    key: str
    name: str | None
    measurement: Measurement | None = None
    platform: str = "sensor"
    topic: str = "state"
    request: str = ""
    device_class: str | None = None
    category: str | None = None
    enabled: bool = True
    alone: bool = False
    more: Mapping[str, Any] = {}

    @property
    def slug(self) -> str:
        """The name as Home Assistant writes it in an entity id."""
        return re.sub(r"[^a-z0-9]+", "_", (self.name or "").lower())

    def of_phase(self, n: int, key: str) -> "Entity":
        """The same of one phase, as core calls it; nobody is shown it without asking."""
        return self._replace(key=key, name=f"{self.name} l{n}", enabled=False)
