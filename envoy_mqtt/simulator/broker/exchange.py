"""MQTT's rules: who is connected, who gets what, and what is kept for later.

The broker without its sockets and its clock. It is given bytes and the time, and leaves what is to
be written with the connections it concerns. Whatever a client sends, only that client's connection
ends; an exception that escapes is a bug.
"""

from collections.abc import Callable, Mapping
from itertools import count
from math import inf
from typing import Any, NamedTuple

from envoy_mqtt.simulator.broker.codec import MAX_PACKET
from envoy_mqtt.simulator.broker.fields import V5, Kind, PacketError, Properties, Property, Reason, demand
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
from envoy_mqtt.simulator.broker.routes import MAX_QOS, Routes, route
from envoy_mqtt.simulator.broker.session import MAX_UNACKNOWLEDGED, Connection, Interest, Owed, Session
from envoy_mqtt.simulator.broker.topics import matches, valid

# Other properties of a message are between one client and us (3.3.2.3).
_PASSED_ON = (
    Property.PAYLOAD_FORMAT,
    Property.CONTENT_TYPE,
    Property.RESPONSE_TOPIC,
    Property.CORRELATION_DATA,
    Property.USER_PROPERTY,
)

# What a version 5 client must not expect of us (3.2.2.3).
_LIMITS: Properties = {
    Property.MAXIMUM_PACKET_SIZE: MAX_PACKET,
    Property.TOPIC_ALIAS_MAXIMUM: 0,
    Property.SHARED_SUBSCRIPTION_AVAILABLE: 0,
}

# 3.1.1, 3.2.2.3: for anything else a connection is closed without a word.
_RETURN_CODES = {Reason.UNSUPPORTED_PROTOCOL_VERSION: 1, Reason.CLIENT_IDENTIFIER_NOT_VALID: 2}


class Kept(NamedTuple):
    """A retained message, and who sent it."""

    publish: Publish
    expires_at: float
    sender: str


