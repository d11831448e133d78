"""`envoy-mqtt run` with name look-ups of its own: `python -m tests.faults.launcher HOSTS`.

HOSTS holds lines `ADDRESS NAME`, read at every look-up; a name below `.test` that is not there does not
resolve. Without root nobody can change what a machine's resolver says, so the process gets another one.

SIGUSR1 makes it write how many asyncio tasks it has into the file `tasks` beside HOSTS.
"""

import asyncio
import signal
import socket
import sys
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


if __name__ == "__main__":
    socket.getaddrinfo = _ours
    signal.signal(signal.SIGUSR1, _tell)
    sys.argv = ["envoy-mqtt", "run"]
    from envoy_mqtt.cli import main

    main()
