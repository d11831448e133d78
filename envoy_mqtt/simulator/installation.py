"""What one gateway says, at any time it is asked: a house, its meters, their counters.

An `Installation` and a folder of recordings (`recorded.Recorded`) are the two things a `Gateway` can
play; `Source` is what they share. Neither does I/O or reads a clock.
"""

from collections.abc import Sequence
from typing import Protocol

from envoy_mqtt.simulator import documents, readings, wire
from envoy_mqtt.simulator.counters import Counters
from envoy_mqtt.simulator.house import House, State
from envoy_mqtt.simulator.options import Battery, Options
from envoy_mqtt.simulator.pages import Answer
from envoy_mqtt.simulator.storage import Storage
from envoy_mqtt.simulator.wire import NO_PHASES, NOTHING, Reading, Sample, Style

ALL_ZERO = Sample(NO_PHASES, NO_PHASES, NO_PHASES)


class Source(Protocol):
    """Something a gateway can play; times are Unix seconds."""

    asleep: bool

    def refit(self, options: Options) -> None:
        """Go on with other options."""

    def answer(self, target: str, unix: float, /) -> Answer | None:
        """The answer to a GET of this path, query included; None where there is no such path."""

    def event(self, unix: float, /) -> bytes:
        """The event of `/stream/meter` sampled at that moment."""


class Installation:
    """One simulated site. `asleep` is the state minutes after a start: everything is zero, counters too."""

    def __init__(self, options: Options, unix: float) -> None:
        self.asleep = False
        self._began = unix
        self._counters = Counters.grown(
            options.chance, unix, options.phases.number, total=options.layout.total
        )
        self.refit(options)

    def refit(self, options: Options) -> None:
        """Go on with other options; what was counted stays counted."""
        self.options = options
        self.style = Style.of(options)
        self.house = House(
            seed=options.chance,
            phase_count=options.phases.number,
            split=options.phases.number == 2,
            utc_offset_s=options.utc_offset_s,
            array_w=options.array_w,
        )
        self.storage = None
        if options.battery is not Battery.NONE:
            began = self.house_time(self._began)
            self.storage = Storage(self.house, began, options.battery_wh, options.battery_w)

    def house_time(self, unix: float) -> float:
        """The time in the house, which starts at `options.start` and runs `options.speed` times as fast."""
        start = self._began if self.options.start is None else self.options.start
        return start + (unix - self._began) * self.options.speed

    def sample(self, unix: float) -> Sample:
        """The numbers of the event at that moment."""
        if self.asleep:
            return ALL_ZERO
        return wire.sample(self.state(unix), self.style)

    def state(self, unix: float) -> State:
        """The truth behind it."""
        return (self.storage or self.house).at(self.house_time(unix))

    def event(self, unix: float) -> bytes:
        return wire.event(self.sample(unix))

    def counters(self, unix: float) -> Counters:
        """The lifetime counters, counted up to that moment."""
        if self.asleep:
            return Counters.blank()
        self._counters.advance(unix, self._counted)
        return self._counters

    def _counted(self, unix: float) -> tuple[Sequence[Reading], ...]:
        state, phases = self.state(unix), self.options.phases.number
        now = wire.sample(state, self.style)
        bought = now.total if self.options.layout.total else now.net
        made_w = max(0.0, sum(phase.production_w for phase in state.phases))
        return (
            now.production[:phases] if self.style.production else (),
            bought[:phases] if self.style.consumption else (),
            now.storage[:phases] if self.style.storage else (),
            (NOTHING._replace(p=made_w),),
        )

    def answer(self, target: str, unix: float) -> Answer | None:
        options, path = self.options, target.partition("?")[0]
        if path in {"/info", "/info.xml"}:
            headers = {"Content-Type": "text/xml"} if options.version.info_content_type else {}
            return Answer(200, documents.info(options, unix), headers)
        if path == "/ivp/meters":
            return Answer(200, documents.meters(options))
        if path == "/ivp/meters/readings":
            return Answer(200, readings.readings(options, unix, self.sample(unix), self.counters(unix)))
        return None