class Exchange:
    """All sessions, retained messages and connections of one broker."""

    def __init__(self) -> None:
        self.connections: set[Connection] = set()
        self.retained: dict[str, Kept] = {}
        self._sessions: dict[str, Session] = {}
        self._routes = Routes(self._sessions)
        self._numbers = count(1)
        self._closed = False

    def accept(self, now: float) -> Connection:
        """Somebody reached us, and has yet to say who it is."""
        connection = Connection(heard_at=now, closing=self._closed)
        self.connections.add(connection)
        return connection

    def receive(self, connection: Connection, data: bytes, now: float) -> None:
        """Does what the packets ask for; one that is none, or is out of place, ends the connection."""
        try:
            for packet in connection.decoder.feed(data):
                if connection.closing:
                    return
                connection.heard_at = now
                self._handle(connection, packet, now)
        except PacketError as error:
            self._dismiss(connection, error.reason, str(error), now)

    def lost(self, connection: Connection, now: float) -> None:
        """The network connection is gone, expected or not."""
        self._end(connection, now)
        self.connections.discard(connection)

    def tick(self, now: float) -> None:
        """What only time brings about: the silent are dismissed, wills sent, sessions forgotten."""
        for connection in list(self.connections):
            if now - connection.heard_at > connection.silence_s:
                self._dismiss(connection, Reason.KEEP_ALIVE_TIMEOUT, "nothing heard for too long", now)
        for session in list(self._sessions.values()):
            self._settle(session, now)

    def close(self, now: float) -> None:
        """Dismisses everyone, now and from now on. Wills stay unsent: nobody is left to read them."""
        self._closed = True
        for session in self._sessions.values():
            session.will = None
        for connection in list(self.connections):
            self._dismiss(connection, Reason.SERVER_SHUTTING_DOWN, "the broker ends", now)

    def _handle(self, connection: Connection, packet: Packet, now: float) -> None:
        session = connection.session
        if session is None and isinstance(packet, Connect):
            self._connect(connection, packet, now)
            return
        handler = _HANDLERS.get(packet.kind)
        if session is None or handler is None:
            raise PacketError(f"{packet.kind.name} is out of place", Reason.PROTOCOL_ERROR)
        handler(self, connection, session, packet, now)

    def _dismiss(self, connection: Connection, reason: Reason, text: str, now: float) -> None:
        if connection.closing:
            return
        connection.closing = True
        farewell = _farewell(connection, reason, text)
        if farewell is not None:
            connection.send(farewell)
        self._end(connection, now)

    def _end(self, connection: Connection, now: float) -> None:
        session = connection.session
        if session is not None and session.connection is connection:
            session.detach(now)
            self._settle(session, now)

    def _settle(self, session: Session, now: float) -> None:
        """Sends the will that is due, and forgets the session that has ended (3.1.2.5, 3.1.2.11.2)."""
        will = session.will
        if will is not None and session.will_at <= now:
            session.will = None
            self._distribute(will, session, now)
        if session.ends_at <= now:
            del self._sessions[session.client_id]
            self._routes.forget()

    def _connect(self, connection: Connection, packet: Connect, now: float) -> None:
        asked = packet.properties
        if Property.AUTHENTICATION_METHOD in asked:
            raise PacketError("no such authentication", Reason.BAD_AUTHENTICATION_METHOD)
        if not packet.client_id and packet.version != V5 and not packet.clean_start:  # 3.1.1, 3.1.3.1
            raise PacketError("a lasting session without a client id", Reason.CLIENT_IDENTIFIER_NOT_VALID)
        client_id = packet.client_id or self._invent_id()
        present = self._make_way(client_id, packet.clean_start, now)
        session = self._sessions.setdefault(client_id, Session(client_id))
        session.attach(connection, _expiry_s(packet), packet.will)
        connection.silence_s = packet.keep_alive_s * 1.5 or inf
        connection.window = min(asked.get(Property.RECEIVE_MAXIMUM, inf), MAX_UNACKNOWLEDGED)
        connection.max_packet = asked.get(Property.MAXIMUM_PACKET_SIZE, inf)
        told = {} if packet.client_id else {Property.ASSIGNED_CLIENT_IDENTIFIER: client_id}
        connection.send(Connack(present, Reason.SUCCESS, {**_LIMITS, **told}))
        session.drain(now)

    def _invent_id(self) -> str:
        return next(name for number in self._numbers if (name := f"anonymous-{number}") not in self._sessions)

    def _make_way(self, client_id: str, clean: bool, now: float) -> bool:
        """Ends the client's other connection and, for a clean start, its session; whether one is left."""
        old = self._sessions.get(client_id)
        if old is not None and old.connection is not None:
            self._dismiss(old.connection, Reason.SESSION_TAKEN_OVER, "the client id connected again", now)
        left = self._sessions.get(client_id)
        if left is not None and clean:
            left.will_at = left.ends_at = now
            self._settle(left, now)
        return client_id in self._sessions

    def _publish(self, connection: Connection, session: Session, packet: Publish, now: float) -> None:
        if Property.TOPIC_ALIAS in packet.properties:
            raise PacketError("no topic aliases were offered", Reason.TOPIC_ALIAS_INVALID)
        if Property.SUBSCRIPTION_IDENTIFIER in packet.properties:  # 3.3.4
            raise PacketError("a client's message with a subscription identifier", Reason.PROTOCOL_ERROR)
        # QoS 2 is passed on when it first comes; until PUBREL its id tells a second coming (4.3.3).
        again = packet.qos == 2 and packet.packet_id in session.unreleased
        wanted = again or self._distribute(packet, session, now)
        reason = Reason.SUCCESS if wanted else Reason.NO_MATCHING_SUBSCRIBERS
        if packet.qos == 1:
            connection.send(Ack(Kind.PUBACK, packet.packet_id, reason))
        elif packet.qos == 2:
            session.unreleased.add(packet.packet_id)
            connection.send(Ack(Kind.PUBREC, packet.packet_id, reason))

    def _puback(self, _: Connection, session: Session, packet: Ack, now: float) -> None:
        session.acknowledge(packet.packet_id, now)

    def _pubrel(self, connection: Connection, session: Session, packet: Ack, _: float) -> None:
        known = packet.packet_id in session.unreleased
        session.unreleased.discard(packet.packet_id)
        reason = Reason.SUCCESS if known else Reason.PACKET_IDENTIFIER_NOT_FOUND
        connection.send(Ack(Kind.PUBCOMP, packet.packet_id, reason))

    def _subscribe(self, connection: Connection, session: Session, packet: Subscribe, now: float) -> None:
        identifiers = packet.properties.get(Property.SUBSCRIPTION_IDENTIFIER, ())
        demand(len(identifiers) <= 1, "two subscription identifiers", Reason.PROTOCOL_ERROR)
        self.retained = {topic: kept for topic, kept in self.retained.items() if kept.expires_at > now}
        reasons = bytearray()
        retained: list[Owed] = []
        for subscription in packet.subscriptions:
            reason = _verdict(subscription)
            # 3.1.1 knows one failure only (3.9.3 there).
            reasons.append(reason if connection.decoder.version == V5 else min(reason, Reason.UNSPECIFIED))
            if reason < Reason.UNSPECIFIED:
                retained += self._enter(session, Interest(subscription, identifiers))
        self._routes.forget()
        connection.send(Outcome(Kind.SUBACK, packet.packet_id, bytes(reasons)))
        session.offer_retained(retained, now)

    def _enter(self, session: Session, interest: Interest) -> list[Owed]:
        """The retained messages that the subscription brings, which its options decide (3.8.3.1)."""
        wanted = interest.subscription
        known = wanted.topic_filter in session.interests
        session.interests[wanted.topic_filter] = interest
        if wanted.retain_handling == 2 or (wanted.retain_handling == 1 and known):
            return []
        return [
            route(interest).owed(kept.publish, kept.expires_at, retain=True)
            for topic, kept in self.retained.items()
            if matches(wanted.topic_filter, topic)
            and not (wanted.no_local and kept.sender == session.client_id)
        ]

    def _unsubscribe(self, connection: Connection, session: Session, packet: Unsubscribe, _: float) -> None:
        left = [session.interests.pop(topic_filter, None) for topic_filter in packet.topic_filters]
        self._routes.forget()
        reasons = bytes(Reason.SUCCESS if one else Reason.NO_SUBSCRIPTION_EXISTED for one in left)
        connection.send(Outcome(Kind.UNSUBACK, packet.packet_id, reasons))

    def _pingreq(self, connection: Connection, _: Session, _packet: Ping, _now: float) -> None:
        connection.send(Ping(Kind.PINGRESP))

    def _disconnect(self, connection: Connection, session: Session, packet: Disconnect, now: float) -> None:
        expiry_s = packet.properties.get(Property.SESSION_EXPIRY)
        if expiry_s is not None:
            demand(session.expiry_s > 0 or expiry_s == 0, "a session that was to end", Reason.PROTOCOL_ERROR)
            session.expiry_s = _seconds(expiry_s)
        if packet.reason == Reason.SUCCESS:
            session.will = None
        connection.closing = True
        self._end(connection, now)

    def _distribute(self, publish: Publish, sender: Session, now: float) -> bool:
        """Gives a message to everyone who wants it, now and, retained, later; whether anyone does."""
        properties = {key: publish.properties[key] for key in _PASSED_ON if key in publish.properties}
        expires_at = now + publish.properties.get(Property.MESSAGE_EXPIRY, inf)
        message = Publish(publish.topic, publish.payload, publish.qos, publish.retain, properties=properties)
        if message.retain:
            self._retain(Kept(message, expires_at, sender.client_id))
        recipients = self._routes.of(message.topic)
        for session, others, own in recipients:
            used = own if session is sender else others
            if used is not None:
                retain = message.retain and used.as_published
                session.offer(used.owed(message, expires_at, retain=retain), now)
        return bool(recipients)

    def _retain(self, kept: Kept) -> None:
        """An empty payload deletes (3.3.1.3)."""
        self.retained.pop(kept.publish.topic, None)
        if kept.publish.payload:
            self.retained[kept.publish.topic] = kept


