"""The topics `sensor/KEY`: each number of `live` again, alone and as plain text. Pure.

For programs that read one number of a topic and no JSON. What is not known is not sent: a broker goes on
keeping the number of before until its message expires, and `availability` tells whether to believe it.
"""

from collections.abc import Iterable, Iterator, Mapping

Value = float | int | str | None


def scalar_topics(prefix: str, keys: Iterable[str]) -> dict[str, str]:
    """The topic of each key; `prefix` ends with the serial number."""
    return {key: f"{prefix}/sensor/{key}" for key in keys}


def scalars(topics: Mapping[str, str], live: Mapping[str, Value]) -> Iterator[tuple[str, bytes]]:
    """Topics and payloads of what is known of a reading."""
    for key, topic in topics.items():
        value = live[key]
        if value is not None:
            yield topic, str(value).encode()
