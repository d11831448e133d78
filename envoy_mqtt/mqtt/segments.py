"""The journal's files: NUMBER-POSITION.journal, each with the position of its first reading in its name.

Lines are only ever appended, and only to a file of this process: the torn end of the one before stays as it
is. Each file begins with the whole bookmark, so the ones before it may go. All of this waits for the disk and
is called in a thread, by one caller at a time.
"""

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from envoy_mqtt.errors import ConfigError
from envoy_mqtt.mqtt.bookmark import VERSION, Bookmark
from envoy_mqtt.mqtt.record import Kept, understand
from envoy_mqtt.store import FOREIGN, NO_ROOM, make

NAME = re.compile(r"([0-9]{8})-([0-9]{16})\.journal")

# A full journal loses a whole file at once: a sixteenth of it, or four MiB.
LARGEST = 4 * 1024 * 1024
SMALLEST = 32 * 1024

# So much is read at once; half a minute of twenty readings a second.
CHUNK = 256 * 1024


class Segment(NamedTuple):
    """One file: where, its number, the position of its first reading."""

    path: Path
    number: int
    first: int


class Place(NamedTuple):
    """Where to read on: a file's number, and bytes from its beginning."""

    number: int = 0
    offset: int = 0


class Batch(NamedTuple):
    """What was read: `damaged` lines were none of ours, `end` is whether there is no more."""

    kept: list[Kept]
    place: Place
    damaged: int
    end: bool


class Opened(NamedTuple):
    """What was there: `damaged` is whether the newest lines may be missing, and a sentence for each file that
    is none of ours.
    """

    bookmark: Bookmark
    damaged: bool
    complaints: list[str]


