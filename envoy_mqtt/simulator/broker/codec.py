"""Packets to bytes and back, without I/O, for MQTT 3.1.1 and 5.

Both directions of every packet are here, so a test can speak as a client with the codec that the
broker listens with. However the bytes are cut, the packets are the same; whatever the bytes,
nothing but `PacketError` is raised.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from envoy_mqtt.simulator.broker.fields import (
    V5,
    V311,
    Kind,
    Properties,
    Property,
    Reader,
    Reason,
    demand,
    write_binary,
    write_byte,
    write_properties,
    write_text,
    write_u16,
    write_varint,
)
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

# Enough for anything the bridge or its demo sends; version 5 clients are told.
MAX_PACKET = 1 << 20


class Decoder:
    """The bytes of one connection, as packets.

    A broker's decoder starts without a `version`: it takes a CONNECT, which tells it, and nothing else.
    After a `PacketError` the connection is of no further use, and `version` says how to say so.
    """

    def __init__(self, version: int = 0, limit: int = MAX_PACKET) -> None:
        self.version = version
        self._limit = limit
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Packet]:
        """The packets that `data` completes; raises `PacketError` at the first that is none."""
        self._buffer += data
        while length := self._length():
            packet = bytes(self._buffer[:length])
            del self._buffer[:length]
            yield self._decode(packet)

    def _length(self) -> int:
        """The length of the packet that the buffer begins with; 0 until all of it is there (2.1.4)."""
        buffer = self._buffer
        if not self.version and buffer:  # Nothing to wait for: this is HTTP, or TLS, or a stray.
            demand(buffer[0] == Kind.CONNECT << 4, "the first packet is not CONNECT", Reason.PROTOCOL_ERROR)
        length = 0
        for at in range(1, min(5, len(buffer))):
            length |= (buffer[at] & 0x7F) << 7 * (at - 1)
            if buffer[at] < 0x80:
                length += at + 1
                demand(length <= self._limit, "packet too large", Reason.PACKET_TOO_LARGE)
                return length if length <= len(buffer) else 0
        demand(len(buffer) < 5, "a remaining length of more than four bytes")
        return 0

    def _decode(self, packet: bytes) -> Packet:
        kind, flags = Kind(packet[0] >> 4), packet[0] & 0x0F
        reader = Reader(packet, 1)
        reader.varint()
        if not self.version:
            self._announce(Reader(packet, reader.at))
        demand(kind in _CODECS and flags in _CODECS[kind].flags, "a reserved packet type or flag")
        decoded = _CODECS[kind].read(kind, flags, reader, self.version)
        demand(reader.left == 0, "bytes behind a packet's last field")
        return decoded

    def _announce(self, reader: Reader) -> None:
        """Learns the version from CONNECT; an unknown one is refused in the nearest we speak (3.1.2.2)."""
        demand(reader.text() in ("MQTT", "MQIsdp"), "not MQTT")
        level = reader.byte()
        self.version = V5 if level >= V5 else V311
        demand(level in (V311, V5), "unknown protocol version", Reason.UNSUPPORTED_PROTOCOL_VERSION)


def encode(packet: Packet, version: int) -> bytes:
    """The packet on the wire; what `version` has no room for is left out."""
    flags, body = _CODECS[packet.kind].write(packet, version)
    return write_byte(packet.kind << 4 | flags) + write_varint(len(body)) + body


def _read_connect(kind: Kind, _: int, reader: Reader, version: int) -> Connect:
    demand(reader.text() == "MQTT" and reader.byte() == version, "another version than announced")
    flags = reader.byte()
    demand(not flags & 0x01, "the reserved connect flag")
    # 3.1.1 3.1.2.9 wants a user name beside a password, version 5 does not.
    demand(version == V5 or flags & 0xC0 != 0x40, "a password without a user name")
    keep_alive_s = reader.u16()
    properties = _read_properties(kind, reader, version)
    return Connect(
        client_id=reader.text(),
        version=version,
        clean_start=bool(flags & 0x02),
        keep_alive_s=keep_alive_s,
        will=_read_will(flags, reader, version),
        username=reader.text() if flags & 0x80 else None,
        password=reader.binary() if flags & 0x40 else None,
        properties=properties,
    )


def _read_will(flags: int, reader: Reader, version: int) -> Publish | None:
    if not flags & 0x04:
        demand(not flags & 0x38, "will flags without a will")
        return None
    qos = flags >> 3 & 0x03
    demand(qos < 3, "QoS 3")
    properties = _read_properties(Kind.WILL, reader, version)
    topic = _topic_name(reader.text())
    return Publish(topic, reader.binary(), qos, bool(flags & 0x20), properties=properties)


def _write_connect(packet: Connect, version: int) -> tuple[int, bytes]:
    will, name, password = packet.will, packet.username, packet.password
    flags = packet.clean_start << 1 | (name is not None) << 7 | (password is not None) << 6
    end = b"" if name is None else write_text(name)
    end += b"" if password is None else write_binary(password)
    if will is not None:
        flags |= 0x04 | will.qos << 3 | will.retain << 5
        end = _write_properties(will, version) + write_text(will.topic) + write_binary(will.payload) + end
    start = write_text("MQTT") + write_byte(version) + write_byte(flags) + write_u16(packet.keep_alive_s)
    return 0, start + _write_properties(packet, version) + write_text(packet.client_id) + end


def _read_connack(kind: Kind, _: int, reader: Reader, version: int) -> Connack:
    return Connack(bool(reader.flag()), reader.byte(), _read_properties(kind, reader, version))


def _write_connack(packet: Connack, version: int) -> tuple[int, bytes]:
    start = write_byte(packet.session_present) + write_byte(packet.reason)
    return 0, start + _write_properties(packet, version)


def _topic_name(topic: str) -> str:
    demand(topic != "" and "+" not in topic and "#" not in topic, "no topic name", Reason.TOPIC_NAME_INVALID)
    return topic


def _read_publish(kind: Kind, flags: int, reader: Reader, version: int) -> Publish:
    qos = flags >> 1 & 0x03
    demand(qos < 3 and (qos > 0 or flags < 8), "QoS 3, or QoS 0 once more")
    topic = reader.text()
    packet_id = reader.packet_id() if qos else 0
    properties = _read_properties(kind, reader, version)
    # Only an alias may stand for the name (3.3.2.1).
    if topic or Property.TOPIC_ALIAS not in properties:
        _topic_name(topic)
    return Publish(topic, reader.rest(), qos, bool(flags & 0x01), flags >= 8, packet_id, properties)


def _write_publish(packet: Publish, version: int) -> tuple[int, bytes]:
    start = write_text(packet.topic)
    if packet.qos:
        start += write_u16(packet.packet_id)
    flags = packet.dup << 3 | packet.qos << 1 | packet.retain
    return flags, start + _write_properties(packet, version) + packet.payload


def _read_ack(kind: Kind, _: int, reader: Reader, version: int) -> Ack:
    return Ack(kind, reader.packet_id(), *_read_reason(kind, reader, version))


def _write_ack(packet: Ack, version: int) -> tuple[int, bytes]:
    flags = 2 if packet.kind is Kind.PUBREL else 0
    return flags, write_u16(packet.packet_id) + _write_reason(packet, version)


def _read_subscribe(kind: Kind, _: int, reader: Reader, version: int) -> Subscribe:
    packet_id, properties = reader.packet_id(), _read_properties(kind, reader, version)
    subscriptions = [_read_subscription(reader, version)]
    while reader.left:
        subscriptions.append(_read_subscription(reader, version))
    return Subscribe(packet_id, tuple(subscriptions), properties)


def _read_subscription(reader: Reader, version: int) -> Subscription:
    topic_filter, options = reader.text(), reader.byte()
    qos, handling = options & 0x03, options >> 4
    demand(qos < 3 and handling < 3 and (version == V5 or options < 3), "reserved subscription options")
    return Subscription(topic_filter, qos, bool(options & 0x04), bool(options & 0x08), handling)


def _write_subscribe(packet: Subscribe, version: int) -> tuple[int, bytes]:
    out = write_u16(packet.packet_id) + _write_properties(packet, version)
    for one in packet.subscriptions:
        options = one.qos | one.no_local << 2 | one.retain_as_published << 3 | one.retain_handling << 4
        out += write_text(one.topic_filter) + write_byte(options if version == V5 else one.qos)
    return 2, out


def _read_unsubscribe(kind: Kind, _: int, reader: Reader, version: int) -> Unsubscribe:
    packet_id, properties = reader.packet_id(), _read_properties(kind, reader, version)
    topic_filters = [reader.text()]
    while reader.left:
        topic_filters.append(reader.text())
    return Unsubscribe(packet_id, tuple(topic_filters), properties)


def _write_unsubscribe(packet: Unsubscribe, version: int) -> tuple[int, bytes]:
    topic_filters = b"".join(write_text(one) for one in packet.topic_filters)
    return 2, write_u16(packet.packet_id) + _write_properties(packet, version) + topic_filters


def _read_outcome(kind: Kind, _: int, reader: Reader, version: int) -> Outcome:
    packet_id, properties = reader.packet_id(), _read_properties(kind, reader, version)
    return Outcome(kind, packet_id, reader.rest(), properties)


def _write_outcome(packet: Outcome, version: int) -> tuple[int, bytes]:
    reasons = packet.reasons if version == V5 or packet.kind is Kind.SUBACK else b""
    return 0, write_u16(packet.packet_id) + _write_properties(packet, version) + reasons


def _read_ping(kind: Kind, _: int, _reader: Reader, _version: int) -> Ping:
    return Ping(kind)


def _write_ping(_: Ping, _version: int) -> tuple[int, bytes]:
    return 0, b""


def _read_disconnect(kind: Kind, _: int, reader: Reader, version: int) -> Disconnect:
    demand(kind is Kind.DISCONNECT or version == V5, "AUTH before version 5")
    return Disconnect(kind, *_read_reason(kind, reader, version))


def _write_disconnect(packet: Disconnect, version: int) -> tuple[int, bytes]:
    return 0, _write_reason(packet, version)


def _read_properties(kind: Kind, reader: Reader, version: int) -> Properties:
    return reader.properties(kind) if version == V5 else {}


def _write_properties(
    packet: Connect | Connack | Publish | Subscribe | Unsubscribe | Outcome, version: int
) -> bytes:
    return write_properties(packet.properties) if version == V5 else b""


def _read_reason(kind: Kind, reader: Reader, version: int) -> tuple[int, Properties]:
    """Version 5 leaves out properties where there are none, and then a reason of 0 (3.4.2.1, 3.14.2.1)."""
    reason = reader.byte() if version == V5 and reader.left else Reason.SUCCESS
    return reason, reader.properties(kind) if version == V5 and reader.left else {}


def _write_reason(packet: Ack | Disconnect, version: int) -> bytes:
    if version != V5 or not (packet.reason or packet.properties):
        return b""
    return write_byte(packet.reason) + (write_properties(packet.properties) if packet.properties else b"")


class _Codec(NamedTuple):
    flags: range
    read: Callable[[Kind, int, Reader, int], Packet]
    write: Callable[[Any, int], tuple[int, bytes]]


# The low half of a packet's first byte is fixed for all but PUBLISH (2.1.3).
_NONE, _TWO, _ANY = range(1), range(2, 3), range(16)

_CODECS: Mapping[Kind, _Codec] = {
    Kind.CONNECT: _Codec(_NONE, _read_connect, _write_connect),
    Kind.CONNACK: _Codec(_NONE, _read_connack, _write_connack),
    Kind.PUBLISH: _Codec(_ANY, _read_publish, _write_publish),
    Kind.PUBACK: _Codec(_NONE, _read_ack, _write_ack),
    Kind.PUBREC: _Codec(_NONE, _read_ack, _write_ack),
    Kind.PUBREL: _Codec(_TWO, _read_ack, _write_ack),
    Kind.PUBCOMP: _Codec(_NONE, _read_ack, _write_ack),
    Kind.SUBSCRIBE: _Codec(_TWO, _read_subscribe, _write_subscribe),
    Kind.SUBACK: _Codec(_NONE, _read_outcome, _write_outcome),
    Kind.UNSUBSCRIBE: _Codec(_TWO, _read_unsubscribe, _write_unsubscribe),
    Kind.UNSUBACK: _Codec(_NONE, _read_outcome, _write_outcome),
    Kind.PINGREQ: _Codec(_NONE, _read_ping, _write_ping),
    Kind.PINGRESP: _Codec(_NONE, _read_ping, _write_ping),
    Kind.DISCONNECT: _Codec(_NONE, _read_disconnect, _write_disconnect),
    Kind.AUTH: _Codec(_NONE, _read_disconnect, _write_disconnect),
}
