"""The journal: whatever happens to process, disk or broker, each reading is there or its absence is said."""

import asyncio
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from envoy_mqtt.line import Line
from envoy_mqtt.mqtt.hole import DISK, FULL
from envoy_mqtt.mqtt.message import Message
from envoy_mqtt.mqtt.spool import AT_HAND, UNKEPT
from tests.mqtt.spooled import SERIAL, brief, drain, life, put, reading, take, until

OTHER = "122100000025"
LIVE = Message("envoy/122100000017/live", b"{}")


async def test_only_its_own_messages_are_taken(tmp_path: Path) -> None:
    async with life(tmp_path) as spool:
        assert list(spool.keep([LIVE, reading(1), LIVE])) == [LIVE, LIVE]
        (item,) = await take(spool, 1)
        assert item.message == Message("envoy/122100000017/journal", reading(1).payload, qos=1, retain=False)


async def test_readings_leave_in_order_and_are_forgotten_when_acknowledged(tmp_path: Path) -> None:
    async with life(tmp_path) as spool:
        put(spool, range(1, 6))
        items = await take(spool, 5)
        assert [json.loads(item.message.payload)["sequence"] for item in items] == [1, 2, 3, 4, 5]
        assert spool.facts.depth == 5
        for item in items[:3]:
            spool.sent(item)
        assert spool.facts.depth == 2
        spool.close()
        assert [item is again for item, again in zip(items[3:], await take(spool, 2), strict=True)] == [
            True
        ] * 2


async def test_what_was_not_acknowledged_comes_after_a_kill_and_the_rest_is_not_said_again(
    tmp_path: Path,
) -> None:
    async with life(tmp_path) as spool:
        put(spool, range(1, 6))
        for item in (await take(spool, 5))[:3]:
            spool.sent(item)
        put(spool, [6])  # what goes to the disk with it: three are acknowledged
        await take(spool, 1)
    async with life(tmp_path) as spool:
        assert spool.facts.depth == 3
        number = spool.numbers[SERIAL] + 1
        put(spool, [number])
        assert brief(await drain(spool, number)) == [4, 5, 6, (7, number - 1, None), number]


async def test_after_an_orderly_end_nothing_is_missing_and_nothing_twice(tmp_path: Path) -> None:
    async with life(tmp_path, orderly=True) as spool:
        put(spool, range(1, 6))
        for item in (await take(spool, 5))[:4]:
            spool.sent(item)
    async with life(tmp_path) as spool:
        assert spool.numbers[SERIAL] == 5
        put(spool, [6, 7])
        assert brief(await drain(spool, 7)) == [5, 6, 7]


async def test_a_broker_that_is_away_for_long_gets_it_all_from_the_disk(tmp_path: Path) -> None:
    last = 5 * AT_HAND
    async with life(tmp_path, max_mb=64) as spool:
        for n in range(0, last, 256):
            put(spool, range(n + 1, n + 257))
            await until(lambda: spool.facts.bytes > n * 80)  # noqa: B023  of about 90 a reading
        assert brief(await drain(spool, last)) == list(range(1, last + 1))
        assert spool.facts.depth == 0


async def test_a_full_journal_loses_the_oldest_and_says_so_exactly(tmp_path: Path) -> None:
    line = Line("bridge")
    count = 4 * AT_HAND
    async with life(tmp_path, max_mb=1, line=line) as spool:
        for n in range(1, count + 1, 64):
            put(spool, range(n, n + 64), size=1000)
            before = spool.facts
            await until(lambda: spool.facts != before)  # noqa: B023
        lost = spool.facts.lost
        assert [each.code for each in line.standing] == ["journal_full"]
        assert spool.facts.bytes <= 1_000_000
        said = await drain(spool, count)
        told = brief(said)
        assert {each["reason"] for each in said if "gap" in each} == {FULL}
        gaps = [each for each in told if isinstance(each, tuple)]
        assert [how_many for _, _, how_many in gaps] == [lost]
        assert len(told) == count - lost + 1
        put(spool, [count + 1])
        await drain(spool, count + 1)
        await until(lambda: not line.standing)


async def test_a_damaged_line_is_a_hole_of_one_and_counted(tmp_path: Path) -> None:
    async with life(tmp_path, orderly=True) as spool:
        put(spool, range(1, 6))
        await take(spool, 5)
    (path,) = (tmp_path / "journal").iterdir()
    path.write_bytes(path.read_bytes().replace(b'"sequence": 3', b'"sequence": 8'))
    with capture_logs() as logs:
        async with life(tmp_path) as spool:
            told = await drain(spool, 5)
            assert brief(told) == [1, 2, (3, 3, 1), 4, 5]
            assert told[2]["reason"] == DISK
            assert spool.facts.lost == 1
    assert [each["event"] for each in logs] == ["journal damaged"]


async def test_what_was_written_twice_comes_once(tmp_path: Path) -> None:
    """A disk that failed may have taken it all the same."""
    async with life(tmp_path, orderly=True) as spool:
        put(spool, range(1, 4))
        await take(spool, 3)
    (path,) = (tmp_path / "journal").iterdir()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines + [line for line in lines if b" R " in line[:12]]))
    async with life(tmp_path) as spool:
        put(spool, [4])
        assert brief(await drain(spool, 4)) == [1, 2, 3, 4]


