"""The lifetime counters of a gateway's meters: energy per channel, integrated from what the events say.

Counters only move when somebody looks: `advance` walks from the last look to this one in steps of a
second (of more, when nobody looked for long), by the midpoint rule.
"""

from collections.abc import Callable, Sequence
from copy import copy

from envoy_mqtt.simulator.noise import unit
from envoy_mqtt.simulator.wire import Reading

STEP_S = 1.0
MAX_STEPS = 240

# What each of `Counters.meters` counts at a moment: a reading per phase, none if not fitted.
Sampled = Callable[[float], Sequence[Sequence[Reading]]]


class Register:
    """One channel's energies: delivered and received (Wh), apparent (VAh), lagging and leading (varh)."""

    def __init__(self, delivered_wh: float = 0.0, received_wh: float = 0.0) -> None:
        self.delivered_wh = delivered_wh
        self.received_wh = received_wh
        self.apparent_vah = 1.2 * (delivered_wh + received_wh)
        self.lagging_varh = 0.19 * delivered_wh
        self.leading_varh = 0.02 * received_wh

    def less(self, wh: float) -> "Register":
        """The same with so much less delivered."""
        found = copy(self)
        found.delivered_wh = max(0.0, self.delivered_wh - wh)
        return found

    def add(self, reading: Reading, hours: float) -> None:
        """Both directions are counted upwards, each on its own (protocol notes, section 3.2)."""
        self.delivered_wh += max(0.0, reading.p) * hours
        self.received_wh += max(0.0, -reading.p) * hours
        self.apparent_vah += abs(reading.s) * hours
        self.lagging_varh += max(0.0, reading.q) * hours
        self.leading_varh += max(0.0, -reading.q) * hours


class Counters:
    """Three channels each of production, consumption and storage, each a `Register`; and what all inverters
    together count themselves, in `array`.
    """

    def __init__(
        self,
        production: list[Register],
        consumption: list[Register],
        unix: float = 0.0,
        *,
        storage: list[Register] | None = None,
        array: Register | None = None,
    ) -> None:
        self.production = production
        self.consumption = consumption
        self.storage = storage or _zeros()
        self.array = array or Register()
        self._seen = unix

    @property
    def meters(self) -> tuple[list[Register], ...]:
        return self.production, self.consumption, self.storage, [self.array]

    @classmethod
    def blank(cls, unix: float = 0.0) -> "Counters":
        """All at zero, as some gateways show them minutes after a start (protocol notes, section 8)."""
        return cls(_zeros(), _zeros(), unix)

    @classmethod
    def grown(
        cls,
        seed: int,
        unix: float,
        phases: int,
        *,
        total: bool,
        production_fitted: bool = True,
        consumption_fitted: bool = True,
    ) -> "Counters":
        """Those of a house one to four years old, as its seed will have it; `total` counts no export.

        Meters that were never fitted have counted some noise (recording 8.2.4264).
        """
        years = 1.0 + 3.0 * unit(seed, 900)
        bought_wh, sold_wh = (3.9e6, 0.0) if total else (2.4e6, 2.9e6)
        production, consumption, storage = [], [], []
        for channel in range(3):
            if channel < phases:
                share = years / phases * (1.1 - 0.1 * channel)
                made, bought = (
                    Register(4.6e6 * share, 2500.0 * share),
                    Register(bought_wh * share, sold_wh * share),
                )
                production.append(made if production_fitted else Register(450.0 * share))
                consumption.append(bought if consumption_fitted else Register(0.0, 640.0 * share))
                storage.append(Register(1.4e6 * share, 1.6e6 * share))
            else:
                # Single-phase gateways counted the noise of unused inputs backwards (recording 7.6.175).
                noise_wh = 9000.0 * unit(seed, 901 + channel) if phases == 1 else 0.0
                production.append(Register(0.0, noise_wh))
                consumption.append(Register(0.0, 1.4 * noise_wh))
                storage.append(Register())
        # Inverters were exchanged, and their counts with them: no recording has both the same.
        array = Register((0.3 + unit(seed, 904)) * 4.6e6 * years)
        return cls(production, consumption, unix, storage=storage, array=array)

    def stepped_back(self, wh: float) -> "Counters":
        """As they would be had every channel delivered so much less, and none less than nothing."""
        meters = [[register.less(wh) for register in registers] for registers in self.meters]
        production, consumption, storage, (array,) = meters
        return Counters(production, consumption, self._seen, storage=storage, array=array)

    def advance(self, unix: float, sampled: Sampled) -> None:
        """Count up to `unix` what `sampled` says; a clock that was set back counts nothing."""
        gap_s = unix - self._seen
        self._seen = unix
        if gap_s <= 0.0:
            return
        steps = min(MAX_STEPS, max(1, round(gap_s / STEP_S)))
        hours = gap_s / steps / 3600.0
        for step in range(steps):
            readings = sampled(unix - gap_s + (step + 0.5) * gap_s / steps)
            for registers, phases in zip(self.meters, readings, strict=False):
                for register, reading in zip(registers, phases, strict=False):
                    register.add(reading, hours)


def _zeros() -> list[Register]:
    return [Register() for _ in range(3)]