def _verdict(subscription: Subscription) -> int:
    """The QoS granted, or why there is none."""
    if subscription.topic_filter.startswith("$share/"):
        return Reason.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED
    if not valid(subscription.topic_filter):
        return Reason.TOPIC_FILTER_INVALID
    return min(subscription.qos, MAX_QOS)


def _expiry_s(packet: Connect) -> float:
    """3.1.1 sessions end with their connection or never (3.1.2.4 there)."""
    if packet.version != V5:
        return 0.0 if packet.clean_start else inf
    return _seconds(packet.properties.get(Property.SESSION_EXPIRY, 0))


def _seconds(session_expiry: int) -> float:
    """The largest number means never (3.1.2.11.2)."""
    return inf if session_expiry == 0xFFFFFFFF else float(session_expiry)


def _farewell(connection: Connection, reason: Reason, text: str) -> Packet | None:
    """What tells a client why it is dismissed: CONNACK before it was let in (3.1.4), DISCONNECT after."""
    version, explained = connection.decoder.version, {Property.REASON_STRING: text}
    if connection.session is not None:
        return Disconnect(Kind.DISCONNECT, reason, explained) if version == V5 else None
    if version == V5:
        return Connack(False, reason, explained)
    return Connack(False, _RETURN_CODES[reason]) if version and reason in _RETURN_CODES else None


_HANDLERS: Mapping[Kind, Callable[[Exchange, Connection, Session, Any, float], None]] = {
    Kind.PUBLISH: Exchange._publish,
    Kind.PUBACK: Exchange._puback,
    Kind.PUBREL: Exchange._pubrel,
    Kind.SUBSCRIBE: Exchange._subscribe,
    Kind.UNSUBSCRIBE: Exchange._unsubscribe,
    Kind.PINGREQ: Exchange._pingreq,
    Kind.DISCONNECT: Exchange._disconnect,
}
