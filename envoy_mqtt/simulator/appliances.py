"""What runs in a house, and when: each appliance is a function of a seed and the local time.

`at` has no memory, so it looks at the few minutes of a day in which an appliance could be running and
leaves at once in all others. Local time is in seconds since the start of 1970, in the house's own zone.
"""

from math import floor, pi, sin
from typing import NamedTuple

from envoy_mqtt.simulator.noise import unit

DAY_S = 86400.0
# Switching takes a moment: heaters warm up, motors start, and a sampled edge is not a cliff.
EDGE_S = 1.5
# Between two turns of its thermostat an appliance still has its lamp and its fan on.
IDLE = 0.08


class Appliance(NamedTuple):
    """Runs now and then: chance a day, earliest start and its spread (h), length and its spread (min), W."""

    chance: float
    start_h: float
    spread_h: float
    minutes: float
    more_minutes: float
    watts: float
    # Seconds of one turn of its thermostat or motor, and the part of it spent at full power.
    cycle_s: float = DAY_S
    duty: float = 1.0

    def at(self, seed: int, local_s: float) -> float:
        """What it draws at that moment, in W; it may have been started the day before."""
        today = floor(local_s / DAY_S)
        latest_h = self.start_h + self.spread_h + (self.minutes + self.more_minutes) / 60.0
        for day in (today, today - 1) if latest_h > 24.0 else (today,):
            hour = (local_s - day * DAY_S) / 3600.0
            if self.start_h < hour < latest_h and unit(seed, 4 * day) < self.chance:
                start_h = self.start_h + self.spread_h * unit(seed, 4 * day + 1)
                length_s = 60.0 * (self.minutes + self.more_minutes * unit(seed, 4 * day + 2))
                since_s = 3600.0 * (hour - start_h)
                if 0.0 < since_s < length_s:
                    return self._turning(since_s, length_s)
        return 0.0

    def _turning(self, since_s: float, length_s: float) -> float:
        on_s = min(self.cycle_s * self.duty, length_s)
        return self.watts * max(IDLE, ramp(since_s % self.cycle_s, on_s, EDGE_S))


APPLIANCES = (
    Appliance(0.8, 6.2, 1.2, 2.5, 1.5, 2050),  # kettles: breakfast, elevenses, lunch, tea
    Appliance(0.6, 9.8, 1.0, 2.5, 1.5, 2050),
    Appliance(0.7, 12.5, 1.0, 2.5, 1.5, 2050),
    Appliance(0.8, 15.8, 1.5, 2.5, 1.5, 2050),
    Appliance(0.5, 12.0, 0.8, 18, 12, 1400, 75, 0.6),  # a hob at lunch
    Appliance(0.9, 17.4, 1.6, 30, 30, 2300, 110, 0.55),  # oven and hob in the evening
    Appliance(0.5, 8.5, 6.0, 17, 8, 2000),  # washing machine: heats,
    Appliance(0.5, 9.0, 6.0, 50, 20, 320, 42, 0.65),  # and turns
    Appliance(0.5, 19.8, 1.5, 25, 10, 1900, 900, 0.7),  # dishwasher
)
# On every phase there is: 3.7 kW on one, 7.4 on a split system, 11 on three. Into the night.
CHARGER = Appliance(0.45, 21.2, 2.0, 90, 150, 3680)


def evening_w(local_s: float) -> float:
    """Lamps and screens: from five to half past eleven, most of them at a quarter past eight."""
    hour = local_s % DAY_S / 3600.0
    return 380.0 * sin(pi * (hour - 17.0) / 6.5) ** 2 if 17.0 < hour < 23.5 else 0.0


def fridge_w(seed: int, local_s: float) -> float:
    """Its compressor runs a third of every three quarters of an hour."""
    period_s = 2500.0 + 900.0 * unit(seed, 2)
    return 105.0 * ramp(local_s % period_s, 0.36 * period_s, EDGE_S)


def ramp(since_s: float, on_s: float, edge_s: float) -> float:
    """0 to 1 to 0: on for `on_s` from moment 0, with edges of `edge_s`."""
    if not 0.0 < since_s < on_s:
        return 0.0
    return min(1.0, since_s / edge_s, (on_s - since_s) / edge_s)
