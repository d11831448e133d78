"""Where the journal stands: what was acknowledged, and which numbers may have been used. Pure.

Numbers are set aside in blocks of BLOCK before they are used, so that one that was used never comes again:
whoever was killed goes on behind his block. A gateway that nobody has met yet begins at `floor`, which is
set aside likewise, for it may be met and the process killed before anything is on the disk.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from envoy_mqtt.mqtt.hole import Span
from envoy_mqtt.mqtt.record import Kept

VERSION = 1
BLOCK = 1000


class Mark(NamedTuple):
    """A reading that was passed on: its number, its time, its position."""

    sequence: int = 0
    time: float | None = None
    position: int = -1


NOTHING_YET = Mark()


class Bookmark:
    """All positions below `acked` are acknowledged or lost, `next` is the next reading's.

    By serial number: `promised` is the last number that may have been used, `last` the last one that was
    kept, `passed` the last that was acknowledged, `unused` the numbers of killed processes.
    """

    def __init__(self) -> None:
        self.acked = self.next = self.floor = 0
        self.promised: dict[str, int] = {}
        self.last: dict[str, int] = {}
        self.passed: dict[str, Mark] = {}
        self.unused: dict[str, list[Span]] = {}
        self._told: dict[str, Any] = {}

    def fold(self, line: Kept | Mapping[str, Any]) -> None:
        """Go on with a line of a file; raises what parsing raises where it is not a bookmark's."""
        if isinstance(line, Kept):
            self.next = max(self.next, line.position + 1)
            self._keep(line)
            return
        self.acked, self.floor = int(line.get("acked", self.acked)), int(line.get("floor", self.floor))
        self.next = max(self.next, self.acked)
        self.promised |= {str(serial): int(number) for serial, number in line.get("promised", {}).items()}
        self.last |= {str(serial): int(number) for serial, number in line.get("last", {}).items()}
        self.passed |= {
            str(serial): Mark(int(sequence), None if time is None else float(time), int(position))
            for serial, (sequence, time, position) in line.get("passed", {}).items()
        }
        self.unused |= {
            str(serial): [Span(int(first), int(last)) for first, last in spans]
            for serial, spans in line.get("unused", {}).items()
        }

    def begin(self, *, damaged: bool) -> dict[str, int]:
        """Start a process: by serial number, the number after which its readings go on.

        Of a damaged file the last promise may be missing, so one more block is left out.
        """
        more = BLOCK if damaged else 0
        numbers = {}
        for serial in {*self.promised, *self.last, *self.passed}:
            last = self._last(serial)
            used = max(self.promised.get(serial, 0), last) + more
            if used > last:
                self._leave_out(serial, Span(last + 1, used))
            numbers[serial] = used
            self.promised[serial] = used + BLOCK
        self.floor += BLOCK + more
        return numbers

    def end(self, used: Mapping[str, int], floor: int) -> None:
        """End a process in order: these were the last numbers, and nothing else was used."""
        self.promised |= used
        self.floor = floor

    def promise(self, serial: str, sequence: int) -> None:
        """A number is used: have the next ones set aside in time."""
        known = self.promised.get(serial)
        if known is None and sequence > 1:
            self._leave_out(serial, Span(1, sequence - 1))
        if known is None or known - sequence < BLOCK // 2:
            self.promised[serial] = max(known or 0, sequence) + BLOCK

    def keep(self, kept: list[Kept]) -> None:
        """These are on the disk."""
        for each in kept:
            self._keep(each)
        self.next += len(kept)

    def acknowledge(self, serial: str, mark: Mark) -> None:
        """The broker has it; one that was never on the disk has no position of its own."""
        self.acked = max(self.acked, mark.position + 1)
        self.passed[serial] = mark
        if serial in self.unused:
            self.unused[serial] = [span for span in self.unused[serial] if span.last > mark.sequence]

    @property
    def content(self) -> dict[str, Any]:
        """All of it, for JSON: what a file begins with."""
        return {**self._short, "last": dict(self.last)}

    @property
    def changes(self) -> dict[str, Any]:
        """What is not yet `told`."""
        found = {}
        for key, value in self._short.items():
            told = self._told.get(key)
            if isinstance(value, dict) and isinstance(told, dict):
                value = {serial: each for serial, each in value.items() if told.get(serial) != each}  # noqa: PLW2901
                if value:
                    found[key] = value
            elif value != told:
                found[key] = value
        return found

    def told(self, content: Mapping[str, Any]) -> None:
        """These changes are on the disk."""
        for key, value in content.items():
            self._told[key] = {**self._told.get(key, {}), **value} if isinstance(value, dict) else value

    @property
    def _short(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "acked": self.acked,
            "floor": self.floor,
            "promised": dict(self.promised),
            "passed": dict(self.passed),
            "unused": {serial: list(spans) for serial, spans in self.unused.items()},
        }

    def _keep(self, kept: Kept) -> None:
        serial, sequence = kept.reading.serial, kept.reading.sequence
        self.last[serial] = max(self.last.get(serial, 0), sequence)

    def _last(self, serial: str) -> int:
        return max(self.last.get(serial, 0), self.passed.get(serial, NOTHING_YET).sequence)

    def _leave_out(self, serial: str, span: Span) -> None:
        """A process that kept nothing leaves the one before it where it was."""
        before = [each for each in self.unused.get(serial, []) if each.last < span.first]
        self.unused[serial] = [*before, span]
