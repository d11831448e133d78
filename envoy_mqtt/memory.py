"""How much memory this process has, and what of it can go."""

import ctypes
import gc
import os
import sys
from contextlib import suppress
from pathlib import Path

MIB = 1024 * 1024

if sys.platform == "linux":

    def resident_mib() -> float:
        """Resident memory in MiB (proc(5), /proc/pid/statm)."""
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / MIB

else:
    import resource

    def resident_mib() -> float:
        """The most there has been, in MiB: what other systems tell (macOS in bytes, BSD in KiB)."""
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most / MIB if sys.platform == "darwin" else most / 1024


def give_back() -> None:
    """Hand to the system what the imports needed for a moment and the allocator keeps: 6 MiB on glibc, which
    alone has a way to ask for it.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def collect() -> None:
    """Look for what stands in circles and is of no use, and give that back, too: the collector by itself lets
    80,000 of such objects lie, 8 MiB.
    """
    gc.collect()
    give_back()


def freeze() -> None:
    """What is there now stays: without this the collector looks through all of it again and again.

    With a thousand gateways that stops the bridge for 150 ms every few seconds, and finds nothing.
    """
    gc.collect()
    gc.freeze()
    give_back()
