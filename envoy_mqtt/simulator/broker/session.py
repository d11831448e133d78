"""What one client is owed: bytes while its connection lasts, messages as long as its session does.

A session outlives its connections (4.1). What cannot be sent at once waits in its queue, which is
bounded; what was sent with QoS 1 and not acknowledged goes back to the queue's head when the
connection ends. Neither waits, reads a clock or knows a socket: time is an argument, and the
shell takes what a connection has to write.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from math import ceil, inf
from typing import NamedTuple

from envoy_mqtt.simulator.broker.codec import Decoder, encode
from envoy_mqtt.simulator.broker.fields import Property
from envoy_mqtt.simulator.broker.packets import Packet, Publish, Subscription

# A client that has not said CONNECT by then will not (3.1.4 leaves the time to us).
CONNECT_WITHIN_S = 10.0

# Bytes waiting for a slow reader before its messages wait in the queue instead.
MAX_BACKLOG = 1 << 20

# Messages waiting for a client, away or slow; the newest is dropped beyond. Those of QoS 0 may
# fill half, so that they never cost a place to one that was to arrive for certain.
MAX_QUEUE = 1000

# Messages sent and not yet acknowledged; version 5's clients may ask for fewer (3.1.2.11.3).
MAX_UNACKNOWLEDGED = 100


class Owed(NamedTuple):
    """A message as this client shall get it; a `packet_id` means that it was sent before."""

    publish: Publish
    expires_at: float = inf


@dataclass(eq=False, slots=True)
class Connection:
    """A network connection without the network: what came in is decoded, what goes out is collected."""

    heard_at: float
    silence_s: float = CONNECT_WITHIN_S
    decoder: Decoder = field(default_factory=Decoder)
    session: "Session | None" = None
    window: int = MAX_UNACKNOWLEDGED
    max_packet: float = inf
    backlog: int = 0
    closing: bool = False
    _outgoing: list[bytes] = field(default_factory=list)

    def send(self, packet: Packet) -> bool:
        """Whether it goes out: a client is spared packets larger than it wants (3.1.2.11.4)."""
        data = encode(packet, self.decoder.version)
        if len(data) > self.max_packet:
            return False
        self._outgoing.append(data)
        self.backlog += len(data)
        return True

    def take(self) -> bytes:
        """What is to be written now; `backlog` goes on counting it until the shell sets it to what waits."""
        data = b"".join(self._outgoing)
        self._outgoing.clear()
        return data


class Interest(NamedTuple):
    """A subscription, and the number a version 5 client gave it (3.8.2.1.2)."""

    subscription: Subscription
    identifiers: tuple[int, ...] = ()


@dataclass(eq=False, slots=True)
class Session:
    """`will_at` and `ends_at` count while no connection is there; `unreleased` ids await PUBREL."""

    client_id: str
    expiry_s: float = 0.0
    connection: Connection | None = None
    interests: dict[str, Interest] = field(default_factory=dict)
    unreleased: set[int] = field(default_factory=set)
    will: Publish | None = None
    will_at: float = inf
    ends_at: float = inf
    _queue: deque[Owed] = field(default_factory=deque)
    _unacknowledged: dict[int, Owed] = field(default_factory=dict)
    _last_id: int = 0

    def attach(self, connection: Connection, expiry_s: float, will: Publish | None) -> None:
        self.connection, connection.session = connection, self
        self.expiry_s, self.will = expiry_s, will
        self.will_at = self.ends_at = inf

    def detach(self, now: float) -> None:
        """Keeps what QoS 1 promised, in the order in which it was sent (4.6), for the next connection."""
        self.connection = None
        self._queue = deque(owed for owed in self._queue if owed.publish.qos)
        self._queue.extendleft(reversed(self._unacknowledged.values()))
        self._unacknowledged.clear()
        self.ends_at = now + self.expiry_s
        delay_s = self.will.properties.get(Property.WILL_DELAY, 0) if self.will else 0
        self.will_at = min(now + delay_s, self.ends_at)

    def offer(self, owed: Owed, now: float) -> None:
        """Sends the message as soon as it is its turn, unless too much waits already."""
        room = MAX_QUEUE if owed.publish.qos else MAX_QUEUE // 2 if self.connection else 0
        if len(self._queue) < room:
            self._queue.append(owed)
            self.drain(now)

    def offer_retained(self, messages: Iterable[Owed], now: float) -> None:
        """A new subscription's retained messages, all of them: their number has its bound elsewhere."""
        if len(self._queue) < MAX_QUEUE:
            self._queue.extend(messages)
            self.drain(now)

    def acknowledge(self, packet_id: int, now: float) -> None:
        self._unacknowledged.pop(packet_id, None)
        self.drain(now)

    def drain(self, now: float) -> None:
        """Sends from the queue what the client has room for."""
        connection = self.connection
        while connection and self._queue and connection.backlog <= MAX_BACKLOG:
            if self._queue[0].publish.qos and len(self._unacknowledged) >= connection.window:
                return
            self._send(connection, self._queue.popleft(), now)

    def _send(self, connection: Connection, owed: Owed, now: float) -> None:
        publish, expires_at = owed
        if expires_at < inf:
            if expires_at <= now and not publish.packet_id:
                return
            # The time that is left, not the time it had (3.3.2.3.3).
            left_s = max(0, ceil(expires_at - now))
            publish = replace(publish, properties={**publish.properties, Property.MESSAGE_EXPIRY: left_s})
        if publish.qos:
            packet_id = publish.packet_id or self._free_id()
            publish = replace(publish, dup=publish.packet_id != 0, packet_id=packet_id)
        if connection.send(publish) and publish.qos:
            self._unacknowledged[publish.packet_id] = Owed(publish, expires_at)

    def _free_id(self) -> int:
        """Ids of the queue are not in the way: what was sent before is sent again before anything new."""
        while True:
            self._last_id = self._last_id % 0xFFFF + 1
            if self._last_id not in self._unacknowledged:
                return self._last_id
