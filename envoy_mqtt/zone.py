"""Where the day begins: the configured time zone, else TZ, else the gateway's own, else this machine's."""

import os
from collections.abc import Mapping
from datetime import UTC, tzinfo
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

LOCALTIME = Path("/etc/localtime")


def configured(name: str | None, environ: Mapping[str, str] = os.environ) -> tzinfo | None:
    """The zone somebody chose; `None` where nobody did and the gateway has to be asked."""
    return named(name or environ.get("TZ", "").removeprefix(":"))


def named(name: str) -> tzinfo | None:
    """A zone by its IANA name; `None` where there is none of this name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


@cache  # a zone out of a file equals no other, so a second one would look like a move
def machine(localtime: Path = LOCALTIME) -> tzinfo:
    """This machine's own, with its daylight saving; UTC where it does not say."""
    try:
        with localtime.open("rb") as file:
            return ZoneInfo.from_file(file, key=_name(localtime))
    except (OSError, ValueError):
        return UTC


def _name(path: Path) -> str | None:
    """`Europe/Berlin` of `/usr/share/zoneinfo/Europe/Berlin`."""
    _, found, name = str(path.resolve()).partition("/zoneinfo/")
    return name if found else None
