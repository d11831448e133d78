"""How things are, in `bridge/health`: every minute, and at once when a problem comes or goes.

It looks once a second at values that gateways, publisher and lines keep; none of them knows of it.
"""

import json
from collections.abc import Sequence
from typing import Protocol

from envoy_mqtt import __version__, health, log
from envoy_mqtt.clock import steady
from envoy_mqtt.line import Line
from envoy_mqtt.memory import resident_mib
from envoy_mqtt.model import CLOCK_SET, Instant
from envoy_mqtt.mqtt.message import Message, encode
from envoy_mqtt.mqtt.payload import Publish
from envoy_mqtt.mqtt.publisher import Publisher
from envoy_mqtt.outbox import Outbox
from envoy_mqtt.problems import Problem, Register, Trouble

EVERY_S = 60.0


class Followed(Protocol):
    """A gateway, as far as an operator deals with it."""

    @property
    def serial(self) -> str | None:
        """Its serial number, where it is known."""

    def facts(self, now: Instant) -> health.Gateway:
        """What there is to tell of it."""

    def hear(self, topic: str, payload: bytes, now: Instant) -> bool:
        """Tell it of a message on a price's topic; whether it was understood."""

    def prices(self, now: Instant) -> dict[str, object] | None:
        """Today's prices in columns; `None` where there is no tariff."""

    def reconnect(self) -> None:
        """Drop its connections and start anew."""


class Report:
    """What there is to tell of bridge, broker and gateways.

    `line` is the bridge's own, about what concerns no gateway and not the broker.
    """

    def __init__(
        self,
        publish: Publish,
        gateways: Sequence[Followed],
        *,
        outbox: Outbox,
        publisher: Publisher,
        line: Line,
    ) -> None:
        self._base, self._retain = publish.base_topic, publish.retain
        self._gateways = gateways
        self._outbox = outbox
        self._publisher = publisher
        self._line = line
        self._started = steady()
        self._register = Register()
        self._connects = 0
        self._due = 0.0
        self._news = False

    def tick(self, now: Instant) -> None:
        """Time has passed: call it once a second."""
        self._look(now)
        news = self._news or self._connects != self._publisher.connects
        if self._publisher.connected and (news or now.steady >= self._due):
            self._connects, self._due = self._publisher.connects, now.steady + EVERY_S
            self._news = False
            content = encode(self._payload(now))
            good_until = now.steady + EVERY_S
            topic = f"{self._base}/bridge/health"
            self._outbox.put([Message(topic, content, retain=self._retain, good_until=good_until)])

    def content(self, now: Instant) -> dict[str, object]:
        """The content of `bridge/health`."""
        self._look(now)
        return self._payload(now)

    def well(self, now: Instant) -> bool:
        """Whether every gateway is fresh and the broker connected."""
        return self.broker.connected and all(each.fresh for each in self.gateways(now))

    def gateways(self, now: Instant) -> list[health.Gateway]:
        """What there is to tell of each gateway."""
        return [gateway.facts(now) for gateway in self._gateways]

    def prices(self, serial: str, now: Instant) -> dict[str, object] | None:
        """Today's prices of a gateway in columns; `None` where there is none of this serial, or no tariff."""
        return next((each.prices(now) for each in self._gateways if each.serial == serial), None)

    @property
    def broker(self) -> health.Broker:
        """What there is to tell of the broker."""
        return self._publisher.facts()

    def doctor(self, serial: str | None, now: Instant) -> dict[str, object]:
        """What a running bridge knows of a gateway or of all: health's table and the content of `gateway`."""
        told = self.content(now)
        asked = [each for each in self._gateways if each.serial and serial in (None, each.serial)]
        tables = {
            each.serial: {"health": health.table(each.facts(now), now), "gateway": self._about(each.serial)}
            for each in asked
        }
        return {"gateways": tables, "problems": told["problems"], "broker": told["broker"]}

    def _look(self, now: Instant) -> None:
        """Others look too: that a problem came or went is remembered until it is told."""
        found = health.problems(self.gateways(now), self.broker, self._standing(now), now)
        self._news |= self._register.update(map(_harmless, found), now.unix)

    def _payload(self, now: Instant) -> dict[str, object]:
        return health.payload(self._process(), self.gateways(now), self.broker, self._register, now)

    def _process(self) -> health.Process:
        return health.Process(__version__, self._started, resident_mib())

    def _standing(self, now: Instant) -> list[Trouble]:
        clock = [Trouble(code="clock")] if now.unix < CLOCK_SET else []
        return [*clock, *self._line.standing]

    def _about(self, serial: str | None) -> object:
        said = self._outbox.said(f"{self._base}/{serial}/gateway")
        return json.loads(said.payload) if said is not None and said.payload else None


def _harmless(problem: Problem) -> Problem:
    """A cause may quote what a far end said, and goes to a broker."""
    return problem._replace(cause=log.text_masked(problem.cause)) if problem.cause else problem
