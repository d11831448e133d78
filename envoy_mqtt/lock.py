"""One at a time, among the tasks of this process and all processes of this machine."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

# How often somebody waiting looks; waiting in a thread could not be cancelled.
LOOK_EVERY_S = 0.1


@asynccontextmanager
async def locked(path: Path) -> AsyncIterator[None]:
    """Hold the file's lock, however long somebody else takes to give it back; raises `OSError`.

    The system frees it when a process dies. Every call opens the file anew, because within a process too
    the lock belongs to an open file (flock(2)).
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        # Nobody tells us when another process is done.
        while not _taken(handle):  # noqa: ASYNC110
            await asyncio.sleep(LOOK_EVERY_S)
        yield
    finally:
        os.close(handle)


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
