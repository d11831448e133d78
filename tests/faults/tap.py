"""A stretch of cable between two programs on real sockets, and what can happen to it.

async with Tap("127.0.0.1", port) as tap:      # clients connect to tap.port
    tap.hold()     nothing passes, both ways; new connections hang, too
    tap.strand()   what is open now is dead and nobody is told; new connections are well
    tap.drip()     a byte a second to the client
    tap.reset()    RST to both ends of what is open
    await tap.shut()   nobody listens, what is open ends
    await tap.mend()   well again; what was stranded stays so

Whoever wants to know what passes gives `overhear`: asked at each connection, it gives two who are told of the
bytes, of the client's and of the far end's.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from types import TracebackType
from typing import Self

Hear = Callable[[bytes], None]

RESET = struct.pack("ii", 1, 0)
DRIP_S = 1.0


def _deaf() -> tuple[Hear, Hear]:
    return (lambda _: None), (lambda _: None)


class _Strand:
    """One connection's two ends."""

    def __init__(self, *writers: asyncio.StreamWriter) -> None:
        self.writers = writers
        self.dead = False


class Tap:
    """`connections` are the loop's times at which clients came."""

    def __init__(self, host: str, port: int, overhear: Callable[[], tuple[Hear, Hear]] = _deaf) -> None:
        self._far = host, port
        self._overhear = overhear
        self._open: list[_Strand] = []
        self._passing = asyncio.Event()
        self._passing.set()
        self._dripping = False
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.connections: list[float] = []
        self.port = 0

    async def __aenter__(self) -> Self:
        await self.mend()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.shut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def hold(self) -> None:
        self._passing.clear()

    def strand(self) -> None:
        for each in self._open:
            each.dead = True

    def drip(self) -> None:
        self._dripping = True

    def reset(self) -> None:
        for each in self._open:
            for writer in each.writers:
                sock: socket.socket = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                writer.transport.abort()

    async def shut(self) -> None:
        assert self._server is not None
        self._server.close()
        for each in self._open:
            for writer in each.writers:
                writer.transport.abort()

    async def mend(self) -> None:
        self._passing.set()
        self._dripping = False
        if self._server is None or not self._server.is_serving():
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.append(asyncio.get_running_loop().time())
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._far)
            strand = _Strand(writer, far_writer)
            self._open.append(strand)
            try:
                theirs, ours = self._overhear()
                await asyncio.gather(
                    self._pass(strand, reader, far_writer, theirs),
                    self._pass(strand, far_reader, writer, ours, near=True),
                )
            finally:
                self._open.remove(strand)
                far_writer.close()
        except (OSError, asyncio.CancelledError):
            pass  # an end is gone, or the test is over
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _pass(
        self,
        strand: _Strand,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        hear: Hear,
        *,
        near: bool = False,
    ) -> None:
        while data := await reader.read(65_536):
            hear(data)
            while not strand.dead and near and self._dripping and data:
                writer.write(data[:1])
                data = data[1:]
                await asyncio.sleep(DRIP_S)
            await self._passing.wait()
            if not strand.dead:
                writer.write(data)
                await writer.drain()
        writer.close()
