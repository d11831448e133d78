"""The operator's desk: deals with what the broker brings.

bridge/request/NAME      carried out and answered
bridge/info              another bridge's under the same base topic is noticed
homeassistant/status     Home Assistant has started: everything retained is said again
a price's topic          what a kilowatt-hour costs from now on; a retained one counts, too
"""

import json
import sys
from collections.abc import Sequence
from math import inf
from random import uniform
from typing import NamedTuple, NoReturn

from envoy_mqtt import log
from envoy_mqtt.clock import now, steady
from envoy_mqtt.config import Settings
from envoy_mqtt.gateway.verdict import printable
from envoy_mqtt.line import Line
from envoy_mqtt.model import Instant
from envoy_mqtt.mqtt import requests
from envoy_mqtt.mqtt.message import Incoming, Message
from envoy_mqtt.mqtt.publisher import Publisher
from envoy_mqtt.mqtt.requests import Request
from envoy_mqtt.outbox import Outbox
from envoy_mqtt.report import Followed, Report

# A reconnection costs a gateway's small processor a TLS handshake.
RECONNECT_EVERY_S = 10.0

# Home Assistant's birth message reaches every bridge in the house at once: each answers within 5 s, of which
# one is the time between two looks.
BIRTH_WITHIN_S = 4.0
BIRTH = b"online"

# Another bridge's `bridge/info` is answered with ours, so that it learns of us; two that always did so would
# never end.
INFO_EVERY_S = 60.0

TWICE = "another bridge publishes under {}; choose another base_topic for one of the two"
COPIED = (
    "a bridge with a copy of this data_dir publishes under {} as well, on the host {}: stop one of the two, "
    "or give it an empty data_dir and another base_topic"
)

NO_PRICE = "price not understood"
NO_NUMBER = "what came is no number, nor JSON with one under price_key; the price before holds"


class Signature(NamedTuple):
    """What tells a running bridge from all others: a copied data_dir has the instance of the first."""

    instance: str
    host: str
    started: str


class TooSoon(Exception):
    """Why a request is not carried out, as a sentence."""


