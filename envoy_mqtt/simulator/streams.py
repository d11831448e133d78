"""The open answers to `/stream/meter`, and the four ways they end.

Bodies are framed here and not by aiohttp, so that chunks can be cut where no well-meaning server would
cut them. Whatever is written goes out at once (asyncio switches Nagle's algorithm off).
"""

import asyncio
import socket
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

# A client that stopped reading is given up beyond this, rather than filling the memory of a demo.
MAX_UNREAD_BYTES = 32 * 1024 * 1024
# "Linger on, for 0 seconds": closing throws away what was not sent and says RST.
RESET = struct.pack("ii", 1, 0)


class Stream:
    """One open stream, the `number`th. `ended` is done when its answer is over, whoever ended it."""

    def __init__(self, transport: asyncio.Transport, number: int, *, chunked: bool) -> None:
        self.number = number
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport = transport
        self._chunked = chunked

    def write(self, data: bytes) -> None:
        """Send these bytes as one chunk, now; nothing where the stream is over."""
        if not data or self.ended.done() or self._transport.is_closing():
            return
        self._transport.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)
        if self._transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            self.reset()

    def finish(self) -> None:
        """The orderly end: the last chunk, and the connection stays."""
        if not self.ended.done():
            self.ended.set_result(None)

    def cut(self) -> None:
        """FIN in the middle of the body."""
        self._transport.close()

    def reset(self) -> None:
        """RST: what was not sent yet is lost."""
        reset(self._transport)

    @property
    def unread(self) -> int:
        """Bytes the client has not taken yet, as far as we know; the kernel's buffers hide some."""
        return self._transport.get_write_buffer_size()


class Streams:
    """All streams that are open now, and how many ever were; `changed` is called when one opens or closes."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._open: list[Stream] = []
        self.opened = 0

    def __iter__(self) -> Iterator[Stream]:
        return iter(tuple(self._open))

    def __len__(self) -> int:
        return len(self._open)

    @contextmanager
    def open(self, transport: asyncio.Transport, *, chunked: bool) -> Iterator[Stream]:
        """A stream for as long as the block lasts."""
        self.opened += 1
        stream = Stream(transport, self.opened, chunked=chunked)
        self._open.append(stream)
        self._changed()
        try:
            yield stream
        finally:
            self._open.remove(stream)
            stream.ended.cancel()
            self._changed()

    def say(self, data: bytes, cuts: Iterable[int] = ()) -> int:
        """Put these bytes on every open stream, chunked where `cuts` say; how many streams got them."""
        pieces = cut_at(data, cuts)
        for stream in self:
            for piece in pieces:
                stream.write(piece)
        return len(self)


def cut_at(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """The data in pieces that end at these places; places outside are left out."""
    places = sorted({0, len(data), *(place for place in cuts if 0 < place < len(data))})
    return [data[start:end] for start, end in pairwise(places)]


def in_steps(data: bytes, sizes: Sequence[int]) -> list[bytes]:
    """The data in pieces of these sizes, over and over."""
    pieces, place, turn = [], 0, 0
    while place < len(data):
        size = sizes[turn % len(sizes)]
        pieces.append(data[place : place + size])
        place, turn = place + size, turn + 1
    return pieces


def reset(transport: asyncio.BaseTransport) -> None:
    """Close a connection with RST."""
    if isinstance(transport, asyncio.WriteTransport) and not transport.is_closing():
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        transport.abort()
