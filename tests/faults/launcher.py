"""`envoy-mqtt run` with name look-ups of its own: `python -m tests.faults.launcher HOSTS`.

HOSTS holds lines `ADDRESS NAME`, read at every look-up; a name below `.test` that is not there does not
resolve. Without root nobody can change what a machine's resolver says, so the process gets another one.

SIGUSR1 makes it write how many asyncio tasks it has into the file `tasks` beside HOSTS. SIGUSR2 makes it read
the file `clock` there: seconds by which the wall clock was set, and for which the machine slept, while
its boot clock went on and its monotonic one, the event loop's, did not.
"""

import asyncio
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

HOSTS = Path(sys.argv[1])
_theirs = socket.getaddrinfo


def _addresses() -> dict[str, str]:
    return {name: address for address, name in map(str.split, HOSTS.read_text().splitlines())}


def _ours(host: Any, *what: Any, **more: Any) -> Any:
    if isinstance(host, str) and host.endswith(".test"):
        found = _addresses().get(host)
        if found is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        host = found
    return _theirs(host, *what, **more)


def _tell(*_: object) -> None:
    """The file is there with all that it says."""
    told = HOSTS.with_name("tasks.new")
    told.write_text(str(len(asyncio.all_tasks())))
    told.rename(HOSTS.with_name("tasks"))


class Clock:
    """The machine's clocks, after somebody has been at them."""

    def __init__(self) -> None:
        self._wall, self._boot = time.time, time.clock_gettime
        self._set_s = self._slept_s = 0.0

    def move(self, *_: object) -> None:
        told = HOSTS.with_name("clock").read_text().split()
        self._set_s, self._slept_s = map(float, told)

    def time(self) -> float:
        return self._wall() + self._set_s + self._slept_s

    def clock_gettime(self, which: int) -> float:
        return self._boot(which) + (self._slept_s if which == time.CLOCK_BOOTTIME else 0.0)


if __name__ == "__main__":
    clock = Clock()
    time.time, time.clock_gettime = clock.time, clock.clock_gettime
    signal.signal(signal.SIGUSR2, clock.move)
    socket.getaddrinfo = _ours
    signal.signal(signal.SIGUSR1, _tell)
    sys.argv = ["envoy-mqtt", "run"]
    from envoy_mqtt.cli import main

    main()
