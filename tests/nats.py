"""A broker of another make: the NATS server of Debian's package, which speaks MQTT 3.1.1.

with Nats() as broker:
    ...     # broker.port; kill, start, stop as with `Mosquitto`
"""

import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.mosquitto import PATIENCE_S, _accepts, _free_port
from tests.programs import require

CONFIGURATION = """
server_name: tests
host: 127.0.0.1
port: {own}
jetstream {{ store_dir: "{folder}" }}
mqtt {{ host: 127.0.0.1, port: {mqtt} }}
"""


class Nats:
    """One server, on the same port whenever it is started again; it keeps what is retained."""

    def __init__(self) -> None:
        self._executable = require("nats-server")
        self.port, self._own = _free_port(), _free_port()

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="nats-", ignore_cleanup_errors=True)
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._folder.cleanup()

    def start(self) -> None:
        """Returns when it takes MQTT connections."""
        file = Path(self._folder.name) / "nats.conf"
        file.write_text(CONFIGURATION.format(own=self._own, mqtt=self.port, folder=self._folder.name))
        command = [self._executable, "-c", str(file), "-l", f"{self._folder.name}/log"]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE_S
        while not _accepts("127.0.0.1", self.port):
            assert self._process.poll() is None, "nats-server did not start"
            assert time.monotonic() < deadline, "nats-server does not listen"
            time.sleep(0.01)

    def kill(self) -> None:
        """Ends it on the spot."""
        self._process.kill()
        self._process.wait()
