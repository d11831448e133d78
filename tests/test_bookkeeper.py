"""Energies are written down before they are told; a disk that fails or hangs is said, and stops nothing."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from envoy_mqtt.bookkeeper import CLOSING_S, Bookkeeper
from envoy_mqtt.books import Book, Books
from envoy_mqtt.bridge import Bridge
from envoy_mqtt.line import Line
from envoy_mqtt.mqtt.payload import Publish

ONE, OTHER = "122100000017", "122100000025"
KNOWN: dict[str, Book] = {ONE: {"zone": "Europe/Berlin"}, OTHER: {"zone": "UTC"}}


def met(serial: str) -> Bridge:
    bridge = Bridge(Publish(), books=KNOWN)
    bridge.meet(serial)
    return bridge


def written(folder: Path, serial: str) -> object:
    return json.loads((folder / f"energy-{serial}.json").read_bytes())["zone"]


def errors(line: Line) -> list[str]:
    return [trouble.text for trouble in line.standing]


class Stuck(Books):
    """A disk that takes nothing until it is let go."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.asked = threading.Event()
        self.free = threading.Event()

    def save(self, serial: str, book: Book) -> str | None:
        self.asked.set()
        self.free.wait()
        return super().save(serial, book)


@contextmanager
def stuck(folder: Path) -> Iterator[Stuck]:
    books = Stuck(folder)
    try:
        yield books
    finally:
        books.free.set()


async def test_what_is_about_to_be_told_is_written_and_known_to_the_next_process(tmp_path: Path) -> None:
    await Bookkeeper(Books(tmp_path), Line("bridge")).enter(met(ONE))
    assert Bookkeeper(Books(tmp_path), Line("bridge")).known[ONE]["zone"] == "Europe/Berlin"


async def test_of_a_gateway_that_has_not_said_who_it_is_nothing_is_written(tmp_path: Path) -> None:
    bookkeeper = Bookkeeper(Books(tmp_path), Line("bridge"))
    await bookkeeper.enter(Bridge(Publish()))
    await bookkeeper.close([Bridge(Publish())])
    assert Books(tmp_path).load() == ({}, [])


async def test_at_the_end_all_of_them_are_written(tmp_path: Path) -> None:
    await Bookkeeper(Books(tmp_path), Line("bridge")).close([met(ONE), met(OTHER)])
    assert (written(tmp_path, ONE), written(tmp_path, OTHER)) == ("Europe/Berlin", "UTC")


def test_a_spoilt_file_of_before_is_told_of(tmp_path: Path) -> None:
    (tmp_path / f"energy-{ONE}.json").write_bytes(b"{")
    line = Line("bridge")
    assert Bookkeeper(Books(tmp_path), line).known == {}
    (said,) = errors(line)
    assert said.startswith(f"energy-{ONE}.json: it cannot be read")


async def test_a_folder_that_cannot_be_written_is_told_of_until_it_can(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.write_bytes(b"in the way")
    line = Line("bridge")
    bookkeeper = Bookkeeper(Books(folder), line)
    await bookkeeper.enter(met(ONE))
    (said,) = errors(line)
    assert str(folder) in said
    folder.unlink()
    await bookkeeper.enter(met(ONE))
    assert errors(line) == []
    assert written(folder, ONE) == "Europe/Berlin"


async def test_a_disk_that_hangs_stops_neither_the_loop_nor_the_end(tmp_path: Path) -> None:
    with stuck(tmp_path) as books:
        bookkeeper = Bookkeeper(books, Line("bridge"))
        began = asyncio.get_running_loop().time()
        await bookkeeper.close([met(ONE)])
        assert books.asked.is_set()
        assert not (tmp_path / f"energy-{ONE}.json").exists()
        assert asyncio.get_running_loop().time() - began >= CLOSING_S
