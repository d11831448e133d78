"""The connection to the broker: takes from the outbox, sends, and notices when nobody is there.

The one home of aiomqtt. `publish` is one connection with a client of its own (re-entering an aiomqtt
client can let a stale retained value overwrite a newer one); it ends by raising `BrokerUnavailable`.
Two things tell that a broker is gone: `messages` ends within milliseconds of a lost connection, and a
broker that hangs leaves `live`, which is sent with QoS 1, unacknowledged.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from typing import NamedTuple, NoReturn

import aiomqtt
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.client import Client
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from envoy_mqtt.clock import steady
from envoy_mqtt.errors import BrokerUnavailable
from envoy_mqtt.line import Line
from envoy_mqtt.mqtt.message import OFFLINE, Message
from envoy_mqtt.outbox import Outbox

# Each waits for its own acknowledgement, so a slow one does not hold up the others; aiomqtt warns from
# ten calls on, and paho writes in the order of the calls, so messages leave in order.
WORKERS = 8

# paho leaves Nagle's algorithm on; with it a second message waits up to 40 ms for the acknowledgement of
# the first (p50 17 ms instead of 0.15 at 1,000 messages a second).
NO_DELAY = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)

# A broker that does not take our goodbye is not waited for.
LEAVE_S = 1.0

# How long name look-up and TCP connection may take: they run in a thread that nothing can interrupt.
CONNECT_S = 3.0

# Reasons of a CONNACK (MQTT 5, section 3.2.2.2); paho translates 3.1.1's codes to them.
WRONG_VERSION = 132
REFUSALS: Mapping[int, str] = {
    133: "the client id is not accepted (mqtt.client_id)",
    134: "user name or password are wrong (mqtt.username, mqtt.password)",
    135: "not authorised (mqtt.username, mqtt.password)",
    138: "this client is banned",
}

PROTOCOLS = {"5": aiomqtt.ProtocolVersion.V5, "3.1.1": aiomqtt.ProtocolVersion.V311}


class Broker(NamedTuple):
    """Where and as whom the bridge connects; `will` is the topic of `bridge/state`."""

    host: str
    port: int
    client_id: str
    will: str
    username: str | None = None
    password: str | None = None
    keepalive_s: int = 15
    timeout_s: float = 5.0
    protocol: str = "auto"
    tls: ssl.SSLContext | None = None


class Publisher:
    """Connections to one broker, one after another."""

    def __init__(self, broker: Broker, outbox: Outbox, line: Line) -> None:
        self._broker = broker
        self._outbox = outbox
        self._line = line
        self._protocol = "5" if broker.protocol == "auto" else broker.protocol
        self._connected_at: float | None = None
        self._told = False

    async def publish(self) -> NoReturn:
        """Connect, say everything again, and send until the connection is lost."""
        self._connected_at = None
        client = self._client()
        try:
            async with client:
                self._connected_at = steady()
                try:
                    await self._work(client)
                finally:
                    client.timeout = LEAVE_S
                    await self._say_offline(client)
        except* aiomqtt.MqttError as group:
            trouble = self._translate(_first(group))
        except* (OSError, UnicodeError) as group:
            trouble = BrokerUnavailable(f"no connection: {_first(group)}", reason="unreachable")
        finally:
            self._outbox.close()
            _hang_up(client)
        trouble.steady_s = self._steady_s
        raise trouble

    @property
    def _steady_s(self) -> float:
        return 0.0 if self._connected_at is None else steady() - self._connected_at

    def _client(self) -> aiomqtt.Client:
        broker = self._broker
        client = aiomqtt.Client(
            broker.host,
            broker.port,
            identifier=broker.client_id,
            username=broker.username,
            password=broker.password,
            protocol=PROTOCOLS[self._protocol],
            keepalive=broker.keepalive_s,
            timeout=broker.timeout_s,
            will=aiomqtt.Will(broker.will, OFFLINE, qos=1, retain=True),
            tls_context=broker.tls,
            socket_options=NO_DELAY,
            logger=_silent(),
        )
        client._client.connect_timeout = CONNECT_S
        return client

    async def _work(self, client: aiomqtt.Client) -> None:
        _write_at_once(client)
        await client.subscribe(self._broker.will, qos=1)
        self._told = False
        self._outbox.open(steady())
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen(client), name="broker: listen")
            for n in range(WORKERS):
                group.create_task(self._send(client), name=f"broker: send {n}")

    async def _say_offline(self, client: aiomqtt.Client) -> None:
        """Whoever says goodbye to a broker takes the will's word upon himself, be it a bug that ends him."""
        said = self._outbox.said(self._broker.will)
        if said is not None and said.payload != OFFLINE:
            with suppress(aiomqtt.MqttError):
                await client.publish(self._broker.will, OFFLINE, retain=True)

    async def _send(self, client: aiomqtt.Client) -> None:
        task = asyncio.current_task()
        properties = _properties if self._protocol == "5" else _none
        # Python 3.11's `wait_for` can swallow a cancellation that coincides with an answer
        # (CPython issue 86296), and the group would wait for ever for a worker that goes on.
        while task is not None and not task.cancelling():
            message = await self._outbox.next()
            await client.publish(
                message.topic, message.payload, message.qos, message.retain, properties(message)
            )
            self._outbox.sent(message)
            if not self._told:
                self._told = self._line.back(
                    self._steady_s, host=self._broker.host, port=self._broker.port, protocol=self._protocol
                )

    async def _listen(self, client: aiomqtt.Client) -> None:
        """Iterating is what notices a lost connection at once.

        A will that the broker sends late, of a connection it had not yet given up, would leave the
        bridge offline for ever: what is heard there and is not what was said last is said again.
        """
        async for message in client.messages:
            said = self._outbox.said(str(message.topic))
            if said is not None and said.payload != message.payload:
                self._outbox.put([said])

    def _translate(self, error: BaseException) -> BrokerUnavailable:
        if not isinstance(error, MqttConnectError):
            # Of a lost connection only the cause says why: refused, taken over, shut down.
            said = str(error.__cause__ or error)
            text = "it accepts connections and does not answer" if "timed out" in said else said
            return BrokerUnavailable(text, reason="lost")
        code = error.rc.value if isinstance(error.rc, ReasonCode) else error.rc
        if code == WRONG_VERSION:
            return self._other_version()
        return BrokerUnavailable(f"it refuses us: {REFUSALS.get(code or 0, error)}", reason="refused")

    def _other_version(self) -> BrokerUnavailable:
        if self._broker.protocol == "auto" and self._protocol == "5":
            self._protocol = "3.1.1"
            return BrokerUnavailable("it does not speak MQTT 5; 3.1.1 is next", reason="protocol")
        return BrokerUnavailable(f"it does not speak MQTT {self._protocol}", reason="refused")


