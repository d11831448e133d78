"""One at a time: among tasks, among processes, and without holding up the event loop."""

import asyncio
import sys
from pathlib import Path

import pytest

from envoy_mqtt.lock import locked

HOLDER = """
import asyncio, sys
from pathlib import Path
from envoy_mqtt.lock import locked

async def hold():
    async with locked(Path(sys.argv[1])):
        print("held", flush=True)
        await asyncio.to_thread(sys.stdin.readline)

asyncio.run(hold())
"""


async def test_tasks_take_turns(tmp_path: Path) -> None:
    inside, most = 0, 0

    async def work() -> None:
        nonlocal inside, most
        async with locked(tmp_path / "lock"):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(work())
    assert most == 1


async def test_a_process_waits_for_another_and_its_loop_turns_meanwhile(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOLDER, str(tmp_path / "lock")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert await process.stdout.readline() == b"held\n"
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3), locked(tmp_path / "lock"):
            pass
    process.stdin.write(b"\n")
    async with locked(tmp_path / "lock"):
        pass
    await process.wait()


async def test_a_process_that_dies_gives_it_back(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOLDER, str(tmp_path / "lock")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    await process.stdout.readline()
    process.kill()
    async with locked(tmp_path / "lock"):
        pass
    await process.wait()


async def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    async with locked(tmp_path / "lock"):
        assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600
