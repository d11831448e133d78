"""The broker's rules without sockets, where time is an argument and hours pass in no time."""

import re
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from envoy_mqtt.simulator.broker.codec import Decoder, encode
from envoy_mqtt.simulator.broker.exchange import Exchange
from envoy_mqtt.simulator.broker.fields import V5, V311, Kind, Property, Reason
from envoy_mqtt.simulator.broker.packets import (
    Ack,
    Connack,
    Connect,
    Disconnect,
    Packet,
    Ping,
    Publish,
    Subscribe,
    Subscription,
)
from envoy_mqtt.simulator.broker.routes import MAX_REMEMBERED, Routes
from envoy_mqtt.simulator.broker.session import (
    CONNECT_WITHIN_S,
    MAX_BACKLOG,
    MAX_QUEUE,
    MAX_UNACKNOWLEDGED,
    Connection,
    Interest,
    Owed,
    Session,
)
from envoy_mqtt.simulator.broker.topics import matches, valid
from tests.simulator.test_broker_codec import PACKETS, VERSIONS


class Peer:
    """The far end of a connection: says packets, and hears what there is to read."""

    def __init__(self, exchange: Exchange, version: int, now: float) -> None:
        self.exchange = exchange
        self.connection = exchange.accept(now)
        self.version = version
        self._decoder = Decoder(version)

    def say(self, *packets: Packet, now: float = 0.0) -> None:
        for packet in packets:
            self.exchange.receive(self.connection, encode(packet, self.version), now)

    def hear(self) -> list[Packet]:
        heard = list(self._decoder.feed(self.connection.take()))
        self.connection.backlog = 0
        return heard

    def payloads(self) -> list[bytes]:
        return [packet.payload for packet in self.hear() if isinstance(packet, Publish)]

    def vanish(self, now: float) -> None:
        self.exchange.lost(self.connection, now)


def join(exchange: Exchange, client_id: str, version: int = V5, now: float = 0.0, **options: Any) -> Peer:
    peer = Peer(exchange, version, now)
    peer.say(Connect(client_id, version, **options), now=now)
    return peer


def listener(exchange: Exchange, topic_filter: str, qos: int = 0, **options: Any) -> Peer:
    peer = join(exchange, "listener", **options)
    peer.say(Subscribe(1, (Subscription(topic_filter, qos),)))
    assert [packet.kind for packet in peer.hear()] == [Kind.CONNACK, Kind.SUBACK]
    return peer


LASTING: dict[str, Any] = {"clean_start": False, "properties": {Property.SESSION_EXPIRY: 60}}
DELAYED = Publish("will", b"gone", properties={Property.WILL_DELAY: 30})


def test_silence_of_one_and_a_half_keep_alives_ends_a_connection() -> None:
    exchange = Exchange()
    peer = join(exchange, "c", keep_alive_s=10)
    peer.say(Ping(), now=100.0)
    exchange.tick(115.0)
    assert not peer.connection.closing
    exchange.tick(115.1)
    assert peer.connection.closing
    [*_, goodbye] = peer.hear()
    assert isinstance(goodbye, Disconnect)
    assert goodbye.reason == Reason.KEEP_ALIVE_TIMEOUT


def test_without_a_keep_alive_silence_may_last() -> None:
    exchange = Exchange()
    peer = join(exchange, "c", keep_alive_s=0)
    exchange.tick(1e9)
    assert not peer.connection.closing


def test_who_never_says_connect_is_not_waited_for() -> None:
    exchange = Exchange()
    peer = Peer(exchange, V5, now=0.0)
    exchange.tick(CONNECT_WITHIN_S + 0.1)
    assert peer.connection.closing
    assert peer.hear() == []


def test_a_will_is_sent_when_its_delay_is_over() -> None:
    exchange = Exchange()
    witness = listener(exchange, "will")
    join(exchange, "c", will=DELAYED, **LASTING).vanish(100.0)
    exchange.tick(129.9)
    assert witness.hear() == []
    exchange.tick(130.0)
    assert witness.hear() == [Publish("will", b"gone")]
    exchange.tick(161.0)
    assert witness.hear() == []


def test_a_will_is_sent_when_its_session_ends_before_its_delay() -> None:
    exchange = Exchange()
    witness = listener(exchange, "will")
    short: dict[str, Any] = {"clean_start": False, "properties": {Property.SESSION_EXPIRY: 5}}
    join(exchange, "c", will=DELAYED, **short).vanish(100.0)
    exchange.tick(104.9)
    assert witness.hear() == []
    exchange.tick(105.0)
    assert witness.payloads() == [b"gone"]


