"""Supervision is two verbs: `keep` a job going, and `run_until` something says stop.

A job is kept while it raises `TryAgain`; anything else it raises is a bug and ends the process. Waits
are 1, 2, 4 … seconds up to a ceiling, a little longer by chance and never shorter, so that neither a
gateway nor a broker is asked more than once a second, and many bridges do not ask in step.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from random import random
from typing import Any, NoReturn, Protocol

from envoy_mqtt.errors import TryAgain

CEILING_S = 60.0
JITTER = 0.4

# A far end that has done its work this long is well again, and the next failure is a new one.
WELL_S = 60.0

# How long a task that was cancelled may take to end before it is told again.
AGAIN_S = 0.5

# The longest wait that a far end may ask for.
ASKED_CEILING_S = 600.0


class Losses(Protocol):
    """Where the state of a connection is told, once when it is lost; the job itself says when it is back."""

    def lost(self, error: TryAgain, retry_in_s: float) -> None:
        """The job ended with `error` and starts again in `retry_in_s`."""


def wait_s(
    failures: int, *, ceiling_s: float = CEILING_S, after_s: float = 0.0, chance: float = 0.0
) -> float:
    """Seconds to wait after the so-manieth failure in a row, 1 for the first.

    `after_s` is what the far end asked for, `chance` is 0…1 and lengthens the wait by up to JITTER, but
    what was asked for not beyond ASKED_CEILING_S.
    """
    longer = 1 + JITTER * chance
    doubled = min(ceiling_s, 2.0 ** min(failures - 1, 32))
    return max(doubled * longer, min(after_s * longer, ASKED_CEILING_S))


async def keep(
    job: Callable[[], Awaitable[NoReturn]],
    line: Losses,
    *,
    ceiling_s: float = CEILING_S,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    chance: Callable[[], float] = random,
) -> NoReturn:
    """Run `job` for ever, again after a wait whenever it raises `TryAgain`; ends only by cancellation."""
    failures = 0
    while True:
        try:
            await job()
        except TryAgain as error:
            failures = 1 if error.steady_s >= WELL_S else failures + 1
            pause = wait_s(failures, ceiling_s=ceiling_s, after_s=error.after_s, chance=chance())
            line.lost(error, pause)
            await sleep(pause)


async def end(task: asyncio.Task[Any], *, again_s: float = AGAIN_S) -> None:
    """Cancel a task until it has ended.

    Once is not enough: Python 3.11's `wait_for`, which aiomqtt waits with, swallows a cancellation that
    coincides with the answer it waits for (CPython issue 86296).
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=again_s)


@asynccontextmanager
async def beside(job: Coroutine[Any, Any, NoReturn]) -> AsyncIterator[None]:
    """Run a job as long as the block lasts; what either raises ends both, and comes out as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(job)
            yield
            task.cancel()
    except BaseExceptionGroup as error:
        # A group whose job fails in the moment we are cancelled tells only of the failure (Python 3.11).
        me = asyncio.current_task()
        if me is not None and me.cancelling():
            raise asyncio.CancelledError from None
        raise error.exceptions[0] from None


async def run_until(stop: asyncio.Event, *jobs: Coroutine[Any, Any, None]) -> None:
    """Run jobs side by side until `stop` is set, then end them together."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(job) for job in jobs]
        await stop.wait()
        for task in tasks:
            task.cancel()
