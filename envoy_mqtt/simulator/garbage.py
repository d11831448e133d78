"""Events no client should trip over: what a stream says when something on the way is broken.

Each has a name, and is the whole of what would stand in place of one event, its blank line included
unless the missing line end is the point. Pure; tests use them without a gateway.
"""

from collections.abc import Callable, Iterator

BLANK = b"\r\n\r\n"
PREFIX = b"data: "
TOTAL = b',"total-consumption"'


def garbage_events(event: bytes) -> Iterator[tuple[str, bytes]]:
    """A name and some bytes for every kind of garbage, made from a good event."""
    for name, make in KINDS.items():
        yield name, make(event)


def _data(text: bytes) -> Callable[[bytes], bytes]:
    return lambda _: PREFIX + text + BLANK


def _with_power(number: bytes) -> Callable[[bytes], bytes]:
    """The good event with another word where its first power stands."""

    def make(event: bytes) -> bytes:
        start = event.index(b'"p":') + 4
        return event[:start] + number + event[event.index(b",", start) :]

    return make


def _truncated(event: bytes) -> bytes:
    return event[: len(event) // 2] + BLANK


def _without_total(event: bytes) -> bytes:
    return event[: event.index(TOTAL)] + b"}" + BLANK


def _without_phase(event: bytes) -> bytes:
    start = event.index(b'"ph-a"')
    return event[:start] + event[event.index(b'"ph-b"', start) :]


def _null_section(event: bytes) -> bytes:
    return event[: event.index(TOTAL)] + TOTAL + b":null}" + BLANK


def _null_phase(event: bytes) -> bytes:
    start = event.index(b'"ph-a":') + 7
    return event[:start] + b"null" + event[event.index(b',"ph-b"', start) :]


KINDS: dict[str, Callable[[bytes], bytes]] = {
    "truncated": _truncated,
    "empty data": lambda _: b"data: " + BLANK,
    "no data": lambda _: b"data:" + BLANK,
    "empty object": _data(b"{}"),
    "array": _data(b"[1,2,3]"),
    "bare number": _data(b"42"),
    "bare string": _data(b'"production"'),
    "null": _data(b"null"),
    "html": _data(b"<html><body>401 Authorization Required</body></html>"),
    "missing section": _without_total,
    "missing phase": _without_phase,
    "null section": _null_section,
    "null phase": _null_phase,
    "null number": _with_power(b"null"),
    "number as string": _with_power(b'"447.973"'),
    "boolean": _with_power(b"true"),
    "object as number": _with_power(b"{}"),
    "nan": _with_power(b"NaN"),
    "infinity": _with_power(b"-Infinity"),
    "1e999": _with_power(b"1e999"),
    "400 digits": _with_power(b"9" * 400),
    "60000 brackets": lambda _: PREFIX + b"[" * 60_000 + BLANK,
    "invalid utf-8": _with_power(b'"\xff\xfe"'),
    "nul bytes": _data(b"\0" * 16),
    "sections are lists": _data(b'{"production":[],"net-consumption":[],"total-consumption":[]}'),
    "comment": lambda _: b": keep-alive" + BLANK,
    "event line": lambda event: b"event: meter\r\n" + event[: len(event) // 3] + BLANK,
    "unknown fields": lambda _: b"id: 7\r\nretry: 1000\r\nnonsense\r\n\r\n",
    "megabyte line": lambda _: PREFIX + b'{"production":"' + b"x" * 1_048_576 + b'"}' + BLANK,
    "megabyte without data": lambda _: b"x" * 1_048_576 + BLANK,
}