class Segments:
    """The files in one folder, at most `max_bytes` of them."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._each = max(SMALLEST, min(LARGEST, max_bytes // 16))
        self._segments: list[Segment] = []
        self._sizes: dict[int, int] = {}
        self._file: int | None = None

    @property
    def size(self) -> int:
        """How much is on the disk."""
        return sum(self._sizes.values())

    @property
    def first(self) -> int:
        """The position from which on readings may be there."""
        return self._segments[0].first if self._segments else 0

    @property
    def end(self) -> Place:
        """Behind the last line."""
        if not self._segments:
            return Place()
        number = self._segments[-1].number
        return Place(number, self._sizes[number])

    def open(self) -> Opened:
        """Find what is there; raises `ConfigError` where it is a newer version's, and `OSError`."""
        make(self._folder)
        complaints = []
        for path in sorted(self._folder.iterdir()):
            name = NAME.fullmatch(path.name)
            if name is not None and path.is_file():
                self._segments.append(Segment(path, int(name[1]), int(name[2])))
                self._sizes[int(name[1])] = path.stat().st_size
            elif path.suffix != ".broken":
                complaints.append(f"{path} is none of the journal's files and is left alone")
        return self._replay(complaints)

    def append(self, lines: bytes, head: bytes, position: int, *, for_good: bool = True) -> None:
        """Write lines, the next reading's position being this one; `head` is the bookmark, should a new file
        begin. What is not `for_good` survives a kill and not a power cut. Raises `OSError`, and then they are
        to be written again.
        """
        try:
            if self._file is None or self._sizes[self._segments[-1].number] >= self._each:
                self._begin(head, position)
            self._write(lines, for_good=for_good)
        except OSError as error:
            self._break_off(error)
            raise

    def forget(self, acked: int) -> None:
        """Remove what is acknowledged; raises `OSError`."""
        while len(self._segments) > 1 and self._segments[1].first <= acked:
            self._remove_oldest()

    def make_room(self) -> None:
        """Remove the oldest where there is too much; raises `OSError`."""
        while len(self._segments) > 1 and self.size > self._max_bytes:
            self._remove_oldest()

    def read(self, place: Place, position: int) -> Batch:
        """The next readings from this position on; raises `OSError`."""
        segment = self._segment(place, position)
        if segment is None:
            return Batch([], place, 0, end=True)
        offset = place.offset if segment.number == place.number else 0
        size = self._sizes[segment.number]
        with segment.path.open("rb") as file:
            file.seek(offset)
            raw = file.read(min(CHUNK, size - offset))
        whole = raw.rfind(b"\n") + 1 or len(raw)
        lines = [understand(line) for line in raw[:whole].split(b"\n") if line]
        kept = [line for line in lines if isinstance(line, Kept) and line.position >= position]
        last = offset + whole >= size and segment is self._segments[-1]
        return Batch(kept, Place(segment.number, offset + whole), lines.count(None), last)

    def close(self) -> None:
        """Write no more to this file."""
        if self._file is not None:
            with suppress(OSError):
                os.close(self._file)
            self._file = None

    def _segment(self, place: Place, position: int) -> Segment | None:
        """Where to read on: the file of the place, the one after it where it is read, or the one that has the
        position.
        """
        for segment in self._segments:
            if segment.number == place.number and place.offset < self._sizes[segment.number]:
                return segment
            if place.number and segment.number > place.number:
                return segment
        if place.number:
            return None
        fitting = [segment for segment in self._segments if segment.first <= position]
        return fitting[-1] if fitting else next(iter(self._segments), None)

    def _replay(self, complaints: list[str]) -> Opened:
        """Read from the newest file that begins with a bookmark to the end."""
        newest: list[list[Kept | dict[str, object] | None]] = []
        for segment in reversed(self._segments.copy()):
            raw = segment.path.read_bytes()
            lines = [understand(line) for line in raw.split(b"\n") if line]
            if raw and not any(line is not None for line in lines):
                complaints.append(self._set_aside(segment))
                newest.insert(0, [None])
                continue
            newest.insert(0, lines)
            if lines and isinstance(lines[0], dict):
                break
        bookmark = Bookmark()
        lines = [line for each in newest for line in each]
        try:
            for line in lines:
                if isinstance(line, dict):
                    _refuse_newer(line, self._folder)
                if line is not None:
                    bookmark.fold(line)
        except FOREIGN:
            lines.append(None)
        bookmark.next = max(bookmark.next, self._segments[-1].first if self._segments else 0)
        return Opened(bookmark, None in lines, complaints)

    def _set_aside(self, segment: Segment) -> str:
        aside = segment.path.with_name(f"{segment.path.name}.broken")
        segment.path.replace(aside)
        self._segments.remove(segment)
        del self._sizes[segment.number]
        return f"{segment.path} is none of the journal's files and is kept as {aside}"

    def _begin(self, head: bytes, first: int) -> None:
        self.close()
        number = self._segments[-1].number + 1 if self._segments else 1
        path = self._folder / f"{number:08d}-{first:016d}.journal"
        make(self._folder)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._segments.append(Segment(path, number, first))
        self._sizes[number] = 0
        self._write(head, for_good=True)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)  # so that a power cut leaves the name, too
        finally:
            os.close(folder)

    def _write(self, lines: bytes, *, for_good: bool) -> None:
        assert self._file is not None
        number = self._segments[-1].number
        written = 0
        while written < len(lines):
            written += os.write(self._file, lines[written:])
        if for_good:
            os.fsync(self._file)
        self._sizes[number] += written

    def _break_off(self, error: OSError) -> None:
        """A full disk's file goes on where it was whole; after anything else another one is begun."""
        if self._file is None:
            return
        number = self._segments[-1].number
        try:
            os.ftruncate(self._file, self._sizes[number])
            os.lseek(self._file, 0, os.SEEK_END)
        except OSError:
            self.close()
        if error.errno not in NO_ROOM or not self._sizes[number]:
            self.close()
        if not self._sizes[number]:
            self._segments.pop().path.unlink(missing_ok=True)
            del self._sizes[number]

    def _remove_oldest(self) -> None:
        oldest = self._segments[0]
        oldest.path.unlink(missing_ok=True)
        del self._segments[0], self._sizes[oldest.number]


def _refuse_newer(content: dict[str, object], folder: Path) -> None:
    version = content.get("version", VERSION)
    if not isinstance(version, int) or version > VERSION:
        raise ConfigError(
            f"data_dir: {folder} was written by a newer envoy-mqtt (its version is {version}, this one knows "
            f"{VERSION}): update envoy-mqtt, or choose another data_dir"
        )
