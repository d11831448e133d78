"""(e) The pure part alone: bytes of a stream in, four topics' messages out, in this process, no I/O."""

import os
import time
from collections.abc import Iterator
from itertools import cycle
from statistics import median

from benchmarks import machine
from benchmarks.report import Part, Row, at_most
from envoy_mqtt.bridge import Bridge
from envoy_mqtt.clock import now
from envoy_mqtt.gateway.answers import read_info, read_meters
from envoy_mqtt.gateway.passage import SLICE
from envoy_mqtt.model import Instant, Site
from envoy_mqtt.mqtt.about import Access
from envoy_mqtt.mqtt.payload import Publish
from envoy_mqtt.simulator.installation import Installation
from envoy_mqtt.simulator.options import Options, Wiring
from envoy_mqtt.summary import Sums
from envoy_mqtt.tariff.period import Period, Span, Tariff

NAMES = {Wiring.SINGLE_THREE: "one phase", Wiring.THREE: "three phases"}
EVENTS = 64
NOON = 1_780_000_000.0

PERIODS = (Period("night", 0.2, times=(Span(22 * 60, 6 * 60),)), Period("day", 0.3))
PLAIN, SCALARS = Publish(), Publish(scalars=True)
SUMS = (Sums(), Sums(tariff=Tariff("EUR", PERIODS, PERIODS)))


async def measure(seconds: float) -> Part:
    """So many seconds of CPU for each kind of site."""
    rows = []
    os.sched_setaffinity(0, machine.MEASURED)
    try:
        for wiring, name in NAMES.items():
            rate, alone = (_readings_a_second(wiring, seconds, it) for it in (PLAIN, SCALARS))
            added, in_all = (_added_percent(wiring, seconds / 2, sums_up=it) for it in (False, True))
            rows += [
                Row(f"{name}: readings a second of CPU", rate),
                Row(f"{name}: CPU a reading, ms", 1e3 / rate),
                Row(f"{name}: readings a second of CPU with `publish.scalars`", alone),
                Row(f"{name}: CPU that a tariff adds to it, %", added, None, at_most(added, 2.0, " %")),
                Row(f"{name}: the same with what is summed up, %", in_all),
            ]
    finally:
        machine.pin_to_others()
    return Part("(e) The pure part alone: decode, normalise, four topics; no I/O", "", rows)


class Seconds:
    """A bridge that gets an event a second of a time of its own, as a gateway sends them."""

    def __init__(self, wiring: Wiring, sums: Sums) -> None:
        house = Installation(Options(phases=wiring), NOON)
        self._events = [house.event(NOON + n) for n in range(EVENTS)]
        self._bridge, self._second = _opened(house, sums, Instant(0.0, NOON)), 0
        self._play_on(sums_up=True)

    def used_s(self, *, sums_up: bool) -> float:
        """CPU seconds for the next events; `sums_up` is whether what is said every ten seconds counts."""
        start = time.thread_time()
        self._play_on(sums_up=sums_up)
        return time.thread_time() - start

    def _play_on(self, *, sums_up: bool) -> None:
        for event in self._events:
            self._second += 1
            moment = Instant(float(self._second), NOON + self._second)
            self._bridge.receive(event, moment)
            if sums_up:
                self._bridge.sum_up(moment)


def _added_percent(wiring: Wiring, seconds: float, *, sums_up: bool) -> float:
    """What a tariff adds: the median over many short pairs, one turn after the other, of their ratios."""
    plain, priced = (Seconds(wiring, sums) for sums in SUMS)
    ratios, start = [], time.process_time()
    while time.process_time() - start < seconds:
        without = plain.used_s(sums_up=sums_up)
        ratios.append(priced.used_s(sums_up=sums_up) / without)
        also = priced.used_s(sums_up=sums_up)
        ratios.append(also / plain.used_s(sums_up=sums_up))
    return 100.0 * (median(ratios) - 1.0)


def _readings_a_second(wiring: Wiring, seconds: float, publish: Publish) -> float:
    house = Installation(Options(phases=wiring), NOON)
    bridge = _opened(house, SUMS[0], now(), publish)
    start = time.process_time()
    for part in _slices(house):
        bridge.receive(part, now())
        used_s = time.process_time() - start
        if used_s >= seconds:
            break
    assert not bridge.skipped
    return bridge.readings / used_s


def _opened(house: Installation, sums: Sums, at: Instant, publish: Publish = PLAIN) -> Bridge:
    bridge = Bridge(publish, sums=sums)
    bridge.identify(_site(house), Access("gateway"))
    bridge.open(at)
    bridge.sum_up(at)
    return bridge


def _site(house: Installation) -> Site:
    info, meters = house.answer("/info", NOON), house.answer("/ivp/meters", NOON)
    assert info is not None
    assert meters is not None
    return Site(read_info(info.body), read_meters(meters.body))


def _slices(house: Installation) -> Iterator[bytes]:
    """Endless, cut as the client cuts a flood."""
    stream = b"".join(house.event(NOON + n) for n in range(EVENTS))
    return cycle([stream[at : at + SLICE] for at in range(0, len(stream), SLICE)])
