"""(e) The pure part alone: bytes of a stream in, four topics' messages out, in this process, no I/O."""

import os
import time
from collections.abc import Iterator
from itertools import cycle

from benchmarks import machine
from benchmarks.report import Part, Row
from envoy_mqtt.bridge import Bridge
from envoy_mqtt.clock import now
from envoy_mqtt.gateway.answers import read_info, read_meters
from envoy_mqtt.gateway.passage import SLICE
from envoy_mqtt.model import Site
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
SUMS = (Sums(), Sums(tariff=Tariff("EUR", PERIODS, PERIODS)))
TURNS = 20


async def measure(seconds: float) -> Part:
    """So many seconds of CPU for each kind of site."""
    rows = []
    os.sched_setaffinity(0, machine.MEASURED)
    try:
        for wiring, name in NAMES.items():
            rate = _readings_a_second(wiring, seconds)
            plain, priced = _with_and_without(wiring, seconds)
            rows += [
                Row(f"{name}: readings a second of CPU", rate),
                Row(f"{name}: CPU a reading, ms", 1e3 / rate),
                Row(f"{name}: CPU that a tariff adds to it, %", 100.0 * (plain / priced - 1.0)),
            ]
    finally:
        machine.pin_to_others()
    return Part("(e) The pure part alone: decode, normalise, four topics; no I/O", "", rows)


def _with_and_without(wiring: Wiring, seconds: float) -> tuple[float, float]:
    """Readings a second of CPU without and with a tariff: the best of turns that are short and many."""
    turns = [(_readings_a_second(wiring, seconds / TURNS, sums) for sums in SUMS) for _ in range(TURNS)]
    without, priced = zip(*turns, strict=True)
    return max(without), max(priced)


def _readings_a_second(wiring: Wiring, seconds: float, sums: Sums = SUMS[0]) -> float:
    house = Installation(Options(phases=wiring), NOON)
    bridge = Bridge(Publish(), sums=sums)
    bridge.identify(_site(house), Access("gateway"))
    bridge.open(now())
    bridge.sum_up(now())
    start = time.process_time()
    for part in _slices(house):
        bridge.receive(part, now())
        used_s = time.process_time() - start
        if used_s >= seconds:
            break
    assert not bridge.skipped
    return bridge.readings / used_s


def _site(house: Installation) -> Site:
    info, meters = house.answer("/info", NOON), house.answer("/ivp/meters", NOON)
    assert info is not None
    assert meters is not None
    return Site(read_info(info.body), read_meters(meters.body))


def _slices(house: Installation) -> Iterator[bytes]:
    """Endless, cut as the client cuts a flood."""
    stream = b"".join(house.event(NOON + n) for n in range(EVENTS))
    return cycle([stream[at : at + SLICE] for at in range(0, len(stream), SLICE)])
