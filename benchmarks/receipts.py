"""Which events came out at the other end, and how long they were under way."""

import asyncio
import json
from collections.abc import Iterable
from contextlib import suppress

from benchmarks.ears import Ears, Heard
from benchmarks.player import FIRST_W
from benchmarks.rig import Event, Written

# What has not come this long after the last event was written does not come.
GRACE_S = 5.0


class Receipts:
    """The messages that carry whole readings, from `…/SERIAL/live`."""

    def __init__(self) -> None:
        self._heard: list[Heard] = []

    def hear(self, heard: Heard) -> None:
        """One message came; what is in it is looked at when time no longer matters."""
        self._heard.append(heard)

    async def of(self, written: Written, ears: Ears) -> "Delays":
        """Wait until all of these events have come, or as long as they may take."""
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                await ears.until(lambda: len(self._heard) >= len(written))
        heard, self._heard = self._heard, []
        return Delays(written, heard)


class Delays:
    """How long events took, and which never came."""

    def __init__(self, written: Written, heard: Iterable[Heard]) -> None:
        came: dict[Event, int] = {}
        for each in heard:
            came.setdefault((each.topic.split("/")[1], event_number(each.payload)), each.at_ns)
        self._ns = {event: came[event] - stamp_ns for event, stamp_ns in written.items() if event in came}
        self.missing = len(written) - len(self._ns)

    def ms(self, *serials: str) -> list[float]:
        """Milliseconds from writing to receipt, of these gateways' events, of all where none is named."""
        return [ns / 1e6 for (serial, _), ns in self._ns.items() if not serials or serial in serials]


def event_number(payload: bytes) -> int:
    """The number that the player hid in the production meter's power, in our words or in the vendor's."""
    message = json.loads(payload)
    vendors = "production" in message
    power = float(message["production"]["ph-a"]["p"] if vendors else message["production_power"])
    return round(power) - FIRST_W
