"""How long ago something was, also when the process that saw it has ended since.

Within a process the steady clock tells. Across a restart only the clock on the wall is left, and that one
may have been set, or stand in 1970 on a machine without a clock chip: then nobody knows.
"""

from typing import NamedTuple

from envoy_mqtt.model import CLOCK_SET, Instant


class Mark(NamedTuple):
    """A moment that is looked back to: `steady` is `None` where another process saw it, `unix` where the
    clock could not be believed.
    """

    steady: float | None
    unix: float | None

    def since_s(self, now: Instant) -> float | None:
        """Seconds from then to now, never negative; `None` where nobody knows."""
        if self.steady is not None:
            return max(0.0, now.steady - self.steady)
        if self.unix is None or not plausible(now.unix) or now.unix < self.unix:
            return None
        return now.unix - self.unix

    def kept(self, now: Instant) -> float | None:
        """What another process is told of it: the Unix time, by the clock as it shows now."""
        if self.steady is None or not plausible(now.unix):
            return self.unix
        return round(now.unix - (now.steady - self.steady), 3)


def marked(now: Instant, age_s: float = 0.0) -> Mark:
    """The moment `age_s` ago."""
    return Mark(now.steady - age_s, now.unix - age_s if plausible(now.unix) else None)


def recalled(content: object) -> Mark:
    """The mark of which `kept` is known; raises `ValueError`."""
    return Mark(None, None if content is None else number(content))


def plausible(unix: float) -> bool:
    """Whether a clock that shows this can be believed."""
    return unix >= CLOCK_SET


# More than any energy in Wh and any Unix time, so that sums of what passes stay finite.
LARGEST = 1e15


def number(content: object) -> float:
    """A number out of a file; raises `ValueError`."""
    if not isinstance(content, int | float) or type(content) is bool or not abs(content) <= LARGEST:
        raise ValueError("not a number")
    return float(content)
