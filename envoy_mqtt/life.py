"""Is the bridge alive? Its loop turns, and every job that shall never end is still there.

Who cannot ask the web server finds a heartbeat in `data_dir`: a file with the steady time of the last beat.
A gateway or a broker that is away has nothing to do with it.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from envoy_mqtt.clock import steady

NAME = "heartbeat"
FIRST_S = 1.0
EVERY_S = 5.0

# Three beats in a row that did not come.
LATE_S = 3 * EVERY_S + 1


class Life:
    """What is asked of the whole process; its heartbeat lies in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._ended = 0

    @property
    def whole(self) -> bool:
        """Whether no job has ended that shall not."""
        return not self._ended

    async def supervise(self, job: Coroutine[Any, Any, None]) -> None:
        """Run a job that ends only when it is cancelled, or with an error that ends the process."""
        await job
        self._ended += 1

    async def beat(self, answers: Callable[[], bool]) -> NoReturn:
        """Write the heartbeat for ever, as long as nobody `answers` who asks; soon after a start one may."""
        await asyncio.sleep(FIRST_S)
        while True:
            if self.whole and not answers():
                await asyncio.to_thread(_write, self._path, steady())
            await asyncio.sleep(EVERY_S)


def _write(path: Path, now: float) -> None:
    """In place and always as long, so that a full disk does not look like a dead bridge."""
    with suppress(OSError):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(handle, b"%020.3f\n" % now, 0)
        finally:
            os.close(handle)


def beats(folder: Path, now: float) -> bool:
    """Whether a bridge with this folder has lately been alive; `now` is steady, and from before a restart of
    the machine nothing counts.
    """
    try:
        written = float((folder / NAME).read_bytes())
    except (OSError, ValueError):
        return False
    return 0.0 <= now - written <= LATE_S
