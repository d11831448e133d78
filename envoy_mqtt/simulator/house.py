"""One house's day as a function of time: sun, clouds, appliances, and the grid they hang on.

`House.at(unix)` is pure and keeps nothing: same house, same moment, same answer, whatever was asked
before. It is piecewise smooth (appliances have edges, clouds have none), so that energy over an
interval is the integral of its powers. What meters make of it is the business of `wire`.

The sun knows no latitude: days are `12 h ± daylight_swing_h` long, longest on 21 June, and noon is at
12:00 local time. A negative swing is a house in the southern half of the world.
"""

from dataclasses import dataclass
from math import ceil, cos, floor, pi, sin
from typing import NamedTuple

from envoy_mqtt.simulator.appliances import APPLIANCES, CHARGER, DAY_S, evening_w, fridge_w
from envoy_mqtt.simulator.noise import smooth, unit

YEAR_DAYS = 365.2425
TODAY_STEP_S = 600.0

# Below this much sun on the array the inverters are still waking up and draw from the grid.
WAKING_W = 25.0
# Below this real meters show exactly -0.0: capture 10 has 0.382 but nothing less.
DEAD_BAND_W = 0.3


class PhaseState(NamedTuple):
    """The truth on one phase: powers in W and var, positive for what is produced or used, and volts.

    `storage_w` is positive when a battery discharges; a house without `storage` has none.
    """

    production_w: float
    production_var: float
    load_w: float
    load_var: float
    voltage_v: float
    storage_w: float = 0.0


class State(NamedTuple):
    """The truth at one moment: as many phases as the house has, and the grid's frequency in Hz."""

    unix: float
    phases: tuple[PhaseState, ...]
    frequency_hz: float


