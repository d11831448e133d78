"""Keeping jobs going and ending them together; every sleep is virtual."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoy_mqtt.errors import GatewayUnavailable, Refused, TryAgain
from envoy_mqtt.supervise import beside, end, keep, run_until, wait_s


class Bug(Exception):
    """Something that nobody raises on purpose; here it ends a story too."""


class Heard:
    """A line that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, float]] = []

    def lost(self, error: TryAgain, retry_in_s: float) -> None:
        """Remember it."""
        self.told.append((str(error), retry_in_s))


def away(text: str = "away", *, after_s: float = 0.0, steady_s: float = 0.0) -> TryAgain:
    return GatewayUnavailable(text, reason="unreachable", after_s=after_s, steady_s=steady_s)


async def waits(*errors: TryAgain, chance: float = 0.0, **more: Any) -> list[float]:
    """How long is waited after each error of a job; its last attempt is a bug, which ends the story."""
    slept: list[float] = []
    attempts = iter([*errors, Bug()])

    async def job() -> NoReturn:
        raise next(attempts)

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    line = Heard()
    with pytest.raises(Bug):
        await keep(job, line, sleep=sleep, chance=lambda: chance, **more)
    assert line.told == [(str(error), pause) for error, pause in zip(errors, slept, strict=True)]
    return slept


# Waits


async def test_waits_double_up_to_a_minute() -> None:
    assert await waits(*[away()] * 10) == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]


async def test_the_ceiling_may_be_another() -> None:
    assert await waits(*[away()] * 6, ceiling_s=10.0) == [1, 2, 4, 8, 10, 10]


async def test_chance_lengthens_a_wait_by_up_to_two_fifths() -> None:
    assert await waits(*[away()] * 8, chance=1.0) == pytest.approx([1.4, 2.8, 5.6, 11.2, 22.4, 44.8, 84, 84])
    assert await waits(*[away()] * 3, chance=0.5) == pytest.approx([1.2, 2.4, 4.8])


async def test_a_longer_wait_that_was_asked_for_is_kept() -> None:
    assert await waits(away(after_s=30), away(after_s=30), away()) == [30, 30, 4]


async def test_a_shorter_wait_that_was_asked_for_does_not_shorten_ours() -> None:
    assert await waits(*[away(after_s=5)] * 4) == [5, 5, 5, 8]


async def test_no_more_than_ten_minutes_can_be_asked_for() -> None:
    assert await waits(away(after_s=599), away(after_s=600), away(after_s=86_400)) == [599, 600, 600]
    assert await waits(away(after_s=float("inf"))) == [600]


async def test_what_was_asked_for_is_never_undercut_by_chance() -> None:
    assert await waits(away(after_s=30), chance=0.25) == pytest.approx([33])


async def test_a_refusal_is_waited_for_like_anything_else() -> None:
    refused = Refused("no", reason="refused")
    assert await waits(refused, refused, refused) == [1, 2, 4]


async def test_waits_start_over_after_a_minute_of_steady_work() -> None:
    failing = [away()] * 4
    assert await waits(*failing, away(steady_s=60), away(), away()) == [1, 2, 4, 8, 1, 2, 4]


async def test_waits_do_not_start_over_after_less() -> None:
    """A gateway that accepts, sends a reading and closes is not well, however often it does that."""
    assert await waits(*[away(steady_s=59.9)] * 5) == [1, 2, 4, 8, 16]


async def test_a_job_that_works_for_an_hour_at_a_time_waits_a_second_each_time() -> None:
    assert await waits(*[away(steady_s=3600)] * 4) == [1, 1, 1, 1]


@given(
    failures=st.integers(1, 10**6),
    ceiling_s=st.floats(1, 3600),
    after_s=st.floats(0, 1e9),
    chance=st.floats(0, 1),
)
def test_no_wait_is_shorter_than_said_or_more_than_two_fifths_longer(
    failures: int, ceiling_s: float, after_s: float, chance: float
) -> None:
    said = max(min(ceiling_s, 2.0 ** min(failures - 1, 100)), min(after_s, 600.0))
    waited = wait_s(failures, ceiling_s=ceiling_s, after_s=after_s, chance=chance)
    assert said <= waited <= said * 1.4 + 1e-9
    assert waited >= 1.0


# What ends it


async def test_a_bug_escapes_and_is_not_waited_for() -> None:
    assert await waits() == []


@pytest.mark.parametrize("error", [ValueError, OSError, TimeoutError, KeyError])
async def test_nothing_but_try_again_is_tried_again(error: type[Exception]) -> None:
    async def job() -> NoReturn:
        raise error

    with pytest.raises(error):
        await keep(job, Heard(), sleep=asyncio.sleep)


async def forever() -> NoReturn:
    while True:
        await asyncio.Event().wait()