async def test_several_gateways_have_their_own_numbers_and_holes(tmp_path: Path) -> None:
    async with life(tmp_path) as spool:
        put(spool, range(1, 4))
        put(spool, range(1, 3), OTHER)
        await take(spool, 5)
    async with life(tmp_path) as spool:
        put(spool, [spool.numbers[OTHER] + 1], OTHER)
        put(spool, [spool.numbers[SERIAL] + 1])
        told = []
        for _ in range(9):
            item = await spool.next()
            spool.sent(item)
            told.append((item.serial, *brief([json.loads(item.message.payload)])))
    assert [each[1] for each in told if each[0] == SERIAL] == [1, 2, 3, (4, 1001, None), 1002]
    assert [each[1] for each in told if each[0] == OTHER] == [1, 2, (3, 1001, None), 1002]


async def test_a_disk_that_cannot_be_written_is_said_and_readings_leave_all_the_same(tmp_path: Path) -> None:
    line = Line("bridge")
    (tmp_path / "journal").write_text("in the way")
    with capture_logs() as logs:
        async with life(tmp_path, line=line) as spool:
            put(spool, range(1, 4))
            assert brief(await drain(spool, 3)) == [1, 2, 3]
            assert [each.code for each in line.standing] == ["disk"]
    assert [each["event"] for each in logs] == ["journal cannot be kept"]


async def test_a_disk_that_fails_while_the_broker_is_away_loses_the_oldest_exactly(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("in the way")
    async with life(tmp_path) as spool:
        put(spool, range(1, UNKEPT + 11))
        assert spool.facts.lost == 10
        told = brief(await drain(spool, UNKEPT + 10))
        assert told == [(1, 10, 10), *range(11, UNKEPT + 11)]


Life = tuple[int, int, int, float]
LIVES = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 8), st.floats(0, 1)),
    min_size=1,
    max_size=5,
)


async def be_killed(
    folder: Path, kept: int, torn: int, acknowledged: int, whole: float
) -> tuple[set[int], int]:
    """Take some readings, some of them acknowledged; the power goes while `torn` more are being written.

    The numbers that were handed to the broker, and the last that was used.
    """
    handed: set[int] = set()
    async with life(folder) as spool:
        number = spool.numbers[SERIAL]
        put(spool, range(number + 1, number + kept + 1))
        for _ in range(kept):
            item = await spool.next()
            handed |= {json.loads(item.message.payload).get("sequence", 0)}
            if len(handed) <= acknowledged:
                spool.sent(item)
        newest = max((folder / "journal").iterdir())
        safe = newest.stat().st_size
        put(spool, range(number + kept + 1, number + kept + torn + 1))
        await until(lambda: not torn or spool.facts.bytes > safe)
    end = newest.stat().st_size
    os.truncate(newest, safe + int(whole * (end - safe)))
    return handed, number + kept + torn


def accounted(told: list[dict[str, Any]]) -> list[int]:
    """Every number that was told or told missing."""
    spans = [(each["from_sequence"], each["to_sequence"]) for each in told if "gap" in each]
    numbers = [each["sequence"] for each in told if "gap" not in each]
    return numbers + [n for first, last in spans for n in range(first, last + 1)]


@settings(max_examples=60)
@given(LIVES)
def test_a_power_cut_loses_only_what_was_being_written_and_every_hole_is_said(lives: list[Life]) -> None:
    async def live() -> None:
        used = 0
        safe: set[int] = set()
        with tempfile.TemporaryDirectory() as name:
            for each in lives:
                async with life(Path(name)) as spool:
                    assert spool.numbers[SERIAL] >= used  # never back
                handed, used = await be_killed(Path(name), *each)
                safe |= handed
            async with life(Path(name)) as spool:
                last = spool.numbers[SERIAL] + 1
                put(spool, [last])
                told = await drain(spool, last)
        numbers = accounted(told)
        assert sorted(numbers) == list(range(min(numbers), last + 1))
        assert [n for n in numbers if n in safe and n >= min(numbers)] == sorted(
            each["sequence"] for each in told if each.get("sequence") in safe
        )

    asyncio.run(live())


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=0, max_size=40)), min_size=1, max_size=6),
    st.data(),
)
def test_whatever_happens_to_its_files_it_goes_on_and_says_what_is_missing(
    damages: list[tuple[float, bytes]], data: st.DataObject
) -> None:
    """Overwritten and cut anywhere; the numbers of the last process are at least one block further."""

    async def live() -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            async with life(folder) as spool:
                put(spool, range(1, 61))
                items = await take(spool, 60)
                for item in items[:20]:
                    spool.sent(item)
                put(spool, [61])
                await take(spool, 1)
            (path,) = (folder / "journal").iterdir()
            raw = bytearray(path.read_bytes())
            for where, what in damages:
                at = int(where * len(raw))
                raw[at : at + len(what)] = what
            path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))])
            async with life(folder) as spool:
                last = spool.numbers[SERIAL] + 1
                put(spool, [last])
                told = await drain(spool, last)
            numbers = accounted(told)
            assert sorted(numbers) == list(range(min(numbers), last + 1))

    asyncio.run(live())


@pytest.mark.parametrize("orderly", [True, False])
async def test_a_journal_without_a_reading_leaves_nothing_to_say(tmp_path: Path, orderly: bool) -> None:
    async with life(tmp_path, orderly=orderly):
        pass
    async with life(tmp_path) as spool:
        put(spool, [spool.numbers[SERIAL] + 1])
        assert len(await drain(spool, spool.numbers[SERIAL] + 1)) == (1 if orderly else 2)
