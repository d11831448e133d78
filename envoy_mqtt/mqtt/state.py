"""The topic `state`: what Home Assistant's entities read, every few seconds instead of every second.

Active powers are means over the readings that arrived since the last `state`, each weighted by the time since
the one before; everything else is as last read, and the energies are put beside it. A reading costs one look
at its powers: the rest is done once an interval.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

Value = float | int | str | None

# A longer silence says nothing of the power in it (the contract, "`state`, …").
LONGEST_S = 30.0

# Readings of one burst, and the first of all, weigh next to nothing, but they are better than no reading.
LEAST_S = 1e-9


class State:
    """Gathers one site's readings. `keys` are those of `live`, in its order; `night_w` is the dead band of
    production in W per phase.
    """

    def __init__(self, keys: Sequence[str], *, phases: int, night_w: float) -> None:
        self._powers = [key for key in keys if mean(key)]
        self._pick = _picker(self._powers)
        self._production = ["production_power", *(f"production_l{n + 1}_power" for n in range(phases))]
        self._night_w, self._dark_w = night_w, night_w * phases
        self._last: Mapping[str, Value] = {}
        self._arrived: float | None = None
        self._payload: dict[str, Value] | None = None
        self._begin()

    def read(self, live: Mapping[str, Value], arrived: float) -> None:
        """A reading came at `arrived` on the steady clock; `live` is as it is published."""
        weight = LEAST_S if self._arrived is None else arrived - self._arrived
        weight = min(max(weight, LEAST_S), LONGEST_S)
        self._arrived, self._last, self._fresh = arrived, live, True
        sums, weights = self._sums, self._weights
        for place, power in enumerate(self._pick(live)):
            if power is not None:
                sums[place] += power * weight
                weights[place] += weight

    def payload(self, energies: Mapping[str, Value], interval_s: int) -> dict[str, Value] | None:
        """What is due now: the last one again where no reading came, `None` where none ever did.

        The interval is always the one in force: whoever sets it waits for the answer.
        """
        if self._fresh:
            self._payload = {**self._last, **self._means(), **numbers(energies)}
            self._begin()
        return None if self._payload is None else self._payload | {"interval_s": interval_s}

    def _begin(self) -> None:
        self._sums = [0.0] * len(self._powers)
        self._weights = [0.0] * len(self._powers)
        self._fresh = False

    def _means(self) -> dict[str, Value]:
        means: dict[str, float | None] = {
            key: total / weight if weight else None
            for key, total, weight in zip(self._powers, self._sums, self._weights, strict=True)
        }
        whole = means.get("production_power")
        if whole is not None and abs(whole) < self._dark_w:
            means |= {key: 0.0 for key in self._production if self._dark(key, means)}
        return {key: None if power is None else round(power) for key, power in means.items()}

    def _dark(self, key: str, means: Mapping[str, float | None]) -> bool:
        """Whether it lies in the dead band: the whole does, a phase may be lit by itself."""
        power = means.get(key)
        return power is not None and (key == "production_power" or abs(power) < self._night_w)


def mean(key: str) -> bool:
    """Whether `state` has a mean of it: the active powers, not the reactive and the apparent ones."""
    return key.endswith("power") and not key.endswith(("reactive_power", "apparent_power"))


def numbers(energies: Mapping[str, Value]) -> dict[str, Value]:
    """What of `energy` is in `state`: all but where the energies come from."""
    return {key: value for key, value in energies.items() if not key.endswith("_source")}


def _picker(keys: Sequence[str]) -> Callable[[Mapping[str, Any]], tuple[float | None, ...]]:
    """The values of some keys, in their order; one key alone makes no tuple by itself."""
    return itemgetter(*keys) if len(keys) > 1 else lambda live: tuple(live[key] for key in keys)
