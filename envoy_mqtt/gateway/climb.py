"""Reading a gateway that let us in: from the best source there is, and what is asked beside it.

    read ─┬─ _climb        a source until it ends or a better one is there
          └─ _ask_beside   counters, battery, list of meters, by the schedule

Every page is asked over the one connection that the session keeps for them, one at a time. Where a page is
the source the stream is tried beside it, so that going up costs no reading.
"""

import asyncio
from contextlib import AsyncExitStack, suppress
from math import inf
from typing import NoReturn

from aiohttp import ClientResponse

from envoy_mqtt.clock import steady
from envoy_mqtt.errors import Absent, Asleep, BadAnswer, GatewayUnavailable, TryAgain
from envoy_mqtt.gateway import battery, livedata, readings, reported
from envoy_mqtt.gateway.ladder import Ladder, Source, Step
from envoy_mqtt.gateway.passage import Passage
from envoy_mqtt.gateway.plan import METERS, PRODUCTION_S, page_of
from envoy_mqtt.gateway.schedule import Schedule
from envoy_mqtt.gateway.session import Session
from envoy_mqtt.gateway.trouble import FOREIGN, translate
from envoy_mqtt.model import Site
from envoy_mqtt.supervise import beside, end

# How often what may have changed meanwhile is looked at, while a page is the source and otherwise.
LOOK_S = 1.0
LOOK_BESIDE_S = 1.0

# The counters are read at a change of price; one that changes all the time asks for no more than this.
HASTEN_EVERY_S = 30.0

# No page is asked more often, whoever wants it.
SOONEST_S = 1.0

# A page that answers as slowly as this is asked as rarely as that (the contract, "Which meters").
SLOW_S, SLOWLY_S = 5.0, 300.0

# A page that was not there is asked for again so often: its part of the gateway may only have been starting.
FORGIVE_S = 3600.0

# So many answers in a row that cannot be read are no source.
GARBAGE = 10

# Meters that stand still for so long are no source, although livedata's has been switched on again.
STILL_S = 60.0
ENABLE_EVERY_S = 60.0


