"""What flowed by the powers since the rate before ended: the hot path of a tariff. Pure."""

from collections.abc import Mapping
from math import inf
from typing import Any

from envoy_mqtt.energy.integral import MAX_GAP_S

WS_PER_WH = 3600.0


class Flow:
    """Import, export and self-consumption in W and s, until they are handed over.

    One of import and export is always 0: they are the two sides of one power.
    """

    __slots__ = ("_exported", "_imported", "_own", "_seconds", "_taken")

    def __init__(self) -> None:
        self._taken = -inf
        self._begin()

    def read(self, live: Mapping[str, Any], taken: float) -> None:
        """A reading, taken at `taken` on the steady clock; `live` is as it is published.

        Each power stands for the time since the one before it.
        """
        seconds, self._taken = taken - self._taken, taken
        imported = live["grid_import_power"]
        if imported is not None and 0.0 < seconds <= MAX_GAP_S:
            self._seconds += seconds
            if imported:
                self._imported += imported * seconds
            else:
                self._exported += live["grid_export_power"] * seconds
            own = live["self_consumption_power"]
            if own:
                self._own += own * seconds

    def hand_over(self) -> tuple[dict[str, float], float]:
        """What flowed in Wh, by account, and in how many seconds; from now on it begins at 0."""
        flowed = {"import": self._imported, "export": self._exported, "self": self._own}
        seconds = self._seconds
        self._begin()
        return {name: each / WS_PER_WH for name, each in flowed.items()}, seconds

    def _begin(self) -> None:
        self._imported = self._exported = self._own = self._seconds = 0.0
