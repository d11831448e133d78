"""A real Mosquitto for tests, on a free loopback port, gone when the test is.

    with Mosquitto(persistent=True) as broker:
        ...                     # broker.port
        broker.kill()           # SIGKILL, as a power cut does
        broker.start()          # the same port again

Its verbs return when they have taken effect: `start` when the broker accepts connections, `stop`
and `kill` when its process is gone. That takes milliseconds, so async tests call them as they are.
"""

import contextlib
import os
import random
import resource
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.programs import require

# Far beyond the few milliseconds it takes; a loaded CI machine has been seen to need a second.
PATIENCE_S = 30.0


class Mosquitto:
    """One broker; `extra` are lines for its configuration, `persistent` lets it keep its memory on disk."""

    def __init__(self, *extra: str, persistent: bool = False) -> None:
        self._executable = require("mosquitto")
        self._extra = extra
        self._persistent = persistent
        self._process: subprocess.Popen[bytes] | None = None
        self.host = "127.0.0.1"
        self.port = 0

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="mosquitto-")
        try:
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._folder.cleanup()

    @property
    def log(self) -> str:
        """Everything the broker has said since it was first started."""
        return self._path("log").read_text()

    @property
    def saved_at(self) -> float:
        """When a persistent one last wrote its memory down (Unix, s); 0 where that was nothing."""
        path = self._path("db")
        return path.stat().st_mtime if path.exists() and path.stat().st_size else 0.0

    def start(self) -> None:
        """Starts it, for the first time on a free port and then always on that one."""
        assert self._process is None, "already running"
        self.port = self.port or _free_port()
        self._path("conf").write_text("\n".join(self._configuration()) + "\n")
        with self._path("log").open("ab") as log:
            command = [self._executable, "-c", str(self._path("conf"))]
            # What Python ignores the broker ignores, too: a file that may not grow is an error it has to
            # live with, and not its end.
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, restore_signals=False
            )
        self._wait_until_it_listens(self._process)

    def stop(self) -> None:
        """Asks it to end: it says goodbye and, when persistent, writes its memory down."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it on the spot; nothing happens when it is not running."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Its sockets stay open, the kernel goes on accepting for it, and it answers nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def fill_disk(self) -> None:
        """No file of it may grow any more, as on a disk that is full."""
        self._allow(0)

    def free_disk(self) -> None:
        self._allow(resource.RLIM_INFINITY)

    def _allow(self, most_bytes: int) -> None:
        assert self._process is not None, "not running"
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (most_bytes, resource.RLIM_INFINITY))

    def _configuration(self) -> list[str]:
        lines = [
            f"listener {self.port} {self.host}",
            "allow_anonymous true",
            "set_tcp_nodelay true",
            f"persistence {str(self._persistent).lower()}",
            f"persistence_location {self._folder.name}/",
        ]
        # As root it would turn into a user who cannot write to our folder.
        return [*lines, *(["user root"] if os.geteuid() == 0 else []), *self._extra]

    def _path(self, suffix: str) -> Path:
        return Path(self._folder.name) / f"mosquitto.{suffix}"

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None, "not running"
        self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        process.send_signal(number)
        process.send_signal(signal.SIGCONT)  # Frozen, it would not even hear SIGTERM.
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def _wait_until_it_listens(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not _accepts(self.host, self.port):
            assert process.poll() is None, f"mosquitto did not start: {self.log}"
            assert time.monotonic() < deadline, f"mosquitto does not listen: {self.log}"
            time.sleep(0.002)


def _free_port() -> int:
    """Below the ports a kernel gives away by itself (Linux from 32768, macOS from 49152).

    From among those, a client that tries to reconnect while the broker is down may be given the very
    port it wants to reach, connects to itself, and keeps the broker from ever starting again.
    """
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _accepts(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True