async def turn() -> None:
    """Let every other task come to its next wait."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_cancellation_ends_a_job_at_work() -> None:
    task = asyncio.create_task(keep(forever, Heard()))
    await turn()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_cancellation_ends_a_wait() -> None:
    async def job() -> NoReturn:
        raise away()

    async def sleep(seconds: float) -> None:
        await forever()

    line = Heard()
    task = asyncio.create_task(keep(job, line, sleep=sleep))
    await turn()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(line.told) == 1


async def test_a_loss_is_told_before_it_is_waited_for() -> None:
    order: list[str] = []

    class Telling(Heard):
        def lost(self, error: TryAgain, retry_in_s: float) -> None:
            super().lost(error, retry_in_s)
            order.append("told")

    async def sleep(seconds: float) -> None:
        order.append("slept")
        raise Bug

    async def job() -> NoReturn:
        raise away()

    with pytest.raises(Bug):
        await keep(job, Telling(), sleep=sleep)
    assert order == ["told", "slept"]


# Side by side


class Job:
    """Works until it is cancelled, and then needs a moment to put its things away."""

    def __init__(self) -> None:
        self.state = "not started"

    async def __call__(self) -> None:
        """Work."""
        self.state = "working"
        try:
            await forever()
        finally:
            await asyncio.sleep(0)
            self.state = "ended"


async def test_jobs_run_side_by_side_until_told_to_stop_and_end_together() -> None:
    stop, jobs = asyncio.Event(), [Job(), Job(), Job()]
    running = asyncio.create_task(run_until(stop, *(job() for job in jobs)))
    await turn()
    assert [job.state for job in jobs] == ["working"] * 3
    assert not running.done()
    stop.set()
    await running
    assert [job.state for job in jobs] == ["ended"] * 3


async def test_a_bug_in_one_job_ends_all_and_escapes() -> None:
    async def job() -> None:
        await asyncio.sleep(0)
        raise Bug

    other = Job()
    with pytest.raises(ExceptionGroup) as caught:
        await run_until(asyncio.Event(), other(), job())
    assert caught.group_contains(Bug)
    assert other.state == "ended"


async def test_a_job_that_is_done_does_not_end_the_others() -> None:
    async def done() -> None:
        pass

    stop, other = asyncio.Event(), Job()
    running = asyncio.create_task(run_until(stop, done(), other()))
    await turn()
    assert other.state == "working"
    stop.set()
    await running


async def test_without_jobs_it_only_waits() -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(run_until(stop))
    await turn()
    assert not running.done()
    stop.set()
    await running


async def test_cancelling_ends_the_jobs_too() -> None:
    job = Job()
    running = asyncio.create_task(run_until(asyncio.Event(), job()))
    await turn()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert job.state == "ended"


def kept(job: Callable[[], Coroutine[Any, Any, NoReturn]]) -> Coroutine[Any, Any, None]:
    return keep(job, Heard(), sleep=lambda _: asyncio.sleep(0))


async def test_kept_jobs_end_together_while_one_works_and_another_waits_to_try_again() -> None:
    async def failing() -> NoReturn:
        raise away()

    async def working_on() -> NoReturn:
        await working()
        raise Bug

    stop, working = asyncio.Event(), Job()
    running = asyncio.create_task(run_until(stop, kept(failing), kept(working_on)))
    await turn()
    stop.set()
    await running
    assert working.state == "ended"


async def test_a_task_that_swallows_its_cancellation_is_told_again() -> None:
    """As Python 3.11's `wait_for` does when the answer comes in the same turn."""
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while swallowed < 3:
            try:
                await forever()
            except asyncio.CancelledError:
                swallowed += 1
        await forever()

    task = asyncio.create_task(stubborn())
    await turn()
    await end(task, again_s=0.001)
    assert task.cancelled()
    assert swallowed == 3


async def test_what_runs_beside_a_block_ends_with_it_and_ends_it_as_it_was_raised() -> None:
    async def fails() -> NoReturn:
        raise away("it is")

    with pytest.raises(TryAgain, match="it is"):
        async with beside(fails()):
            await asyncio.Event().wait()
    ended = asyncio.Event()

    async def waits_on() -> NoReturn:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise Bug

    async with beside(waits_on()):
        await asyncio.sleep(0)
    assert ended.is_set()


async def test_a_failure_in_the_moment_of_being_told_to_end_is_an_end_all_the_same() -> None:
    """Else whoever keeps the job would start it again, for ever."""
    now = asyncio.Event()

    async def fails() -> NoReturn:
        await now.wait()
        raise away()

    async def both() -> None:
        async with beside(fails()):
            await asyncio.Event().wait()

    task = asyncio.create_task(both())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    now.set()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
