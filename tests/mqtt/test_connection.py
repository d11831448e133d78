"""One connection as aiomqtt makes it: what fits into a packet, and what a refusal is called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from envoy_mqtt.mqtt.connection import Broker, Connection, Packed, _value, _words, size
from envoy_mqtt.mqtt.message import Message

BROKER = Broker("127.0.0.1", 1, "me", "envoy/bridge/state")


def wire_size(topic: bytes, payload: bytes, properties: bytes, qos: int) -> int:
    """MQTT 5, sections 2.1 and 3.3, by hand: type, length, topic, packet id, properties, payload."""
    rest = 2 + len(topic) + (2 if qos else 0) + len(properties) + len(payload)
    lengths = next(n for n, most in enumerate((127, 16_383, 2_097_151, 268_435_455), 1) if rest <= most)
    return 1 + lengths + rest


@given(
    st.text(min_size=1, max_size=50),
    st.integers(0, 20_000),
    st.sampled_from([0, 1]),
    st.sampled_from([0, 300]),
)
def test_a_size_is_never_below_the_packets_and_hardly_above(
    topic: str, length: int, qos: int, expiry_s: int
) -> None:
    message = Message(topic, bytes(length), qos, expiry_s=expiry_s)
    properties = Packed("application/json", expiry_s)
    # Each with its identifier, the text with its length (sections 3.3.2.3.3, 3.3.2.3.9), and theirs.
    packed = 1 + (3 + len("application/json")) + (5 if expiry_s else 0)
    assert len(properties.pack()) == packed
    exact = wire_size(topic.encode(), bytes(length), bytes(packed), qos)
    assert exact <= size(message, properties) <= exact + 5


def test_without_properties_there_are_none_to_count() -> None:
    assert size(Message("a", b"", 1), None) == 1 + 4 + 2 + 1 + 2


@pytest.mark.parametrize(
    ("code", "value", "words"),
    [
        (ReasonCode(PacketTypes.PUBACK, "Not authorized"), 135, "not authorized"),
        (ReasonCode(PacketTypes.PUBACK, "Quota exceeded"), 151, "quota exceeded"),
        (128, 128, "refused"),
    ],
)
def test_a_reason_code_is_a_number_and_words(code: ReasonCode | int, value: int, words: str) -> None:
    assert (_value(code), _words(code)) == (value, words)


async def test_on_mqtt_5_the_broker_is_told_what_is_too_large_for_us() -> None:
    connection = Connection(BROKER, "5")
    limits = connection.client._properties
    assert limits is not None
    assert limits.MaximumPacketSize == 1024 * 1024  # type: ignore[attr-defined]
    assert Connection(BROKER, "3.1.1").client._properties is None


async def test_keep_alives_are_a_second_shorter_for_they_are_looked_at_once_a_second() -> None:
    assert Connection(BROKER._replace(keepalive_s=15), "5").client._keepalive == 14
