"""What a bridge hands to its broker, overheard on the wire: which readings left, and when."""

import json
import time

from envoy_mqtt.simulator.broker.codec import Decoder
from envoy_mqtt.simulator.broker.packets import Publish
from tests.faults.tap import Hear


class Witness:
    """`sent` are the times (monotonic, s) at which the readings of these sequence numbers left the first
    time, `again` the numbers that left more than once.
    """

    def __init__(self) -> None:
        self.sent: dict[int, float] = {}
        self.again: set[int] = set()

    def overhear(self) -> tuple[Hear, Hear]:
        """For one connection, as a `Tap` wants it."""
        decoder = Decoder()

        def hear(data: bytes) -> None:
            for packet in decoder.feed(data):
                if isinstance(packet, Publish) and packet.topic.endswith("/live"):
                    self._note(int(json.loads(packet.payload)["sequence"]))

        return hear, lambda _: None

    def _note(self, number: int) -> None:
        if number in self.sent:
            self.again.add(number)
        self.sent.setdefault(number, time.monotonic())
