"""`envoy-mqtt watch` as people run it: in a pipe, and in a terminal of its own."""

import asyncio
import fcntl
import os
import pty
import re
import signal
import struct
import sys
import termios
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options
from tests.app.supervisor import TOKEN, supervising
from tests.e2e.harness import bridging, free_port, listening, settings, target
from tests.mosquitto import Mosquitto

COMMAND = (sys.executable, "-m", "envoy_mqtt", "watch")
SENTENCE = re.compile(r"The house (draws|feeds) [\d.]+ k?W (from|into) the grid\.")


@pytest.fixture(scope="module")
def keys() -> Keys:
    return Keys()


def at(port: int) -> dict[str, str]:
    """The broker at a port of this machine, as the environment says it."""
    return {"ENVOY_MQTT__HOST": "127.0.0.1", "ENVOY_MQTT__PORT": str(port)}


def environ(folder: Path, broker: dict[str, str]) -> dict[str, str]:
    usual = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES", "NO_COLOR")}
    ours = {"ENVOY_DATA_DIR": str(folder / "watch"), "PYTHONWARNINGS": "error", "TERM": "xterm"}
    return {**usual, **ours, **broker}


@asynccontextmanager
async def at_work(broker: Mosquitto, keys: Keys, folder: Path) -> AsyncIterator[str]:
    """A bridge that tells the broker of a gateway; its serial number."""
    async with Gateway(Options(), keys=keys) as gateway, listening(broker.port) as ears:
        it = settings(
            folder,
            **target(gateway, broker.port),
        )
        async with bridging(it):
            await ears.hear("/energy")
            await ears.hear("/live")
            yield gateway.serial


async def once(folder: Path, broker: dict[str, str], *arguments: str) -> tuple[int | None, str, str]:
    """Exit status, output and complaints of the command in a pipe."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *arguments,
        cwd=folder,
        env=environ(folder, broker),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, complaints = await process.communicate()
    return process.returncode, out.decode(), complaints.decode()


async def test_in_a_pipe_it_shows_one_picture_without_colours_and_ends(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with at_work(broker, keys, tmp_path) as serial:
        status, out, complaints = await once(tmp_path, at(broker.port))
    assert (status, complaints) == (0, "")
    assert "\x1b" not in out
    assert SENTENCE.search(out)
    assert serial in out
    assert re.search(r"^solar L?1? +-?\d+ W +\d+\.\d V", out, re.MULTILINE)
    assert re.search(r"^today +produced \d+\.\d\d kWh", out, re.MULTILINE)


async def test_without_a_broker_it_says_so_in_a_sentence(tmp_path: Path) -> None:
    status, out, complaints = await once(tmp_path, at(free_port()), "--once")
    assert (status, out) == (1, "")
    assert complaints.startswith("The broker 127.0.0.1:")
    assert "doctor" in complaints
    assert complaints.count("\n") == 1


async def test_the_broker_that_the_supervisor_names_is_the_one_that_is_spoken_of(tmp_path: Path) -> None:
    port = free_port()
    async with supervising() as supervisor:
        supervisor.offer(port, "addons", "secret")
        app = {"SUPERVISOR_TOKEN": TOKEN, "SUPERVISOR_API": supervisor.url}
        _, _, complaints = await once(tmp_path, app, "--once")
    assert complaints.startswith(f"The broker 127.0.0.1:{port}: ")


class Terminal:
    """A terminal of so many columns and lines, with the command in it."""

    def __init__(self, folder: Path, port: int, columns: int, lines: int) -> None:
        self._folder, self._port, self._size = folder, port, struct.pack("HHHH", lines, columns, 0, 0)
        self.shown = ""

    async def __aenter__(self) -> "Terminal":
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, self._size)
        os.set_blocking(self._ours, False)
        self.process = await asyncio.create_subprocess_exec(
            *COMMAND,
            cwd=self._folder,
            env=environ(self._folder, at(self._port)),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        os.close(self._ours)

    async def shows(self, pattern: str) -> None:
        """Wait until it shows this anew."""
        self.shown = ""
        async with asyncio.timeout(40):
            while not re.search(pattern, self.shown):
                await asyncio.sleep(0.05)
                try:
                    self.shown += os.read(self._ours, 1_000_000).decode(errors="replace")
                except BlockingIOError:
                    continue


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (40, 20)])
async def test_in_a_terminal_it_goes_on_until_ctrl_c(
    broker: Mosquitto, keys: Keys, tmp_path: Path, columns: int, lines: int
) -> None:
    async with at_work(broker, keys, tmp_path), Terminal(tmp_path, broker.port, columns, lines) as terminal:
        for _ in range(3):
            await terminal.shows(SENTENCE.pattern)
        # It draws whole screens, and none is larger than the terminal.
        screen = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "\r\n", terminal.shown)
        assert max(map(len, screen.splitlines())) <= columns
        start = time.monotonic()
        terminal.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(30):
            assert await terminal.process.wait() == 0
        assert time.monotonic() - start < 10


async def test_a_broker_that_goes_away_is_said_and_comes_back(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with at_work(broker, keys, tmp_path), Terminal(tmp_path, broker.port, 120, 30) as terminal:
        await terminal.shows(SENTENCE.pattern)
        broker.kill()
        await terminal.shows(r"The broker 127\.0\.0\.1:\d+: .*It is asked again in \d+ s\.")
        broker.start()
        await terminal.shows(r"\x1b\[H(?:(?!The broker)[\s\S])*" + SENTENCE.pattern)
