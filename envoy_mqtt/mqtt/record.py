"""The lines of the journal's files. Pure.

    1a2b3c4d R 17 122312345678 4711 1760000000.123 {"time":…}    a reading
    5e6f7a8b S {"acked":16}                                      what has changed in the bookmark

A line begins with the CRC-32 of the rest, so that one that was torn, overwritten or never ours is known for
what it is, and the next one begins after the next line feed whatever this one holds.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from zlib import crc32

Content = dict[str, Any]


class Read(NamedTuple):
    """A reading as the journal tells it: `payload` is that of `live`, `time` is in it too."""

    serial: str
    sequence: int
    time: float
    payload: bytes


class Kept(NamedTuple):
    """A reading and its position among all that the journal ever kept, over all gateways."""

    position: int
    reading: Read


def reading_line(kept: Kept) -> bytes:
    """The line of a reading."""
    serial, sequence, time, payload = kept.reading
    return _line(b"R %d %s %d %.3f %s" % (kept.position, serial.encode(), sequence, time, payload))


def state_line(content: Mapping[str, Any]) -> bytes:
    """The line of a bookmark, or of what has changed in it."""
    return _line(b"S " + json.dumps(content, separators=(",", ":")).encode())


def understand(line: bytes) -> Kept | Content | None:
    """What a line without its line feed says; `None` where it is not a whole line of ours."""
    checksum, _, body = line.partition(b" ")
    try:
        if len(checksum) != 8 or int(checksum, 16) != crc32(body):
            return None
        return _kept(body) if body.startswith(b"R ") else _content(body)
    except (ValueError, RecursionError):
        return None


def _line(body: bytes) -> bytes:
    return b"%08x %s\n" % (crc32(body), body)


def _kept(body: bytes) -> Kept:
    _, position, serial, sequence, time, payload = body.split(b" ", 5)
    return Kept(int(position), Read(serial.decode(), int(sequence), float(time), payload))


def _content(body: bytes) -> Content | None:
    content = json.loads(body.removeprefix(b"S "))
    return content if isinstance(content, dict) else None
