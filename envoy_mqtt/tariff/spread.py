"""What a lifetime energy's rise is spread over: the time since it was last known, by the rates of that time.

Powers tell how much flowed at each rate. Where they are not known, what they leave over is divided by time.
"""

from itertools import accumulate
from typing import Any, NamedTuple

from envoy_mqtt.energy.integral import MAX_GAP_S
from envoy_mqtt.energy.since import number

# Half a year of days with five changes each; what comes before then counts as one.
MOST_PARTS = 1000

# Less is no time between two readings, and nothing to divide by.
MOMENT_S = 1e-3


class Rate(NamedTuple):
    """A period, its price per kWh (`None` while none came), and the local date, ISO 8601."""

    name: str
    price: float | None
    day: str


class Part(NamedTuple):
    """So long at one rate; of that the power was known for `known_s`, and it made `wh`."""

    rate: Rate
    seconds: float
    known_s: float = 0.0
    wh: float = 0.0

    @property
    def unknown_s(self) -> float:
        """How long nobody knows what flowed; what readings are apart is no such time."""
        missing_s = self.seconds - self.known_s
        return missing_s if missing_s > MAX_GAP_S else 0.0

    @property
    def power(self) -> float | None:
        """Its mean, in Wh a second; `None` where nothing of it is known."""
        return self.wh / self.known_s if self.known_s >= MOMENT_S else None

    def with_all(self, other: "Part") -> "Part":
        """Both together at the rate of this one."""
        return Part(self.rate, *(mine + theirs for mine, theirs in zip(self[1:], other[1:], strict=True)))

    def shrunk(self, share: float) -> "Part":
        """A share of it, as if everything in it were even."""
        return Part(self.rate, self.seconds * share, self.known_s * share, self.wh * share)


class Booked(NamedTuple):
    """What of a rise belongs to a rate, in Wh, and how much of that only time decided."""

    rate: Rate
    wh: float
    estimated_wh: float


class Spread:
    """The time since the energy was last known, in parts; the last of them is now."""

    def __init__(self, memory: Any = None) -> None:
        self._parts = [] if memory is None else [_recalled(part) for part in memory]

    def pass_by(self, rate: Rate, seconds: float) -> None:
        """So many seconds went by at a rate, after all others."""
        if self._parts and self._parts[-1].rate == rate:
            last = self._parts[-1]
            self._parts[-1] = last._replace(seconds=last.seconds + seconds)
        else:
            self._parts.append(Part(rate, seconds))
            if len(self._parts) > MOST_PARTS:
                self._parts[:2] = [self._parts[0].with_all(self._parts[1])]

    def flow(self, wh: float, seconds: float) -> None:
        """By its power so much flowed, in so many seconds of the present part."""
        if self._parts:
            last = self._parts[-1]
            self._parts[-1] = last._replace(known_s=last.known_s + seconds, wh=last.wh + wh)

    @property
    def seconds(self) -> float:
        """How long that is in all."""
        return sum(part.seconds for part in self._parts)

    def share(self, rise_wh: float) -> list[Booked]:
        """What of a rise ≥ 0 belongs to which rate; together it is the rise."""
        parts, nothing = self._parts, [0.0] * len(self._parts)
        unknown = [part.unknown_s for part in parts]
        known = self._likely_wh()
        flowed = sum(known)
        if flowed > 0.0 and (rise_wh <= flowed or not any(unknown)):
            return self._shared(rise_wh, [wh * rise_wh / flowed for wh in known], nothing)
        if any(unknown):
            return self._shared(rise_wh, known, unknown)
        return self._shared(rise_wh, nothing, [part.seconds for part in parts])

    def _likely_wh(self) -> list[float]:
        """What flowed in each part, as if short gaps were as the time around them: a part of which nothing is
        known as the one before it, or as the first that is known.
        """
        powers = [part.power for part in self._parts]
        first = next((power for power in powers if power is not None), 0.0)
        carried = list(accumulate(powers, lambda before, it: before if it is None else it, initial=first))[1:]
        return [
            part.wh if part.unknown_s else part.seconds * (power or 0.0)
            for part, power in zip(self._parts, carried, strict=True)
        ]

    def _shared(self, rise_wh: float, known: list[float], seconds: list[float]) -> list[Booked]:
        """What is known, and what is left by time; the last takes what rounding leaves."""
        left_wh, whole_s = rise_wh - sum(known), sum(seconds)
        timed = [left_wh * each / whole_s if whole_s else 0.0 for each in seconds]
        estimated = timed if sum(map(bool, seconds)) > 1 else [0.0] * len(timed)
        booked = [
            Booked(part.rate, wh + more, guess)
            for part, wh, more, guess in zip(self._parts, known, timed, estimated, strict=True)
        ]
        if booked:
            rest_wh = rise_wh - sum(each.wh for each in booked[:-1])
            booked[-1] = booked[-1]._replace(wh=rest_wh)
        return booked

    def forget(self, age_s: float) -> None:
        """The energy was known so long ago: only what came after that is kept, and the present part."""
        kept: list[Part] = []
        for part in reversed(self._parts):
            share = min(1.0, age_s / part.seconds) if part.seconds else float(age_s > 0.0)
            if share or not kept:
                kept.append(part.shrunk(share))
            age_s -= part.seconds
            if age_s <= 0.0:
                break
        self._parts = kept[::-1]

    @property
    def memory(self) -> list[object]:
        """What another process needs to go on, for JSON."""
        return [[*part.rate, part.seconds, part.known_s, part.wh] for part in self._parts]


def _recalled(content: Any) -> Part:
    name, price, day, *numbers = content
    rate = Rate(str(name), None if price is None else number(price), str(day))
    return Part(rate, *map(number, numbers))
