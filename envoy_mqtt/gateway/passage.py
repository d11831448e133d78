"""One connection's way through the bridge: bytes in the moment they arrive, messages out of the same call.

It counts how long the connection has brought readings, and tells the log, the tokens and the ladder of the
first.
"""

import asyncio
from collections.abc import Iterator
from typing import NoReturn

from aiohttp import ClientResponse

from envoy_mqtt.bridge import Bridge
from envoy_mqtt.clock import now, steady
from envoy_mqtt.errors import BadAnswer, GatewayUnavailable
from envoy_mqtt.gateway.ladder import Ladder, Step
from envoy_mqtt.gateway.tokens import Tokens
from envoy_mqtt.line import Line
from envoy_mqtt.model import Instant, Site
from envoy_mqtt.mqtt.about import Access
from envoy_mqtt.mqtt.message import Message
from envoy_mqtt.outbox import Outbox

# Bytes that never become a reading are no stream either; a gateway that is starting says so.
NO_EVENT_S = 60.0
ASLEEP = "asleep"

# A flood is worked off in slices, so that other gateways, and the broker, get their turn.
SLICE = 4096

UNREADABLE_EVERY_S = 300.0


class Passage:
    """From one connection's answers to the outbox."""

    def __init__(self, bridge: Bridge, outbox: Outbox, line: Line, tokens: Tokens, ladder: Ladder) -> None:
        self.bridge = bridge
        self._outbox = outbox
        self._line = line
        self._tokens = tokens
        self._ladder = ladder
        self._step: Step | None = None
        self._first: float | None = None
        self._last = 0.0
        self._told = False

    @property
    def steady_s(self) -> float:
        """Seconds between the first and the last reading of this connection."""
        return 0.0 if self._first is None else self._last - self._first

    @property
    def fruitful(self) -> bool:
        """Whether the source that is read now has brought a reading."""
        return self._step is None

    def meet(self, serial: str) -> None:
        """The gateway has said who it is."""
        self._outbox.put(self.bridge.meet(serial))

    def identify(self, site: Site, access: Access, step: Step) -> None:
        """The gateway has said what it measures."""
        self._outbox.put(self.bridge.identify(site, access, step))

    def open(self, step: Step) -> None:
        """A source answers."""
        self._step = step
        self._outbox.put(self.bridge.open(now(), step))
        if self._ladder.fallen(step):
            self._line.warn(f"read from {step.source}, not the best source", reason=step.reason)

    async def page(self, path: str, body: bytes) -> bool:
        """Pass a page on; whether it was a new reading. Raises `BadAnswer`."""
        arrived = now()
        try:
            return await self._pass(self.bridge.answer(path, body, arrived), arrived)
        except BadAnswer as error:
            self.bridge.skip(error.reason, str(error))
            self._complain()
            raise

    async def stream(self, response: ClientResponse, first: bytes = b"") -> NoReturn:
        """Pass every byte on until the stream ends; `first` are bytes that were read before."""
        heard = steady()
        await self._bytes(first)
        async for chunk in response.content.iter_any():
            if await self._bytes(chunk):
                heard = steady()
            if steady() - heard > NO_EVENT_S:
                raise GatewayUnavailable("the gateway sends bytes and no readings", reason="bad_data")
        raise GatewayUnavailable("the gateway ended the stream", reason="closed")

    async def _bytes(self, chunk: bytes) -> bool:
        """Whether a reading ended in these bytes, or an event of a gateway that is still starting."""
        good = False
        for at in range(0, len(chunk), SLICE):
            arrived, skipped = now(), self.bridge.skipped.total()
            asleep = self.bridge.skipped[ASLEEP]
            good |= await self._pass(self.bridge.read(chunk[at : at + SLICE], arrived), arrived)
            if self.bridge.skipped.total() > skipped:
                good |= self.bridge.skipped[ASLEEP] > asleep
                self._complain()
            await self._outbox.settle()
        return good

    async def _pass(self, messages: Iterator[Message], arrived: Instant) -> bool:
        """Whether there was a reading among them."""
        readings = self.bridge.readings
        for first in messages:
            self._outbox.put((first,))
            await asyncio.sleep(0)  # it leaves now, and the others are written meanwhile
            self._outbox.put(messages)
        if self.bridge.readings == readings:
            return False
        self._count(arrived.steady)
        return True

    def _count(self, arrived: float) -> None:
        self._last = arrived
        if self._first is None:
            self._first = arrived
            self._tokens.accepted()
        if self._step is not None:
            self._ladder.works(self._step.source)
            self._step = None
        if not self._told:
            self._told = self._line.back(self.steady_s, **_facts(self.bridge))

    def _complain(self) -> None:
        """Something of the source could not be read."""
        self._line.warn(
            "unreadable events skipped",
            again_after_s=UNREADABLE_EVERY_S,
            last=self.bridge.problem,
            skipped=dict(self.bridge.skipped),
        )


def _facts(bridge: Bridge) -> dict[str, object]:
    """What the log tells of a gateway when its readings come."""
    site = bridge.site
    if site is None:
        return {}
    return {
        "serial": site.identity.serial,
        "firmware": site.identity.firmware,
        "source": bridge.source,
        "phases": site.phases,
        "meters": [meter.type for meter in site.meters if meter.enabled],
    }
