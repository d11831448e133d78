"""bridge/health is told at once when a problem comes or goes, whoever looks besides."""

import json
from typing import Any, cast

from envoy_mqtt import health
from envoy_mqtt.line import Line
from envoy_mqtt.model import Instant
from envoy_mqtt.mqtt.payload import Publish
from envoy_mqtt.mqtt.publisher import Publisher
from envoy_mqtt.outbox import Outbox
from envoy_mqtt.pulse import Pulse
from envoy_mqtt.report import Report

SERIAL = "122100000017"


class Followed:
    """A gateway that is as the test says."""

    serial = SERIAL
    fresh = True

    def facts(self, now: Instant) -> health.Gateway:
        beating = Pulse()
        beating.read(now.steady)
        return health.Gateway(SERIAL, self.fresh, beating)

    def hear(self, topic: str, payload: bytes, now: Instant) -> bool:
        raise AssertionError(topic, payload, now)

    def prices(self, now: Instant) -> dict[str, object]:
        return {"time": [now.unix]}

    def reconnect(self) -> None:
        raise AssertionError


class There:
    """A broker that is there."""

    connected = True
    connects = 1

    def facts(self) -> health.Broker:
        return health.Broker(connected=self.connected, connects=1)


class Stage:
    def __init__(self) -> None:
        self.gateway, self.broker, self.outbox = Followed(), There(), Outbox()
        self.report = Report(
            Publish(),
            [self.gateway],
            outbox=self.outbox,
            publisher=cast("Publisher", self.broker),
            line=Line("bridge"),
        )

    def told(self, steady: float) -> Any:
        """What is told at this moment, `None` where nothing is new."""
        before = self.outbox.said("envoy/bridge/health")
        self.report.tick(Instant(steady, 1.8e9 + steady))
        said = self.outbox.said("envoy/bridge/health")
        return None if said is before or said is None else json.loads(said.payload)


def test_health_is_told_every_minute_and_when_a_problem_comes_or_goes() -> None:
    stage = Stage()
    assert stage.told(100.0)["status"] == "ok"
    assert stage.told(101.0) is None
    stage.gateway.fresh = False
    assert stage.told(102.0)["status"] == "degraded"
    assert stage.told(103.0) is None
    stage.gateway.fresh = True
    assert stage.told(104.0)["status"] == "ok"
    assert stage.told(163.9) is None
    assert stage.told(164.0)["status"] == "ok"


def test_a_problem_that_another_saw_first_is_told_all_the_same() -> None:
    stage = Stage()
    stage.told(100.0)
    stage.gateway.fresh = False
    for steady in (100.1, 100.2):
        assert stage.report.content(Instant(steady, 1.8e9))["status"] == "degraded"
    assert stage.told(101.0)["status"] == "degraded"
    assert stage.told(102.0) is None


def test_all_is_well_while_every_gateway_is_fresh_and_the_broker_there() -> None:
    stage, moment = Stage(), Instant(100.0, 1.8e9)
    assert stage.report.well(moment)
    stage.gateway.fresh = False
    assert not stage.report.well(moment)
    stage.gateway.fresh, stage.broker.connected = True, False
    assert not stage.report.well(moment)


def test_prices_are_of_the_gateway_that_is_asked_for() -> None:
    report, now = Stage().report, Instant(1.0, 2.0)
    assert report.prices(SERIAL, now) == {"time": [2.0]}
    assert report.prices("122100000018", now) is None
