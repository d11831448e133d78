"""What stands around a measurement: player, bridge, shell pipe. Each is gone when its block is."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import machine
from benchmarks.player import Spec
from tests.e2e.harness import free_port

# An answer of the player holds a stamp for each of up to 100,000 events.
LONGEST_LINE = 16 * 1024 * 1024

# A subscriber that is late for a moment shall not look like a bridge that loses readings.
UNLIMITED = "max_queued_messages 0"

# What is told to end has this long; then it is killed.
PATIENCE_S = 10.0


class Gateway(NamedTuple):
    """Where a simulated gateway listens, and a good token."""

    port: int
    serial: str
    token: str


# An event is known by its gateway's serial number and by its own.
Event = tuple[str, int]

# When each event was written, in nanoseconds of CLOCK_MONOTONIC.
Written = dict[Event, int]


class Player:
    """The process of the simulated gateways, from outside."""

    def __init__(self, process: Process, gateways: list[Gateway]) -> None:
        self._process = process
        self.gateways = gateways

    async def streaming(self) -> None:
        """Wait until every gateway has a client."""
        await self._ask("streaming")

    async def send(self, events: int, rate_hz: float | None = None) -> Written:
        """Write events, evenly spread over the gateways and the time, or as fast as they are read."""
        answer = await self._ask("send", events=events, rate_hz=rate_hz)
        written: Written = {}
        for n, stamp_ns in enumerate(answer["stamps_ns"], answer["first"]):
            number, which = divmod(n, len(self.gateways))
            written[self.gateways[which].serial, number] = stamp_ns
        return written

    async def _ask(self, verb: str, **arguments: object) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([verb, arguments]).encode() + b"\n")
        answer: dict[str, Any] = await _answer(self._process)
        return answer


async def _answer(process: Process) -> Any:
    assert process.stdout is not None
    line = await process.stdout.readline()
    if not line:
        raise RuntimeError("the player has ended; what it said is above")
    return json.loads(line)


@asynccontextmanager
async def playing(spec: Spec) -> AsyncIterator[Player]:
    """Simulated gateways in a process of their own, beside the broker's."""
    command = (sys.executable, "-m", "benchmarks.player", json.dumps(spec))
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, limit=LONGEST_LINE)
    try:
        yield Player(process, [Gateway(**each) for each in await _answer(process)])
    finally:
        await _end(process, signal.SIGKILL)


@asynccontextmanager
async def bridging(
    port: int, gateways: Sequence[Gateway], *options: str, web: str | None = None
) -> AsyncIterator[list[int]]:
    """`envoy-mqtt run` on these gateways and the broker at this port, all else at its default; its pid.

    `options` are for Python itself, `web` is a line for the web server. When something fails, the end of the
    bridge's log is shown.
    """
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        (folder / "config.toml").write_text(_config(folder, port, gateways, web))
        with (folder / "log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, *options, "-m", "envoy_mqtt", "run"),
                cwd=folder,
                env={key: value for key, value in os.environ.items() if not key.startswith("ENVOY_")},
                stdin=subprocess.DEVNULL,
                stderr=log,
                preexec_fn=machine.pin_to_measured,
            )
        try:
            yield [process.pid]
        except BaseException:
            print("".join((folder / "log").read_text().splitlines(keepends=True)[-5:]), file=sys.stderr)
            raise
        finally:
            await _end(process, signal.SIGTERM)


def _config(folder: Path, port: int, gateways: Sequence[Gateway], web: str | None) -> str:
    tables = [
        f'[[gateways]]\nhost = "127.0.0.1:{each.port}"\nserial = "{each.serial}"\ntoken = "{each.token}"'
        for each in gateways
    ]
    first = f'data_dir = "{folder / "data"}"\n[mqtt]\nhost = "127.0.0.1"\nport = {port}\n'
    first += f"[web]\n{web or f'port = {free_port()}'}"
    return "\n".join([first, *tables, ""])


@asynccontextmanager
async def piping(port: int, gateway: Gateway) -> AsyncIterator[list[int]]:
    """What one would write in a shell, from the gateway to `shell/SERIAL/live`; the three pids.

    curl -skN -H "Authorization: Bearer …" URL | sed -un 's/^data: //p' | mosquitto_pub -l -t shell/live …
    """
    url = f"https://127.0.0.1:{gateway.port}/stream/meter"
    curl = ("curl", "-skN", "-H", f"Authorization: Bearer {gateway.token}", url)
    sed = ("sed", "-un", "s/^data: //p")
    topic = f"shell/{gateway.serial}/live"
    pub = ("mosquitto_pub", "-l", "-h", "127.0.0.1", "-p", str(port), "-t", topic)
    events, from_curl = os.pipe()
    lines, from_sed = os.pipe()
    processes: list[Process] = []
    try:
        try:
            processes.append(await _link(curl, subprocess.DEVNULL, from_curl))
            processes.append(await _link(sed, events, from_sed))
            processes.append(await _link(pub, lines, subprocess.DEVNULL))
        finally:
            for end in (events, from_curl, lines, from_sed):
                os.close(end)
        yield [process.pid for process in processes]
    finally:
        for process in processes:
            await _end(process, signal.SIGKILL)


async def _link(command: Sequence[str], before: int, after: int) -> Process:
    return await asyncio.create_subprocess_exec(
        *command, stdin=before, stdout=after, preexec_fn=machine.pin_to_measured
    )


@asynccontextmanager
async def viewing(port: int, count: int) -> AsyncIterator[list[int]]:
    """So many viewers of the page, in a process of their own; how many readings each got, when they go."""
    command = (sys.executable, "-m", "benchmarks.tabs", str(port), str(count))
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    readings: list[int] = []
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        await process.stdout.readline()
        yield readings
        process.stdin.close()
        readings += json.loads(await process.stdout.readline())
    finally:
        await _end(process, signal.SIGKILL)


@asynccontextmanager
async def importing(modules: Iterable[str]) -> AsyncIterator[int]:
    """A Python that has imported these modules, as far as they can be, and does nothing; its pid."""
    command = (sys.executable, "-m", "benchmarks.bare")
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(" ".join(modules).encode() + b"\n")
        await process.stdout.readline()
        yield process.pid
    finally:
        await _end(process, signal.SIGKILL)


async def _end(process: Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(number)
    try:
        async with asyncio.timeout(PATIENCE_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
