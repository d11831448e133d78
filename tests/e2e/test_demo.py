"""`envoy-mqtt demo` as a newcomer runs it: into a pipe, with real clients beside it."""

import asyncio
import json
import os
import re
import shlex
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp

from tests.programs import require

LINE = re.compile(r"mosquitto_sub -h 127\.0\.0\.1 -p (\d+) -t 'envoy/#' -v\n")
PAGE = re.compile(r"(http://127\.0\.0\.1:\d+)/ shows a simulated house: open it in a browser\.\n")
LIVE = re.compile(
    r"\d\d:\d\d:\d\d   production +-?\d+ W   (?:im|ex)porting +\d+ W   consumption +-?\d+ W   \d+ ms old\n"
)


@asynccontextmanager
async def demo(folder: Path, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "envoy_mqtt", "demo", *arguments),
        cwd=folder,
        env={**os.environ, "COLUMNS": "20"},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def said(process: asyncio.subprocess.Process, pattern: re.Pattern[str]) -> re.Match[str]:
    """The next whole line that matches."""
    assert process.stdout is not None
    async with asyncio.timeout(30):
        while True:
            line = (await process.stdout.readline()).decode()
            assert line, "the demo has ended"
            if match := pattern.fullmatch(line):
                return match


async def test_the_demo_says_one_line_to_try_that_works_then_a_line_a_second(tmp_path: Path) -> None:
    mosquitto_sub = require("mosquitto_sub", "mosquitto-clients")
    async with demo(tmp_path) as process:
        shown = await said(process, LINE)
        words = shlex.split(shown[0])
        for _ in range(3):
            await said(process, LIVE)
        heard = await asyncio.create_subprocess_exec(
            *(mosquitto_sub, *words[1:], "-W", "10", "-C", "20"), stdout=asyncio.subprocess.PIPE
        )
        out, _ = await heard.communicate()
        messages = [line.split(" ", 1) for line in out.decode().splitlines()]
        assert ["envoy/bridge/state", "online"] in messages
        live = [json.loads(text) for topic, text in messages if topic.endswith("/live")]
        assert live[0]["source"] == "stream"

        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0
        assert time.monotonic() - start < 3


async def test_its_first_line_is_the_address_of_the_page(tmp_path: Path) -> None:
    with socket.socket() as taken:
        with suppress(OSError):  # somebody has it: all the better
            taken.bind(("127.0.0.1", 8099))
            taken.listen()
        async with demo(tmp_path) as process, aiohttp.ClientSession() as client:
            assert process.stdout is not None
            async with asyncio.timeout(30):
                first = (await process.stdout.readline()).decode()
            shown = PAGE.fullmatch(first)
            assert shown is not None
            assert not shown[1].endswith(":8099")
            await said(process, LIVE)
            async with client.get(shown[1] + "/") as answer:
                assert answer.status == 200
            async with client.get(shown[1] + "/api/state") as answer:
                assert len((await answer.json())["gateways"]) == 1


async def test_a_port_that_is_taken_is_replaced_by_a_free_one(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with demo(tmp_path, "--port", str(port)) as process:
            assert int((await said(process, LINE))[1]) != port
            await said(process, LIVE)


async def test_where_loopback_reaches_nobody_it_listens_everywhere_and_says_so(tmp_path: Path) -> None:
    everywhere = re.compile(r"  broker    127\.0\.0\.1:(\d+)   no password, open to who reaches 0\.0\.0\.0\n")
    async with demo(tmp_path, "--host", "0.0.0.0", "--port", "0") as process:
        port = int((await said(process, everywhere))[1])
        assert listening_everywhere(port)
        await said(process, LIVE)


def listening_everywhere(port: int) -> bool:
    """Linux answers all of 127.0.0.0/8 on its loopback (proc(5) would say the same, on Linux alone)."""
    try:
        socket.create_connection(("127.0.0.2", port), 10).close()
    except OSError:
        return False
    return True