class Climb:
    """One connection, from being let in to its end."""

    def __init__(self, session: Session, passage: Passage, ladder: Ladder) -> None:
        self._session = session
        self._passage = passage
        self._ladder = ladder
        self._opened = asyncio.Event()
        self._turn = asyncio.Lock()
        self._began: dict[str, float] = {}
        self._enabled_at = -inf
        self._last_update = 0.0

    @property
    def _site(self) -> Site:
        site = self._passage.bridge.site
        assert site is not None  # it was identified
        return site

    async def read(self) -> NoReturn:
        """Read until nothing can be read any more; raises `TryAgain` or what `trouble.FOREIGN` lists."""
        async with beside(self._ask_beside()):
            await self._climb()
        raise AssertionError("a climb ends by raising")

    async def _climb(self) -> NoReturn:
        tried: set[Source] = set()
        while True:
            self._use_token()
            step = self._ladder.choose(self._site, steady())
            try:
                await self._follow(step)
                tried.clear()
            except Absent as error:
                self._ladder.shut(step.source, str(error), steady(), code=error.code)
                tried.add(step.source)
                if self._ladder.choose(self._site, steady()).source in tried:
                    raise
            except (TryAgain, *FOREIGN) as error:
                if not self._passage.fruitful:
                    self._ladder.fruitless(step.source, _why(error), steady())
                raise

    async def _follow(self, step: Step) -> None:
        """Read a source; comes back when a better one is to be asked."""
        if step.source is not Source.STREAM:
            await self._poll_until_better(step)
            return
        async with self._session.stream() as response:
            _check(response)
            self._open(step)
            await self._passage.stream(response)

    def _open(self, step: Step) -> None:
        self._passage.open(step)
        self._opened.set()

    # Sources that are pages

    async def _poll_until_better(self, step: Step) -> None:
        polling = asyncio.create_task(self._poll(step), name=f"gateway: {step.source}")
        try:
            while not polling.done():
                await asyncio.wait({polling}, timeout=LOOK_S)
                better = self._better(step)
                if better is Source.STREAM:
                    await self._try_stream(polling)
                elif better is not None and not polling.done():
                    return
        finally:
            await end(polling)
            failed = None if polling.cancelled() else polling.exception()
        if failed is not None:
            raise failed

    def _better(self, step: Step) -> Source | None:
        """A better source that has to be asked now."""
        self._use_token()
        better = self._ladder.better(self._site, step.source)
        return better[0] if better is not None and better[1] <= steady() else None

    async def _try_stream(self, polling: asyncio.Task[NoReturn]) -> None:
        """Read the stream from its first bytes on; comes back where there are none."""
        async with AsyncExitStack() as stack:
            try:
                response = await stack.enter_async_context(self._session.stream())
                _check(response)
                first = await response.content.readany()
                if not first:
                    raise GatewayUnavailable("the gateway ended the stream", reason="closed")
            except (TryAgain, *FOREIGN) as error:
                self._ladder.shut(Source.STREAM, _why(error), steady(), code=getattr(error, "code", ""))
                return
            await end(polling)
            self._open(self._ladder.choose(self._site, steady()))
            await self._passage.stream(response, first)

    async def _poll(self, step: Step) -> NoReturn:
        path, news, garbage = page_of(self._site, step.source), steady(), 0
        self._open(step)
        while True:
            try:
                if await self._ask(path):
                    news = steady()
                garbage = 0
            except Asleep:
                news = steady()
            except BadAnswer as error:
                garbage += 1
                if garbage >= GARBAGE:
                    raise Absent(str(error), reason="bad_data") from None
            if step.source is not Source.PRODUCTION and steady() - news > STILL_S:
                raise Absent(f"{path} stands still", reason="frozen")
            await asyncio.sleep(self._began[path] + self._passage.bridge.interval_s - steady())

    # Pages beside the source

    async def _ask_beside(self) -> NoReturn:
        await self._opened.wait()  # what is asked depends on the source
        schedule = Schedule(self._passage.bridge.polls, steady())
        schedule.put_off(METERS, steady())  # their answers brought us here
        schedule.put_off(battery.INVENTORY_PATH, steady())
        forgiven = steady()
        changes, hastened = self._passage.bridge.changes, -inf
        while True:
            if steady() - forgiven > FORGIVE_S:
                forgiven = steady()
                self._passage.bridge.forgive()
            schedule.want(self._passage.bridge.polls, steady())
            if changes != self._passage.bridge.changes and steady() - hastened >= HASTEN_EVERY_S:
                changes, hastened = self._passage.bridge.changes, steady()
                schedule.hasten(readings.PATH, hastened)
            path, at = schedule.next() or ("", inf)
            pause_s = at - steady()
            if pause_s > 0:
                await asyncio.sleep(min(pause_s, LOOK_BESIDE_S))
            else:
                await self._ask_once(schedule, path)

    async def _ask_once(self, schedule: Schedule, path: str) -> None:
        first = self._ladder.rungs(self._site)[0]
        try:
            await self._ask(path)
        except Absent:
            self._passage.bridge.lacks(path)
        except (TryAgain, *FOREIGN) as error:
            schedule.failed(path, steady(), after_s=getattr(error, "after_s", 0.0))
        else:
            schedule.want(self._passage.bridge.polls, steady())
            schedule.asked(path, steady())
        if path == METERS and self._ladder.rungs(self._site)[0] is not first:
            raise GatewayUnavailable("its meters changed, so it is asked anew", reason="closed")

    async def _ask(self, path: str) -> bool:
        """Whether a page was a new reading."""
        async with self._turn:
            await asyncio.sleep(self._began.get(path, -inf) + SOONEST_S - steady())
            began = self._began[path] = steady()
            try:
                body = await self._session.ask(path)
            finally:
                if path in reported.READERS:
                    slow = steady() - began > SLOW_S
                    self._passage.bridge.pace(SLOWLY_S if slow else PRODUCTION_S)
        if path == livedata.PATH:
            await self._keep_live(body)
        return await self._passage.page(path, body)

    async def _keep_live(self, body: bytes) -> None:
        """Switch livedata's stream on where it is off and stands still: on some firmware it goes on although
        it says it is off, and answers 400 although it is on (protocol notes, section 3.6).
        """
        try:
            said = livedata.read_livedata(body)
        except BadAnswer:
            return  # who reads it for its values says so
        still, self._last_update = said.last_update == self._last_update, said.last_update
        if still and not said.enabled and steady() - self._enabled_at >= ENABLE_EVERY_S:
            self._enabled_at = steady()
            with suppress(TryAgain, *FOREIGN):
                await self._session.post(*livedata.ENABLE)

    def _use_token(self) -> None:
        token = self._session.token
        self._ladder.use("" if token is None else token.text)


def _check(response: ClientResponse) -> None:
    if response.headers.get("Content-Type", "").lower().startswith("text/html"):
        raise Absent("the stream answers with a page instead of readings", reason="bad_data")


def _why(error: BaseException) -> str:
    return str(error if isinstance(error, TryAgain) else translate(error))
