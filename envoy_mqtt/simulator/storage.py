"""A battery in the house: it takes what is left over by day and gives it back when the sun is gone.

    Storage.at(unix) -> State    the house's, with the battery's power on each phase
    Storage.soc(unix)            how full it is, 0 to 1

How full it is follows from the house alone, minute by minute from the moment it began, whatever was asked
when: the same house has the same battery at the same moment. Powers are positive when it discharges.
"""

from math import floor

from envoy_mqtt.simulator.house import House, State
from envoy_mqtt.simulator.noise import smooth, unit

STEP_S = 60.0
RESERVE = 0.1
# Of what goes in, so much comes out: 77 % in the counters of recording 8.2.127, which is a young one.
ROUND_TRIP = 0.9
# It does not chase every lamp.
DEAD_BAND_W = 25.0
# What it leaves to the grid.
LEAST_W = 5.0
SWAY_W = 20.0


class Storage:
    """One battery of `capacity_wh` that gives and takes up to `power_w`, in this house since `unix`."""

    def __init__(self, house: House, unix: float, capacity_wh: float, power_w: float) -> None:
        self._house = house
        self._capacity_wh = capacity_wh
        self._power_w = power_w
        self._first = floor(unix / STEP_S)
        self._levels = [0.35 + 0.3 * unit(house.seed, 950)]

    def at(self, unix: float) -> State:
        """The truth of the house with its battery, shared evenly by the phases."""
        state = self._house.at(unix)
        share_w = self._wanted_w(state, self.soc(unix)) / len(state.phases)
        return state._replace(phases=tuple(phase._replace(storage_w=share_w) for phase in state.phases))

    def soc(self, unix: float) -> float:
        """How full it is, from the reserve to 1; before it began, as full as it was then."""
        steps = max(0.0, unix / STEP_S - self._first)
        place = floor(steps)
        self._grow(place + 1)
        before, after = self._levels[place : place + 2]
        return before + (after - before) * (steps - place)

    def _grow(self, place: int) -> None:
        while len(self._levels) <= place:
            state = self._house.at((self._first + len(self._levels) - 0.5) * STEP_S)
            level = self._levels[-1]
            moved_wh = self._wanted_w(state, level) * STEP_S / 3600.0
            kept_wh = moved_wh if moved_wh > 0.0 else moved_wh * ROUND_TRIP
            self._levels.append(min(1.0, max(RESERVE, level - kept_wh / self._capacity_wh)))

    def _wanted_w(self, state: State, level: float) -> float:
        """What leaves a few watts at the grid meter, as far as the battery can: none of them holds zero."""
        left_w = LEAST_W + SWAY_W * smooth(self._house.seed * 97 + 96, state.unix / 9.0)
        short_w = sum(phase.load_w - phase.production_w for phase in state.phases) - left_w
        stuck = level >= 1.0 if short_w < 0.0 else level <= RESERVE
        if stuck or abs(short_w) < DEAD_BAND_W:
            return 0.0
        return max(-self._power_w, min(self._power_w, short_w))