@dataclass(frozen=True)
class House:
    """One house. `seed` decides its habits and weather; the rest is what an electrician would write down."""

    seed: int = 1
    phase_count: int = 1
    split: bool = False  # two 120 V legs at 60 Hz in place of 230 V at 50 Hz
    utc_offset_s: float = 3600.0
    array_w: float = 5200.0
    daylight_swing_h: float = 4.2
    cloudiness: float = 1.0  # 0 is a desert, 1 the usual mix
    charger: bool = True

    def at(self, unix: float) -> State:
        """The truth at a moment, in Unix seconds."""
        local_s = unix + self.utc_offset_s
        sun_w = self.sun_w(local_s) * self.clearness(local_s)
        loads_w = self._loads_w(local_s)
        return State(
            unix,
            tuple(self._phase(phase, unix, sun_w, load_w) for phase, load_w in enumerate(loads_w)),
            self._frequency_hz(unix),
        )

    def sun_w(self, local_s: float) -> float:
        """What the array gives under a clear sky, in W; 0 before sunrise and after sunset."""
        day = floor(local_s / DAY_S)
        hour = (local_s - day * DAY_S) / 3600.0
        daylight_h = self.daylight_h(day)
        risen = (hour - (12.0 - daylight_h / 2.0)) / daylight_h
        if not 0.0 < risen < 1.0:
            return 0.0
        return float(self.array_w * (0.72 + 0.055 * (daylight_h - 12.0)) * sin(pi * risen) ** 1.4)

    def daylight_h(self, day: int) -> float:
        """From sunrise to sunset, in hours; day 0 is 1 January 1970, and 21 June is day 172 of a year."""
        return 12.0 + self.daylight_swing_h * cos(2.0 * pi * (day % YEAR_DAYS - 172.0) / YEAR_DAYS)

    def clearness(self, local_s: float) -> float:
        """The part of a clear sky's sun that comes through, 0.2 to 1."""
        grey = smooth(self.seed * 97 + 1, local_s / (0.7 * DAY_S))
        clouds = (
            0.55 * smooth(self.seed * 97 + 2, local_s / 5400.0)
            + 0.30 * smooth(self.seed * 97 + 3, local_s / 700.0)
            + 0.15 * smooth(self.seed * 97 + 4, local_s / 45.0)
        )
        cover = min(1.0, max(0.0, (clouds + 1.1 * grey - 0.85) / 0.4))
        return 1.0 - 0.8 * self.cloudiness * cover * cover * (3.0 - 2.0 * cover)

    def today_wh(self, unix: float) -> tuple[float, float]:
        """What was produced and what was used since the house's midnight, in Wh, to about a tenth."""
        midnight = unix - (unix + self.utc_offset_s) % DAY_S
        steps = max(1, ceil((unix - midnight) / TODAY_STEP_S))
        hours = (unix - midnight) / steps / 3600.0
        made = used = 0.0
        for step in range(steps):
            phases = self.at(midnight + (step + 0.5) * hours * 3600.0).phases
            made += hours * sum(max(0.0, phase.production_w) for phase in phases)
            used += hours * sum(phase.load_w for phase in phases)
        return made, used

    def _phase(self, phase: int, unix: float, sun_w: float, load_w: float) -> PhaseState:
        seed = self.seed * 97 + 10 * (phase + 1)
        made_w = sun_w * self._share(phase)
        asleep = 1.0 - min(1.0, made_w * self.phase_count / WAKING_W)
        # Electronics that wait for the morning: up to 4 W and mostly reactive (protocol notes, section 1.4).
        draw_w = 4.0 * unit(seed, 1) * smooth(seed, unix / 20.0) * asleep
        production_w = made_w - draw_w
        if abs(production_w) < DEAD_BAND_W:
            production_w = -0.0
        filter_var = (80.0 + 160.0 * unit(seed, 2)) * (1.0 + 0.01 * smooth(seed + 1, unix / 3.0))
        load_var = 0.04 * load_w - (110.0 + 300.0 * unit(seed, 3)) / self.phase_count**0.5
        return PhaseState(
            production_w,
            filter_var + 0.01 * made_w,
            load_w,
            load_var + 12.0 * smooth(seed + 2, unix / 7.0),
            self._voltage_v(phase, unix, production_w - load_w),
        )

    def _share(self, phase: int) -> float:
        """How much of the array hangs on a phase: halves of a split system, uneven thirds of three phases."""
        if self.phase_count < 3:
            return 1.0 / self.phase_count
        turn = (phase + self.seed) % 3
        return (0.42, 0.33, 0.25)[turn]

    def _loads_w(self, local_s: float) -> list[float]:
        """What the house uses on each phase, in W, never 0."""
        count, seed = self.phase_count, self.seed * 97
        base_w = (90.0 + 150.0 * unit(self.seed, 1)) / count
        loads_w = [base_w * (0.9 + 0.2 * smooth(seed + 50 + phase, local_s / 25.0)) for phase in range(count)]
        loads_w[0] += evening_w(local_s) * (0.8 + 0.4 * smooth(seed + 60, local_s / 240.0))
        loads_w[1 % count] += fridge_w(self.seed, local_s)
        for place, appliance in enumerate(APPLIANCES):
            loads_w[place % count] += appliance.at(seed + 70 + place, local_s)
        if self.charger:
            charging_w = CHARGER.at(seed + 69, local_s)
            loads_w = [load_w + charging_w for load_w in loads_w]
        return loads_w

    def _voltage_v(self, phase: int, unix: float, export_w: float) -> float:
        """The grid breathes slowly, flickers fast, and rises with what the phase exports over its line."""
        seed = self.seed * 97 + 40 + phase
        nominal_v, ohm = (119.5, 0.04) if self.split else (232.0, 0.2)
        breath = 0.022 * (smooth(seed, unix / 1300.0) - 0.5) + 0.003 * (smooth(seed + 3, unix / 4.0) - 0.5)
        return nominal_v * (1.0 + breath) + ohm * export_w / nominal_v

    def _frequency_hz(self, unix: float) -> float:
        """Steps of 1/16 Hz: 49.94, 50.0, 50.06, 50.12 as displayed; American grids hold 60.0."""
        if self.split:
            return 60.0
        swing = smooth(self.seed * 97 + 5, unix / 400.0) + 0.5 * smooth(self.seed * 97 + 6, unix / 30.0)
        return 50.0 + floor(4.0 * swing / 1.5 - 1.0) / 16.0
