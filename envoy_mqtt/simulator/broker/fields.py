"""What MQTT packets are made of: integers, strings, and version 5's properties.

`PROPERTIES` is the standard's table 2-4: which property has which type on the wire, and which
packets may carry it. Every field is checked where it is read, so nobody doubts it behind here.
"""

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any, NamedTuple

V311 = 4
V5 = 5


class Kind(IntEnum):
    """Packet types (2.1.2); WILL is none, but its properties have a list of their own (3.1.3.2)."""

    WILL = 0
    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14
    AUTH = 15


class Reason(IntEnum):
    """The reason codes (2.4) a broker of this size has a use for."""

    SUCCESS = 0x00
    DISCONNECT_WITH_WILL = 0x04
    NO_MATCHING_SUBSCRIBERS = 0x10
    NO_SUBSCRIPTION_EXISTED = 0x11
    UNSPECIFIED = 0x80
    MALFORMED_PACKET = 0x81
    PROTOCOL_ERROR = 0x82
    UNSUPPORTED_PROTOCOL_VERSION = 0x84
    CLIENT_IDENTIFIER_NOT_VALID = 0x85
    SERVER_SHUTTING_DOWN = 0x8B
    BAD_AUTHENTICATION_METHOD = 0x8C
    KEEP_ALIVE_TIMEOUT = 0x8D
    SESSION_TAKEN_OVER = 0x8E
    TOPIC_FILTER_INVALID = 0x8F
    TOPIC_NAME_INVALID = 0x90
    PACKET_IDENTIFIER_NOT_FOUND = 0x92
    TOPIC_ALIAS_INVALID = 0x94
    PACKET_TOO_LARGE = 0x95
    SHARED_SUBSCRIPTIONS_NOT_SUPPORTED = 0x9E


class Property(IntEnum):
    """Property identifiers (2.2.2.2)."""

    PAYLOAD_FORMAT = 0x01
    MESSAGE_EXPIRY = 0x02
    CONTENT_TYPE = 0x03
    RESPONSE_TOPIC = 0x08
    CORRELATION_DATA = 0x09
    SUBSCRIPTION_IDENTIFIER = 0x0B
    SESSION_EXPIRY = 0x11
    ASSIGNED_CLIENT_IDENTIFIER = 0x12
    SERVER_KEEP_ALIVE = 0x13
    AUTHENTICATION_METHOD = 0x15
    AUTHENTICATION_DATA = 0x16
    REQUEST_PROBLEM_INFORMATION = 0x17
    WILL_DELAY = 0x18
    REQUEST_RESPONSE_INFORMATION = 0x19
    RESPONSE_INFORMATION = 0x1A
    SERVER_REFERENCE = 0x1C
    REASON_STRING = 0x1F
    RECEIVE_MAXIMUM = 0x21
    TOPIC_ALIAS_MAXIMUM = 0x22
    TOPIC_ALIAS = 0x23
    MAXIMUM_QOS = 0x24
    RETAIN_AVAILABLE = 0x25
    USER_PROPERTY = 0x26
    MAXIMUM_PACKET_SIZE = 0x27
    WILDCARD_SUBSCRIPTION_AVAILABLE = 0x28
    SUBSCRIPTION_IDENTIFIER_AVAILABLE = 0x29
    SHARED_SUBSCRIPTION_AVAILABLE = 0x2A


# The type of each value stands in `PROPERTIES`; those that may repeat are tuples of it.
Properties = Mapping[Property, Any]


class PacketError(Exception):
    """Bytes that are no packet, or a packet out of place; `reason` is what version 5 calls it."""

    def __init__(self, text: str, reason: Reason = Reason.MALFORMED_PACKET) -> None:
        super().__init__(text)
        self.reason = reason


def demand(condition: bool, text: str, reason: Reason = Reason.MALFORMED_PACKET) -> None:
    """Raises `PacketError` unless the condition holds."""
    if not condition:
        raise PacketError(text, reason)


