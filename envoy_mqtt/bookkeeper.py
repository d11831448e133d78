"""Energies are written down before they are told, so that nothing told ever falls, whenever the process ends.

A disk that hangs delays nothing but them, and at the end of the process not that for long. One that cannot be
written is warned of; energies are told all the same.
"""

import asyncio
from collections.abc import Iterable, Mapping

from envoy_mqtt.books import Book, Books
from envoy_mqtt.bridge import Bridge
from envoy_mqtt.line import Line
from envoy_mqtt.supervise import end

UNSAVED = "energies not remembered"
LOST = "energies of before lost"

# The last entries are waited for so long.
CLOSING_S = 2.0


class Bookkeeper:
    """Keeps the books of all gateways; `known` is what the process before wrote, by serial number."""

    def __init__(self, books: Books, line: Line) -> None:
        self._books, self._line = books, line
        self._aside: set[str] = set()
        self.known, complaints = books.load()
        for sentence in complaints:
            line.warn(LOST, error=sentence, code="disk")

    async def enter(self, bridge: Bridge) -> None:
        """Write down what this bridge is about to tell; nothing of a gateway that has not said who it is."""
        serial = bridge.serial
        if serial is None:
            return
        if bridge.forgotten and serial not in self._aside:
            self._aside.add(serial)
            self._line.warn(LOST, error=self._books.keep_aside(serial), code="disk")
        self._tell(await asyncio.to_thread(self._books.save, serial, bridge.book))

    async def close(self, bridges: Iterable[Bridge]) -> None:
        """Write down what every bridge knows now, as far as the disk takes it in time."""
        books = {bridge.serial: bridge.book for bridge in bridges if bridge.serial is not None}
        writing = asyncio.create_task(asyncio.to_thread(self._save, books))
        await asyncio.wait({writing}, timeout=CLOSING_S)
        await end(writing)

    def _save(self, books: Mapping[str, Book]) -> None:
        for serial, book in books.items():
            self._books.save(serial, book)

    def _tell(self, complaint: str | None) -> None:
        if complaint is None:
            self._line.mended(UNSAVED)
        else:
            self._line.warn(UNSAVED, error=complaint, code="disk")
