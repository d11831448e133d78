"""Numbers of `live` as plain text."""

from envoy_mqtt.mqtt.scalars import scalar_topics, scalars


def test_each_key_has_a_topic_below_the_serial_number() -> None:
    assert scalar_topics("home/solar/122100000017", ["net_power"]) == {
        "net_power": "home/solar/122100000017/sensor/net_power"
    }


def test_a_number_is_written_as_people_write_it_and_null_not_at_all() -> None:
    topics = scalar_topics("e/1", ["a", "b", "c", "d", "e"])
    live = {"time": 1.5, "a": -3.0, "b": None, "c": 0.001, "d": 86, "e": 1_234_567.8}
    assert list(scalars(topics, live)) == [
        ("e/1/sensor/a", b"-3.0"),
        ("e/1/sensor/c", b"0.001"),
        ("e/1/sensor/d", b"86"),
        ("e/1/sensor/e", b"1234567.8"),
    ]
