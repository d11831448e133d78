"""What a gateway saw of its clients: connections and requests, and a way to wait for either.

Tests assert on it and wait on it, so that none has to sleep.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

# A simulator that runs for weeks remembers its last visitors, not all of them.
MAX_KEPT = 20_000


@dataclass
class Visit:
    """One request. `token` is any Authorization header, `encrypted` whether it came over TLS.

    `status` is None until its answer begins, and stays None where there is none.
    """

    at: float
    method: str
    path: str
    token: bool
    cookie: bool
    encrypted: bool = True
    status: int | None = None


class Visits:
    """Everything that came, oldest first; times are Unix seconds of the gateway's clock."""

    def __init__(self) -> None:
        self.requests: list[Visit] = []
        self.connections: list[float] = []
        self.peak_connections = 0
        self._waiters: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    def of(self, path: str) -> list[Visit]:
        """The requests of one path; `/stream/meter/` counts as `/stream/meter`."""
        return [visit for visit in self.requests if visit.path.rstrip("/") == path.rstrip("/")]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return as soon as `condition` holds; it is looked at whenever something changes here."""
        if not condition():
            waiter: tuple[Callable[[], bool], asyncio.Future[None]]
            waiter = (condition, asyncio.get_running_loop().create_future())
            self._waiters.append(waiter)
            try:
                await waiter[1]
            finally:
                if waiter in self._waiters:
                    self._waiters.remove(waiter)

    async def requested(self, path: str, times: int = 1) -> list[Visit]:
        """Return when this path has been asked for so many times in all."""
        await self.until(lambda: len(self.of(path)) >= times)
        return self.of(path)

    def _trim(self) -> None:
        for kept in (self.requests, self.connections):
            if len(kept) > MAX_KEPT:
                del kept[: MAX_KEPT // 2]

    def connected(self, at: float, open_now: int) -> None:
        self.connections.append(at)
        self._trim()
        self.peak_connections = max(self.peak_connections, open_now)
        self.changed()

    def came(self, visit: Visit, open_now: int) -> None:
        self.requests.append(visit)
        self._trim()
        self.peak_connections = max(self.peak_connections, open_now)
        self.changed()

    def answered(self, visit: Visit, status: int) -> None:
        visit.status = status
        self.changed()

    def changed(self) -> None:
        """Something changed: let go whoever waited for it."""
        for waiter in list(self._waiters):
            condition, future = waiter
            if not future.done() and condition():
                self._waiters.remove(waiter)
                future.set_result(None)
