"""The certificates we know: SHA-256 by serial number, in `certificates.json` in `data_dir`.

The file is read anew before every attempt, because `envoy-mqtt trust` may have changed it meanwhile.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from envoy_mqtt import store
from envoy_mqtt.errors import ConfigError

NAME = "certificates.json"
VERSION = 1

SHA256 = re.compile(r"[0-9a-f]{64}")


class Pins:
    """What is pinned in `folder`, in lower-case hex by serial number.

    What could not be written is known for as long as this object lives, and written with the next.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._written: dict[str, str] = {}
        self._unwritten: dict[str, str] = {}

    @property
    def known(self) -> Mapping[str, str]:
        """As last read or kept."""
        return MappingProxyType({**self._written, **self._unwritten})

    def reload(self) -> bool:
        """Read the file again; whether it could be understood, or is not there.

        What cannot be understood is kept aside, and what we knew we still know. Raises `ConfigError` where
        the file cannot be read or is a newer version's.
        """
        try:
            certificates = store.read(self._path, VERSION, _understand)
        except store.Broken:
            self._unwritten = dict(self.known)
            return False
        except OSError as error:
            raise ConfigError(store.denied(self._path, "read", self._path.parent, error)) from None
        if certificates is None:
            self._unwritten = dict(self.known)
            return True
        self._written = certificates
        return True

    def keep(self, serial: str, sha256: str) -> None:
        """Know this gateway by this certificate from now on.

        Raises `ConfigError` where that cannot be written; it holds for this process all the same.
        """
        self._unwritten[serial] = sha256
        self.reload()
        try:
            store.write(self._path, VERSION, {"certificates": dict(self.known)})
        except OSError as error:
            raise ConfigError(store.denied(self._path, "written", self._path.parent, error)) from None
        self._written, self._unwritten = dict(self.known), {}


def _understand(content: dict[str, Any]) -> dict[str, str]:
    """The certificates in a file's content; raises where anything in it is not one."""
    found = content["certificates"]
    if not isinstance(found, dict) or not all(
        isinstance(sha256, str) and SHA256.fullmatch(sha256) for sha256 in found.values()
    ):
        raise TypeError
    return found
