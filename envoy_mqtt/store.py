"""Small files that outlive the process: JSON objects with a version, in `data_dir`.

A file is replaced in one step or not at all, and is its owner's alone. What cannot be read as ours is kept
aside under NAME.broken; what a newer version wrote is neither judged nor touched.
"""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from envoy_mqtt.errors import ConfigError


def read(path: Path, version: int) -> dict[str, Any] | None:
    """What `write` left there, its version included; `None` where there is nothing, or nothing of ours.

    `version` is the newest we know. Raises `ConfigError` for the file of a newer one, and `OSError` where it
    is there and cannot be read.
    """
    try:
        content = json.loads(path.read_bytes())
        found = content["version"]
        if type(content) is not dict or type(found) is not int:
            raise TypeError
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, RecursionError):
        path.replace(path.with_name(f"{path.name}.broken"))
        return None
    if found > version:
        raise ConfigError(
            f"data_dir: {path} was written by a newer envoy-mqtt (its version is {found}, this one "
            f"knows {version}): update envoy-mqtt, or choose another data_dir"
        )
    return content


def write(path: Path, version: int, content: dict[str, Any]) -> None:
    """Write it in one step, readable by its owner alone; raises `OSError`."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # 0600 from the start
    try:
        with os.fdopen(handle, "w") as file:
            json.dump({"version": version, **content}, file)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
