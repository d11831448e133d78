"""What is said of a gateway when it changes: availability, `gateway`, and what is emptied. Pure."""

from envoy_mqtt.mqtt.message import OFFLINE, ONLINE, Message
from envoy_mqtt.mqtt.payload import Publish


class Notices:
    """Remembers what was said of one gateway; without a serial number nothing is. `topics` are those of its
    readings that a broker keeps.
    """

    def __init__(self, publish: Publish, serial: str | None) -> None:
        self._prefix = None if serial is None else f"{publish.base_topic}/{serial}"
        self._retain = publish.retain
        self._online: bool | None = None
        self._about = b""
        self.topics: frozenset[str] = frozenset()

    def availability(self, *, online: bool) -> list[Message]:
        """Whether fresh readings are coming."""
        if self._prefix is None or online == self._online:
            return []
        self._online = online
        return [Message(f"{self._prefix}/availability", ONLINE if online else OFFLINE, qos=1)]

    def about(self, payload: bytes) -> list[Message]:
        """What the gateway is."""
        if self._prefix is None or payload == self._about:
            return []
        self._about = payload
        return [Message(f"{self._prefix}/gateway", payload, qos=1, retain=self._retain)]

    def keep(self, topics: set[str]) -> list[Message]:
        """From now on readings have these topics: the others are emptied."""
        gone = sorted(self.topics - topics)
        self.topics = frozenset(topics)
        return [Message(topic, b"", qos=1) for topic in gone]
