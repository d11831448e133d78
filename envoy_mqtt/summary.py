"""What is said of one site in longer breaths: `energy`, `state` and `tariff`, and when each is due. Pure.

`energy` follows the counters: it is sent when they have been read and an interval has gone by, at local
midnight, and a little later where they cannot be read. `state` keeps to the wall clock, as long as readings
are fresh, and comes at once when they are so again: what a broker kept is of another time. `tariff` comes as
often, and at once at a change of period or price; counters that are read after such a change are told at
once, so that each side of it gets its own. What `energy` has told must be remembered before it is sent
(`memory`), or it might fall; `tariff` has no energies but those.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, tzinfo
from types import MappingProxyType
from typing import Any, NamedTuple

from envoy_mqtt.beat import due
from envoy_mqtt.energy.keys import Energy
from envoy_mqtt.energy.ledger import Ledger, Told
from envoy_mqtt.energy.plan import Grid
from envoy_mqtt.model import Counted, Instant, Quantities, Site
from envoy_mqtt.mqtt.message import milliseconds
from envoy_mqtt.mqtt.state import State, Value, numbers
from envoy_mqtt.tariff.book import Book
from envoy_mqtt.tariff.period import Tariff

# What a poll may come early and is still the next one.
EARLY_S = 1.0

# What prices' topics said last, and when.
Heard = Mapping[str, tuple[bytes, Instant]]
NOTHING_HEARD: Heard = MappingProxyType({})

# Without counters `energy` comes after so many intervals.
PATIENCE = 1.5


class Sums(NamedTuple):
    """What of the configuration decides about sums: intervals in s, the dead band in W per phase."""

    energy_s: float = 60.0
    state_s: int = 10
    night_w: float = 5.0
    grid: Grid = "phases"
    zone: tzinfo = UTC
    tariff: Tariff | None = None


class Day(NamedTuple):
    """A local day that has ended: how many readings it had, its longest silence in s, and the energies of
    the contract's keys in kWh.
    """

    readings: int
    longest_silence_s: float
    energies_kwh: Mapping[str, float]


class Summary:
    """Follows one site; `live_keys` are those of its topic `live`, `heard` what prices' topics said before.

    `state_s` and `zone` may change while it lives. `ended` are the energies in kWh of the day that ended when
    `topics` was asked last, `None` where none did.
    """

    def __init__(
        self,
        site: Site,
        live_keys: Sequence[str],
        sums: Sums,
        memory: Mapping[str, Any] | None,
        heard: Heard = NOTHING_HEARD,
    ) -> None:
        self._site, self._sums = site, sums
        self._ledger = self._open(memory)
        self._kept = (memory or {}).get("tariff")
        self._book = self._opened()
        if self._book is not None:
            for topic, (payload, at) in heard.items():
                self._book.learn(topic, payload, at)
        self._counted = self._said = 0  # changes
        self._live: Mapping[str, Value] = {}
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

    def _opened(self) -> Book | None:
        """The tariff's book; a site without net has prices and no energies."""
        self._flow: Callable[[Mapping[str, Value], float], None] | None = None
        if self._sums.tariff is None:
            return None
        layout = self._ledger.layout if Energy.IMPORT.key() in self._ledger.keys else ""
        memory = self._kept if isinstance(self._kept, Mapping) else None
        zone, phases = self._sums.zone, self._site.phases
        book = Book(self._sums.tariff, zone, layout=layout, phases=phases, memory=memory)
        self._flow = book.flow if layout else None
        return book

    @property
    def memory(self) -> dict[str, Any]:
        """What another process needs to go on, for JSON; that of a tariff also while there is none."""
        tariff = self._kept if self._book is None else self._book.memory
        return self._ledger.memory | ({} if tariff is None else {"tariff": tariff})

    @property
    def changes(self) -> int:
        """How often another period, price or day of a tariff began: the counters are wanted then."""
        return 0 if self._book is None else self._book.changes

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
            self._kept = self.memory.get("tariff")
            self._ledger = self._open(self._ledger.memory)
            self._book = self._opened()

    def beat(self, state_s: int) -> None:
        """`state` is due every so many seconds from now on."""
        self._sums = self._sums._replace(state_s=state_s)

    def hear(self, topic: str, payload: bytes, now: Instant) -> bool:
        """A message came on a price's topic; whether it was understood."""
        return self._book is None or self._book.hear(topic, payload, now)

    def course(self, now: Instant) -> dict[str, object] | None:
        """Today's prices in columns; `None` where there is no tariff, or no clock."""
        return None if self._book is None else self._book.course(now)

    def count(self, counted: Counted, now: Instant) -> None:
        """The meters' counters were read."""
        self._heard = now
        if self._book is not None:
            self._book.tick(now)
        self._ledger.count(counted, now)
        self._news |= self._over(now, self._sums.energy_s - EARLY_S) or self._counted != self.changes
        self._counted = self.changes

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
        self._live = live
        if self._flow is not None:
            self._flow(live, taken)

    def topics(self, now: Instant, *, online: bool) -> Iterator[tuple[str, Mapping[str, Value]]]:
        """The topics that are due, `energy` first, with their payloads."""
        self._began = now.steady if self._began is None else self._began
        if self._book is not None:
            self._book.tick(now)
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
        if self._book is not None and (beat or self._said != self._book.changes):
            yield from self._say_tariff(self._book, now, online=online)

    def _say_state(self) -> Iterator[tuple[str, Mapping[str, Value]]]:
        state = self._state.payload(self._energies, self._sums.state_s)
        if state is not None:
            self._owed = False
            yield "state", state

    def _say_tariff(
        self, book: Book, now: Instant, *, online: bool
    ) -> Iterator[tuple[str, Mapping[str, Value]]]:
        rates = book.payload(self._live if online else {}, now)
        if rates is not None:
            self._said = book.changes
            yield "tariff", _timed(rates, now)

    def _over(self, now: Instant, seconds: float) -> bool:
        return self._sent is None or now.steady - self._sent >= seconds

    def _say_energy(self, heard: Instant, now: Instant) -> Iterator[tuple[str, Mapping[str, Value]]]:
        """Its time is when the gateway was heard last: nothing old is to look new."""
        energies = self._ledger.energies(now)
        if all(energies[key] is None for key in numbers(energies) if key != "resets"):
            return
        self._sent, self._news, self._heard, self._energies = now.steady, False, None, energies
        if self._book is not None:
            self._book.settle(self._ledger.amounts, now)
        yield "energy", _timed(energies, heard)


def _timed(payload: Mapping[str, Value], at: Instant) -> dict[str, Value]:
    time, timestamp = milliseconds(at.unix)
    return {"time": time, "timestamp": timestamp, **payload}


def _of_day(before: Mapping[str, Told], after: Mapping[str, Told]) -> Iterator[tuple[str, float]]:
    """What was told last of the day, and what has come since then."""
    for key, today in before.items():
        whole = key.removesuffix("_today")
        told, now = before.get(whole), after.get(whole)
        if whole != key and isinstance(today, float) and isinstance(told, float) and isinstance(now, float):
            yield whole, round(today + now - told, 3)
