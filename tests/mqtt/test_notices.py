"""What is said of a gateway is said when it changes, and only once it has a name."""

from envoy_mqtt.mqtt.message import Message
from envoy_mqtt.mqtt.notices import Notices
from envoy_mqtt.mqtt.payload import Publish

SERIAL = "122312345678"


def test_a_gateway_without_a_serial_number_has_no_topics() -> None:
    notices = Notices(Publish(), None)
    assert notices.availability(online=True) == notices.about(b"{}") == []


def test_availability_is_retained_whatever_the_configuration_says_and_said_when_it_changes() -> None:
    notices = Notices(Publish(retain=False), SERIAL)
    told = [notices.availability(online=each) for each in (False, False, True, True, False)]
    off, on = (
        Message(f"envoy/{SERIAL}/availability", word, qos=1, retain=True) for word in (b"offline", b"online")
    )
    assert told == [[off], [], [on], [], [off]]


def test_what_the_gateway_is_is_said_when_it_changes() -> None:
    notices = Notices(Publish(base_topic="solar", retain=False), SERIAL)
    told = [notices.about(each) for each in (b"{}", b"{}", b'{"phases":3}')]
    topic = f"solar/{SERIAL}/gateway"
    assert told == [
        [Message(topic, b"{}", qos=1, retain=False)],
        [],
        [Message(topic, b'{"phases":3}', qos=1, retain=False)],
    ]


def test_topics_that_are_no_more_are_emptied_once() -> None:
    notices = Notices(Publish(), SERIAL)
    assert notices.keep({"live", "net", "storage"}) == []
    assert notices.keep({"live"}) == [Message("net", b"", qos=1), Message("storage", b"", qos=1)]
    assert notices.keep({"live"}) == []
    assert notices.topics == {"live"}
