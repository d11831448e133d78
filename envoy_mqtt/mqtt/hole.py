"""What is missing in the journal, found by the numbers alone, and how it is said. Pure.

A gateway's readings are numbered one by one, so whatever was dropped, torn or never written shows where a
number does not follow the one before it. Numbers that a process had set aside and may not have used are
known as `unused`: of those nobody can say how many readings there were.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from envoy_mqtt.mqtt.message import encode

KILLED = "the bridge was killed or lost its power"
FULL = "the journal was full and the oldest readings were dropped"
DISK = "the disk could not keep them"


class Span(NamedTuple):
    """Numbers from `first` to `last`, both of them included."""

    first: int
    last: int


class Hole(NamedTuple):
    """Numbers that will not come; `exact` is whether each was a reading."""

    span: Span
    exact: bool


def holes(missing: Span, unused: Iterable[Span]) -> Iterator[Hole]:
    """The missing numbers in order, cut where `unused` ones, in ascending order, begin and end."""
    at = missing.first
    for span in unused:
        begin, end = max(span.first, at), min(span.last, missing.last)
        if begin > end:
            continue
        if at < begin:
            yield Hole(Span(at, begin - 1), exact=True)
        yield Hole(Span(begin, end), exact=False)
        at = end + 1
    if at <= missing.last:
        yield Hole(Span(at, missing.last), exact=True)


def gap(hole: Hole, from_time: float | None, to_time: float, lost: str) -> bytes:
    """The payload that stands in the place of missing readings.

    The times are those of the readings around them, `lost` is why where the bridge itself lost them.
    """
    first, last = hole.span
    return encode(
        {
            "gap": last - first + 1 if hole.exact else None,
            "estimated": False,
            "from_sequence": first,
            "to_sequence": last,
            "from_time": from_time,
            "to_time": to_time,
            "reason": lost if hole.exact else KILLED,
        }
    )
