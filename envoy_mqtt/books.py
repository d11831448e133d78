"""What each gateway's energies need to go on after a restart: `energy-SERIAL.json` in `data_dir`.

It is written before what it tells of is published, so that nothing published ever falls, whenever the
process ends.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from envoy_mqtt import store
from envoy_mqtt.gateway.answers import SERIAL

VERSION = 1
NAME = re.compile(rf"energy-({SERIAL.pattern})\.json")

Book = Mapping[str, Any]


class Books:
    """The books in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self) -> tuple[dict[str, Book], list[str]]:
        """What is remembered, by serial number, and a sentence for each file that could not be read.

        Raises `ConfigError` where a file is a newer version's.
        """
        books: dict[str, Book] = {}
        complaints = []
        for path in sorted(self._folder.glob("energy-*.json")):
            name = NAME.fullmatch(path.name)
            if name is None:
                continue
            try:
                books[name[1]] = store.read(path, VERSION, dict) or {}
            except store.Broken as error:
                complaints.append(f"{path.name}: {error}")
            except OSError as error:
                complaints.append(store.denied(path, "read", self._folder, error))
        return books, complaints

    def keep_aside(self, serial: str) -> str:
        """A book that is no book of ours is kept; the sentence that says where."""
        path = self._folder / f"energy-{serial}.json"
        aside = path.with_name(f"{path.name}.broken")
        with suppress(OSError):
            path.replace(aside)
        return f"{path.name}: it cannot be read; it is kept as {aside}"

    def save(self, serial: str, book: Book) -> str | None:
        """Write it in one step; the sentence for a folder that cannot be written."""
        try:
            store.write(self._folder / f"energy-{serial}.json", VERSION, book)
        except OSError as error:
            return store.unwritable(self._folder, error)
        return None
