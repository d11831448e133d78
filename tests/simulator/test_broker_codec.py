"""The broker's codec: packets survive the wire, and bytes that are no packets are refused as such."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoy_mqtt.simulator.broker import fields
from envoy_mqtt.simulator.broker.codec import MAX_PACKET, Decoder, encode
from envoy_mqtt.simulator.broker.fields import (
    PROPERTIES,
    REPEATED,
    V5,
    V311,
    Kind,
    PacketError,
    Property,
    Reader,
    Reason,
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

Strategy = st.SearchStrategy[Any]

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
TOPIC = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0+#"), min_size=1, max_size=12)
BYTES = st.binary(max_size=300)
ID = st.integers(1, 0xFFFF)
REASON = st.integers(0, 0xFF)

VALUES: dict[Any, Strategy] = {
    fields.write_byte: st.integers(0, 1),
    fields.write_u16: ID,
    fields.write_u32: st.integers(1, 0xFFFFFFFF),
    fields.write_varint: st.integers(1, 0x0FFFFFFF),
    fields.write_binary: BYTES,
    fields.write_text: TEXT,
    fields.write_pair: st.tuples(TEXT, TEXT),
}


def properties(version: int, kind: Kind) -> Strategy:
    def values(key: Property) -> Strategy:
        one = VALUES[PROPERTIES[key][0].write]
        return st.lists(one, min_size=1, max_size=3).map(tuple) if key in REPEATED else one

    known = [key for key, (_, kinds) in PROPERTIES.items() if kind in kinds and version == V5]
    return st.fixed_dictionaries({}, optional={key: values(key) for key in known})


def messages(version: int, kind: Kind) -> Strategy:
    """A PUBLISH, or a will, which has no packet id and is not sent twice."""

    def build(qos: int, packet_id: int, dup: bool, **rest: Any) -> Publish:
        sent = kind is Kind.PUBLISH and qos > 0
        return Publish(qos=qos, packet_id=packet_id if sent else 0, dup=dup and sent, **rest)

    return st.builds(
        build,
        qos=st.integers(0, 2),
        packet_id=ID,
        dup=st.booleans(),
        topic=TOPIC,
        payload=BYTES,
        retain=st.booleans(),
        properties=properties(version, kind),
    )


def connects(version: int) -> Strategy:
    logins = st.tuples(TEXT, st.none() | BYTES) | st.tuples(st.none(), BYTES if version == V5 else st.none())
    return st.builds(
        lambda login, **rest: Connect(username=login[0], password=login[1], **rest),
        login=logins,
        client_id=TEXT,
        version=st.just(version),
        clean_start=st.booleans(),
        keep_alive_s=st.integers(0, 0xFFFF),
        will=st.none() | messages(version, Kind.WILL),
        properties=properties(version, Kind.CONNECT),
    )


def acknowledgements(version: int, kind: Kind) -> Strategy:
    reason = REASON if version == V5 else st.just(0)
    return st.builds(Ack, st.just(kind), ID, reason, properties(version, kind))


def outcomes(version: int, kind: Kind) -> Strategy:
    known = version == V5 or kind is Kind.SUBACK
    return st.builds(Outcome, st.just(kind), ID, BYTES if known else st.just(b""), properties(version, kind))


def packets(version: int) -> Strategy:
    newest = version == V5
    options = [st.booleans(), st.booleans(), st.integers(0, 2)] if newest else []
    subscription = st.builds(Subscription, TEXT, st.integers(0, 2), *options)
    subscriptions = st.lists(subscription, min_size=1, max_size=3)
    filters = st.lists(TEXT, min_size=1, max_size=3)
    ends = [Kind.DISCONNECT, Kind.AUTH] if newest else [Kind.DISCONNECT]
    return st.one_of(
        connects(version),
        messages(version, Kind.PUBLISH),
        st.builds(Connack, st.booleans(), REASON, properties(version, Kind.CONNACK)),
        st.builds(Subscribe, ID, subscriptions.map(tuple), properties(version, Kind.SUBSCRIBE)),
        st.builds(Unsubscribe, ID, filters.map(tuple), properties(version, Kind.UNSUBSCRIBE)),
        *(acknowledgements(version, kind) for kind in (Kind.PUBACK, Kind.PUBREC, Kind.PUBREL, Kind.PUBCOMP)),
        *(outcomes(version, kind) for kind in (Kind.SUBACK, Kind.UNSUBACK)),
        *(st.just(Ping(kind)) for kind in (Kind.PINGREQ, Kind.PINGRESP)),
        *(
            st.builds(Disconnect, st.just(kind), REASON if newest else st.just(0), properties(version, kind))
            for kind in ends
        ),
    )


PACKETS = {version: packets(version) for version in (V311, V5)}
VERSIONS = st.sampled_from((V311, V5))
BY_VERSION = VERSIONS.flatmap(lambda version: st.tuples(st.just(version), PACKETS[version]))
SERIES = VERSIONS.flatmap(lambda version: st.tuples(st.just(version), st.lists(PACKETS[version], max_size=6)))


@given(BY_VERSION)
def test_a_packet_survives_the_wire(case: tuple[int, Packet]) -> None:
    version, packet = case
    assert list(Decoder(version).feed(encode(packet, version))) == [packet]


@given(VERSIONS.flatmap(connects))
def test_connect_tells_a_new_decoder_the_version(packet: Connect) -> None:
    decoder = Decoder()
    assert list(decoder.feed(encode(packet, packet.version))) == [packet]
    assert decoder.version == packet.version


@given(SERIES, st.data())
def test_the_packets_are_the_same_however_the_bytes_are_cut(
    case: tuple[int, list[Packet]], data: st.DataObject
) -> None:
    version, series = case
    stream = b"".join(encode(packet, version) for packet in series)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    decoder = Decoder(version)
    pieces = (stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True))
    assert [packet for piece in pieces for packet in decoder.feed(piece)] == series


def only_packet_errors(version: int, data: bytes) -> None:
    with suppress(PacketError):
        for packet in Decoder(version).feed(data):
            encode(packet, version or V5)


@given(st.sampled_from((0, V311, V5)), st.binary())
def test_random_bytes_are_a_packet_error_at_worst(version: int, data: bytes) -> None:
    only_packet_errors(version, data)


@given(st.sampled_from((0, V311, V5)), st.integers(0, 255), BYTES)
def test_a_random_body_is_a_packet_error_at_worst(version: int, first: int, body: bytes) -> None:
    only_packet_errors(version, bytes([first]) + write_varint(len(body)) + body)


@given(BY_VERSION, st.data())
def test_a_damaged_packet_is_a_packet_error_at_worst(case: tuple[int, Packet], data: st.DataObject) -> None:
    version, packet = case
    damaged = bytearray(encode(packet, version))
    for at in data.draw(st.lists(st.integers(0, len(damaged) - 1), min_size=1, max_size=4)):
        damaged[at] = data.draw(st.integers(0, 255))
    only_packet_errors(version, bytes(damaged))


# Worked out by hand from the standards' figures.
EXAMPLES = [
    (V311, Connect("c", V311, True, 60), "10 0d 0004 4d515454 04 02 003c 0001 63"),
    (V5, Connect("c", V5, False, 60), "10 0e 0004 4d515454 05 00 003c 00 0001 63"),
    (
        V311,
        Connect("", V311, True, 0, Publish("w", b"x", 1, True), "u", b"p"),
        "10 18 0004 4d515454 04 ee 0000 0000 0001 77 0001 78 0001 75 0001 70",
    ),
    (V311, Connack(True, 0), "20 02 01 00"),
    (V5, Connack(False, 0x84), "20 03 00 84 00"),
    (V311, Publish("a/b", b"hi"), "30 07 0003 612f62 6869"),
    (V311, Publish("a/b", b"", 1, True, True, 10), "3b 07 0003 612f62 000a"),
    (V5, Publish("a", b"", properties={Property.MESSAGE_EXPIRY: 9}), "30 09 0001 61 05 02 00000009"),
    (V5, Ack(Kind.PUBACK, 1), "40 02 0001"),
    (V5, Ack(Kind.PUBREL, 1, 0x92), "62 03 0001 92"),
    (V5, Subscribe(10, (Subscription("a/b", 1, True, True, 2),)), "82 09 000a 00 0003 612f62 2d"),
    (V311, Outcome(Kind.SUBACK, 10, b"\x01\x80"), "90 04 000a 01 80"),
    (V311, Outcome(Kind.UNSUBACK, 10), "b0 02 000a"),
    (V5, Ping(), "c0 00"),
    (V311, Disconnect(), "e0 00"),
    (V5, Disconnect(Kind.DISCONNECT, 4), "e0 01 04"),
]


@pytest.mark.parametrize(("version", "packet", "wire"), EXAMPLES)
def test_a_packet_looks_as_the_standard_shows_it(version: int, packet: Packet, wire: str) -> None:
    assert encode(packet, version) == bytes.fromhex(wire)
    assert list(Decoder(version).feed(bytes.fromhex(wire))) == [packet]


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        (0, "00"),
        (127, "7f"),
        (128, "8001"),
        (16_383, "ff7f"),
        (16_384, "808001"),
        (2_097_151, "ffff7f"),
        (2_097_152, "80808001"),
        (268_435_455, "ffffff7f"),
    ],
)
def test_a_variable_integer_takes_one_to_four_bytes(value: int, wire: str) -> None:
    assert write_varint(value) == bytes.fromhex(wire)
    assert Reader(bytes.fromhex(wire)).varint() == value


def test_a_packet_that_is_too_large_is_refused_by_its_first_bytes() -> None:
    """MAX_PACKET counts the four bytes before the body: one for the type, three for the length."""
    announced = bytes([0x30]) + write_varint(MAX_PACKET - 3)
    with pytest.raises(PacketError) as error:
        list(Decoder(V5).feed(announced))
    assert error.value.reason == Reason.PACKET_TOO_LARGE
    assert list(Decoder(V5).feed(bytes([0x30]) + write_varint(MAX_PACKET - 4))) == []


REFUSED = [
    pytest.param(V311, "0000", id="packet type 0"),
    pytest.param(V311, "f000", id="authentication before version 5"),
    pytest.param(V311, "c100", id="flags of a ping"),
    pytest.param(V311, "c00100", id="a ping with a body"),
    pytest.param(V5, "e00201000000", id="a byte behind the last property"),
    pytest.param(V311, "30ffffffff01", id="five bytes of length"),
    pytest.param(V311, "3005 0001 61 0001 3605 0001 61 0001", id="QoS 3"),
    pytest.param(V311, "3803 0001 61", id="QoS 0 once more"),
    pytest.param(V311, "3205 0001 61 0000", id="packet id 0"),
    pytest.param(V311, "3003 0002 61", id="a field cut short"),
    pytest.param(V311, "3004 0002 c328", id="not UTF-8"),
    pytest.param(V311, "3005 0003 eda080", id="a surrogate"),
    pytest.param(V311, "3003 0001 00", id="a null character"),
    pytest.param(V311, "3002 0000", id="an empty topic"),
    pytest.param(V5, "3003 0000 00", id="an empty topic without an alias"),
    pytest.param(V311, "100c 0004 4d515454 04 03 0000 0000", id="the reserved connect flag"),
    pytest.param(V311, "100f 0004 4d515454 04 42 0000 0000 0001 70", id="a password without a name"),
    pytest.param(V311, "100c 0004 4d515454 04 22 0000 0000", id="a will's flag without a will"),
    pytest.param(V311, "1011 0004 4d515454 04 1e 0000 0000 0001 77 0000", id="a will of QoS 3"),
    pytest.param(V311, "1011 0004 4d515454 04 06 0000 0000 0001 23 0000", id="a will to a filter"),
    pytest.param(V311, "8202 0001", id="a subscription to nothing"),
    pytest.param(V311, "8206 0001 0001 61 04", id="version 5's options before it"),
    pytest.param(V5, "8207 0001 00 0001 61 03", id="a subscription of QoS 3"),
    pytest.param(V5, "8207 0001 00 0001 61 30", id="retain handling 3"),
    pytest.param(V311, "a202 0001", id="an end of nothing"),
    pytest.param(V5, "3006 0001 61 02 7f00", id="an unknown property"),
    pytest.param(V5, "3007 0001 61 03 21 0001", id="a property of another packet"),
    pytest.param(V5, "3006 0001 61 01 0101", id="properties longer than they say"),
    pytest.param(V5, "3006 0001 61 03 0101", id="properties shorter than they say"),
    pytest.param(V5, "3008 0001 61 04 0100 0100", id="a property twice"),
    pytest.param(V5, "3006 0001 61 02 0102", id="neither 0 nor 1"),
    pytest.param(V5, "8209 0001 02 0b00 0001 61 00", id="subscription identifier 0"),
]


@pytest.mark.parametrize(("version", "wire"), REFUSED)
def test_what_is_no_packet_is_refused(version: int, wire: str) -> None:
    with pytest.raises(PacketError):
        list(Decoder(version).feed(bytes.fromhex(wire)))


@pytest.mark.parametrize("first", [b"G", b"\x16", b"\xc0", b"\x11"])
def test_what_does_not_begin_as_a_connect_is_refused_at_once(first: bytes) -> None:
    with pytest.raises(PacketError):
        list(Decoder().feed(first))


def test_what_came_before_a_malformed_packet_is_still_given() -> None:
    decoded = Decoder(V311).feed(bytes.fromhex("c000 0000"))
    assert next(decoded) == Ping()
    with pytest.raises(PacketError):
        next(decoded)
