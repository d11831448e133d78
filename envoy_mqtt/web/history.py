"""What was read, for the page's charts: 1 s means for 15 min, then 10 s means for 24 h, by gateway. Pure.

Both are rings of slots, a slot for each second or ten of them, readings or not: a slot without one holds NaN.
A reading counts where its own `time` lies, whenever it arrived: a burst comes to lie where it was measured.
`time` falls only where the machine's clock was set back; what was told of a time that is yet to come is
forgotten then. All of it is lost with the process.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from math import floor, isnan, nan
from typing import Any, NamedTuple

# The columns, with the key of `live` that each shows; in W.
COLUMNS = {
    "production": "production_power",
    "net": "net_power",
    "consumption": "consumption_power",
    "storage": "storage_power",
}

LONGEST_S = 86_400

# 190 kB each: together they stay below 10 MiB, however many there are.
MOST_GATEWAYS = 50

# Time in the slot, in s, and the powers; a float of 32 bits holds 0.1 W up to 800 kW, and 1 ms of 10 s.
Row = tuple[float, ...]
NOTHING: Row = (nan,) * (1 + len(COLUMNS))


class Ring:
    """The means of the last `slots` times `span_s` seconds."""

    def __init__(self, span_s: int, slots: int) -> None:
        self.span_s, self._slots = span_s, slots
        self._columns = [array("f", [nan]) * slots for _ in NOTHING]
        self._newest: int | None = None
        self._sums = [[0.0, 0] for _ in NOTHING]

    def add(self, time: float, powers: Sequence[float | None]) -> None:
        """A reading of this Unix time."""
        number = floor(time / self.span_s)
        if number != self._newest:
            self._turn_to(number)
        self._write(number, self._means((time - number * self.span_s, *powers)))

    @property
    def oldest(self) -> int:
        """The Unix time at which the oldest slot begins."""
        return 0 if self._newest is None else (self._newest - self._slots + 1) * self.span_s

    def rows(self, since: float) -> Iterator[tuple[int, Row]]:
        """The Unix time at which each slot with a reading begins, oldest first, and what is in it; those that
        ended before `since` are left out.
        """
        if self._newest is None:
            return
        first = max(self._newest - self._slots + 1, floor(since / self.span_s))
        for number in range(first, self._newest + 1):
            slot = number % self._slots
            if not isnan(self._columns[0][slot]):
                yield number * self.span_s, tuple(column[slot] for column in self._columns)

    def copy(self) -> "Ring":
        """The same, for another thread."""
        twin = copy(self)
        twin._columns = [column[:] for column in self._columns]
        return twin

    def _turn_to(self, number: int) -> None:
        """Begin a slot; those between are empty, and what comes after it has not happened yet."""
        before = number - self._slots if self._newest is None else self._newest
        first, last = (before + 1, number) if number > before else (number, before)
        for each in range(max(first, last - self._slots + 1), last + 1):
            self._write(each, NOTHING)
        self._newest = number
        self._sums = [[0.0, 0] for _ in NOTHING]

    def _means(self, values: Sequence[float | None]) -> Iterator[float]:
        """Of each value over the slot so far, where it was known."""
        for value, mean in zip(values, self._sums, strict=True):
            if value is not None:
                mean[0] += value
                mean[1] += 1
            yield mean[0] / mean[1] if mean[1] else nan

    def _write(self, number: int, row: Row | Iterator[float]) -> None:
        slot = number % self._slots
        for column, value in zip(self._columns, row, strict=True):
            column[slot] = value


class Past(NamedTuple):
    """One gateway's rings."""

    fine: Ring
    coarse: Ring

    @classmethod
    def empty(cls) -> "Past":
        """Nothing was read yet."""
        return cls(Ring(1, 910), Ring(10, 8640))

    def copy(self) -> "Past":
        """The same, for another thread."""
        return Past(self.fine.copy(), self.coarse.copy())

    def columns(self, since: float) -> dict[str, list[float | None]]:
        """By name, oldest first: `time` in Unix seconds and powers in W, `None` where one was not known."""
        rows = [(time, powers) for time, powers in self._rows(since) if time > since]
        columns = {name: [powers[n] for _, powers in rows] for n, name in enumerate(COLUMNS)}
        return {"time": [time for time, _ in rows], **columns}

    def _rows(self, since: float) -> Iterator[tuple[float, list[float | None]]]:
        """The fine ones, and before the first coarse slot that is all theirs, the coarse ones."""
        fine, span_s = list(self.fine.rows(self.fine.oldest)), self.coarse.span_s
        begins = fine[0][0] // span_s * span_s if fine else 0
        border = max(begins, -(-self.fine.oldest // span_s) * span_s)
        older = [each for each in self.coarse.rows(since) if each[0] < border]
        for begun, (offset, *powers) in [*older, *(each for each in fine if each[0] >= border)]:
            yield round(begun + offset, 3), [None if isnan(it) else round(it, 1) + 0.0 for it in powers]


class History:
    """What was read, of every gateway or, where there are very many, of the first of them."""

    def __init__(self) -> None:
        self._pasts: dict[str, Past] = {}

    def add(self, serial: str, live: Mapping[str, Any]) -> None:
        """A reading, as `live` has it."""
        past = self._pasts.get(serial)
        if past is None:
            if len(self._pasts) >= MOST_GATEWAYS:
                return
            past = self._pasts[serial] = Past.empty()
        powers = [live.get(key) for key in COLUMNS.values()]
        past.fine.add(live["time"], powers)
        past.coarse.add(live["time"], powers)

    def past(self, serial: str) -> Past | None:
        """A copy of what is known of a gateway."""
        past = self._pasts.get(serial)
        return None if past is None else past.copy()