def test_a_will_is_not_sent_when_its_client_is_back_in_time() -> None:
    exchange = Exchange()
    witness = listener(exchange, "will")
    join(exchange, "c", will=DELAYED, **LASTING).vanish(100.0)
    join(exchange, "c", now=110.0, **LASTING)
    exchange.tick(1000.0)
    assert witness.hear() == []


def test_a_will_is_sent_when_its_client_is_back_for_a_clean_start() -> None:
    exchange = Exchange()
    witness = listener(exchange, "will")
    join(exchange, "c", will=DELAYED, **LASTING).vanish(100.0)
    join(exchange, "c", now=110.0)
    assert witness.payloads() == [b"gone"]


def test_a_delayed_will_is_not_sent_when_its_session_is_taken_over_and_goes_on() -> None:
    exchange = Exchange()
    witness = listener(exchange, "will")
    join(exchange, "c", will=DELAYED, **LASTING)
    join(exchange, "c", **LASTING)
    exchange.tick(1000.0)
    assert witness.hear() == []


def test_a_session_is_forgotten_when_its_time_is_over() -> None:
    for away_s, present in ((59.9, True), (60.1, False)):
        exchange = Exchange()
        join(exchange, "c", **LASTING).vanish(100.0)
        exchange.tick(100.0 + away_s)
        back = join(exchange, "c", now=100.0 + away_s, **LASTING)
        [connack] = back.hear()
        assert isinstance(connack, Connack)
        assert connack.session_present is present


def test_a_session_lives_on_from_its_last_connection() -> None:
    exchange = Exchange()
    listener(exchange, "a", **LASTING).vanish(100.0)
    back = join(exchange, "listener", now=150.0, **LASTING)
    exchange.tick(1000.0)
    back.say(Publish("a", b"still here"), now=1000.0)
    assert back.payloads() == [b"still here"]


def test_a_session_that_never_ends_is_there_after_centuries() -> None:
    options: list[tuple[int, dict[str, Any]]] = [
        (V311, {"clean_start": False}),
        (V5, {"clean_start": False, "properties": {Property.SESSION_EXPIRY: 0xFFFFFFFF}}),
    ]
    for version, lasting in options:
        exchange = Exchange()
        join(exchange, "c", version, **lasting).vanish(0.0)
        exchange.tick(1e10)
        [connack] = join(exchange, "c", version, now=1e10, **lasting).hear()
        assert isinstance(connack, Connack)
        assert connack.session_present


def test_a_message_that_waited_says_how_long_it_is_still_good() -> None:
    exchange = Exchange()
    listener(exchange, "a", qos=1, **LASTING).vanish(0.0)
    sender = join(exchange, "sender")
    for expiry_s in (20, 60):
        properties = {Property.MESSAGE_EXPIRY: expiry_s}
        sender.say(Publish("a", bytes([expiry_s]), 1, packet_id=1, properties=properties))
    back = join(exchange, "listener", now=45.5, **LASTING)
    [_, message] = back.hear()
    assert isinstance(message, Publish)
    assert message.payload == bytes([60])
    assert message.properties == {Property.MESSAGE_EXPIRY: 15}  # 14.5 s, of which whole ones can be said.


def test_a_message_sent_once_is_sent_again_though_it_has_expired() -> None:
    exchange = Exchange()
    before = listener(exchange, "a", qos=1, **LASTING)
    expiring = Publish("a", b"x", 1, packet_id=1, properties={Property.MESSAGE_EXPIRY: 10})
    join(exchange, "sender").say(expiring)
    assert before.payloads() == [b"x"]
    before.vanish(0.0)
    assert join(exchange, "listener", now=20.0, **LASTING).payloads() == [b"x"]


def test_a_retained_message_is_forgotten_when_it_expires() -> None:
    exchange = Exchange()
    sender = join(exchange, "sender")
    sender.say(Publish("a", b"x", retain=True, properties={Property.MESSAGE_EXPIRY: 60}))
    for now, expected in ((59.0, 1), (60.0, 0)):
        sender.hear()
        sender.say(Subscribe(1, (Subscription("a"),)), now=now)
        assert len(sender.payloads()) == expected
    assert exchange.retained == {}


def test_the_queue_of_a_client_that_is_away_is_bounded() -> None:
    exchange = Exchange()
    listener(exchange, "a", qos=1, **LASTING).vanish(0.0)
    sender = join(exchange, "sender")
    for number in range(MAX_QUEUE + 100):
        sender.say(Publish("a", number.to_bytes(2, "big"), 1, packet_id=1))
        sender.say(Publish("a", b"not kept for the absent"))
    back = join(exchange, "listener", **LASTING)
    got = []
    while messages := [packet for packet in back.hear() if isinstance(packet, Publish)]:
        assert len(messages) <= MAX_UNACKNOWLEDGED
        got += [int.from_bytes(one.payload, "big") for one in messages]
        back.say(*(Ack(Kind.PUBACK, one.packet_id) for one in messages))
    assert got == list(range(MAX_QUEUE))


