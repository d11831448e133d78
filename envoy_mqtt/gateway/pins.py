"""The certificates we know: SHA-256 by serial number, in `certificates.json` in `data_dir`.

The file is read anew before every attempt, because `envoy-mqtt trust` may have changed it meanwhile.
"""

import os
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
            there = self._path.exists()
            certificates = _certificates(store.read(self._path, VERSION))
            if certificates is None:
                self._unwritten = dict(self.known)
                self._set_aside()
                return not there
        except OSError as error:
            raise ConfigError(_not_ours(self._path, "read", error)) from None
        self._written = certificates
        return True

    def keep(self, serial: str, sha256: str) -> None:
        """Know this gateway by this certificate from now on.

        Raises `ConfigError` where that cannot be written; it holds for this process all the same.
        """
        self._unwritten[serial] = sha256
        self.reload()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            store.write(self._path, VERSION, {"certificates": dict(self.known)})
        except OSError as error:
            raise ConfigError(_not_ours(self._path, "written", error)) from None
        self._written, self._unwritten = dict(self.known), {}

    def _set_aside(self) -> None:
        if self._path.exists():
            self._path.replace(self._path.with_name(f"{NAME}.broken"))


def _certificates(content: dict[str, Any] | None) -> dict[str, str] | None:
    """The certificates in a file's content; `None` where anything in it is not one."""
    found = None if content is None else content.get("certificates")
    if not isinstance(found, dict):
        return None
    whole = all(isinstance(sha256, str) and SHA256.fullmatch(sha256) for sha256 in found.values())
    return found if whole else None


def _not_ours(path: Path, what: str, error: OSError) -> str:
    owner = f"{os.getuid()}:{os.getgid()}"
    return (
        f"data_dir: {path} cannot be {what} ({error.strerror}): give it to this user with "
        f"'chown -R {owner} {path.parent}', or choose another data_dir"
    )
