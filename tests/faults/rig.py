"""One bridge process that reads many gateways, and what a subscriber saw of each."""

import asyncio
import os
import resource
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from tests.e2e.harness import PATIENCE_S, Ears, Heard, eventually, free_port

# As long as a process may take to start on a machine that does much else.
LONG_S = 200.0


@asynccontextmanager
async def running(
    folder: Path, broker_port: int, hosts: Mapping[str, str], **keys: object
) -> AsyncIterator[int]:
    """`run` for gateways of these hosts and tokens; gives the process's id. Its log is `folder/log`."""
    env = {key: value for key, value in os.environ.items() if not key.upper().endswith("_PROXY")}
    given = {
        "data_dir": folder / "data",
        "mqtt__host": "127.0.0.1",
        "mqtt__port": broker_port,
        "web__port": free_port(),
        "log__level": "info",
        "log__format": "json",
        **keys,
    }
    env |= {f"ENVOY_{key.upper()}": str(value) for key, value in given.items()}
    for n, (host, token) in enumerate(hosts.items()):
        env |= {f"ENVOY_GATEWAYS__{n}__HOST": host, f"ENVOY_GATEWAYS__{n}__TOKEN": token}
    names = folder / "hosts"
    names.touch()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults.launcher", str(names)),
        env=env,
        cwd=Path(__file__).parents[2],
        stderr=asyncio.subprocess.PIPE,
    )
    log = asyncio.create_task(_keep(process, folder / "log"))
    try:
        yield process.pid
        assert process.returncode is None, (folder / "log").read_text()
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(15):
                    await process.wait()
            except TimeoutError:
                process.kill()
        await log


async def _keep(process: asyncio.subprocess.Process, path: Path) -> None:
    """A pipe is no file, so a disk that is full does not silence the log."""
    assert process.stderr is not None
    with path.open("ab", buffering=0) as file:
        while data := await process.stderr.read(65_536):
            file.write(data)


async def fresh(ears: Ears, serial: str, since: float = 0.0, patience_s: float = LONG_S) -> float:
    """When a reading of this gateway came after `since`."""

    def came() -> list[Heard]:
        live = ears.on(f"{serial}/live")
        return live[-1:] if live and live[-1].at > since else []

    await ears.until(lambda _: bool(came()), patience_s)
    return came()[0].at


async def offline(ears: Ears, serial: str, since: float, patience_s: float = PATIENCE_S) -> float:
    """When `availability` said offline after `since`."""

    def said() -> list[Heard]:
        told = ears.on(f"{serial}/availability")
        return [each for each in told if each.at > since and each.payload == b"offline"]

    await ears.until(lambda _: bool(said()), patience_s)
    return said()[0].at


def missing(ears: Ears, serial: str) -> int:
    """Sequence numbers that nobody heard; none may come twice or late."""
    numbers: list[int] = [each.json["sequence"] for each in ears.on(f"{serial}/live") if not each.retain]
    assert all(before < after for before, after in pairwise(numbers)), numbers
    return numbers[-1] - numbers[0] + 1 - len(numbers)


def loud(folder: Path, host: str) -> int:
    """Lines of the log about one far end, at info and above."""
    return (folder / "log").read_text().count(f'"{host}"')


def resident_mib(pid: int) -> float:
    """The process's memory, from /proc (Linux)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


class Look(NamedTuple):
    """A process at one moment."""

    mib: float
    files: int
    tasks: int
    threads: int


async def look(pid: int, folder: Path) -> Look:
    """What there is of the process that `running` keeps in this folder (Linux)."""
    told, proc = folder / "tasks", Path(f"/proc/{pid}")
    told.unlink(missing_ok=True)
    os.kill(pid, signal.SIGUSR1)
    await eventually(told.exists, LONG_S)
    files, threads = len(list((proc / "fd").iterdir())), len(list((proc / "task").iterdir()))
    return Look(resident_mib(pid), files, int(told.read_text()), threads)


now = time.monotonic
