"""Alive is a bridge whose loop turns and whose jobs are all there; the heartbeat tells it to others."""

import asyncio
from pathlib import Path

import pytest

from envoy_mqtt.clock import steady
from envoy_mqtt.life import LATE_S, Life, beats
from tests.e2e.harness import eventually


async def test_a_job_that_goes_on_is_whole_and_one_that_has_ended_is_not() -> None:
    life = Life(Path())
    job = asyncio.create_task(life.supervise(asyncio.sleep(3600)))
    await asyncio.sleep(0)
    assert life.whole
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)
    assert life.whole
    await life.supervise(asyncio.sleep(0))
    assert not life.whole


async def test_the_heart_beats_in_a_file_of_its_owners(tmp_path: Path) -> None:
    beating = asyncio.create_task(Life(tmp_path).beat(lambda: False))
    await eventually(lambda: beats(tmp_path, steady()))
    assert (tmp_path / "heartbeat").stat().st_mode & 0o777 == 0o600
    beating.cancel()


async def test_the_heart_need_not_beat_where_someone_answers_and_must_not_where_a_job_has_ended(
    tmp_path: Path,
) -> None:
    ended = Life(tmp_path)
    await ended.supervise(asyncio.sleep(0))
    quiet = [
        asyncio.create_task(Life(tmp_path).beat(lambda: True)),
        asyncio.create_task(ended.beat(lambda: False)),
    ]
    other = tmp_path / "other"
    other.mkdir()
    beating = asyncio.create_task(Life(other).beat(lambda: False))
    await eventually(lambda: beats(other, steady()))
    assert not (tmp_path / "heartbeat").exists()
    for task in (*quiet, beating):
        task.cancel()


@pytest.mark.parametrize(
    ("content", "now", "alive"),
    [
        (b"0000000000000100.000\n", 100.0, True),
        (b"0000000000000100.000\n", 100.0 + LATE_S, True),
        (b"0000000000000100.000\n", 100.1 + LATE_S, False),
        (b"0000000000000100.000\n", 50.0, False),
        (b"", 100.0, False),
        (b"nonsense", 100.0, False),
        (b"nan", 100.0, False),
    ],
)
def test_only_a_late_beat_or_one_of_another_boot_is_none(
    tmp_path: Path, content: bytes, now: float, alive: bool
) -> None:
    (tmp_path / "heartbeat").write_bytes(content)
    assert beats(tmp_path, now) is alive


def test_without_a_file_there_is_no_life(tmp_path: Path) -> None:
    assert not beats(tmp_path, 100.0)


async def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    beating = asyncio.create_task(Life(tmp_path / "missing").beat(lambda: False))
    await eventually(lambda: True)
    assert not beating.done()
    beating.cancel()
