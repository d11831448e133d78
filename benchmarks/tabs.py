"""The process of the viewers: `python -m benchmarks.tabs PORT COUNT`.

So many read `/events` as fast as they can, and one more stops after its first bytes and keeps its connection,
as a tab does that sleeps. It says when all have begun; at the end of its input it says how many readings each
of them got, the one who sleeps aside.
"""

import asyncio
import json
import sys

REQUEST = b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
READING = b"event: live\n"


class Tab(asyncio.Protocol):
    """One viewer; `readings` is how many it got, `begun` whether it got anything."""

    def __init__(self, *, sleepy: bool) -> None:
        self._sleepy = sleepy
        self._rest = b""
        self.readings = 0
        self.begun = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(REQUEST)

    def data_received(self, data: bytes) -> None:
        """Count what came."""
        self.begun.set()
        if self._sleepy:
            self._transport.pause_reading()
        data = self._rest + data
        self.readings += data.count(READING)
        self._rest = data[-len(READING) + 1 :]


async def _look(port: int, count: int) -> None:
    loop = asyncio.get_running_loop()
    tabs = [Tab(sleepy=n == count) for n in range(count + 1)]
    for tab in tabs:
        await loop.create_connection(lambda it=tab: it, "127.0.0.1", port)  # type: ignore[misc]
        await tab.begun.wait()
    print("begun", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(json.dumps([tab.readings for tab in tabs[:-1]]), flush=True)


if __name__ == "__main__":
    asyncio.run(_look(int(sys.argv[1]), int(sys.argv[2])))