def _silent() -> logging.Logger:
    """Where paho's own story goes: what matters of it is told by `Line`, once."""
    logger = logging.getLogger("envoy_mqtt.paho")
    logger.setLevel(logging.CRITICAL)
    return logger


def _hang_up(client: aiomqtt.Client) -> None:
    """Close what aiomqtt leaves open where an attempt failed or nobody took our goodbye."""
    sock = client._client.socket()
    if isinstance(sock, socket.socket):
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


def _write_at_once(client: aiomqtt.Client) -> None:
    """Let paho write when it has something to write, and wait for the socket only when that is full.

    aiomqtt registers a writer for every packet, which takes two more turns of the loop, so that `live`
    leaves after the three messages behind it are ready. Measured: latency × 0.8, processor time × 0.8.
    """
    paho = client._client
    wait_for_socket = paho.on_socket_register_write

    def write(paho: Client, userdata: object, sock: object) -> None:
        paho.loop_write()
        if paho.want_write():
            wait_for_socket(paho, userdata, sock)  # type: ignore[misc,arg-type]

    paho.on_socket_register_write = write


def _properties(message: Message) -> Properties:
    return _packed(message.content_type, message.expiry_s)


def _none(message: Message) -> None:
    """MQTT 3.1.1 has no properties."""


class Packed(Properties):
    """Properties of a publish that are packed once: paho does it anew for every message, for a tenth of
    what the whole publish costs.
    """

    def __init__(self, content_type: str, expiry_s: int) -> None:
        super().__init__(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if content_type:
            self.ContentType = content_type
        if expiry_s:
            self.MessageExpiryInterval = expiry_s
        # Its own `__setattr__` takes only names of MQTT's.
        object.__setattr__(self, "_packed", super().pack())  # type: ignore[no-untyped-call]

    def pack(self) -> bytes:
        """The bytes of the properties in a PUBLISH."""
        packed: bytes = object.__getattribute__(self, "_packed")
        return packed


_packed = lru_cache(maxsize=16)(Packed)  # there are three combinations


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that came first; the others followed from it."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
