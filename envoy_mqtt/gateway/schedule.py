"""What a gateway is asked beside its source, and when: one request at a time, and few of them.

Gateways are easily asked too much (protocol notes, section 1.5). Of what is wanted once a minute or more
rarely nothing is asked while two others were within the last minute, whoever is due longest first. Pure;
times are the steady clock's.
"""

from collections import deque
from collections.abc import Iterable
from math import inf
from typing import NamedTuple

# What is asked this rarely is asked AT_MOST so often within that time, all together.
GENTLE_S = 60.0
AT_MOST = 2

# A page that fails is asked ever more rarely, up to so many times its interval and at most this often.
SLOWEST = 8
SLOWEST_S = 600.0


class Poll(NamedTuple):
    """One page and how often it is wanted."""

    path: str
    every_s: float


class Schedule:
    """Follows one connection's polls; all are due at its start, in their order."""

    def __init__(self, polls: Iterable[Poll], now: float) -> None:
        self._polls: dict[str, Poll] = {}
        self._due: dict[str, float] = {}
        self._failures: dict[str, int] = {}
        self._gentle = deque([-inf] * AT_MOST, maxlen=AT_MOST)
        self.want(polls, now)

    def want(self, polls: Iterable[Poll], now: float) -> None:
        """From now on these; a page that is new among them is due at once."""
        self._polls = {poll.path: poll for poll in polls}
        self._due = {path: self._due.get(path, now) for path in self._polls}

    def next(self) -> tuple[str, float] | None:
        """The page to ask next, and when; `None` where there is nothing to ask."""
        times = [(path, self._at(path)) for path in self._polls]
        return min(times, key=lambda each: (each[1], self._due[each[0]]), default=None)

    def put_off(self, path: str, now: float) -> None:
        """It was asked at `now` for another reason: it is due an interval later."""
        if path in self._polls:
            self._due[path] = now + self._polls[path].every_s

    def hasten(self, path: str, now: float) -> None:
        """It is wanted now; what is asked too often or failed waits all the same."""
        if path in self._polls and path not in self._failures:
            self._due[path] = min(self._due[path], now)

    def asked(self, path: str, now: float) -> None:
        """It was asked at `now` and answered."""
        self._failures.pop(path, None)
        if path in self._polls:
            self._put_off(path, self._polls[path].every_s, now)

    def failed(self, path: str, now: float, *, after_s: float = 0.0) -> None:
        """It was asked at `now` in vain; `after_s` is what the gateway asked us to wait."""
        failures = self._failures[path] = self._failures.get(path, 0) + 1
        every_s = self._polls[path].every_s
        slower_s = min(every_s * min(SLOWEST, 2**failures), max(SLOWEST_S, every_s))
        self._put_off(path, slower_s, now)
        self._due[path] = max(self._due[path], now + min(after_s, SLOWEST_S))

    def _put_off(self, path: str, seconds: float, now: float) -> None:
        if self._is_gentle(path):
            self._gentle.append(now)
        # From when it was due and not from when it was asked, so that a minute stays a minute.
        self._due[path] = max(now + seconds / 2, self._due[path] + seconds)

    def _at(self, path: str) -> float:
        return max(self._due[path], self._gentle[0] + GENTLE_S if self._is_gentle(path) else -inf)

    def _is_gentle(self, path: str) -> bool:
        return self._polls[path].every_s >= GENTLE_S
