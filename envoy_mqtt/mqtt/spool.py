"""The journal: what must not be lost waits on disk, with the verbs of the outbox, until it is acknowledged.

    keep(messages)      takes the journal's from among them; never waits
    next, sent          to the broker, in order
    run                 the disk's own job: a write and an fsync for all that came, twice a second at most

A reading leaves only when it is on the disk, so nothing was told that a crash takes back; a disk that does
not take it lets it leave from memory. Readings that are missing are found by their numbers when they would
have left (`mqtt.hole`). Only `run` and `next` wait for the disk, in a thread.
"""

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from envoy_mqtt import health, store
from envoy_mqtt.clock import steady
from envoy_mqtt.line import Line
from envoy_mqtt.mqtt.bookmark import NOTHING_YET, Bookmark, Mark
from envoy_mqtt.mqtt.hole import DISK, FULL, Span, gap, holes
from envoy_mqtt.mqtt.message import Message
from envoy_mqtt.mqtt.record import Kept, Read, reading_line, state_line
from envoy_mqtt.mqtt.segments import Batch, Place, Segments

FOLDER = "journal"

# A crash takes what came since the last write: this and the write itself stay below the contract's second.
COMMIT_S = 0.5

# Acknowledgements are written, without an fsync, so much oftener: what a kill finds unwritten comes twice.
OFTENER = 10

# A disk that failed is tried again after so long.
RETRY_S = 5.0

# So many wait in memory for the broker, the rest on the disk; and for a disk that hangs or is full.
AT_HAND = 1024
UNKEPT = 2048

# A journal that is full is told of so often.
AGAIN_S = 3600.0

UNKEPT_TOLD = "journal cannot be kept"
FULL_TOLD = "journal full"
DAMAGED_TOLD = "journal damaged"


@dataclass(eq=False, slots=True)
class Item:
    """One message on its way: `mark` is the reading's, `None` for a gap."""

    message: Message
    serial: str
    mark: Mark | None
    out: bool = False
    done: bool = False