class Desk:
    """Where an operator is heard. `interval_s` is how often `state` is said, until the next start."""

    def __init__(
        self,
        settings: Settings,
        signature: Signature,
        gateways: Sequence[Followed],
        *,
        report: Report,
        outbox: Outbox,
        publisher: Publisher,
        line: Line,
    ) -> None:
        self._settings = settings
        self._base = settings.mqtt.base_topic
        self._signature = signature
        self._gateways = gateways
        self._report = report
        self._outbox = outbox
        self._publisher = publisher
        self._line = line
        self._prices = settings.tariff.topics
        self._connects = 0
        self._ours_heard = False
        self._info_at = -inf
        self._born_at = inf
        self._reconnected = dict.fromkeys(range(len(gateways)), -inf)
        self._tasks = {
            "reconnect": self._reconnect,
            "republish": self._republish,
            "set_interval": self._set_interval,
            "set_log_level": self._set_log_level,
            "health": self._health,
            "doctor": self._doctor,
        }
        self.interval_s: int = settings.homeassistant.interval_s

    def tick(self, now: Instant) -> None:
        """Time has passed: call it once a second."""
        self._look_at_connection()
        if now.steady >= self._born_at:
            self._born_at = inf
            self._outbox.say_again(now.steady)

    def _look_at_connection(self) -> None:
        """On a new one our own `bridge/info` has to be heard again before another's counts."""
        if self._connects != self._publisher.connects:
            self._connects, self._ours_heard = self._publisher.connects, False
            self._line.mended("base topic used twice")

    async def serve(self) -> NoReturn:
        """Deal with what the broker brings, for ever."""
        while True:
            incoming = await self._publisher.incoming.get()
            if incoming.topic == self._settings.homeassistant.birth_topic:
                self._hear_birth(incoming)
            elif incoming.topic == f"{self._base}/bridge/info":
                self._hear_info(incoming)
            elif incoming.topic in self._prices:
                self._hear_price(incoming)
            else:
                self._outbox.put(self._answer(incoming))

    def _hear_birth(self, incoming: Incoming) -> None:
        if incoming.payload == BIRTH and not incoming.retain and self._born_at == inf:
            self._born_at = steady() + uniform(0.0, BIRTH_WITHIN_S)  # noqa: S311

    def _hear_info(self, incoming: Incoming) -> None:
        """What is another's and comes after ours, comes from another bridge that runs now."""
        self._look_at_connection()
        heard = None if incoming.retain else _signature(incoming.payload)
        if heard == self._signature:
            self._ours_heard = True
        elif heard is not None and self._ours_heard:
            copied = heard.instance == self._signature.instance
            sentence = (COPIED if copied else TWICE).format(self._base, printable(heard.host))
            self._line.warn("base topic used twice", error=sentence, code="broker_same_base_topic")
            self._say_info_again()

    def _hear_price(self, incoming: Incoming) -> None:
        moment = now()
        understood = [each.hear(incoming.topic, incoming.payload, moment) for each in self._gateways]
        if not all(understood):
            self._line.warn(NO_PRICE, again_after_s=3600.0, topic=incoming.topic, error=NO_NUMBER)

    def _say_info_again(self) -> None:
        ours = self._outbox.said(f"{self._base}/bridge/info")
        if ours is not None and steady() - self._info_at >= INFO_EVERY_S:
            self._info_at = steady()
            self._outbox.put([ours])

    def _answer(self, incoming: Incoming) -> list[Message]:
        moment = now()
        serials = {each.serial for each in self._gateways if each.serial}
        request = requests.read(incoming, self._base, serials, moment.steady)
        if not isinstance(request, Request):
            return [] if request is None else [request]
        try:
            data = self._tasks[request.name](request, moment)
        except TooSoon as sentence:
            return [requests.refuse(request, self._base, str(sentence), moment.steady)]
        return [requests.answer(request, self._base, data, moment.steady)]

    def _reconnect(self, request: Request, now: Instant) -> object:
        asked = {n: each for n, each in enumerate(self._gateways) if request.serial in (None, each.serial)}
        wait_s = RECONNECT_EVERY_S - now.steady + max(self._reconnected[n] for n in asked)
        if wait_s > 0:
            raise TooSoon(f"at most once in {RECONNECT_EVERY_S:g} s; ask again in {wait_s:.1f} s")
        for n, each in asked.items():
            self._reconnected[n] = now.steady
            each.reconnect()
        return {"serials": [each.serial for each in asked.values()]}

    def _republish(self, _: Request, now: Instant) -> object:
        self._outbox.say_again(now.steady)
        return {}

    def _set_interval(self, request: Request, _: Instant) -> object:
        self.interval_s = request.value
        return {"value": request.value}

    def _set_log_level(self, request: Request, _: Instant) -> object:
        log.configure(request.value, self._settings.log.format, stream=sys.stderr)
        return {"value": request.value}

    def _health(self, _: Request, now: Instant) -> object:
        return self._report.content(now)

    def _doctor(self, request: Request, now: Instant) -> object:
        return self._report.doctor(request.serial, now)


def wanted(settings: Settings) -> tuple[str, ...]:
    """The topics whose messages the desk deals with."""
    base, homeassistant = settings.mqtt.base_topic, settings.homeassistant
    birth = (homeassistant.birth_topic,) if homeassistant.enabled else ()
    return (f"{base}/bridge/request/+", f"{base}/bridge/info", *birth, *settings.tariff.topics)


def _signature(payload: bytes) -> Signature | None:
    """Whose `bridge/info` it is; `None` where it is none."""
    try:
        told = json.loads(payload)
        signature = Signature(told["instance"], told.get("host", ""), told.get("started", ""))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return signature if all(isinstance(each, str) for each in signature) else None
