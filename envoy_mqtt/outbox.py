"""What waits for the broker: every message while it keeps up, the newest per topic when it does not.

Putting never waits, so nothing on the broker's side can hold up a gateway. While the broker is connected
messages wait in order, and a burst goes out whole; when more than BEHIND of one topic wait, or the
broker is away, only the newest of a topic is kept and the ones it replaces are counted. Memory is
bounded by the number of topics, however long the broker is away. What was last said on each topic is
remembered, so that a new connection can say all of it again.
"""

import asyncio
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Protocol

from envoy_mqtt.mqtt.message import Message

Journal = Callable[[Iterable[Message]], Iterable[Message]]

# A gateway may release 23 readings at once (protocol notes, section 1.5); almost three such bursts.
BEHIND = 64

# Readings are at least this far apart on the slowest machine that someone waits on: one that arrives
# later than this is not noticed.
MOMENT_S = 0.05


class Onlooker(Protocol):
    """Someone who is told of every message beside the broker, and does not keep it waiting."""

    def see(self, message: Message) -> None:
        """A message is on its way."""


class Waiting(asyncio.Queue[Message]):
    """A queue in which a topic that falls behind is cut down to its newest message."""

    def _init(self, maxsize: int) -> None:  # noqa: ARG002
        self._queue: OrderedDict[int, Message] = OrderedDict()
        self._numbers: defaultdict[str, deque[int]] = defaultdict(deque)
        self._next = 0
        self.replaced = 0

    def put_nowait(self, item: Message) -> None:
        super().put_nowait(item)
        numbers = self._numbers[item.topic]
        if len(numbers) > BEHIND:
            self._drop_all_but_newest(numbers)

    def waits(self, topic: str) -> bool:
        """Whether a message of this topic is in it."""
        return topic in self._numbers

    def _put(self, item: Message) -> None:
        self._next += 1
        self._numbers[item.topic].append(self._next)
        self._queue[self._next] = item

    def _get(self) -> Message:
        _, message = self._queue.popitem(last=False)
        numbers = self._numbers[message.topic]
        numbers.popleft()
        if not numbers:
            del self._numbers[message.topic]
        return message

    def _drop_all_but_newest(self, numbers: deque[int]) -> None:
        while len(numbers) > 1:
            del self._queue[numbers.popleft()]
            self.replaced += 1
            self.task_done()


class Outbox:
    """The one way from the gateways to the broker; `journal` takes what is its own from among messages."""

    def __init__(self, journal: Journal | None = None) -> None:
        self.onlooker: Onlooker | None = None
        self._journal = journal
        self._said: dict[str, Message] = {}
        self._unsent: set[str] = set()
        self._line: Waiting | None = None  # None while the broker is away
        self._replaced = 0
        self._under_way: Counter[str] = Counter()

    @property
    def replaced(self) -> int:
        """How many messages never left because a newer one of their topic took their place."""
        return self._replaced + (self._line.replaced if self._line else 0)

    def put(self, messages: Iterable[Message]) -> None:
        """Take messages, in the order in which they shall leave."""
        for message in messages if self._journal is None else self._journal(messages):
            if not message.inside:
                self._put(message)
            if self.onlooker is not None:
                self.onlooker.see(message)

    def _put(self, message: Message) -> None:
        self._said[message.topic] = message
        if self._line is not None:
            self._line.put_nowait(message)
        else:
            self._replaced += message.topic in self._unsent
            self._unsent.add(message.topic)

    def said(self, topic: str) -> Message | None:
        """The last message of a topic, sent or waiting."""
        return self._said.get(topic)

    def holds(self, topic: str) -> bool:
        """Whether a message of this topic is not with the broker yet."""
        waits = self._line is not None and self._line.waits(topic)
        return waits or topic in self._under_way or topic in self._unsent

    def open(self, now: float) -> None:
        """A broker is connected: say everything again, but nothing that has become old meanwhile."""
        self._line = Waiting()
        unsent, self._unsent = self._unsent, set()
        for message in self._said.values():
            if now <= message.good_until and (message.lasting or message.topic in unsent):
                self._line.put_nowait(_again(message))

    def say_again(self, now: float) -> None:
        """Say everything lasting again, in the order in which it was said first: availability stands before
        discovery.
        """
        for message in self._said.values():
            if self._line is not None and now <= message.good_until and message.lasting:
                self._line.put_nowait(_again(message))

    def close(self) -> None:
        """The broker is gone; what it has not taken waits as the newest of its topic."""
        if self._line is None:
            return
        self._unsent.update(self._under_way)
        waiting = [self._line.get_nowait().topic for _ in range(self._line.qsize())]
        for topic in waiting:
            self._line.replaced += topic in self._unsent
            self._unsent.add(topic)
        for _ in range(len(waiting) + self._under_way.total()):
            self._line.task_done()  # whoever waits for `flushed` waits no more
        self._under_way.clear()
        self._replaced += self._line.replaced
        self._line = None

    async def next(self) -> Message:
        """The next message to send; `sent` has to be said of it afterwards."""
        assert self._line is not None
        message = await self._line.get()
        self._under_way[message.topic] += 1
        return message

    def sent(self, message: Message) -> None:
        """A message that `next` gave is with the broker; a topic that it emptied is forgotten."""
        assert self._line is not None
        self._under_way -= Counter([message.topic])
        self._line.task_done()
        # Answers to requests: nobody can name topics until we are full. Emptied ones: Home Assistant
        # complains of each time that it is told again that nothing is there.
        if not (message.lasting and message.payload) and self._is_last(message):
            del self._said[message.topic]

    def _is_last(self, message: Message) -> bool:
        said = self._said.get(message.topic)
        return said is not None and said.payload == message.payload

    async def settle(self) -> None:
        """Let what waits leave, but not for longer than a moment.

        A gateway that floods would otherwise have the processor to itself, and readings would be replaced
        that a healthy broker had taken. One at its usual pace has nothing else to do meanwhile.
        """
        if self._line is not None and self._line.qsize() > BEHIND:
            with suppress(TimeoutError):
                async with asyncio.timeout(MOMENT_S):
                    await self._line.join()

    async def flushed(self) -> None:
        """Wait until nothing waits and nothing is under way; at once while the broker is away."""
        if self._line is not None:
            await self._line.join()


def _again(message: Message) -> Message:
    """The same, but nobody measures how long its reading took."""
    return message._replace(arrived=0.0) if message.arrived else message