class Spool:
    """The journal in one folder; `numbers` are those after which each gateway's readings go on.

    Raises `ConfigError` where the folder is a newer version's.
    """

    def __init__(
        self, data_dir: Path, base_topic: str, line: Line, *, max_bytes: int, every_s: float = COMMIT_S
    ) -> None:
        self._data_dir, self._base, self._line, self._every_s = data_dir, base_topic, line, every_s
        self._segments = Segments(data_dir / FOLDER, max_bytes)
        self._bookmark = Bookmark()
        self._pending: list[Read] = []
        self._writing = self._size = 0
        self._waiting: deque[Item] = deque()
        self._disk = asyncio.Lock()
        self._news = asyncio.Event()
        self._ending = asyncio.Event()
        self._retry_at: float | None = None  # where the disk has failed
        self._due = 0.0
        self._lost = 0
        self._open()

    def _open(self) -> None:
        damaged = False
        try:
            self._bookmark, damaged, complaints = self._segments.open()
            for sentence in complaints:
                self._line.warn(DAMAGED_TOLD, topic=sentence, error=sentence)
        except OSError as error:
            self._complain(error)
        self._floor = self._bookmark.floor
        numbers = self._bookmark.begin(damaged=damaged)
        self.numbers: Mapping[str, int] = defaultdict(lambda: self._floor, numbers)
        self._used = dict(numbers)
        self._passed = dict(self._bookmark.passed)
        self._dropped = self._segments.first
        self._loaded = max(self._bookmark.acked, self._dropped)
        self._place = Place()
        if self._retry_at is None:
            try:
                self._write(b"", *self._head)
                self._size = self._segments.size
                self._bookmark.told(self._bookmark.content)
            except OSError as error:
                self._complain(error)

    @property
    def facts(self) -> health.Journal:
        """What there is to tell of it."""
        waiting = sum(item.mark is not None and not item.done for item in self._waiting)
        on_disk = self._bookmark.next - self._loaded
        depth = waiting + on_disk + self._writing + len(self._pending)
        return health.Journal(depth, self._size, self._lost)

    def keep(self, messages: Iterable[Message]) -> Iterator[Message]:
        """Take the journal's readings; what comes out is the rest, each as soon as it is there."""
        for message in messages:
            if message.kept:
                self._take(message)
            else:
                yield message

    def close(self) -> None:
        """The broker is gone: what it has not acknowledged leaves again."""
        for item in self._waiting:
            item.out = item.done

    async def next(self) -> Item:
        """The next message to send; `sent` has to be said of it once it is acknowledged."""
        while True:
            for item in self._waiting:
                if not item.out:
                    item.out = True
                    return item
            if self._loaded < self._bookmark.next:
                await self._load()
            elif self._retry_at is not None and self._pending:
                await self._pass_unkept()
            else:
                self._news.clear()
                await self._news.wait()

    def sent(self, item: Item) -> None:
        """The broker has acknowledged it; it is forgotten once all before it are acknowledged too."""
        item.done = True
        while self._waiting and self._waiting[0].done:
            done = self._waiting.popleft()
            if done.mark is not None:
                self._bookmark.acknowledge(done.serial, done.mark)

    async def run(self) -> None:
        """Write to the disk until `finish` is said, and then once more."""
        while not self._ending.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every_s / OFTENER):
                    await self._ending.wait()
            if self._retry_at is None or steady() >= self._retry_at:
                await self._commit(for_good=bool(self._pending) and steady() >= self._due)
        await self._commit(for_good=True)
        self._bookmark.end(self._used, self._floor)
        await self._commit(for_good=True)
        self._segments.close()

    def finish(self) -> None:
        """No more readings come."""
        self._ending.set()

    def _take(self, message: Message) -> None:
        serial = message.topic.split("/")[-2]
        content = json.loads(message.payload)
        read = Read(serial, content["sequence"], content["time"], message.payload)
        self._used[serial] = read.sequence
        self._bookmark.promise(serial, read.sequence)
        self._pending.append(read)
        self._limit()
        if self._retry_at is not None:
            self._news.set()

    def _limit(self) -> None:
        if len(self._pending) > UNKEPT:
            self._lost += len(self._pending) - UNKEPT
            del self._pending[:-UNKEPT]

    async def _commit(self, *, for_good: bool) -> None:
        async with self._disk:
            batch: list[Read] = []
            if for_good:
                batch, self._pending = self._pending, []
            self._writing = len(batch)
            kept = [Kept(n, read) for n, read in enumerate(batch, self._bookmark.next)]
            changes = self._bookmark.changes
            lines = b"".join(map(reading_line, kept)) + (state_line(changes) if changes else b"")
            try:
                if lines:
                    await asyncio.to_thread(self._write, lines, *self._head, for_good=for_good)
            except OSError as error:
                self._pending = batch + self._pending
                self._limit()
                self._complain(error)
            else:
                self._kept(kept)
                self._bookmark.told(changes)
                if lines:
                    self._mend()
            self._writing = 0
        if for_good:
            self._due = steady() + self._every_s
            self._news.set()

    @property
    def _head(self) -> tuple[bytes, int, int]:
        return state_line(self._bookmark.content), self._bookmark.next, self._bookmark.acked

    def _write(self, lines: bytes, head: bytes, position: int, acked: int, *, for_good: bool = True) -> None:
        self._segments.append(lines, head, position, for_good=for_good)
        if for_good:
            self._segments.forget(acked)
        if self._writing:  # acknowledgements alone shall not cost a reading
            self._segments.make_room()

    def _kept(self, kept: list[Kept]) -> None:
        """They are on the disk; while the broker keeps up they need not be read from there."""
        at_hand = self._loaded == self._bookmark.next and len(self._waiting) < AT_HAND
        self._bookmark.keep(kept)
        self._size = self._segments.size
        self._drop()
        if at_hand:
            self._admit(kept)
            self._loaded, self._place = self._bookmark.next, self._segments.end

    def _drop(self) -> None:
        """The oldest went, for there was no room."""
        first = self._segments.first
        if first > self._loaded:
            self._lost += first - self._loaded
            self._loaded = self._dropped = first
            self._line.warn(
                FULL_TOLD, again_after_s=AGAIN_S, error=f"{self._lost} readings lost", code="journal_full"
            )

    def _mend(self) -> None:
        self._retry_at = None
        self._line.mended(UNKEPT_TOLD)
        if self._loaded == self._bookmark.next:
            self._line.mended(FULL_TOLD)

    def _complain(self, error: OSError) -> None:
        self._retry_at = steady() + RETRY_S
        told = store.denied(self._data_dir / FOLDER, "written", self._data_dir, error)
        self._line.warn(UNKEPT_TOLD, error=told, code="disk")

    async def _load(self) -> None:
        """Bring some more from the disk."""
        async with self._disk:
            if self._loaded == self._bookmark.next or any(not item.out for item in self._waiting):
                return
            try:
                batch = await asyncio.to_thread(self._segments.read, self._place, self._loaded)
            except OSError as error:
                self._complain(error)
                batch = Batch([], self._segments.end, 0, end=True)
            if batch.damaged:
                self._line.warn(DAMAGED_TOLD, error=f"{batch.damaged} lines cannot be read")
            self._place = batch.place
            self._admit(batch.kept)
            self._skip(batch)

    def _skip(self, batch: Batch) -> None:
        """Behind what was read; what should have been there and was not is lost."""
        newest = batch.kept[-1].position + 1 if batch.kept else self._loaded
        behind = self._bookmark.next if batch.end else newest
        self._lost += max(0, behind - self._loaded - len(batch.kept))
        self._loaded = behind

    async def _pass_unkept(self) -> None:
        """The disk does not take them: let them leave all the same."""
        async with self._disk:
            batch, self._pending = self._pending, []
            position = self._bookmark.next - 1
            self._admit([Kept(position, read) for read in batch])

    def _admit(self, kept: Iterable[Kept]) -> None:
        for position, read in kept:
            before = self._passed.get(read.serial, NOTHING_YET)
            if read.sequence <= before.sequence:
                continue  # written twice, because the first time was not certain
            if read.sequence > before.sequence + 1:
                self._say_missing(Span(before.sequence + 1, read.sequence - 1), before, read)
            mark = Mark(read.sequence, read.time, position)
            self._passed[read.serial] = mark
            self._waiting.append(Item(self._message(read.serial, read.payload), read.serial, mark))

    def _say_missing(self, missing: Span, before: Mark, read: Read) -> None:
        lost = FULL if self._dropped > before.position + 1 else DISK
        for hole in holes(missing, self._bookmark.unused.get(read.serial, [])):
            payload = gap(hole, before.time, read.time, lost)
            self._waiting.append(Item(self._message(read.serial, payload), read.serial, None))

    def _message(self, serial: str, payload: bytes) -> Message:
        return Message(f"{self._base}/{serial}/journal", payload, qos=1, retain=False)
