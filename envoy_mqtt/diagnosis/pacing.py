"""How steadily a gateway's stream flows, from the times at which its events arrived."""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from envoy_mqtt.diagnosis.findings import Finding, bad, ok, warning
from envoy_mqtt.gateway.pace import Pace

# A gateway has an event a second (protocol notes, section 1.5); half of that is not what it should be.
FEW_HZ = 0.5

# Firmware that holds readings back does so for 3 to 23 s, and is well.
HELD_BACK_S = 3.0

BUSY = (
    "the gateway is busy or its network bad: see what else asks it (a second bridge, Home Assistant's own "
    "integration), and prefer a cable to Wi-Fi"
)


class Flow(NamedTuple):
    """A stream that was read for `seconds`: each event's arrival in seconds since it opened, how many could
    not be read and why the last one could not, and why it ended early, empty where it did not.
    """

    seconds: float
    arrivals: tuple[float, ...]
    unreadable: int = 0
    problem: str = ""
    ended: str = ""

    @property
    def rate_hz(self) -> float:
        """Events a second."""
        return len(self.arrivals) / self.seconds if self.seconds > 0 else 0.0

    @property
    def longest_silence_s(self) -> float:
        """The longest time without an event, the beginning and the end included."""
        moments = (0.0, *self.arrivals, self.seconds)
        return max(later - before for before, later in pairwise(moments))

    @property
    def bursts(self) -> int:
        """How often several came together after a silence."""
        pace = Pace()
        pace.open(0.0)
        for arrival in self.arrivals:
            pace.stamp(arrival)
        return pace.bursts


def judge_flow(flow: Flow) -> Iterator[Finding]:
    """What is to be said of it."""
    told = (
        f"{len(flow.arrivals)} events in {flow.seconds:.0f} s ({flow.rate_hz:.2f} a second), longest silence "
        f"{flow.longest_silence_s:.1f} s, {flow.bursts} bursts"
    )
    if not flow.arrivals:
        yield bad(f"it is open and silent for {flow.seconds:.0f} s", BUSY)
    elif flow.rate_hz < FEW_HZ:
        yield warning(told, BUSY)
    elif flow.longest_silence_s > HELD_BACK_S:
        yield ok(f"{told}; some firmware holds readings back, and each keeps a time of its own")
    else:
        yield ok(told)
    if flow.ended:
        yield warning(f"it ended early: {flow.ended}", BUSY)
    if flow.unreadable:
        yield warning(
            f"{flow.unreadable} events could not be read ({flow.problem}); they are skipped",
            "report it with the gateway's firmware, if it stays so",
        )
