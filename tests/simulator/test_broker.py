"""The same checks on the embedded broker and on a real Mosquitto, so that ours cannot agree only with us.

Where a client library would hide the point, a bare client speaks: it answers nothing by itself. That
nothing arrives is proved by a ping: its answer would come after whatever the broker had sent before.
"""

import asyncio
import gc
import socket
import time
import weakref
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Self

import aiomqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties as PahoProperties

from envoy_mqtt.simulator.broker import Broker
from envoy_mqtt.simulator.broker.codec import MAX_PACKET, Decoder, encode
from envoy_mqtt.simulator.broker.fields import V5, V311, Kind, Property, Reason
from envoy_mqtt.simulator.broker.packets import (
    Ack,
    Connack,
    Connect,
    Disconnect,
    Outcome,
    Packet,
    Ping,
    Publish,
    Subscribe,
    Subscription,
    Unsubscribe,
)
from envoy_mqtt.simulator.broker.session import MAX_BACKLOG
from tests.mosquitto import Mosquitto

PATIENCE_S = 30.0
PROTOCOLS = {V311: aiomqtt.ProtocolVersion.V311, V5: aiomqtt.ProtocolVersion.V5}

Place = Broker | Mosquitto


def reasons(said: list[Packet]) -> list[int]:
    return [one.reason for one in said if isinstance(one, Disconnect)]


def says_why(broker: Place, version: int) -> bool:
    """Mosquitto does so on some occasions only."""
    return version == V5 and isinstance(broker, Broker)


@asynccontextmanager
async def embedded() -> AsyncIterator[Broker]:
    """Ours, with a bug of its own failing the test: asyncio would only log what a protocol raises."""
    bugs: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: bugs.append(context))
    async with Broker() as broker:
        yield broker
    assert bugs == []


