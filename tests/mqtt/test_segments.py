"""The journal's files: appended to, read in order, bounded, and never trusted."""

import os
from pathlib import Path

import pytest

from envoy_mqtt.errors import ConfigError
from envoy_mqtt.mqtt.bookmark import Bookmark
from envoy_mqtt.mqtt.record import Kept, Read, reading_line, state_line
from envoy_mqtt.mqtt.segments import SMALLEST, Place, Segments

SERIAL = "122100000017"
HEAD = state_line(Bookmark().content)


def kept(position: int, size: int = 10) -> Kept:
    return Kept(position, Read(SERIAL, position + 1, 1000.0, b"x" * size))


def lines(*positions: int, size: int = 10) -> bytes:
    return b"".join(reading_line(kept(position, size)) for position in positions)


def opened(folder: Path, max_bytes: int = 10_000_000) -> Segments:
    segments = Segments(folder, max_bytes)
    segments.open()
    return segments


def everything(segments: Segments, position: int = 0) -> list[int]:
    found: list[int] = []
    place, end = Place(), False
    while not end:
        batch = segments.read(place, position)
        place, end = batch.place, batch.end
        found += [each.position for each in batch.kept]
    return found


def test_what_was_appended_is_read_in_order_and_from_any_position_on(tmp_path: Path) -> None:
    segments = opened(tmp_path)
    segments.append(lines(0, 1), HEAD, 0)
    segments.append(lines(2, 3, 4), HEAD, 2)
    assert everything(segments) == [0, 1, 2, 3, 4]
    assert everything(segments, 3) == [3, 4]


def test_reading_goes_on_where_it_stopped(tmp_path: Path) -> None:
    segments = opened(tmp_path)
    segments.append(lines(0, 1), HEAD, 0)
    batch = segments.read(Place(), 0)
    segments.append(lines(2), HEAD, 2)
    assert [each.position for each in segments.read(batch.place, 2).kept] == [2]
    assert segments.read(segments.end, 3).end


def test_a_file_of_many_chunks_is_read_whole(tmp_path: Path) -> None:
    segments = opened(tmp_path, 64_000_000)
    segments.append(lines(*range(2000), size=500), HEAD, 0)
    assert everything(segments) == list(range(2000))


def test_the_next_process_writes_to_a_file_of_its_own(tmp_path: Path) -> None:
    opened(tmp_path).append(lines(0, 1), HEAD, 0)
    segments = opened(tmp_path)
    segments.append(lines(2), HEAD, 2)
    assert [path.name for path in sorted(tmp_path.iterdir())] == [
        "00000001-0000000000000000.journal",
        "00000002-0000000000000002.journal",
    ]
    assert everything(segments) == [0, 1, 2]


def test_files_and_folder_are_their_owners_alone(tmp_path: Path) -> None:
    opened(tmp_path / "journal").append(lines(0), HEAD, 0)
    (path,) = (tmp_path / "journal").iterdir()
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_file_that_is_acknowledged_goes(tmp_path: Path) -> None:
    segments = opened(tmp_path)
    segments.append(lines(*range(1000), size=1000), HEAD, 0)
    segments.append(lines(1000), HEAD, 1000)
    segments.forget(999)
    assert everything(segments)[0] == 0
    segments.forget(1000)
    assert (everything(segments), segments.first) == ([1000], 1000)


def test_the_oldest_file_goes_where_there_is_too_much(tmp_path: Path) -> None:
    segments = opened(tmp_path, 4 * SMALLEST)
    for n in range(10):
        segments.append(lines(n, size=SMALLEST), HEAD, n)
        segments.make_room()
    assert segments.size <= 4 * SMALLEST
    assert everything(segments) == list(range(segments.first, 10))
    assert segments.first > 5


def test_what_is_torn_at_the_end_is_counted_and_the_rest_is_there(tmp_path: Path) -> None:
    opened(tmp_path).append(lines(0, 1, 2), HEAD, 0)
    (path,) = tmp_path.iterdir()
    os.truncate(path, path.stat().st_size - 5)
    segments = Segments(tmp_path, 10_000_000)
    bookmark, damaged, complaints = segments.open()
    assert (bookmark.next, damaged, complaints) == (2, True, [])
    assert everything(segments) == [0, 1]


def test_foreign_files_are_kept_and_told_of(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"\xff\xd8")
    (tmp_path / "00000007-0000000000000005.journal").write_bytes(b"\x00" * 5000)
    segments = Segments(tmp_path, 10_000_000)
    _, damaged, complaints = segments.open()
    assert damaged
    assert sorted(each.rpartition("/")[2] for each in complaints) == [
        "00000007-0000000000000005.journal.broken",
        "holiday.jpg is none of the journal's files and is left alone",
    ]
    segments.append(lines(0), HEAD, 0)
    assert everything(segments) == [0]


def test_a_newer_versions_journal_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "00000001-0000000000000000.journal"
    path.write_bytes(state_line({"version": 2}))
    with pytest.raises(ConfigError, match="newer envoy-mqtt"):
        Segments(tmp_path, 1_000_000).open()
    assert path.read_bytes() == state_line({"version": 2})


def test_a_folder_that_cannot_be_made_is_an_error_each_time(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("in the way")
    segments = Segments(tmp_path / "journal", 1_000_000)
    with pytest.raises(OSError, match="journal"):
        segments.open()
    with pytest.raises(OSError, match="journal"):
        segments.append(lines(0), HEAD, 0)
    (tmp_path / "journal").unlink()
    segments.append(lines(0), HEAD, 0)
    assert everything(segments) == [0]