def test_a_slow_reader_costs_bounded_memory_and_qos_1_comes_before_qos_0() -> None:
    exchange = Exchange()
    slow = listener(exchange, "a", qos=1)
    sender = join(exchange, "sender")
    big = bytes(MAX_BACKLOG // 4)
    for _ in range(MAX_QUEUE):
        sender.say(Publish("a", b"0" + big))
    assert slow.connection.backlog < 2 * MAX_BACKLOG
    for _ in range(MAX_QUEUE):
        sender.say(Publish("a", b"1", 1, packet_id=1))
    assert slow.connection.backlog < 2 * MAX_BACKLOG
    got: list[bytes] = []
    while messages := [packet for packet in slow.hear() if isinstance(packet, Publish)]:
        got += [one.payload[:1] for one in messages]
        slow.say(Ping(), *(Ack(Kind.PUBACK, one.packet_id) for one in messages if one.qos))
        assert isinstance(slow.connection.session, Session)
        slow.connection.session.drain(0.0)
    assert got == sorted(got)
    assert got.count(b"0") == MAX_QUEUE // 2 + 4  # Four fitted in before it was slow.
    assert got.count(b"1") == MAX_QUEUE // 2


def test_what_a_slow_reader_has_not_got_by_qos_0_is_gone_with_its_connection() -> None:
    exchange = Exchange()
    slow = listener(exchange, "a", qos=1, **LASTING)
    sender = join(exchange, "sender")
    slow.connection.backlog = MAX_BACKLOG + 1
    sender.say(Publish("a", b"0"), Publish("a", b"1", 1, packet_id=1))
    slow.vanish(0.0)
    assert join(exchange, "listener", **LASTING).payloads() == [b"1"]


def test_subscribing_again_and_again_costs_bounded_memory() -> None:
    exchange = Exchange()
    slow = join(exchange, "slow")
    slow.say(Publish("a", b"x", retain=True))
    slow.connection.backlog = MAX_BACKLOG + 1
    for _ in range(MAX_QUEUE * 2):
        slow.say(Subscribe(1, (Subscription("a"),)))
    slow.hear()
    assert slow.connection.session is not None
    slow.connection.session.drain(0.0)
    assert len(slow.payloads()) == MAX_QUEUE


def test_all_retained_messages_reach_a_slow_subscriber() -> None:
    exchange = Exchange()
    sender = join(exchange, "sender")
    size = MAX_BACKLOG // 100
    for number in range(MAX_QUEUE * 2):
        sender.say(Publish(f"r/{number}", bytes(size), retain=True))
    slow = join(exchange, "slow")
    slow.say(Subscribe(1, (Subscription("r/#"),)))
    got = 0
    while payloads := slow.payloads():
        assert len(payloads) <= 102
        got += len(payloads)
        assert slow.connection.session is not None
        slow.connection.session.drain(0.0)
    assert got == MAX_QUEUE * 2


def test_packet_ids_begin_again_after_the_last_and_spare_those_in_use() -> None:
    session, connection = Session("c", _last_id=0xFFFD), Connection(heard_at=0.0)
    connection.decoder.version = V5
    session.attach(connection, 0.0, None)
    for _ in range(3):
        session.offer(Owed(Publish("a", b"", 1)), 0.0)
    session.acknowledge(0xFFFF, 0.0)
    session = replace(session, _last_id=0xFFFD)
    session.offer(Owed(Publish("a", b"", 1)), 0.0)
    sent = list(Decoder(V5).feed(connection.take()))
    assert [one.packet_id for one in sent if isinstance(one, Publish)] == [0xFFFE, 0xFFFF, 1, 0xFFFF]


def test_routes_are_remembered_for_a_bounded_number_of_topics() -> None:
    session = Session("c", interests={"#": Interest(Subscription("#"))})
    routes = Routes({"c": session})
    for number in range(MAX_REMEMBERED + 10):
        [recipient] = routes.of(f"t/{number}")
        assert recipient.session is session
    assert len(routes) == 10


def test_no_local_spares_a_client_its_own_retained_messages_too() -> None:
    """Mosquitto sends them; 3.8.3.1 makes no exception for them."""
    exchange = Exchange()
    one, other = join(exchange, "one"), join(exchange, "other")
    one.say(Publish("a", b"x", retain=True))
    for peer, count in ((one, 0), (other, 1)):
        peer.say(Subscribe(1, (Subscription("a", no_local=True),)))
        assert len(peer.payloads()) == count


def test_closing_dismisses_everyone_sends_no_wills_and_lets_nobody_in() -> None:
    exchange = Exchange()
    clients = [join(exchange, f"c{number}", will=Publish("will")) for number in range(9)]
    for client in clients:
        client.say(Subscribe(1, (Subscription("will"),)))
        client.hear()
    exchange.close(0.0)
    for client in clients:
        [goodbye] = client.hear()
        assert isinstance(goodbye, Disconnect)
        assert goodbye.reason == Reason.SERVER_SHUTTING_DOWN
    late = join(exchange, "late")
    assert late.connection.closing
    assert late.hear() == []


# Filters.

LEVEL = st.sampled_from(["", "a", "b", "ab", "$x", "+", "#", "a+", "#b"])
FILTER = st.lists(LEVEL, min_size=1, max_size=4).map("/".join)
NAME = st.sampled_from(["", "a", "b", "ab", "$x"])
TOPIC = st.lists(NAME, min_size=1, max_size=4).map("/".join).filter(bool)


@given(FILTER)
def test_a_filter_is_valid_when_its_wildcards_stand_alone(topic_filter: str) -> None:
    """The grammar of 4.7.1 as one expression."""
    pattern = r"(?:[^+#/]*|\+)(?:/(?:[^+#/]*|\+))*(?:/#)?|#"
    assert valid(topic_filter) == bool(topic_filter and re.fullmatch(pattern, topic_filter))


@given(FILTER.filter(valid), TOPIC)
def test_a_filter_matches_as_its_regular_expression_does(topic_filter: str, topic: str) -> None:
    pattern = re.escape(topic_filter).replace(r"\+", "[^/]*").replace(r"/\#", "(?:/.*)?").replace(r"\#", ".*")
    hidden = topic[0] == "$" and topic_filter[0] in "+#"
    assert matches(topic_filter, topic) == (not hidden and re.fullmatch(pattern, topic) is not None)


# Whatever clients do.


class AnyClients(RuleBasedStateMachine):
    """Clients of every sort come, talk sense and nonsense, and go; a bystander notices nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.exchange = Exchange()
        self.now = 0.0
        self.peers: list[Peer] = []
        self.bystander = listener(self.exchange, "bystander")

    @rule(version=VERSIONS, name=NAME, clean=st.booleans(), expiry_s=st.integers(0, 90))
    def connect(self, version: int, name: str, clean: bool, expiry_s: int) -> None:
        asked = {Property.SESSION_EXPIRY: expiry_s, Property.RECEIVE_MAXIMUM: 2}
        options: dict[str, Any] = {"properties": asked, "will": DELAYED} if version == V5 else {}
        self.peers.append(join(self.exchange, name, version, self.now, clean_start=clean, **options))

    @precondition(lambda self: self.peers)
    @rule(data=st.data(), topic=TOPIC, qos=st.integers(0, 2), retain=st.booleans())
    def publish(self, data: st.DataObject, topic: str, qos: int, retain: bool) -> None:
        self.any_peer(data).say(Publish(topic, b"x", qos, retain, packet_id=7), now=self.now)

    @precondition(lambda self: self.peers)
    @rule(data=st.data(), topic_filter=FILTER, qos=st.integers(0, 2))
    def subscribe(self, data: st.DataObject, topic_filter: str, qos: int) -> None:
        self.any_peer(data).say(Subscribe(1, (Subscription(topic_filter, qos),)), now=self.now)

    @precondition(lambda self: self.peers)
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        peer = self.any_peer(data)
        heard = [packet for packet in peer.hear() if isinstance(packet, Publish) and packet.qos]
        peer.say(*(Ack(Kind.PUBACK, packet.packet_id) for packet in heard), now=self.now)

    @precondition(lambda self: self.peers)
    @rule(data=st.data())
    def say_anything(self, data: st.DataObject) -> None:
        peer = self.any_peer(data)
        peer.say(data.draw(PACKETS[peer.version]), now=self.now)

    @precondition(lambda self: self.peers)
    @rule(data=st.data(), nonsense=st.binary(max_size=20))
    def say_nonsense(self, data: st.DataObject, nonsense: bytes) -> None:
        self.exchange.receive(self.any_peer(data).connection, nonsense, self.now)

    @precondition(lambda self: self.peers)
    @rule(data=st.data())
    def vanish(self, data: st.DataObject) -> None:
        peer = self.any_peer(data)
        self.peers.remove(peer)
        peer.vanish(self.now)

    @rule(seconds=st.floats(0, 100))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.exchange.tick(self.now)

    @invariant()
    def the_bystander_is_served(self) -> None:
        self.bystander.say(Publish("bystander"), now=self.now)
        assert self.bystander.hear() == [Publish("bystander")]

    def any_peer(self, data: st.DataObject) -> Peer:
        return data.draw(st.sampled_from(self.peers))


test_whatever_clients_do_the_exchange_goes_on = AnyClients.TestCase
