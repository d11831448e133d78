"""What one installation remembers of itself, in `installation.json` in `data_dir`.

`instance` tells this bridge from others and makes its client id stable; `serials` are the gateways it
has met, so that after a crash it can say that their readings are not fresh before they are back.
"""

import os
import uuid
from collections.abc import Container
from errno import EACCES, ENOTDIR
from pathlib import Path
from typing import Any, NamedTuple

from envoy_mqtt import store
from envoy_mqtt.errors import ConfigError
from envoy_mqtt.gateway.answers import SERIAL

NAME = "installation.json"
VERSION = 1


class Installation(NamedTuple):
    """This installation's lasting identity and the gateways it has met."""

    instance: str
    serials: tuple[str, ...] = ()

    @property
    def client_id(self) -> str:
        """A client id of 23 characters, as many as MQTT 3.1.1 promises to accept."""
        return f"envoy-mqtt-{self.instance[:12]}"

    def met(self, serial: str) -> "Installation":
        """The same, with one more gateway remembered."""
        return self if serial in self.serials else self._replace(serials=(*self.serials, serial))

    def without_others(self, serials: Container[str | None]) -> "Installation":
        """The same, with no gateway remembered but these."""
        return self._replace(serials=tuple(each for each in self.serials if each in serials))


def load(folder: Path) -> Installation:
    """What `folder` remembers; a new installation is made, and written, where it remembers nothing.

    A file that cannot be read as ours is kept aside. Raises `ConfigError` where the folder cannot be
    written or the file is a newer version's.
    """
    try:
        store.make(folder)
        installation = _read(folder / NAME) or Installation(uuid.uuid4().hex)
        save(folder, installation)
    except OSError as error:
        raise ConfigError(store.unwritable(folder, error)) from None
    return installation


def known(folder: Path) -> Installation | None:
    """What `folder` remembers, and nothing is made where that is nothing; raises as `store.read` does."""
    return _read(folder / NAME)


def check(folder: Path) -> None:
    """Raise the `ConfigError` that `load` would, where it can be told without writing."""
    there = next((each for each in (folder, *folder.parents) if each.exists()), folder)
    if not there.is_dir():
        raise ConfigError(store.unwritable(folder, NotADirectoryError(ENOTDIR, os.strerror(ENOTDIR))))
    if not os.access(there, os.W_OK | os.X_OK):
        raise ConfigError(store.unwritable(folder, PermissionError(EACCES, os.strerror(EACCES))))


def save(folder: Path, installation: Installation) -> None:
    """Write it in one step, readable by its owner alone; raises `OSError`."""
    store.write(folder / NAME, VERSION, installation._asdict())


def _read(path: Path) -> Installation | None:
    try:
        return store.read(path, VERSION, _understand)
    except store.Broken:
        return None


def _understand(content: dict[str, Any]) -> Installation:
    serials = content["serials"]
    if not isinstance(serials, list):
        raise TypeError
    known = tuple(serial for serial in map(str, serials) if SERIAL.fullmatch(serial))
    return Installation(uuid.UUID(content["instance"]).hex, known)