class Reader:
    """Takes one field after another off a packet; one that is cut short or has no such value is malformed."""

    def __init__(self, data: bytes | bytearray, at: int = 0) -> None:
        self._data = data
        self.at = at

    @property
    def left(self) -> int:
        return len(self._data) - self.at

    def take(self, count: int) -> bytes:
        start = self.at
        self.at += count
        demand(self.at <= len(self._data), "a field is cut short")
        return bytes(self._data[start : self.at])

    def rest(self) -> bytes:
        return self.take(self.left)

    def byte(self) -> int:
        return self.take(1)[0]

    def u16(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def varint(self) -> int:
        """At most four bytes of seven bits, the lowest first (1.5.5)."""
        value = 0
        for shift in (0, 7, 14, 21):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise PacketError("a variable integer of more than four bytes")

    def binary(self) -> bytes:
        return self.take(self.u16())

    def text(self) -> str:
        """UTF-8 without the null character (1.5.4)."""
        try:
            text = self.binary().decode()
        except UnicodeDecodeError:
            raise PacketError("a string is not UTF-8") from None
        demand("\0" not in text, "a string holds a null character")
        return text

    def pair(self) -> tuple[str, str]:
        return self.text(), self.text()

    def flag(self) -> int:
        value = self.byte()
        demand(value <= 1, "neither 0 nor 1", Reason.PROTOCOL_ERROR)
        return value

    def packet_id(self) -> int:
        value = self.u16()
        demand(value > 0, "packet identifier 0")
        return value

    def properties(self, kind: Kind) -> Properties:
        """The properties of a packet of this kind; empty ones included, they begin with their length."""
        end = self.varint() + self.at
        found: dict[Property, Any] = {}
        while self.at < end:
            number = self.varint()
            demand(number in PROPERTIES, f"no property has the number {number}")
            key = Property(number)
            wire, kinds = PROPERTIES[key]
            demand(kind in kinds, f"{key.name} does not belong here")
            demand(key not in found or key in REPEATED, f"{key.name} twice", Reason.PROTOCOL_ERROR)
            value = wire.read(self)
            found[key] = (*found.get(key, ()), value) if key in REPEATED else value
        demand(self.at == end, "properties are longer than they say")
        return found


def write_byte(value: int) -> bytes:
    return value.to_bytes(1, "big")


def write_u16(value: int) -> bytes:
    return value.to_bytes(2, "big")


def write_u32(value: int) -> bytes:
    return value.to_bytes(4, "big")


def write_varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def write_binary(value: bytes) -> bytes:
    return write_u16(len(value)) + value


def write_text(value: str) -> bytes:
    return write_binary(value.encode())


def write_pair(value: tuple[str, str]) -> bytes:
    return write_text(value[0]) + write_text(value[1])


def write_properties(properties: Properties) -> bytes:
    out = bytearray()
    for key, value in properties.items():
        for one in value if key in REPEATED else (value,):
            out += write_byte(key) + PROPERTIES[key][0].write(one)
    return write_varint(len(out)) + out


class Wire(NamedTuple):
    """A type on the wire."""

    read: Callable[[Reader], Any]
    write: Callable[[Any], bytes]


def positive(wire: Wire) -> Wire:
    """The same type, where the standard calls zero a protocol error."""

    def read(reader: Reader) -> Any:
        value = wire.read(reader)
        demand(value != 0, "zero where a positive number belongs", Reason.PROTOCOL_ERROR)
        return value

    return Wire(read, wire.write)


FLAG = Wire(Reader.flag, write_byte)
U16 = Wire(Reader.u16, write_u16)
U32 = Wire(Reader.u32, write_u32)
VARINT = Wire(Reader.varint, write_varint)
BINARY = Wire(Reader.binary, write_binary)
TEXT = Wire(Reader.text, write_text)
PAIR = Wire(Reader.pair, write_pair)

_MESSAGE = (Kind.PUBLISH, Kind.WILL)
_CONNECT = (Kind.CONNECT,)
_CONNACK = (Kind.CONNACK,)
_AUTHENTICATION = (Kind.CONNECT, Kind.CONNACK, Kind.AUTH)
_EXPLAINED = (
    *(Kind.CONNACK, Kind.PUBACK, Kind.PUBREC, Kind.PUBREL, Kind.PUBCOMP),
    *(Kind.SUBACK, Kind.UNSUBACK, Kind.DISCONNECT, Kind.AUTH),
)
_ALL = (*_EXPLAINED, Kind.CONNECT, Kind.WILL, Kind.PUBLISH, Kind.SUBSCRIBE, Kind.UNSUBSCRIBE)

PROPERTIES: Mapping[Property, tuple[Wire, tuple[Kind, ...]]] = {
    Property.PAYLOAD_FORMAT: (FLAG, _MESSAGE),
    Property.MESSAGE_EXPIRY: (U32, _MESSAGE),
    Property.CONTENT_TYPE: (TEXT, _MESSAGE),
    Property.RESPONSE_TOPIC: (TEXT, _MESSAGE),
    Property.CORRELATION_DATA: (BINARY, _MESSAGE),
    Property.SUBSCRIPTION_IDENTIFIER: (positive(VARINT), (Kind.PUBLISH, Kind.SUBSCRIBE)),
    Property.SESSION_EXPIRY: (U32, (Kind.CONNECT, Kind.CONNACK, Kind.DISCONNECT)),
    Property.ASSIGNED_CLIENT_IDENTIFIER: (TEXT, _CONNACK),
    Property.SERVER_KEEP_ALIVE: (U16, _CONNACK),
    Property.AUTHENTICATION_METHOD: (TEXT, _AUTHENTICATION),
    Property.AUTHENTICATION_DATA: (BINARY, _AUTHENTICATION),
    Property.REQUEST_PROBLEM_INFORMATION: (FLAG, _CONNECT),
    Property.WILL_DELAY: (U32, (Kind.WILL,)),
    Property.REQUEST_RESPONSE_INFORMATION: (FLAG, _CONNECT),
    Property.RESPONSE_INFORMATION: (TEXT, _CONNACK),
    Property.SERVER_REFERENCE: (TEXT, (Kind.CONNACK, Kind.DISCONNECT)),
    Property.REASON_STRING: (TEXT, _EXPLAINED),
    Property.RECEIVE_MAXIMUM: (positive(U16), (Kind.CONNECT, Kind.CONNACK)),
    Property.TOPIC_ALIAS_MAXIMUM: (U16, (Kind.CONNECT, Kind.CONNACK)),
    Property.TOPIC_ALIAS: (U16, (Kind.PUBLISH,)),
    Property.MAXIMUM_QOS: (FLAG, _CONNACK),
    Property.RETAIN_AVAILABLE: (FLAG, _CONNACK),
    Property.USER_PROPERTY: (PAIR, _ALL),
    Property.MAXIMUM_PACKET_SIZE: (positive(U32), (Kind.CONNECT, Kind.CONNACK)),
    Property.WILDCARD_SUBSCRIPTION_AVAILABLE: (FLAG, _CONNACK),
    Property.SUBSCRIPTION_IDENTIFIER_AVAILABLE: (FLAG, _CONNACK),
    Property.SHARED_SUBSCRIPTION_AVAILABLE: (FLAG, _CONNACK),
}

# A message may match several subscriptions, and user properties come in any number: tuples, always.
REPEATED = (Property.SUBSCRIPTION_IDENTIFIER, Property.USER_PROPERTY)
