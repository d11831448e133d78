"""The bridge at the broker: takes from the outbox, sends, listens, and notices when nobody is there.

`publish` is one connection with a client of its own (re-entering an aiomqtt client can let a stale retained
value overwrite a newer one); it ends by raising `BrokerUnavailable`. Two things tell that a broker is gone:
`messages` ends within milliseconds of a lost connection, and a broker that hangs leaves `live`, which is
sent with QoS 1, unacknowledged. What the broker brings waits in `incoming` for whoever acts on it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NoReturn

import aiomqtt
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.reasoncodes import ReasonCode

from envoy_mqtt import health
from envoy_mqtt.clock import steady
from envoy_mqtt.errors import BrokerUnavailable
from envoy_mqtt.line import Line
from envoy_mqtt.mqtt.connection import (
    REFUSALS,
    TAKEN_OVER,
    WRONG_VERSION,
    Broker,
    Connection,
)
from envoy_mqtt.mqtt.loss import HUNG_UP, HUNG_UP_ON_TLS, SILENT, first, said
from envoy_mqtt.mqtt.message import OFFLINE, Incoming, Message
from envoy_mqtt.mqtt.requests import busy
from envoy_mqtt.mqtt.spool import Spool
from envoy_mqtt.outbox import Outbox
from envoy_mqtt.problems import Trouble

# Each waits for its own acknowledgement, so a slow one does not hold up the others; aiomqtt warns from
# ten calls on, and paho writes in the order of the calls, so messages leave in order.
WORKERS = 8

# The journal leaves so many at once: enough for a broker far away, few enough not to stand in `live`'s way.
DRAINS = 4

# A broker that refuses the journal's topic is asked again after so long.
REFUSED_S = 30.0

# A broker that does not take our goodbye is not waited for.
LEAVE_S = 1.0

# So many requests wait to be carried out; who asks for more is told so.
ASKED = 64

# A broker that starts may hang up on us, too; one that hangs up twice in a row does not speak MQTT 5.
HANG_UPS = 2

# MQTT 3.1.1 has no word for it and Mosquitto 2.0.11 does not use MQTT 5's: a broker that takes us and hangs
# up so often in a row, each time so soon, has a second client of our name.
KICKS = 4
KICKED_WITHIN_S = 15.0

# Two of one name that both came back at once would throw each other out for ever; where it is a guess, the
# wait is shorter.
LEAVE_ALONE_S = 300.0
LEAVE_PROBABLY_S = 120.0

# Someone who looks at health later shall find it.
TAKEN_OVER_STANDS_S = 3600.0

SAME_NAME = "the broker gave our session to another client with the client id {}"
SAME_NAME_PROBABLY = "the broker hangs up again and again, as if another client had the client id {}, too"


class Publisher:
    """Connections to one broker, one after another, and what there is to tell of them.

    Where `find` is given it says before each which broker that is, or raises `BrokerUnavailable`.
    """

    def __init__(
        self,
        broker: Broker,
        outbox: Outbox,
        line: Line,
        spool: Spool | None = None,
        find: Callable[[], Awaitable[Broker]] | None = None,
    ) -> None:
        self._broker = broker
        self._find = find
        self._spool = spool
        self._outbox = outbox
        self._line = line
        self._protocol = "5" if broker.protocol == "auto" else broker.protocol
        self._connected_at: float | None = None
        self._told = False
        self._refused: dict[str, str] = {}
        self._refusals_told = 0
        self._wordless = 0
        self._kicks = 0
        self.incoming: asyncio.Queue[Incoming] = asyncio.Queue(ASKED)
        self.latency = health.Latency()
        self.connects = self.messages = self.bytes = 0

    @property
    def connected(self) -> bool:
        """Whether a broker is there."""
        return self._connected_at is not None

    def facts(self) -> health.Broker:
        """What there is to tell of the broker."""
        return health.Broker(
            connected=self.connected,
            connects=self.connects,
            protocol=self._protocol if self.connects else None,
            failures=self._line.reconnects,
            refused_topics=self._refused,
            messages=self.messages,
            bytes=self.bytes,
            replaced=self._outbox.replaced,
            latency=self.latency,
            journal=None if self._spool is None else self._spool.facts,
            trouble=self._trouble,
            standing=self._line.standing,
        )

    @property
    def _trouble(self) -> Trouble | None:
        """Why the connection is away; the line believes in its return only after a while."""
        return None if self.connected else self._line.trouble

    async def publish(self) -> NoReturn:
        """Connect, say everything again, and send until the connection is lost."""
        if self._find is not None:
            self._broker = await self._find()
        connection = Connection(self._broker, self._protocol)
        try:
            async with connection.client as client:
                try:
                    await self._work(connection)
                finally:
                    connection.leave(LEAVE_S)
                    await self._say_offline(client)
        except* aiomqtt.MqttError as group:
            trouble = self._translate(first(group), connection)
        except* (OSError, UnicodeError) as group:
            trouble = self._away(f"no connection: {first(group)}")
        finally:
            self._outbox.close()
            if self._spool is not None:
                self._spool.close()
            connection.hang_up()
            lasted_s, self._connected_at = self._steady_s, None
        trouble.steady_s = lasted_s
        raise trouble

    @property
    def _steady_s(self) -> float:
        return 0.0 if self._connected_at is None else steady() - self._connected_at

    async def _work(self, connection: Connection) -> None:
        connection.write_at_once()
        self._connected_at = steady()
        self._told, self._wordless = False, 0
        self._refused, self._refusals_told = connection.refused, 0
        for topic in (self._broker.will, *self._broker.wanted):
            await connection.subscribe(topic)
        self.connects += 1
        self._outbox.open(steady())
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen(connection.client), name="broker: listen")
            for n in range(WORKERS):
                group.create_task(self._send(connection), name=f"broker: send {n}")
            if self._spool is not None:
                for n in range(DRAINS):
                    group.create_task(self._drain(connection, self._spool), name=f"broker: journal {n}")

    async def _say_offline(self, client: aiomqtt.Client) -> None:
        """Whoever says goodbye to a broker takes the will's word upon himself, be it a bug that ends him."""
        said = self._outbox.said(self._broker.will)
        if said is not None and said.payload != OFFLINE:
            with suppress(aiomqtt.MqttError):
                await client.publish(self._broker.will, OFFLINE, retain=True)

    async def _send(self, connection: Connection) -> None:
        task = asyncio.current_task()
        # Python 3.11's `wait_for` can swallow a cancellation that coincides with an answer
        # (CPython issue 86296), and the group would wait for ever for a worker that goes on.
        while task is not None and not task.cancelling():
            message = await self._outbox.next()
            if await connection.send(message):
                self._count(message)
            self._outbox.sent(message)
            if len(self._refused) != self._refusals_told:
                self._say_refused()
            if not self._told:
                self._told = self._line.back(
                    self._steady_s, host=self._broker.host, port=self._broker.port, protocol=self._protocol
                )

    async def _drain(self, connection: Connection, spool: Spool) -> None:
        """The journal leaves while nothing else waits; what the broker refuses is not forgotten."""
        task = asyncio.current_task()
        while task is not None and not task.cancelling():
            await self._outbox.flushed()
            item = await spool.next()
            while not await connection.send(item.message) or item.message.topic in self._refused:
                self._say_refused()
                await asyncio.sleep(REFUSED_S)
            self._count(item.message)
            spool.sent(item)

    def _count(self, message: Message) -> None:
        self.messages += 1
        self.bytes += len(message.payload)
        if message.arrived and message.qos:
            self.latency.add(steady() - message.arrived)

    def _say_refused(self) -> None:
        """Once for each topic; what is refused stands in health as long as it is."""
        self._refusals_told = len(self._refused)
        for topic, reason in self._refused.items():
            self._line.warn("broker refuses a topic", topic=topic, error=reason)

    async def _listen(self, client: aiomqtt.Client) -> None:
        """Iterating is what notices a lost connection at once.

        A will that the broker sends late, of a connection it had not yet given up, would leave the
        bridge offline for ever: what is heard there and is not what was said last is said again.
        """
        async for message in client.messages:
            payload = message.payload if isinstance(message.payload, bytes) else b""
            incoming = Incoming(str(message.topic), payload, message.retain)
            if incoming.topic == self._broker.will:
                said = self._outbox.said(incoming.topic)
                if said is not None and said.payload != payload:
                    self._outbox.put([said])
            else:
                self._hand_over(incoming)

    def _hand_over(self, incoming: Incoming) -> None:
        try:
            self.incoming.put_nowait(incoming)
        except asyncio.QueueFull:
            self._outbox.put(busy(incoming, steady()))

    def _translate(self, error: BaseException, connection: Connection) -> BrokerUnavailable:
        if connection.wordless:
            return self._hung_up()
        if self._connected_at is not None:
            return self._lost(error, connection)
        if not isinstance(error, MqttConnectError):
            return self._away(said(error))
        code = error.rc.value if isinstance(error.rc, ReasonCode) else error.rc
        if code == WRONG_VERSION:
            return self._other_version("it does not speak MQTT 5")
        return BrokerUnavailable(f"it refuses us: {REFUSALS.get(code or 0, error)}", reason="refused")

    def _away(self, said: str) -> BrokerUnavailable:
        self._kicks = 0
        return BrokerUnavailable(said, reason="timeout" if said == SILENT else "unreachable")

    def _lost(self, error: BaseException, connection: Connection) -> BrokerUnavailable:
        """A connection that was there ended: was it taken from us?"""
        soon = self._steady_s < KICKED_WITHIN_S
        wordless = connection.gone and not connection.parting
        self._kicks = self._kicks + 1 if soon and wordless else 0
        if connection.parting == TAKEN_OVER:
            return self._taken_over(SAME_NAME, LEAVE_ALONE_S)
        if self._kicks >= KICKS:
            return self._taken_over(SAME_NAME_PROBABLY, LEAVE_PROBABLY_S)
        return BrokerUnavailable(said(error), reason="lost")

    def _taken_over(self, sentence: str, after_s: float) -> BrokerUnavailable:
        self._kicks = KICKS - 1  # one more is enough now
        text, code = sentence.format(self._broker.client_id), "broker_same_client_id"
        self._line.warn("client id used twice", stands_s=TAKEN_OVER_STANDS_S, error=text, code=code)
        return BrokerUnavailable(text, reason="taken_over", code=code, after_s=after_s)

    def _hung_up(self) -> BrokerUnavailable:
        """Brokers older than MQTT 5 may hang up on it without a word."""
        self._wordless += 1
        if self._wordless >= HANG_UPS and self._broker.protocol == "auto":
            self._wordless = 0
            if self._protocol == "5":
                return self._other_version("it hangs up on MQTT 5")
            self._protocol = "5"
        return BrokerUnavailable(HUNG_UP if self._broker.tls is None else HUNG_UP_ON_TLS, reason="lost")

    def _other_version(self, sentence: str) -> BrokerUnavailable:
        if self._broker.protocol == "auto" and self._protocol == "5":
            self._protocol = "3.1.1"
            return BrokerUnavailable(f"{sentence}; 3.1.1 is next", reason="protocol")
        return BrokerUnavailable(f"it does not speak MQTT {self._protocol}", reason="refused")
