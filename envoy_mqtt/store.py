"""Small files that outlive the process: JSON objects with a version, in `data_dir`.

A file is replaced in one step or not at all, and is its owner's alone. What cannot be read as ours is kept
aside under NAME.broken; what a newer version wrote is neither judged nor touched.
"""

import errno
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from envoy_mqtt.errors import ConfigError

Value = TypeVar("Value")

# A disk that is full, or as full as this user may make it.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

# What reading something else than our own files raises.
FOREIGN = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


class Broken(Exception):
    """The file was there and could not be read as ours; `aside` is where it is kept now."""

    def __init__(self, aside: Path) -> None:
        super().__init__(f"it cannot be read; it is kept as {aside}")
        self.aside = aside


def read(path: Path, version: int, understand: Callable[[dict[str, Any]], Value]) -> Value | None:
    """What `understand` makes of the file's content, `None` where there is no file.

    `understand` may raise what parsing raises (FOREIGN): the file is then kept aside and `Broken` raised.
    Raises `ConfigError` where the file is a newer version's, and `OSError`.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        content = json.loads(raw)
        found = content["version"]
        if type(content) is not dict or type(found) is not int:
            raise TypeError
        if found > version:
            raise ConfigError(
                f"data_dir: {path} was written by a newer envoy-mqtt (its version is {found}, this one "
                f"knows {version}): update envoy-mqtt, or choose another data_dir"
            )
        return understand(content)
    except FOREIGN:
        aside = path.with_name(f"{path.name}.broken")
        path.replace(aside)
        raise Broken(aside) from None


def write(path: Path, version: int, content: Mapping[str, object]) -> None:
    """Write it, its folder too where there is none; raises `OSError`."""
    make(path.parent)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # 0600 from the start
    try:
        with os.fdopen(handle, "w") as file:
            # In one call: piece by piece it takes six times as long, and what changes meanwhile may fail.
            file.write(json.dumps({"version": version, **content}))
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def make(folder: Path) -> None:
    """Make a folder that is its owner's alone; one that is there stays as it is."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def unwritable(folder: Path, error: OSError) -> str:
    """The sentence for a data folder that cannot be written, with the remedy."""
    return denied(folder, "written", folder, error)


def denied(path: Path, what: str, folder: Path, error: OSError) -> str:
    """The sentence for what cannot be "read" or "written" in a data folder, with the remedy."""
    if error.errno in NO_ROOM:
        return f"data_dir: {path} cannot be {what} ({error.strerror}): make room, or choose another data_dir"
    if error.errno == errno.EROFS:
        return (
            f"data_dir: {path} cannot be {what} ({error.strerror}): mount a folder at {folder} that can be "
            "written, or choose another data_dir"
        )
    owner = f"{os.getuid()}:{os.getgid()}"
    # What is mounted into a container has another name where somebody can change its owner.
    there = " (in a container: the folder on the host that is mounted there)" if folder.is_mount() else ""
    return (
        f"data_dir: {path} cannot be {what} ({error.strerror}): give it to this user with "
        f"'chown -R {owner} {folder}'{there}, or choose another data_dir"
    )
