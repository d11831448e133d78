"""What is said of one site in longer breaths: `energy` and `state`, and when each is due. Pure.

`energy` follows the counters: it is sent when they have been read and an interval has gone by, at local
midnight, and a little later where they cannot be read. `state` keeps to the wall clock, as long as readings
are fresh, and comes at once when they are so again: what a broker kept is of another time. What `energy` has
told must be remembered before it is sent (`memory`), or it might fall.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, tzinfo
from typing import Any, NamedTuple

from envoy_mqtt.beat import due
from envoy_mqtt.energy.ledger import Ledger, Told
from envoy_mqtt.energy.plan import Grid
from envoy_mqtt.model import Counted, Instant, Quantities, Site
from envoy_mqtt.mqtt.message import milliseconds
from envoy_mqtt.mqtt.state import State, Value, numbers

# What a poll may come early and is still the next one.
EARLY_S = 1.0

# Without counters `energy` comes after so many intervals.
PATIENCE = 1.5


class Sums(NamedTuple):
    """What of the configuration decides about sums: intervals in s, the dead band in W per phase."""

    energy_s: float = 60.0
    state_s: int = 10
    night_w: float = 5.0
    grid: Grid = "phases"
    zone: tzinfo = UTC


class Day(NamedTuple):
    """A local day that has ended: how many readings it had, its longest silence in s, and the energies of
    the contract's keys in kWh.
    """

    readings: int
    longest_silence_s: float
    energies_kwh: Mapping[str, float]


class Summary:
    """Follows one site; `live_keys` are those of its topic `live`.

    `state_s` and `zone` may change while it lives. `ended` are the energies in kWh of the day that ended when
    `topics` was asked last, `None` where none did.
    """

    def __init__(
        self, site: Site, live_keys: Sequence[str], sums: Sums, memory: Mapping[str, Any] | None
    ) -> None:
        self._site, self._sums = site, sums
        self._ledger = self._open(memory)
        self._state = State(live_keys, phases=site.phases, night_w=sums.night_w)
        self._energies: dict[str, Told] = dict.fromkeys(self._ledger.keys)
        self._sent: float | None = None
        self._news = False
        self.ended: Mapping[str, float] | None = None
        self._heard: Instant | None = None
        self._began: float | None = None
        self._beat: float | None = None
        self._owed = True
        self.keys = (*live_keys, *numbers(self._energies), "interval_s")

    def _open(self, memory: Mapping[str, Any] | None) -> Ledger:
        sums = self._sums
        return Ledger(self._site, zone=sums.zone, grid=sums.grid, interval_s=sums.energy_s, memory=memory)

    @property
    def memory(self) -> dict[str, Any]:
        """What another process needs to go on, for JSON."""
        return self._ledger.memory

    @property
    def resets(self) -> int:
        """How often the gateway's counters began again and were carried on."""
        return self._ledger.resets

    @property
    def held(self) -> tuple[str, ...]:
        """The counters whose last reading is not believed."""
        return self._ledger.held

    @property
    def forgotten(self) -> bool:
        """Whether what was remembered was nothing that can be understood."""
        return self._ledger.forgotten

    def move(self, zone: tzinfo) -> None:
        """Days begin at the midnights of another zone."""
        if zone != self._sums.zone:
            self._sums = self._sums._replace(zone=zone)
            self._ledger = self._open(self._ledger.memory)

    def beat(self, state_s: int) -> None:
        """`state` is due every so many seconds from now on."""
        self._sums = self._sums._replace(state_s=state_s)

    def count(self, counted: Counted, now: Instant) -> None:
        """The meters' counters were read."""
        self._heard = now
        self._ledger.count(counted, now)
        self._news |= self._over(now, self._sums.energy_s - EARLY_S)

    def report(self, produced_wh: float, now: Instant) -> None:
        """The inverters' own counter was read."""
        self._heard = now
        self._ledger.report(produced_wh, now)
        self._news |= self._over(now, self._sums.energy_s - EARLY_S)

    def read(self, live: Mapping[str, Value], quantities: Quantities, taken: float, now: Instant) -> None:
        """A reading came, taken at `taken` on the steady clock; `live` is as it is published."""
        self._heard = now
        self._ledger.flow(quantities, taken, now)
        self._state.read(live, now.steady)

    def topics(self, now: Instant, *, online: bool) -> Iterator[tuple[str, Mapping[str, Value]]]:
        """The topics that are due, `energy` first, with their payloads."""
        self._began = now.steady if self._began is None else self._began
        midnight, before = self._ledger.tick(now), self._energies
        late = now.steady - (self._sent or self._began) >= PATIENCE * self._sums.energy_s
        if midnight:
            yield from self._say_energy(now, now)
        elif self._heard is not None and (self._news or late):
            yield from self._say_energy(self._heard, now)
        self.ended = dict(_of_day(before, self._energies)) if midnight else None
        if self._beat is None:
            self._beat = now.unix
        beat = due(self._beat, now.unix, self._sums.state_s)
        if beat:
            self._beat = now.unix
        self._owed |= not online
        if online and (beat or (self._owed and self._sent is not None)):
            yield from self._say_state()

    def _say_state(self) -> Iterator[tuple[str, Mapping[str, Value]]]:
        state = self._state.payload(self._energies, self._sums.state_s)
        if state is not None:
            self._owed = False
            yield "state", state

    def _over(self, now: Instant, seconds: float) -> bool:
        return self._sent is None or now.steady - self._sent >= seconds

    def _say_energy(self, heard: Instant, now: Instant) -> Iterator[tuple[str, Mapping[str, Value]]]:
        """Its time is when the gateway was heard last: nothing old is to look new."""
        energies = self._ledger.energies(now)
        if all(energies[key] is None for key in numbers(energies) if key != "resets"):
            return
        self._sent, self._news, self._heard, self._energies = now.steady, False, None, energies
        time, timestamp = milliseconds(heard.unix)
        yield "energy", {"time": time, "timestamp": timestamp, **energies}


def _of_day(before: Mapping[str, Told], after: Mapping[str, Told]) -> Iterator[tuple[str, float]]:
    """What was told last of the day, and what has come since then."""
    for key, today in before.items():
        whole = key.removesuffix("_today")
        told, now = before.get(whole), after.get(whole)
        if whole != key and isinstance(today, float) and isinstance(told, float) and isinstance(now, float):
            yield whole, round(today + now - told, 3)
