"""The machine it is measured on, and what its kernel knows of a process: CPU, memory, cores, sockets."""

import asyncio
import os
import platform
import re
import resource
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.programs import require

# The measured processes have the first core for themselves where there are two; everything else
# (gateway, broker, subscriber) shares the rest.
CORES = sorted(os.sched_getaffinity(0))
MEASURED = {CORES[0]}
OTHERS = set(CORES[1:]) or MEASURED

LOOK_EVERY_S = 0.005


def pin_to_measured() -> None:
    """Put the calling process, and what it starts, on the core of what is measured."""
    os.sched_setaffinity(0, MEASURED)


def pin_to_others() -> None:
    """Put the calling process, and what it starts, on the cores of everything else."""
    os.sched_setaffinity(0, OTHERS)


def allow_many_files() -> None:
    """As many open files as the system allows, for this process and those it starts."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def cpu_s(*pids: int) -> float:
    """User and system seconds that these processes have used, all threads, in nanosecond steps.

    The ids of other processes' clocks are what `clock_getcpuclockid(3)` returns; `/proc/PID/stat` has
    the same figure in steps of 10 ms.
    """
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)


class Core:
    """The measured core from now on, and what of its time went to others than these processes."""

    def __init__(self, *pids: int) -> None:
        self._pids = pids
        self._at, self._busy_s, self._cpu_s = time.monotonic(), _busy_s(), cpu_s(*pids)

    @property
    def others_percent(self) -> float:
        """A figure measured while this is not small says more about the others."""
        others_s = _busy_s() - self._busy_s - (cpu_s(*self._pids) - self._cpu_s)
        return max(0.0, others_s) / (time.monotonic() - self._at) * 100


def _busy_s() -> float:
    """Seconds that the measured core was not idle: `/proc/stat` without its columns idle and iowait."""
    found = re.search(rf"^cpu{CORES[0]} (.+)$", Path("/proc/stat").read_text(), re.MULTILINE)
    assert found is not None
    ticks = [int(column) for column in found[1].split()[:8]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    """The resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024


def said(pid: int) -> str:
    """Everything a process has written to the file that is its stderr."""
    return Path(f"/proc/{pid}/fd/2").read_text()


async def until(true: Callable[[], bool]) -> None:
    """Wait for what nobody reports: look again and again."""
    while not true():  # noqa: ASYNC110
        await asyncio.sleep(LOOK_EVERY_S)


def all_read(port: int) -> bool:
    """Whether nothing waits in the kernel on any connection to or from this port."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    here = f":{port:04X}"
    return not any(
        row[4] != "00000000:00000000"
        for row in rows
        if row[3] == "01" and (row[1].endswith(here) or row[2].endswith(here))
    )


def description() -> str:
    """The machine in one line."""
    return ", ".join(
        (
            _processor(),
            f"{len(CORES)} {'core' if len(CORES) == 1 else 'cores'}",
            f"Python {platform.python_version()}",
            f"Mosquitto {_mosquitto()}",
            f"Linux {platform.release()}",
            f"load {os.getloadavg()[0]:.1f} at the start",
        )
    )


def pinning() -> str:
    """Which core is whose, in one line."""
    if MEASURED == OTHERS:
        return "one core, nothing is pinned: what is measured shares it with everything else"
    others = ", ".join(map(str, sorted(OTHERS)))
    return f"pinned: what is measured to core {CORES[0]}; gateway, broker and subscriber to {others}"


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _mosquitto() -> str:
    said = subprocess.run([require("mosquitto"), "-h"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"version (\S+)", said)
    return found[1] if found else "?"
