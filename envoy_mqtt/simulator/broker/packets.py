"""MQTT 3.1.1's and 5's packets as values; what 3.1.1 has no room for keeps its default there."""

from dataclasses import dataclass, field
from typing import ClassVar

from envoy_mqtt.simulator.broker.fields import V5, Kind, Properties, Reason


@dataclass(frozen=True, slots=True)
class Publish:
    """An application message under way. A will is one that has not set out yet."""

    kind: ClassVar[Kind] = Kind.PUBLISH
    topic: str
    payload: bytes = b""
    qos: int = 0
    retain: bool = False
    dup: bool = False
    packet_id: int = 0
    properties: Properties = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Connect:
    kind: ClassVar[Kind] = Kind.CONNECT
    client_id: str = ""
    version: int = V5
    clean_start: bool = True
    keep_alive_s: int = 0
    will: Publish | None = None
    username: str | None = None
    password: bytes | None = None
    properties: Properties = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Connack:
    """In 3.1.1 `reason` is its return code, 0 to 5."""

    kind: ClassVar[Kind] = Kind.CONNACK
    session_present: bool = False
    reason: int = Reason.SUCCESS
    properties: Properties = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ack:
    """PUBACK, PUBREC, PUBREL or PUBCOMP; 3.1.1 knows neither reason nor properties."""

    kind: Kind
    packet_id: int
    reason: int = Reason.SUCCESS
    properties: Properties = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Subscription:
    """A topic filter with its options; 3.1.1 knows the QoS only."""

    topic_filter: str
    qos: int = 0
    no_local: bool = False
    retain_as_published: bool = False
    retain_handling: int = 0


@dataclass(frozen=True, slots=True)
class Subscribe:
    kind: ClassVar[Kind] = Kind.SUBSCRIBE
    packet_id: int
    subscriptions: tuple[Subscription, ...]
    properties: Properties = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    kind: ClassVar[Kind] = Kind.UNSUBSCRIBE
    packet_id: int
    topic_filters: tuple[str, ...]
    properties: Properties = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """SUBACK or UNSUBACK, a reason for each filter; a 3.1.1 UNSUBACK has none."""

    kind: Kind
    packet_id: int
    reasons: bytes = b""
    properties: Properties = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ping:
    """PINGREQ or PINGRESP."""

    kind: Kind = Kind.PINGREQ


@dataclass(frozen=True, slots=True)
class Disconnect:
    """DISCONNECT, or version 5's AUTH, which is laid out alike."""

    kind: Kind = Kind.DISCONNECT
    reason: int = Reason.SUCCESS
    properties: Properties = field(default_factory=dict)


Packet = Connect | Connack | Publish | Ack | Subscribe | Unsubscribe | Outcome | Ping | Disconnect
