"""One connection to the broker: aiomqtt's client, and what it does not tell of paho's.

aiomqtt drops the reason codes of MQTT 5: of a refused publish, of the broker's goodbye, of its limits. They
are read where paho hands them over, kept as values, and aiomqtt is handed the same as before.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from functools import lru_cache
from typing import Any, NamedTuple

import aiomqtt
from paho.mqtt.client import Client
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from envoy_mqtt.mqtt.message import OFFLINE, Message

# paho leaves Nagle's algorithm on; with it a second message waits up to 40 ms for the acknowledgement of
# the first (p50 17 ms instead of 0.15 at 1,000 messages a second).
NO_DELAY = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)

# How long name look-up and TCP connection may take: they run in a thread that nothing can interrupt.
CONNECT_S = 3.0

# paho looks once a second whether the broker is still there, twice late by that before it gives up: so much
# earlier it begins, and a lost broker is noticed within two keep-alives.
LATE_S = 1

# A request may have 64 KiB and is answered when it has more; what is far beyond shall not even be sent
# (MQTT 5, section 3.1.2.11.4).
LARGEST_INCOMING = 1024 * 1024

# So many messages from the broker wait for us; more than that nobody sends who means well.
WAITING = 256

# From here on a reason code is a refusal, and this one is a session's that another client took over (MQTT 5,
# section 2.4).
REFUSAL = 128
TAKEN_OVER = 142

TOO_LARGE = "it is larger than the broker's maximum packet size"

# Reasons of a CONNACK (MQTT 5, section 3.2.2.2); paho translates 3.1.1's codes to them.
WRONG_VERSION = 132
REFUSALS: Mapping[int, str] = {
    133: "the client id is not accepted (mqtt.client_id)",
    134: "user name or password are wrong (mqtt.username, mqtt.password)",
    135: "not authorised (mqtt.username, mqtt.password)",
    138: "this client is banned",
}

_NO_LIMIT = nullcontext()

PROTOCOLS = {"5": aiomqtt.ProtocolVersion.V5, "3.1.1": aiomqtt.ProtocolVersion.V311}


class Broker(NamedTuple):
    """Where and as whom the bridge connects; `will` is the topic of `bridge/state`, `wanted` are the topics
    that the bridge listens to besides.
    """

    host: str
    port: int
    client_id: str
    will: str
    wanted: tuple[str, ...] = ()
    username: str | None = None
    password: str | None = None
    keepalive_s: int = 15
    timeout_s: float = 5.0
    protocol: str = "auto"
    tls: ssl.SSLContext | None = None


class Connection:
    """A client for one connection, and what the broker said on it.

    `refused` are the topics it does not take, each with the reason; `gone` is whether it
    ended the connection, `parting` the reason code of its goodbye, 0 where it said none; `wordless` is
    whether it hung up on our CONNECT.
    """

    def __init__(self, broker: Broker, protocol: str) -> None:
        self.client = aiomqtt.Client(
            broker.host,
            broker.port,
            identifier=broker.client_id,
            username=broker.username,
            password=broker.password,
            protocol=PROTOCOLS[protocol],
            keepalive=broker.keepalive_s - LATE_S,
            timeout=broker.timeout_s,
            will=aiomqtt.Will(broker.will, OFFLINE, qos=1, retain=True),
            tls_context=broker.tls,
            socket_options=NO_DELAY,
            logger=_silent(),
            properties=_limits() if protocol == "5" else None,
            max_queued_incoming_messages=WAITING,
        )
        self.refused: dict[str, str] = {}
        self.gone = False
        self.parting = 0
        self.wordless = False
        self._leaving = False
        self._largest: int | None = None
        self._at_once: asyncio.Semaphore | None = None
        self._properties = _properties if protocol == "5" else _none
        self._paho = self.client._client
        self._paho.connect_timeout = CONNECT_S
        self._overhear()

    async def subscribe(self, topic: str) -> None:
        """Ask for a topic's messages; where the broker refuses, that is known."""
        codes = await self.client.subscribe(topic, qos=1)
        for code in codes:
            if _value(code) >= REFUSAL:
                self.refused[topic] = f"subscription refused: {_words(code)}"

    async def send(self, message: Message) -> bool:
        """Publish it, and wait for the acknowledgement where there is one; whether it left."""
        properties = self._properties(message)
        if self._largest is not None and not self._fits(message, properties, self._largest):
            return False
        async with self._at_once if self._at_once and message.qos else _NO_LIMIT:
            await self.client.publish(message.topic, message.payload, message.qos, message.retain, properties)
        return True

    def _fits(self, message: Message, properties: Properties | None, largest: int) -> bool:
        fits = size(message, properties) <= largest
        if not fits:
            self.refused[message.topic] = TOO_LARGE
        elif self.refused.get(message.topic) == TOO_LARGE:
            del self.refused[message.topic]
        return fits

    def write_at_once(self) -> None:
        """Let paho write when it has something to write, and wait for the socket only when that is full.

        aiomqtt registers a writer for every packet, which takes two more turns of the loop, so that `live`
        leaves after the three messages behind it are ready. Measured: latency × 0.8, processor time × 0.8.
        """
        wait_for_socket = self._paho.on_socket_register_write

        def write(paho: Client, userdata: object, sock: object) -> None:
            paho.loop_write()
            if paho.want_write() and paho.socket() is not None:
                wait_for_socket(paho, userdata, sock)  # type: ignore[misc,arg-type]

        self._paho.on_socket_register_write = write

    def leave(self, timeout_s: float) -> None:
        """What happens now is our own doing; the broker has so long to take it."""
        self._leaving, self.client.timeout = True, timeout_s

    def hang_up(self) -> None:
        """Close what aiomqtt leaves open where an attempt failed or nobody took our goodbye."""
        sock = self._paho.socket()
        if isinstance(sock, socket.socket):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _overhear(self) -> None:
        paho, aio = self._paho, self.client
        connected, published, gone = aio._on_connect, aio._on_publish, aio._on_disconnect

        def on_connect(client: Client, data: Any, flags: Any, code: ReasonCode, limits: Any) -> None:
            self._keep_to(limits)
            connected(client, data, flags, code, limits)

        def on_publish(client: Client, data: Any, mid: int, code: ReasonCode, properties: Any) -> None:
            if code.value >= REFUSAL or self.refused:
                self._judge(mid, code)
            published(client, data, mid, code, properties)

        def on_disconnect(client: Client, data: Any, flags: Any, code: ReasonCode, properties: Any) -> None:
            self.gone = self.gone or not self._leaving
            if flags.is_disconnect_packet_from_server:
                self.parting = code.value
            if not aio._connected.done():
                aio._loop.call_soon_threadsafe(self._hung_up)
            gone(client, data, flags, code, properties)

        paho.on_connect, paho.on_publish, paho.on_disconnect = on_connect, on_publish, on_disconnect

    def _keep_to(self, limits: Any) -> None:
        """What a CONNACK allows (MQTT 5, section 3.2.2.3); paho keeps to none of it."""
        self._largest = getattr(limits, "MaximumPacketSize", None)
        at_once = getattr(limits, "ReceiveMaximum", None)
        self._at_once = None if at_once is None else asyncio.Semaphore(at_once)

    def _judge(self, mid: int, code: ReasonCode) -> None:
        message = self._paho._out_messages.get(mid)
        if message is None:
            return
        if code.value >= REFUSAL:
            self.refused[message.topic] = _words(code)
        else:
            self.refused.pop(message.topic, None)

    def _hung_up(self) -> None:
        """aiomqtt would wait for an answer until its time is over."""
        if not self.client._connected.done():
            self.wordless = True
            self.client._connected.set_exception(aiomqtt.MqttError("the broker hung up without an answer"))
            self.client._connected.exception()  # asyncio shall not complain where nobody waits any more


def size(message: Message, properties: Properties | None) -> int:
    """Bytes of the PUBLISH (MQTT 5, section 3.3), at most two too many."""
    packed = 0 if properties is None else len(properties.pack())  # type: ignore[no-untyped-call]
    rest = 2 + len(message.topic.encode()) + 2 + packed + len(message.payload)
    return 1 + 4 + rest


def _value(code: ReasonCode | int) -> int:
    return code if isinstance(code, int) else code.value


def _words(code: ReasonCode | int) -> str:
    return "refused" if isinstance(code, int) else str(code).lower()


def _silent() -> logging.Logger:
    """Where paho's own story goes: what matters of it is told by `Line`, once."""
    logger = logging.getLogger("envoy_mqtt.paho")
    logger.setLevel(logging.CRITICAL)
    return logger


def _limits() -> Properties:
    limits = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    limits.MaximumPacketSize = LARGEST_INCOMING
    return limits


def _properties(message: Message) -> Properties | None:
    return _packed(message.content_type, message.expiry_s)


def _none(_: Message) -> Properties | None:
    """MQTT 3.1.1 has no properties."""
    return None


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
