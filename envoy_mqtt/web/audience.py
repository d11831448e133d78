"""Who looks on: beside the broker everyone who reads `/events`, each with an outbox of his own.

`see` stands in the way of every message and does next to nothing while nobody looks on. What is for viewers
is handed to all of them together and a moment later, so that the broker is always served first and a burst
is one write. A viewer who falls behind gets the newest of each topic, as a broker does.
"""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from envoy_mqtt.clock import unix
from envoy_mqtt.mqtt.message import Message
from envoy_mqtt.outbox import Waiting
from envoy_mqtt.web.events import EVENTS, event, place
from envoy_mqtt.web.history import History

# Nobody sees that a number on a page is so much late, and a hundred pages cost half of what they do at 50 ms.
MOMENT_S = 0.1


class Audience:
    """Remembers the last message of every topic of every gateway, and hands on what viewers follow; `history`
    is what they find when they come, `since` the Unix time of each gateway's last change of availability.
    """

    def __init__(self, base_topic: str) -> None:
        self._base = base_topic
        self._places: dict[str, tuple[str, str] | None] = {}
        self._viewers: set[Waiting] = set()
        self._fresh: list[Message] = []
        self.last: dict[tuple[str, str], Message] = {}
        self.since: dict[str, float] = {}
        self.history = History()

    def __len__(self) -> int:
        return len(self._viewers)

    def see(self, message: Message) -> None:
        """A message is on its way to the broker."""
        topic = message.topic
        try:
            where = self._places[topic]
        except KeyError:
            where = place(topic, self._base)
            if where is not None or message.lasting:  # anyone may name answers to requests, until we are full
                self._places[topic] = where
        if where is None:
            return
        if not message.payload:
            self._forget(where)
            return
        if where[1] == "availability" and message.payload != self._word(where):
            self.since[where[0]] = unix()
        self.last[where] = message
        if message.values is not None:
            self.history.add(where[0], message.values)
        if self._viewers and where[1] in EVENTS:
            self.tell(topic, event(*where, message.payload))

    def _forget(self, where: tuple[str, str]) -> None:
        """A topic was emptied; without the word whether it is there a gateway is none any more."""
        self.last.pop(where, None)
        if where[1] == "availability":
            self.since.pop(where[0], None)

    def _word(self, where: tuple[str, str]) -> bytes:
        return self.last[where].payload if where in self.last else b""

    def tell(self, topic: str, frame: bytes) -> None:
        """Hand an event to every viewer; of what waits for a slow one the newest of a topic is kept."""
        if not self._fresh:
            asyncio.get_running_loop().call_later(MOMENT_S, self._hand_out)
        self._fresh.append(Message(topic, frame))

    def _hand_out(self) -> None:
        fresh, self._fresh = self._fresh, []
        for viewer in self._viewers:
            for message in fresh:
                viewer.put_nowait(message)

    def payload(self, serial: str, name: str) -> dict[str, Any]:
        """The last JSON payload of a gateway's topic; empty where there is none."""
        message = self.last.get((serial, name))
        return {} if message is None else json.loads(message.payload)

    @contextmanager
    def viewing(self) -> Iterator[Waiting]:
        """Look on: what waits begins with the last of everything."""
        viewer = Waiting()
        for (serial, name), message in self.last.items():
            if name in EVENTS:
                viewer.put_nowait(message._replace(payload=event(serial, name, message.payload)))
        self._viewers.add(viewer)
        try:
            yield viewer
        finally:
            self._viewers.discard(viewer)


async def waiting(viewer: Waiting) -> bytes:
    """Everything that waits for a viewer, once something does."""
    frames = [(await viewer.get()).payload]
    frames += [viewer.get_nowait().payload for _ in range(viewer.qsize())]
    return b"".join(frames)
