"""Server-sent events, from bytes: the WHATWG event stream format without any I/O.

Only `data` matters here; `event`, `id`, `retry` and comments are read and dropped. What comes out
depends on the bytes alone, never on how they were cut into chunks, and memory is bounded: a line, or
the data of one event, that grows beyond MAX_BYTES is dropped to its end and reported as `TOO_LONG`: a
data line in the place of its event, any other at its own end, and the event around it lives. An event
that the stream's end cuts off is never reported, as the standard says.
"""

import re
from collections.abc import Iterator

# The longest real event measured 857 bytes (protocol notes, section 1.1); 64 KiB is generous to any
# firmware to come and small enough for a thousand gateways in one process.
MAX_BYTES = 64 * 1024

# What is kept of a line that is too long: enough to tell which field it was.
KEPT_BYTES = 16

BOM = b"\xef\xbb\xbf"
CR, LF = 13, 10
LINE_END = re.compile(b"[\r\n]")


class TooLong:
    """Stands where an event was that was too long to keep."""


TOO_LONG = TooLong()

Event = bytes | TooLong


class Decoder:
    """Turns chunks of a stream into events: `for event in decoder.receive(chunk)`."""

    def __init__(self) -> None:
        self._line = bytearray()  # the beginning of a line whose end has not come yet
        self._line_too_long = False
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._event_too_long = False
        self._after_cr = False  # a LF that comes now belongs to the CR before it
        self._first_line = True

    def receive(self, chunk: bytes) -> Iterator[Event]:
        """Yield every event that ends in `chunk`, in order."""
        start = 0
        if self._after_cr and chunk:
            self._after_cr = False
            start = chunk[0] == LF
        while (found := LINE_END.search(chunk, start)) is not None:
            end = found.start()
            self._keep(chunk[start:end])
            if (event := self._end_line()) is not None:
                yield event
            start = end + 1
            if chunk[end] == CR:
                if start == len(chunk):
                    self._after_cr = True
                elif chunk[start] == LF:
                    start += 1
        self._keep(chunk[start:])

    def _keep(self, part: bytes) -> None:
        self._line += part
        if len(self._line) > MAX_BYTES:
            self._line_too_long = True
        if self._line_too_long:
            del self._line[KEPT_BYTES:]

    def _end_line(self) -> Event | None:
        line, too_long = bytes(self._line), self._line_too_long
        self._line.clear()
        self._line_too_long = False
        if self._first_line:
            self._first_line = False
            line = line.removeprefix(BOM)
        if too_long and _field(line) != b"data":
            return TOO_LONG
        if too_long:
            self._event_too_long = True
        elif not line:
            return self._end_event()
        else:
            self._read_field(line)
        return None

    def _read_field(self, line: bytes) -> None:
        if _field(line) != b"data":
            return
        value = line[5:].removeprefix(b" ")
        self._data_bytes += len(value) + 1
        if self._data_bytes > MAX_BYTES:
            self._event_too_long = True
            self._data.clear()
        else:
            self._data.append(value)

    def _end_event(self) -> Event | None:
        event: Event | None = TOO_LONG if self._event_too_long else b"\n".join(self._data)
        if not self._data and not self._event_too_long:
            event = None  # a blank line alone ends nothing
        self._data.clear()
        self._data_bytes = 0
        self._event_too_long = False
        return event


def _field(line: bytes) -> bytes:
    return line.partition(b":")[0]
