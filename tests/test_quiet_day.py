"""A normal day of one gateway in virtual time, and all that the log says of it.

What is asked of the log is a handful of lines and one for the day. The day has what real ones have
(protocol notes, section 7): stalls, connections that the gateway ends, and ten minutes from 23:00 in which
it answers nothing.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from structlog.testing import capture_logs

from envoy_mqtt import followed
from envoy_mqtt.access import sections, tokens_of
from envoy_mqtt.bridge import Bridge
from envoy_mqtt.errors import BrokerUnavailable, GatewayUnavailable
from envoy_mqtt.gateway.pins import Pins
from envoy_mqtt.line import Line
from envoy_mqtt.model import Instant
from envoy_mqtt.mqtt.payload import Publish
from envoy_mqtt.outbox import Outbox
from envoy_mqtt.summary import Sums
from envoy_mqtt.supervise import keep
from tests.e2e.harness import settings
from tests.energy.sites import N, P, register, site
from tests.test_bridge import ACCESS, STEP

# Midnight in UTC, 28 May 2026.
MIDNIGHT = 1_779_926_400.0
EVENT = (
    b'data: {"production":{"ph-a":{"p":900.0,"q":0.0,"s":900.0,"v":230.0,"i":3.9,"pf":1.0,"f":50.0}},'
    b'"net-consumption":{"ph-a":{"p":-%d.0,"q":0.0,"s":200.0,"v":230.0,"i":0.9,"pf":1.0,"f":50.0}}}\r\n\r\n'
)

# One reading in so many seconds: what the day says does not depend on it, and it is a fifth of the work.
STEP_S = 5

HOUR = 3600
OUTAGE = (23 * HOUR, 23 * HOUR + 600)
STALLS = {(hour + 1) * HOUR + 1200: 15 + 5 * (hour % 4) for hour in range(20)}  # seconds of silence
ENDS = {6 * HOUR, 15 * HOUR}


class Day:
    """The seconds of the day, and what happens in them to one gateway and its bridge."""

    def __init__(self, folder: Path) -> None:
        keys = settings(folder, gateway__host="10.0.0.9")
        self.second = 0
        ((name, gateway),) = sections(keys)
        self.line = Line("gateway", host="10.0.0.9", clock=lambda: self.now.steady)
        self.bridge = Bridge(Publish(), sums=Sums(energy_s=60.0))
        tokens = tokens_of(keys, name, gateway, self.line)
        self.gateway = followed.Gateway(
            gateway, tokens, self.line, self.bridge, outbox=Outbox(), pins=Pins(folder)
        )

    @property
    def now(self) -> Instant:
        return Instant(5000.0 + self.second, MIDNIGHT + self.second)

    @property
    def away(self) -> bool:
        return OUTAGE[0] <= self.second < OUTAGE[1]

    async def sleep(self, seconds: float) -> None:
        """The wait before the next attempt; the bridge's own clock goes on meanwhile."""
        self.pass_until(self.second + int(seconds) + 1)

    def pass_until(self, second: int) -> None:
        while self.second < second:
            self.second += 1
            self.tick()

    def tick(self) -> None:
        """What `App` does once a second."""
        self.gateway.tick(self.now)
        self.bridge.sum_up(self.now)
        if self.bridge.ended is not None:
            self.gateway.tell_of_day(self.bridge.ended)

    async def follow(self) -> NoReturn:
        """An attempt, as `client.follow` makes it: it is quiet until it ends."""
        if self.second > 24 * HOUR:
            raise Over
        if self.away:
            raise GatewayUnavailable("it accepts connections and is silent", reason="timeout")
        self.bridge.identify(site(P, N), ACCESS, STEP)
        self.bridge.open(self.now)
        began = self.second
        for last in self.readings():
            self.line.back(float(last - began), serial="1")
        raise GatewayUnavailable(
            "the gateway ended the stream", reason="closed", steady_s=self.second - began
        )

    def readings(self) -> Iterator[int]:
        while self.second <= 24 * HOUR and not self.away:
            silent_s = STALLS.get(self.second, STEP_S)
            self.pass_until(self.second - self.second % STEP_S + silent_s)
            self.bridge.receive(EVENT % (self.second % 997), self.now)
            if self.second % 60 == 0:
                counters = {P: register(self.second / 10), N: register(1000.0, self.second / 20)}
                self.bridge._summary.count(counters, self.now)
            yield self.second
            if self.second in ENDS:
                return


class Over(Exception):
    """The day is."""


async def test_a_normal_day_is_a_handful_of_lines_and_one_for_the_day(tmp_path: Path) -> None:
    day = Day(tmp_path)
    with capture_logs() as logs, pytest.raises(Over):
        await keep(day.follow, day.line, sleep=day.sleep, chance=lambda: 0.0)
    lines = [line for line in logs if line["log_level"] != "debug"]
    told = [(line["event"], line.get("reason", "")) for line in lines]
    assert told == [
        ("gateway connected", ""),
        *[("gateway lost", "closed"), ("gateway back", "")] * 2,
        ("gateway lost", "closed"),  # 23:00
        ("gateway back", ""),
        ("day ended", ""),
        ("gateway lost", "closed"),  # the test's own end
    ]
    (ended,) = [line for line in lines if line["event"] == "day ended"]
    assert ended["longest_silence_s"] >= 600
    assert ended["reconnects"] == len([line for line in logs[: logs.index(ended)] if "retry_in_s" in line])
    # A reading in five seconds but for the outage and the stalls.
    assert 16_900 <= ended["readings"] <= 24 * HOUR / STEP_S
    # What came before the first look at the counters nobody knows.
    assert ended["production_energy_kwh"] == pytest.approx(8.64, abs=0.02)
    assert ended["grid_import_energy_kwh"] == 0.0
    assert ended["grid_export_energy_kwh"] == pytest.approx(4.32, abs=0.02)


async def test_a_far_end_that_never_comes_is_one_line_however_long_it_takes() -> None:
    seconds = 0.0

    async def sleep(pause: float) -> None:
        nonlocal seconds
        seconds += pause
        if seconds > 24 * HOUR:
            raise Over

    async def job() -> NoReturn:
        raise BrokerUnavailable("no connection", reason="lost")

    with capture_logs() as logs, pytest.raises(Over):
        await keep(job, Line("broker", clock=lambda: seconds), sleep=sleep, chance=lambda: 0.0)
    assert [line["event"] for line in logs if line["log_level"] != "debug"] == ["broker not reached"]