@pytest.fixture(params=["embedded", "mosquitto"])
async def broker(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    if request.param == "embedded":
        async with embedded() as ours:
            yield ours
    else:
        with Mosquitto(f"max_packet_size {MAX_PACKET}") as real:
            yield real


@pytest.fixture
async def ours() -> AsyncIterator[Broker]:
    async with embedded() as broker:
        yield broker


@pytest.fixture(params=[V311, V5], ids=["3.1.1", "5"])
def version(request: pytest.FixtureRequest) -> int:
    value: int = request.param
    return value


class Client:
    """A bare client: sends what the test says, shows what the broker says, does nothing by itself."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, version: int) -> None:
        self.version = version
        self.connack = Connack()
        self._reader, self._writer = reader, writer
        self._decoder = Decoder(version)
        self._packets: deque[Packet] = deque()

    def send(self, *packets: Packet | bytes) -> None:
        for packet in packets:
            self._writer.write(packet if isinstance(packet, bytes) else encode(packet, self.version))

    async def sent(self) -> None:
        await self._writer.drain()

    async def receive(self) -> Packet:
        async with asyncio.timeout(PATIENCE_S):
            while not self._packets:
                data = await self._reader.read(1 << 16)
                assert data, "the broker closed the connection"
                self._packets.extend(self._decoder.feed(data))
        return self._packets.popleft()

    async def message(self) -> Publish:
        packet = await self.receive()
        assert isinstance(packet, Publish)
        return packet

    async def ask(self, packet: Packet | bytes) -> Packet:
        self.send(packet)
        return await self.receive()

    async def hears_nothing(self) -> None:
        assert await self.ask(Ping()) == Ping(Kind.PINGRESP)

    async def last_words(self) -> list[Packet]:
        """What the broker says until it closes the connection."""
        async with asyncio.timeout(PATIENCE_S):
            try:
                while data := await self._reader.read(1 << 16):
                    self._packets.extend(self._decoder.feed(data))
            except ConnectionResetError:
                pass  # It closed with something of ours unread.
            finally:
                self.vanish()
        return list(self._packets)

    async def reads_until(self, end: bytes) -> None:
        """Reads faster than by packets, and forgets them."""
        async with asyncio.timeout(PATIENCE_S):
            while not (await self._reader.read(1 << 20)).endswith(end):
                pass

    async def subscribe(self, *wanted: str, qos: int = 0, **options: Any) -> None:
        subscriptions = tuple(Subscription(one, qos, **options) for one in wanted)
        answer = await self.ask(Subscribe(1, subscriptions))
        assert isinstance(answer, Outcome)
        assert max(answer.reasons) < Reason.UNSPECIFIED

    async def publish(self, *messages: Publish) -> None:
        """With QoS 1 and the acknowledgement, after which the broker has given it to its subscribers."""
        for number, message in enumerate(messages, 1):
            answer = await self.ask(replace(message, qos=1, packet_id=number))
            assert isinstance(answer, Ack)
            assert answer.kind is Kind.PUBACK

    def vanish(self) -> None:
        """Goes without a DISCONNECT."""
        self._writer.transport.abort()

    async def leave(self, reason: int = Reason.SUCCESS) -> None:
        self.send(Disconnect(reason=reason))
        assert await self.last_words() == []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.vanish()


async def reach(broker: Place, version: int) -> Client:
    """A network connection and no more."""
    return Client(*await asyncio.open_connection(broker.host, broker.port), version)


async def join(broker: Place, version: int, client_id: str = "", **options: Any) -> Client:
    """A client that has been let in."""
    client = await reach(broker, version)
    answer = await client.ask(Connect(client_id, version, **options))
    assert isinstance(answer, Connack)
    assert answer.reason == Reason.SUCCESS
    client.connack = answer
    return client


def lasting(version: int) -> dict[str, Any]:
    """Options of a session that outlives its connection."""
    return {"clean_start": False, "properties": {Property.SESSION_EXPIRY: 60} if version == V5 else {}}


def library(broker: Place, version: int, **options: Any) -> aiomqtt.Client:
    return aiomqtt.Client(
        broker.host,
        broker.port,
        protocol=PROTOCOLS[version],
        timeout=PATIENCE_S,
        socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        **options,
    )


def paho_lasting(version: int) -> dict[str, Any]:
    if version == V311:
        return {"clean_session": False}
    properties: Any = PahoProperties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 60
    return {"clean_start": False, "properties": properties}


async def arriving(client: aiomqtt.Client, count: int) -> list[tuple[str, object, int, bool]]:
    async with asyncio.timeout(PATIENCE_S):
        messages = [await anext(client.messages) for _ in range(count)]
    return [(str(one.topic), one.payload, one.qos, one.retain) for one in messages]


# What a client library sees.


async def test_a_message_reaches_its_subscriber(broker: Place, version: int) -> None:
    async with library(broker, version) as subscriber, library(broker, version) as publisher:
        await subscriber.subscribe("envoy/#", qos=1)
        for qos in (0, 1, 2):
            await publisher.publish("envoy/power", f"{qos}", qos=qos)
        seen = await arriving(subscriber, 3)
        assert [(topic, payload, retain) for topic, payload, _, retain in seen] == [
            ("envoy/power", b"0", False),
            ("envoy/power", b"1", False),
            ("envoy/power", b"2", False),
        ]
        assert [qos for _, _, qos, _ in seen] == [0, 1, 1]


async def test_a_message_of_qos_2_reaches_a_subscriber_who_asked_for_2(broker: Place, version: int) -> None:
    async with library(broker, version) as subscriber, library(broker, version) as publisher:
        await subscriber.subscribe("a", qos=2)
        for payload in ("1", "2"):
            await publisher.publish("a", payload, qos=2)
            [(_, got, qos, _)] = await arriving(subscriber, 1)
            assert got == payload.encode()
            assert qos == (1 if isinstance(broker, Broker) else 2)  # Ours grants no more.


async def test_a_thousand_retained_messages_reach_a_late_subscriber(broker: Place, version: int) -> None:
    async with library(broker, version) as publisher:
        for number in range(1000):
            await publisher.publish(f"r/{number}", f"{number}", retain=True)
        await publisher.publish("last", "", qos=1)
    async with library(broker, version) as subscriber:
        await subscriber.subscribe("r/+")
        expected = [(f"r/{number}", f"{number}".encode(), 0, True) for number in range(1000)]
        assert sorted(await arriving(subscriber, 1000)) == sorted(expected)


async def test_what_came_while_a_lasting_session_was_away_is_delivered(broker: Place, version: int) -> None:
    session = {"identifier": "diary", **paho_lasting(version)}
    async with library(broker, version, **session) as diary:
        await diary.subscribe("d/#", qos=1)
    async with library(broker, version) as publisher:
        await publisher.publish("d/lost", "", qos=0)
        for number in range(50):
            await publisher.publish("d/kept", f"{number}", qos=1)
    async with library(broker, version, **session) as diary:
        seen = await arriving(diary, 50)
    assert seen == [("d/kept", f"{number}".encode(), 1, False) for number in range(50)]


# Topics.


@pytest.mark.parametrize(
    ("topic_filter", "heard"),
    [
        ("a/b", {"a/b"}),
        ("a/+", {"a/b", "a/"}),
        ("+/b", {"a/b", "/b"}),
        ("+", {"a"}),
        ("/+", {"/b"}),
        ("a/#", {"a", "a/", "a/b", "a/b/c"}),
        ("a/+/c", {"a/b/c"}),
        ("#", {"a", "a/", "a/b", "a/b/c", "/b"}),
        ("+/+/#", {"a/", "a/b", "a/b/c", "/b"}),
        ("$demo/#", {"$demo/b"}),
        ("+/demo", set()),
    ],
)
async def test_a_filter_covers_its_topics_and_no_others(
    broker: Place, version: int, topic_filter: str, heard: set[str]
) -> None:
    async with await join(broker, version) as client:
        await client.subscribe(topic_filter, "end")
        for topic in ("a", "a/", "a/b", "a/b/c", "/b", "$demo/b", "end"):
            client.send(Publish(topic))
        seen = set()
        while (message := await client.message()).topic != "end":
            seen.add(message.topic)
        assert seen == heard


@pytest.mark.parametrize("topic_filter", ["a/#/b", "a+", "#a", "a/b#", ""])
async def test_a_filter_that_is_none_gets_nobody_a_subscription(
    broker: Place, version: int, topic_filter: str
) -> None:
    async with await join(broker, version) as client:
        client.send(Subscribe(1, (Subscription(topic_filter),)), Ping())
        words = await client.last_words() if isinstance(broker, Mosquitto) else [await client.receive()]
        granted = [one.reasons for one in words if isinstance(one, Outcome)]
        # Mosquitto ends the connection, ours refuses; the standard knows both (3.9.3, 4.13).
        assert granted == ([] if isinstance(broker, Mosquitto) else [b"\x8f" if version == V5 else b"\x80"])


async def test_overlapping_filters_get_a_message_once_at_the_best_qos(ours: Broker, version: int) -> None:
    async with await join(ours, version) as client:
        await client.subscribe("a/#")
        await client.subscribe("a/b", qos=1)
        client.send(Publish("a/b", qos=2, packet_id=9))
        assert (await client.message()).qos == 1
        assert await client.receive() == Ack(Kind.PUBREC, 9)
        await client.hears_nothing()


async def test_unsubscribing_ends_it(broker: Place, version: int) -> None:
    async with await join(broker, version) as client:
        await client.subscribe("a", "b")
        answer = await client.ask(Unsubscribe(7, ("a", "never")))
        reasons = bytes([Reason.SUCCESS, Reason.NO_SUBSCRIPTION_EXISTED]) if version == V5 else b""
        assert answer == Outcome(Kind.UNSUBACK, 7, reasons)
        client.send(Publish("a"), Publish("b"))
        assert (await client.message()).topic == "b"


async def test_who_listens_may_change_between_two_messages(broker: Place, version: int) -> None:
    async with await join(broker, version) as speaker, await join(broker, version) as listener:
        await speaker.publish(Publish("a", b"1"))
        await listener.subscribe("+")
        await speaker.publish(Publish("a", b"2"))
        assert await listener.message() == Publish("a", b"2")
        await listener.ask(Unsubscribe(1, ("+",)))
        await speaker.publish(Publish("a", b"3"))
        await listener.hears_nothing()
        for payload in (b"4", b"5"):
            async with await join(broker, version, "again") as again:
                await again.subscribe("#")
                await speaker.publish(Publish("a", payload))
                assert await again.message() == Publish("a", payload)
                await again.leave()
        answer = await speaker.ask(Publish("a", b"6", 1, packet_id=1))
        assert answer == Ack(Kind.PUBACK, 1, Reason.NO_MATCHING_SUBSCRIBERS if version == V5 else 0)


async def test_a_subscription_is_granted_no_more_than_it_asked_for(broker: Place, version: int) -> None:
    async with await join(broker, version) as client:
        wanted = tuple(Subscription(f"q/{qos}", qos) for qos in range(3))
        answer = await client.ask(Subscribe(3, wanted))
        assert isinstance(answer, Outcome)
        assert answer.packet_id == 3
        assert answer.reasons[:2] == bytes([0, 1])
        assert answer.reasons[2] in (1, 2)


async def test_shared_subscriptions_are_refused(ours: Broker, version: int) -> None:
    async with await join(ours, version) as client:
        answer = await client.ask(Subscribe(1, (Subscription("$share/g/a"),)))
        assert answer == Outcome(Kind.SUBACK, 1, b"\x9e" if version == V5 else b"\x80")


# Retained messages.


async def test_retained_messages_are_kept_replaced_and_deleted(broker: Place, version: int) -> None:
    async with await join(broker, version) as publisher, await join(broker, version) as early:
        await early.subscribe("r")
        await publisher.publish(Publish("r", b"1", retain=True), Publish("r", b"2", retain=True))
        assert await early.message() == Publish("r", b"1")
        assert await early.message() == Publish("r", b"2")
        async with await join(broker, version) as late:
            await late.subscribe("r")
            assert await late.message() == Publish("r", b"2", retain=True)
        await publisher.publish(Publish("r", b"", retain=True))
        async with await join(broker, version) as later:
            await later.subscribe("r")
            await later.hears_nothing()


@pytest.mark.parametrize(
    ("handling", "first", "again"), [(0, True, True), (1, True, False), (2, False, False)]
)
async def test_retain_handling_says_when_a_subscription_brings_retained_messages(
    broker: Place, handling: int, first: bool, again: bool
) -> None:
    async with await join(broker, V5) as client:
        await client.publish(Publish("r", b"1", retain=True))
        for brings in (first, again):
            await client.subscribe("r", retain_handling=handling)
            if brings:
                assert await client.message() == Publish("r", b"1", retain=True)
            await client.hears_nothing()


async def test_retain_as_published_keeps_the_flag(broker: Place) -> None:
    async with await join(broker, V5) as client:
        await client.subscribe("r", retain_as_published=True)
        client.send(Publish("r", b"1", retain=True), Publish("r", b"2"))
        assert await client.message() == Publish("r", b"1", retain=True)
        assert await client.message() == Publish("r", b"2")


async def test_no_local_spares_a_client_its_own_messages(broker: Place) -> None:
    async with await join(broker, V5) as one, await join(broker, V5) as other:
        await one.subscribe("a", no_local=True)
        one.send(Publish("a", b"own"))
        await one.hears_nothing()
        other.send(Publish("a", b"other's"))
        assert await one.message() == Publish("a", b"other's")


async def test_retained_messages_wait_for_a_slow_reader(broker: Place, version: int) -> None:
    count, size = 200, 100_000  # 20 MB: more than the kernel takes for a reader who does not read.
    async with await join(broker, version) as publisher, await join(broker, version) as slow:
        await publisher.publish(*(Publish(f"r/{at}", bytes(size), retain=True) for at in range(count)))
        slow.send(Subscribe(1, (Subscription("r/#"),)))
        await publisher.hears_nothing()
        got = {packet.topic for _ in range(count + 1) if isinstance(packet := await slow.receive(), Publish)}
        assert got == {f"r/{at}" for at in range(count)}


# Quality of service.


async def test_an_unacknowledged_message_comes_again_after_reconnecting(broker: Place, version: int) -> None:
    async with await join(broker, version) as publisher:
        first = await join(broker, version, "c", **lasting(version))
        await first.subscribe("q", qos=1)
        await publisher.publish(Publish("q", b"1"), Publish("q", b"2"), Publish("q", b"3"))
        before = [await first.message() for _ in range(3)]
        assert [(one.payload, one.dup) for one in before] == [(b"1", False), (b"2", False), (b"3", False)]
        first.send(Ack(Kind.PUBACK, before[0].packet_id))
        await first.hears_nothing()
        first.vanish()
        async with await join(broker, version, "c", **lasting(version)) as second:
            assert second.connack.session_present
            for one in before[1:]:
                assert await second.message() == replace(one, dup=True)
                second.send(Ack(Kind.PUBACK, one.packet_id))
            await second.leave()
        async with await join(broker, version, "c", **lasting(version)) as third:
            await third.hears_nothing()


async def test_a_qos_2_message_sent_twice_is_passed_on_once(broker: Place, version: int) -> None:
    async with await join(broker, version) as subscriber, await join(broker, version) as publisher:
        await subscriber.subscribe("q")
        message = Publish("q", b"x", qos=2, packet_id=5)
        for packet in (message, replace(message, dup=True)):
            answer = await publisher.ask(packet)
            assert isinstance(answer, Ack)
            assert (answer.kind, answer.packet_id) == (Kind.PUBREC, 5)
        assert await publisher.ask(Ack(Kind.PUBREL, 5)) == Ack(Kind.PUBCOMP, 5)
        assert await subscriber.message() == Publish("q", b"x")
        await subscriber.hears_nothing()
        assert isinstance(await publisher.ask(message), Ack)  # Released, the number means a new message.
        publisher.send(Ack(Kind.PUBREL, 5))
        assert await subscriber.message() == Publish("q", b"x")


async def test_a_publisher_is_told_that_nobody_listens(broker: Place) -> None:
    async with await join(broker, V5) as client:
        answer = await client.ask(Publish("nobody", qos=1, packet_id=4))
        assert answer == Ack(Kind.PUBACK, 4, Reason.NO_MATCHING_SUBSCRIBERS)


async def test_no_more_than_the_receive_maximum_is_unacknowledged(broker: Place) -> None:
    window = {Property.RECEIVE_MAXIMUM: 2}
    async with await join(broker, V5, properties=window) as slow, await join(broker, V5) as publisher:
        await slow.subscribe("q", qos=1)
        await publisher.publish(*(Publish("q", bytes([number])) for number in range(4)))
        first, second = await slow.message(), await slow.message()
        await slow.hears_nothing()
        third = await slow.ask(Ack(Kind.PUBACK, second.packet_id))
        fourth = await slow.ask(Ack(Kind.PUBACK, first.packet_id))
        assert isinstance(third, Publish)
        assert isinstance(fourth, Publish)
        assert [one.payload[0] for one in (first, second, third, fourth)] == [0, 1, 2, 3]


async def test_a_client_is_spared_packets_larger_than_it_wants(broker: Place) -> None:
    async with await join(broker, V5, properties={Property.MAXIMUM_PACKET_SIZE: 100}) as client:
        await client.subscribe("a", qos=1)
        async with await join(broker, V5) as publisher:
            await publisher.publish(Publish("a", bytes(200)), Publish("a", bytes(10)))
        assert len((await client.message()).payload) == 10


# Sessions.


async def test_a_clean_start_forgets_the_session(broker: Place, version: int) -> None:
    async with await join(broker, version, "c", **lasting(version)) as client:
        assert not client.connack.session_present
        await client.subscribe("a", qos=1)
        await client.leave()
    async with await join(broker, version, "c", **lasting(version)) as client:
        assert client.connack.session_present
        await client.leave()
    async with await join(broker, version, "c") as client:
        assert not client.connack.session_present
        await client.publish(Publish("a"))
        await client.hears_nothing()


async def test_a_session_ends_with_its_connection_unless_it_is_to_last(broker: Place, version: int) -> None:
    async with await join(broker, version, "c") as client:
        await client.subscribe("a", qos=1)
        await client.leave()
    async with await join(broker, version, "c", **lasting(version)) as client:
        assert not client.connack.session_present


async def test_a_disconnect_can_end_a_lasting_session(broker: Place) -> None:
    async with await join(broker, V5, "c", **lasting(V5)) as client:
        client.send(Disconnect(properties={Property.SESSION_EXPIRY: 0}))
        assert await client.last_words() == []
    async with await join(broker, V5, "c", **lasting(V5)) as client:
        assert not client.connack.session_present


async def test_the_same_client_id_takes_over(broker: Place, version: int) -> None:
    async with await join(broker, version) as witness:
        await witness.subscribe("will")
        old = await join(broker, version, "c", will=Publish("will", b"taken over"))
        async with await join(broker, version, "c") as new:
            said = await old.last_words()
            assert reasons(said) == ([Reason.SESSION_TAKEN_OVER] if says_why(broker, version) else [])
            assert await witness.message() == Publish("will", b"taken over")
            await new.hears_nothing()


async def test_a_session_taken_over_goes_on(broker: Place, version: int) -> None:
    old = await join(broker, version, "c", **lasting(version))
    await old.subscribe("a", qos=1)
    async with await join(broker, version, "c", **lasting(version)) as new:
        assert new.connack.session_present
        new.send(Publish("a", b"x"))
        assert await new.message() == Publish("a", b"x")
    await old.last_words()


async def test_a_client_without_an_id_is_given_one(broker: Place, version: int) -> None:
    async with await join(broker, version) as one, await join(broker, version) as other:
        await one.hears_nothing()
        await other.hears_nothing()
        told = [client.connack.properties.get(Property.ASSIGNED_CLIENT_IDENTIFIER) for client in (one, other)]
        assert len(set(told)) == 2 if version == V5 else told == [None, None]


async def test_a_lasting_session_needs_a_client_id(broker: Place) -> None:
    async with await reach(broker, V311) as client:
        assert await client.ask(Connect("", V311, clean_start=False)) == Connack(False, 2)
        assert await client.last_words() == []


# Wills.


async def test_a_lost_client_has_its_will_sent_and_retained(broker: Place, version: int) -> None:
    async with await join(broker, version) as witness:
        await witness.subscribe("status", qos=1)
        lost = await join(broker, version, will=Publish("status", b"offline", 1, True))
        lost.vanish()
        assert replace(await witness.message(), packet_id=0) == Publish("status", b"offline", 1)
    async with await join(broker, version) as late:
        await late.subscribe("status")
        assert await late.message() == Publish("status", b"offline", retain=True)


async def test_a_client_that_disconnects_has_no_will_sent(broker: Place, version: int) -> None:
    async with await join(broker, version) as witness:
        await witness.subscribe("status")
        async with await join(broker, version, will=Publish("status", b"offline")) as client:
            await client.leave()
        await witness.hears_nothing()


async def test_a_client_can_disconnect_and_have_its_will_sent(broker: Place) -> None:
    async with await join(broker, V5) as witness:
        await witness.subscribe("status")
        async with await join(broker, V5, will=Publish("status", b"offline")) as client:
            await client.leave(Reason.DISCONNECT_WITH_WILL)
        assert await witness.message() == Publish("status", b"offline")


async def test_a_will_waits_for_its_delay(broker: Place) -> None:
    delayed = Publish("status", b"offline", properties={Property.WILL_DELAY: 1})
    async with await join(broker, V5) as witness:
        await witness.subscribe("status")
        client = await join(broker, V5, "c", will=delayed, **lasting(V5))
        client.vanish()
        async with await join(broker, V5, "c", **lasting(V5)) as back:  # In time: the will is not sent.
            await back.leave()
        client = await join(broker, V5, "c", will=delayed, **lasting(V5))
        since = time.monotonic()
        client.vanish()
        assert await witness.message() == Publish("status", b"offline")
        assert time.monotonic() - since > 0.5  # Mosquitto counts in whole seconds of the wall clock.


# Keep-alive.


async def test_a_ping_is_answered(broker: Place, version: int) -> None:
    async with await join(broker, version) as client:
        assert await client.ask(b"\xc0\x00") == Ping(Kind.PINGRESP)


async def test_a_silent_client_is_given_up(ours: Broker) -> None:
    """Mosquitto looks every five seconds only, which is long to wait for; elsewhere time is an argument."""
    async with await join(ours, V5) as witness:
        await witness.subscribe("status")
        silent = await join(ours, V5, keep_alive_s=1, will=Publish("status", b"offline"))
        since = time.monotonic()
        said = await silent.last_words()
        assert time.monotonic() - since >= 1.5
        assert reasons(said) == [Reason.KEEP_ALIVE_TIMEOUT]
        assert await witness.message() == Publish("status", b"offline")


# Version 5's properties.


async def test_a_messages_properties_are_passed_on(broker: Place) -> None:
    properties = {
        Property.PAYLOAD_FORMAT: 1,
        Property.CONTENT_TYPE: "application/json",
        Property.RESPONSE_TOPIC: "answers/1",
        Property.CORRELATION_DATA: b"\x00\xff",
        Property.USER_PROPERTY: (("a", "1"), ("b", "2"), ("a", "3")),
    }
    async with await join(broker, V5) as client, await join(broker, V311) as older:
        await client.subscribe("p", "will")
        await older.subscribe("p")
        client.send(Publish("p", b"x", properties=properties))
        assert await client.message() == Publish("p", b"x", properties=properties)
        assert await older.message() == Publish("p", b"x")
        (await join(broker, V5, will=Publish("will", b"y", properties=properties))).vanish()
        assert await client.message() == Publish("will", b"y", properties=properties)


async def test_a_subscription_identifier_comes_with_its_messages(broker: Place) -> None:
    number = {Property.SUBSCRIPTION_IDENTIFIER: (300,)}
    async with await join(broker, V5) as client:
        await client.ask(Subscribe(1, (Subscription("a"),), number))
        client.send(Publish("a", b"x"))
        assert await client.message() == Publish("a", b"x", properties=number)


async def test_a_message_says_how_long_it_is_still_good_and_then_is_gone(broker: Place) -> None:
    async with await join(broker, V5) as client:
        for topic, expiry_s in (("long", 100), ("short", 1)):
            properties = {Property.MESSAGE_EXPIRY: expiry_s}
            await client.publish(Publish(topic, b"x", retain=True, properties=properties))
        await client.subscribe("long")
        assert 90 < (await client.message()).properties[Property.MESSAGE_EXPIRY] <= 100
        async with asyncio.timeout(PATIENCE_S):
            await client.subscribe("short")
            while (packet := await client.ask(Ping())) != Ping(Kind.PINGRESP):
                assert isinstance(packet, Publish)
                assert await client.receive() == Ping(Kind.PINGRESP)
                await client.subscribe("short")


async def test_no_topic_alias_is_taken_beyond_those_offered(broker: Place) -> None:
    async with await join(broker, V5) as client:
        offered = client.connack.properties.get(Property.TOPIC_ALIAS_MAXIMUM, 0)
        client.send(Publish("a", properties={Property.TOPIC_ALIAS: offered + 1}))
        [goodbye] = await client.last_words()
        assert isinstance(goodbye, Disconnect)
        assert goodbye.reason == Reason.TOPIC_ALIAS_INVALID


async def test_the_broker_offers_no_topic_aliases(ours: Broker) -> None:
    async with await join(ours, V5) as client:
        assert client.connack.properties[Property.TOPIC_ALIAS_MAXIMUM] == 0
        assert client.connack.properties[Property.MAXIMUM_PACKET_SIZE] == MAX_PACKET


# Bad clients.


def connect_bytes(level: int, name: bytes = b"MQTT") -> bytes:
    body = bytes([0, len(name)]) + name + bytes([level, 2, 0, 0]) + (b"\0" if level == 5 else b"") + b"\0\0"
    return bytes([0x10, len(body)]) + body


@pytest.mark.parametrize("hello", [connect_bytes(3), connect_bytes(2)], ids=["3", "2"])
async def test_an_older_protocol_version_is_refused(broker: Place, hello: bytes) -> None:
    async with await reach(broker, V311) as client:
        client.send(hello)
        assert await client.last_words() == [Connack(False, 1)]


async def test_a_newer_protocol_version_is_refused(ours: Broker) -> None:
    async with await reach(ours, V5) as client:
        client.send(connect_bytes(6))
        [answer] = await client.last_words()
        assert isinstance(answer, Connack)
        assert answer.reason == Reason.UNSUPPORTED_PROTOCOL_VERSION


@pytest.mark.parametrize(
    "hello",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xc0\x00",
        b"\x10\xff\xff\xff\xff\xff",
        b"\x10\x00",
        connect_bytes(4, b"HTTP"),
        b"\x10\x0c\x00\x04MQTT\x04\x03\x00\x00\x00\x00",
    ],
    ids=["http", "ping first", "endless length", "empty connect", "other protocol", "reserved flag"],
)
async def test_who_does_not_begin_with_connect_is_not_let_in(broker: Place, hello: bytes) -> None:
    async with await join(broker, V5) as bystander:
        async with await reach(broker, V311) as client:
            client.send(hello)
            assert await client.last_words() == []
        await bystander.hears_nothing()


MALFORMED = {
    "type 0": b"\x00\x00",
    "QoS 3": b"\x36\x05\x00\x01a\x00\x01",
    "packet id 0": b"\x32\x06\x00\x01a\x00\x00\x00",
    "a topic with a wildcard": b"\x30\x05\x00\x01#\x00x",
    "an empty topic": b"\x30\x03\x00\x00\x00",
    "a topic cut short": b"\x30\x03\x00\x09a",
    "a topic that is not UTF-8": b"\x30\x05\x00\x02\xc3\x28\x00",
    "a null character": b"\x30\x04\x00\x01\x00\x00",
    "flags of a subscribe": b"\x80\x02\x00\x01",
    "a subscribe for nothing": b"\x82\x03\x00\x01\x00",
    "an unsubscribe from nothing": b"\xa2\x03\x00\x01\x00",
}


@pytest.mark.parametrize("nonsense", MALFORMED.values(), ids=MALFORMED.keys())
async def test_a_malformed_packet_ends_its_own_connection_only(
    broker: Place, version: int, nonsense: bytes
) -> None:
    async with await join(broker, version) as bystander:
        await bystander.subscribe("will")
        client = await join(broker, version, will=Publish("will", b"malformed"))
        client.send(nonsense)
        said = reasons(await client.last_words())
        assert len(said) == 1 if says_why(broker, version) else len(said) <= 1
        assert min(said, default=Reason.UNSPECIFIED) >= Reason.UNSPECIFIED
        assert await bystander.message() == Publish("will", b"malformed")


@pytest.mark.parametrize(
    "properties",
    [b"\x02\x7f\x00", b"\x03\x21\x00\x01", b"\x09\x01\x00"],
    ids=["unknown", "misplaced", "too long"],
)
async def test_a_malformed_property_ends_the_connection_with_a_reason(
    broker: Place, properties: bytes
) -> None:
    async with await join(broker, V5) as client:
        body = b"\x00\x01a" + properties
        client.send(bytes([0x30, len(body)]) + body)
        assert reasons(await client.last_words()) == [Reason.MALFORMED_PACKET]


@pytest.mark.parametrize(
    ("nonsense", "reason"),
    [
        pytest.param(b"\xd0\x00", Reason.PROTOCOL_ERROR, id="a server's packet"),
        pytest.param(connect_bytes(5), Reason.PROTOCOL_ERROR, id="a second connect"),
        pytest.param(b"\xf0\x00", Reason.PROTOCOL_ERROR, id="authentication"),
        pytest.param(b"\x30\x08\0\1a\4\1\0\1\0", Reason.PROTOCOL_ERROR, id="a property twice"),
        pytest.param(b"\x30\x06\0\1a\2\1\2", Reason.PROTOCOL_ERROR, id="neither 0 nor 1"),
        pytest.param(b"\x30\x06\0\1a\2\x0b\1", Reason.PROTOCOL_ERROR, id="a subscription identifier"),
        pytest.param(b"\x30\x04\0\1#\0", Reason.TOPIC_NAME_INVALID, id="a wildcard"),
        pytest.param(b"\xe0\x07\0\5\x11\0\0\0\x09", Reason.PROTOCOL_ERROR, id="a longer session"),
    ],
)
async def test_the_reason_is_the_standards(ours: Broker, nonsense: bytes, reason: Reason) -> None:
    """Mosquitto lets some of these pass, and ends others without a word."""
    async with await join(ours, V5) as client:
        client.send(nonsense)
        assert reasons(await client.last_words()) == [reason]


async def test_a_packet_of_more_than_a_mebibyte_is_refused(broker: Place, version: int) -> None:
    async with await join(broker, version) as client:
        await client.subscribe("a")
        room = MAX_PACKET - len(encode(Publish("a"), version)) - 2  # The length takes two bytes more.
        client.send(Publish("a", bytes(room)))
        assert len((await client.message()).payload) == room
        client.send(encode(Publish("a", bytes(room + 8)), version)[:8])
        said = reasons(await client.last_words())
        assert said == ([Reason.PACKET_TOO_LARGE] if version == V5 else [])


async def test_a_slow_reader_slows_nobody_and_has_a_bounded_queue(broker: Place, version: int) -> None:
    count, size = 1200, 20_000  # 24 MB: more than the kernel takes for a reader who does not read.
    async with (
        await join(broker, version) as slow,
        await join(broker, version) as quick,
        await join(broker, version) as publisher,
    ):
        await slow.subscribe("flood")
        await quick.subscribe("flood")
        for number in range(count):
            publisher.send(Publish("flood", number.to_bytes(2, "big") + bytes(size)))
            await publisher.sent()
            assert int.from_bytes((await quick.message()).payload[:2], "big") == number
        slow.send(Ping())
        got = 0
        while await slow.receive() != Ping(Kind.PINGRESP):
            got += 1
        assert 0 < got < count or isinstance(broker, Mosquitto)


async def test_who_asks_and_does_not_read_has_to_wait(ours: Broker) -> None:
    """A look inside, as this is about memory: messages wait elsewhere, so only answers can pile up here."""
    asking = encode(Ack(Kind.PUBREL, 7), V5) * 5000  # Nothing is answered more lengthily.
    async with await join(ours, V5) as bystander, await join(ours, V5) as deaf:
        await deaf.subscribe("a")
        while (backlog := max(one.backlog for one in ours._exchange.connections)) <= 2 * MAX_BACKLOG:
            if backlog <= MAX_BACKLOG:
                await bystander.publish(Publish("a", bytes(MAX_BACKLOG - 100)))
            else:
                deaf.send(asking)
                await bystander.hears_nothing()
        deaf.send(*[asking] * 24, Ping())
        for _ in range(50):  # More than it would take to read what was sent.
            await bystander.hears_nothing()
        assert max(one.backlog for one in ours._exchange.connections) < 2.5 * MAX_BACKLOG
        await deaf.reads_until(b"\xd0\x00")
        await deaf.hears_nothing()


# Ours alone: coming and going.


async def test_a_port_that_is_taken_is_said_at_once(ours: Broker) -> None:
    with pytest.raises(OSError, match="address already in use"):
        async with Broker(port=ours.port):
            pass


async def test_retained_shows_what_is_retained(ours: Broker) -> None:
    async with await join(ours, V5) as client:
        await client.publish(Publish("a/b", b"1", retain=True), Publish("a/c", b"2"))
        assert dict(ours.retained) == {"a/b": b"1"}
        await client.publish(Publish("a/b", b"", retain=True))
        assert dict(ours.retained) == {}


async def test_closing_ends_every_connection_at_once() -> None:
    async with embedded() as broker:
        newer, older, nobody = await join(broker, V5), await join(broker, V311), await reach(broker, V5)
        deaf = await join(broker, V5)
        await deaf.subscribe("a")
        for _ in range(300):
            newer.send(Publish("a", bytes(50_000)))
        await newer.hears_nothing()
        since = time.monotonic()
    assert time.monotonic() - since < 1.0
    assert reasons(await newer.last_words()) == [Reason.SERVER_SHUTTING_DOWN]
    assert await older.last_words() == await nobody.last_words() == []
    deaf.vanish()
    with pytest.raises(ConnectionRefusedError):
        await reach(broker, V5)


async def test_closing_leaves_nothing_behind() -> None:
    async with embedded() as broker:
        client = await join(broker, V5)
        inside = weakref.ref(broker._exchange)
    del broker
    gc.collect()
    assert inside() is None
    assert asyncio.all_tasks() == {asyncio.current_task()}
    client.vanish()
