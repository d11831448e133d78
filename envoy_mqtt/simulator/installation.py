"""What one gateway says, at any time it is asked: a house, its meters, their counters.

An `Installation` and a folder of recordings (`recorded.Recorded`) are the two things a `Gateway` can
play; `Source` is what they share. Neither does I/O or reads a clock.
"""

from collections.abc import Sequence
from typing import Protocol

from envoy_mqtt.simulator import inverters, paths, reported, wire
from envoy_mqtt.simulator.counters import Counters
from envoy_mqtt.simulator.house import House, State
from envoy_mqtt.simulator.livedata import DISABLED, ENABLED, REFUSED, LiveStream, wants_on
from envoy_mqtt.simulator.oddities import Oddities
from envoy_mqtt.simulator.options import Battery, Options
from envoy_mqtt.simulator.pages import Answer
from envoy_mqtt.simulator.storage import Storage
from envoy_mqtt.simulator.wire import NO_PHASES, NOTHING, Reading, Sample, Style

ALL_ZERO = Sample(NO_PHASES, NO_PHASES, NO_PHASES)


class Source(Protocol):
    """Something a gateway can play; times are Unix seconds."""

    asleep: bool
    odd: Oddities

    def refit(self, options: Options) -> None:
        """Go on with other options."""

    def answer(self, target: str, unix: float, /) -> Answer | None:
        """The answer to a GET of this path, query included; None where there is no such path."""

    def house_time(self, unix: float, /) -> float:
        """The time in the house, as Unix seconds."""

    def reset_counters(self, unix: float, /) -> None:
        """Count from zero from now on, for good."""

    def end_live(self, unix: float, /) -> None:
        """Switch livedata off."""

    def post(self, path: str, body: bytes, unix: float, /) -> Answer | None:
        """The answer to a POST; None where it is as good as a GET."""

    def event(self, unix: float, /) -> bytes:
        """The event of `/stream/meter` sampled at that moment."""


class Installation:
    """One simulated site. `asleep` is the state minutes after a start: everything is zero, counters too."""

    def __init__(self, options: Options, unix: float) -> None:
        self.asleep = False
        self.odd = Oddities()
        self._began = unix
        self._counters = Counters.grown(
            options.chance,
            unix,
            options.phases.number,
            total=options.layout.total,
            production_fitted=options.layout.production,
            consumption_fitted=options.layout.consumption,
        )
        self.live = LiveStream(unix, options.livedata_s)
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
        """The truth behind it; asleep, a gateway knows no battery."""
        source = self.house if self.asleep else self.storage or self.house
        return source.at(self.house_time(unix))

    def event(self, unix: float) -> bytes:
        return wire.event(self.sample(unix if self.odd.frozen_at is None else self.odd.frozen_at))

    def counters(self, unix: float) -> Counters:
        """The lifetime counters, counted up to that moment."""
        if self.asleep:
            return Counters.blank()
        self._counters.advance(unix, self._counted)
        if self.odd.counters_zero:
            return Counters.blank()
        back_wh = self.odd.counters_back_wh / self.options.phases.number
        return self._counters.stepped_back(back_wh) if back_wh else self._counters

    def reset_counters(self, unix: float) -> None:
        self._counters = Counters.blank(unix)

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
        return paths.answer(self, target, unix)

    def end_live(self, unix: float) -> None:
        self.live.disable(unix)

    def post(self, path: str, body: bytes, unix: float) -> Answer | None:
        if path != "/ivp/livedata/stream" or not self.options.version.has_tokens:
            return None
        wanted = wants_on(body)
        if wanted is False:
            self.live.disable(unix)
            return Answer(200, DISABLED)
        return Answer(200, ENABLED) if wanted and self.live.enable(unix) else Answer(400, REFUSED)

    def soc(self, unix: float) -> float:
        """How full the battery is, 0 to 1; 0 without one."""
        return self.storage.soc(self.house_time(unix)) if self.storage and not self.asleep else 0.0

    def storage_w(self, unix: float) -> float:
        """What the battery gives, in W; negative while it charges."""
        return sum(phase.storage_w for phase in self.state(unix).phases)

    def reports(self, unix: float) -> list[tuple[inverters.Report, float]]:
        """What each inverter said last, and when it did in the gateway's time."""
        here = self.house_time(unix)
        found = inverters.reports(self.house, here)
        if self.asleep:
            found = [report._replace(watts=0) for report in found]
        return [(report, unix - (here - report.house_unix) / self.options.speed) for report in found]

    def facts(self, unix: float) -> reported.Facts:
        """What the older answers are made of."""
        said = self.reports(unix)
        made_wh, used_wh = self.house.today_wh(self.house_time(unix))
        awake = not self.asleep
        return reported.Facts(
            self.options,
            unix,
            self.sample(unix),
            self.counters(unix),
            inverters=len(said),
            inverters_unix=max(when for _, when in said),
            inverters_w=sum(report.watts for report, _ in said),
            produced_today_wh=made_wh * awake,
            used_today_wh=used_wh * awake,
            storage_w=self.storage_w(unix),
            soc=self.soc(unix),
            glitch=self.odd.inactive,
        )
