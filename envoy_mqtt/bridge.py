"""The product: bytes in, messages out.

A `Bridge` belongs to one gateway for as long as the process lives. It is given what the gateway
answered and the time, and returns the MQTT messages to send; it does no I/O, never waits, never reads a
clock, and never fails on what a gateway sends. Recording, replay, simulation and the golden tests are
all the same calls:

    bridge.meet(serial)                  /info was read
    bridge.identify(site, access, step)  /ivp/meters was read as well
    bridge.renew(role, expires)          there is a new token
    bridge.open(step, now)               a source answered: its readings follow
    bridge.receive(chunk, now)           bytes of the stream arrived
    bridge.answer(path, body, now)       a page that was asked for arrived
    bridge.lacks(path)                   it is not there, until `forgive`
    bridge.tick(now)                     time has passed
    bridge.sum_up(now)                   time has passed: what is said in longer breaths
    bridge.stop()                        the process ends
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import tzinfo
from math import inf
from types import MappingProxyType
from typing import Any

from envoy_mqtt.compat.imitation import Imitation
from envoy_mqtt.errors import BadEvent
from envoy_mqtt.freshness import Freshness
from envoy_mqtt.gateway.hearing import Heard, Hearing
from envoy_mqtt.gateway.ladder import Source, Step
from envoy_mqtt.gateway.layout import Combine, combiner
from envoy_mqtt.gateway.pace import Pace, WallClock
from envoy_mqtt.gateway.plan import Wanted, polls, told_beside
from envoy_mqtt.gateway.schedule import Poll
from envoy_mqtt.gateway.sse import Decoder
from envoy_mqtt.inventory import Inventory
from envoy_mqtt.model import NO_WHOLES, Instant, Measured, Reading, Site, Wholes
from envoy_mqtt.mqtt.about import Access, describe
from envoy_mqtt.mqtt.message import Message, encode
from envoy_mqtt.mqtt.notices import Notices
from envoy_mqtt.mqtt.payload import Payloads, Publish
from envoy_mqtt.pulse import Pulse, stall_s
from envoy_mqtt.summary import Day, Summary, Sums
from envoy_mqtt.tariff.period import Tariff

NOT_YET = Step(Source.STREAM, "")
USUAL = Wanted()
USUAL_SUMS = Sums()

TOTAL_IS_NET = (
    "Its total-consumption equals the net while the sun shines, so it is taken for the net, as firmware "
    "8.3.5433 has it."
)


class Bridge:
    """One gateway's way from bytes to messages.

    `books` are what `book` gave another process, by serial number; `numbers` the sequence numbers after which
    it goes on, where a journal keeps them; `imitation` says it again as other bridges do. `readings` counts
    what was published, `skipped` what could not be read, by reason; `problem` is the last unreadable event in
    words; `ended` is the day that ended with the last `sum_up`, if one did.
    """

    def __init__(
        self,
        publish: Publish,
        wanted: Wanted = USUAL,
        sums: Sums = USUAL_SUMS,
        books: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
        numbers: Mapping[str, int] | None = None,
        *,
        imitation: Imitation | None = None,
    ) -> None:
        self._publish = publish
        self._imitation = imitation or Imitation()
        self._wanted = wanted
        self._sums = sums
        self._books = dict(books)
        self._heard: dict[str, tuple[bytes, Instant]] = {}
        self._events = Decoder()
        self._pace = Pace()
        self._wall = WallClock()
        self._serial: str | None = None
        self._sequence = 0
        self._numbers = numbers
        self._used: dict[str, int] = {}
        self._forget()
        self.readings = 0
        self.pulse = Pulse()
        self.skipped: Counter[str] = Counter()
        self.problem = ""
        self.ended: Day | None = None

    def _forget(self) -> None:
        """Another gateway is there: nothing of the one before is true of it."""
        self._site: Site | None = None
        self._access = Access("")
        self._step = NOT_YET
        self._said_reason = ""
        self._notices = Notices(self._publish, self._serial)
        self._absent: set[str] = set()
        self._imitation.forget()
        book = self._books.get(self._serial or "", {})
        self._inventory = Inventory(book, inverters=self._wanted.inverters_s is not None)
        self._freshness = Freshness(self._publish.fresh_s)

    @property
    def site(self) -> Site | None:
        """What the gateway said it is; `None` before it was asked for the first time."""
        return self._site

    @property
    def serial(self) -> str | None:
        """The serial number the gateway said last; `None` before it was asked for the first time."""
        return self._serial

    @property
    def online(self) -> bool:
        """Whether fresh readings are coming."""
        return self._freshness.online

    @property
    def held(self) -> tuple[str, ...]:
        """The counters whose last reading is not believed."""
        return () if self._site is None else self._summary.held

    @property
    def resets(self) -> int:
        """How often the gateway's counters began again and were carried on."""
        return 0 if self._site is None else self._summary.resets

    @property
    def source(self) -> Source:
        """Where readings come from, or shall come from."""
        return self._step.source

    @property
    def source_reason(self) -> str:
        """Why from there, in sentences, and what comes from elsewhere; empty before that was decided."""
        if self._site is None or not self._step.reason:
            return self._step.reason
        known = [TOTAL_IS_NET] if self.total_is_net else []
        beside = told_beside(self._site, self._step.source, self._hearing.production_s)
        return " ".join((self._step.reason, *known, *beside))

    @property
    def total_is_net(self) -> bool:
        """Whether the gateway gives the net for the house's total."""
        return self._site is not None and self._hearing.total_is_net

    @property
    def bursts(self) -> int:
        """How often several events ended one silence."""
        return self._pace.bursts

    def frozen(self, now: Instant) -> bool:
        """Whether the same reading comes again and again while power flows."""
        return self._freshness.frozen(now.steady)

    @property
    def book(self) -> Mapping[str, Any]:
        """What another process needs to go on with this gateway, for JSON: remember it before you send what
        `sum_up` gives.
        """
        if self._site is None:
            return self._books.get(self._serial or "", {})
        return {
            "energy": self._summary.memory,
            "battery": self._site.battery,
            **self._inventory.book,
        }

    @property
    def forgotten(self) -> bool:
        """Whether the book that was remembered was nothing that can be understood."""
        return self._site is not None and self._summary.forgotten

    @property
    def zone_name(self) -> str | None:
        """The site's time zone, once the gateway said it."""
        return self._inventory.zone

    @property
    def had_battery(self) -> bool:
        """Whether there was a battery without a meter when it was last known."""
        return self.book.get("battery") is True

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of `state`; none before the gateway was asked what it measures."""
        return () if self._site is None else self._summary.keys

    @property
    def page(self) -> str | None:
        """Where a browser finds the gateway."""
        scheme = "http" if self._access.certificate_sha256 is None else "https"
        return f"{scheme}://{self._access.address}/" if self._access.address else None

    @property
    def inverters(self) -> tuple[str, ...]:
        """The serial numbers of the microinverters there are, those of the last run until it is asked."""
        return self._inventory.inverters

    @property
    def topics(self) -> frozenset[str]:
        """Every topic of the gateway that a broker keeps."""
        prefix = f"{self._publish.base_topic}/{self._serial}"
        if not self._publish.retain:
            return frozenset({f"{prefix}/availability"})
        below = (
            "availability",
            "gateway",
            "energy",
            "state",
            *(["tariff"] if self._sums.tariff else []),
            *(f"inverter/{each}" for each in self.inverters),
        )
        return self._notices.topics.union(f"{prefix}/{topic}" for topic in below)

    @property
    def polls(self) -> tuple[Poll, ...]:
        """What the gateway has to be asked beside its source."""
        if self._site is None:
            return ()
        hearing = self._hearing
        return polls(
            self._site,
            self._step.source,
            self._wanted,
            copied=hearing.copied,
            absent=self._absent,
            zone_known=self.zone_name is not None,
            production_s=hearing.production_s,
            battery_live=hearing.battery_live,
            ac_known=self._inventory.ac_battery is not None,
        )

    @property
    def interval_s(self) -> float:
        """How often the source has a reading, in s."""
        slow = self._site is not None and self._step.source is Source.PRODUCTION
        return self._hearing.production_s if slow else 1.0

    def meet(self, serial: str) -> list[Message]:
        """The gateway said its serial number: from now on it is told whether its readings are fresh."""
        goodbye = self.stop() if self._serial not in (None, serial) else []
        if serial != self._serial:
            if self._serial is not None:
                self._books[self._serial] = self.book
                self._used[self._serial] = self._sequence
            self._serial = serial
            self._forget()
            if self._numbers is not None:
                self._sequence = self._used.get(serial, self._numbers[serial])
        return goodbye + self._say_availability()

    def identify(self, site: Site, access: Access, step: Step = NOT_YET) -> list[Message]:
        """The gateway was asked which meters it has; what is gone is emptied. `step` is what will be read."""
        messages = self.meet(site.identity.serial)
        self._absent.clear()
        self._access, self._step = access, step
        return messages + self._fit(site) + self._say_gateway()

    def renew(self, role: str | None, expires: str | None) -> list[Message]:
        """There is a new token: what `gateway` tells of it, at once. It may open pages that were shut."""
        self._absent.clear()
        self._access = self._access._replace(token_role=role, token_expires=expires)
        return self._say_gateway()

    def open(self, now: Instant, step: Step | None = None) -> list[Message]:
        """A source answers: its readings follow; where it is the stream, bytes of a new one."""
        self._step = step or self._step
        self._absent.clear()
        self._hearing.open(self._step.source)
        self._events = Decoder()
        self._pace.open(now.steady)
        self._set_patience()
        return self._say_gateway()

    def receive(self, chunk: bytes, now: Instant) -> list[Message]:
        """The messages of every event of the stream that ends in these bytes, in order."""
        return list(self.read(chunk, now))

    def read(self, chunk: bytes, now: Instant) -> Iterator[Message]:
        """The same, each made when it is asked for: `live` can be on its way before the rest is written."""
        for event in self._events.receive(chunk):
            taken = self._pace.stamp(now.steady)
            try:
                measured = self._hearing.event(event, now.steady)
            except BadEvent as bad:
                self.skip(bad.reason, str(bad))
                self.pulse.unreadable_at = now.steady
            else:
                yield from self._publish_reading(measured, taken, now)

    def answer(self, path: str, body: bytes, now: Instant) -> Iterator[Message]:
        """The messages that follow from a page that was asked for, likewise; raises `BadAnswer` at once
        where it is not what its path promises.
        """
        heard = self._hearing.answer(path, body, now.steady)
        self._imitation.hear(path, body)
        return self._tell(heard, now)

    def move(self, zone: tzinfo) -> None:
        """The site's days begin at the midnights of this zone."""
        self._sums = self._sums._replace(zone=zone)
        if self._site is not None:
            self._summary.move(zone)

    def hear(self, topic: str, payload: bytes, now: Instant) -> bool:
        """A message came on a price's topic; whether it was understood, as far as that is known yet."""
        self._heard[topic] = payload, now
        return self._site is None or self._summary.hear(topic, payload, now)

    @property
    def changes(self) -> int:
        """How often another period, price or day of a tariff began: the counters are wanted then."""
        return 0 if self._site is None else self._summary.changes

    def course(self, now: Instant) -> dict[str, object] | None:
        """What power costs over today, for a chart; `None` where nothing is known of it."""
        return None if self._site is None else self._summary.course(now)

    @property
    def tariff(self) -> Tariff | None:
        """What power costs, as it is configured."""
        return self._sums.tariff

    def beat(self, state_s: int) -> None:
        """`state` is sent every so many seconds from now on."""
        self._sums = self._sums._replace(state_s=state_s)
        if self._site is not None:
            self._summary.beat(state_s)

    def skip(self, reason: str, problem: str) -> None:
        """Something could not be read; `reason` is a word for the counter."""
        self.skipped[reason] += 1
        self.problem = problem

    def pace(self, production_s: float) -> None:
        """The inverters' figures are asked for every so many seconds, and good for three times as long."""
        self._hearing.production_s = production_s
        self._set_patience()

    def lacks(self, path: str) -> None:
        """The gateway has no such page, or not for us: not asked again until it is forgiven."""
        self._absent.add(path)

    def forgive(self) -> None:
        """What was not there may be by now."""
        self._absent.clear()

    def tick(self, now: Instant) -> list[Message]:
        """What has to be said because time has passed: call it about once a second."""
        self._freshness.check(now.steady)
        self.pulse.tick(now.steady)
        news = self._site is not None and self.source_reason != self._said_reason
        return self._say_availability() + (self._say_gateway() if news else [])

    def sum_up(self, now: Instant) -> list[Message]:
        """`energy`, `state` and `tariff`, where they are due: call it at every whole second of the clock."""
        if self._site is None:
            return []
        due = self._summary.topics(now, online=self.online)
        messages = [self._summed(topic, payload, now) for topic, payload in due]
        energies = self._summary.ended
        self.ended = None if energies is None else Day(*self.pulse.turn(now.steady), energies)
        return messages

    def stop(self) -> list[Message]:
        """What has to be said when the bridge ends."""
        self._freshness.online = False
        return self._say_availability()

    def _set_patience(self) -> None:
        """How long a source may be silent, and whether saying the same for minutes tells something of it."""
        self.pulse.stall_s = stall_s(self.interval_s)
        slow = self._step.source is Source.PRODUCTION
        self._freshness.follow(self._publish.patience_s(self.interval_s), freezes=not slow)

    def _fit(self, site: Site) -> list[Message]:
        """The site is this from now on."""
        memory = self.book.get("energy")
        known = memory if isinstance(memory, Mapping) else None
        site = site._replace(battery=site.battery or bool(self._inventory.ac_battery))
        before, self._site = self._site, site
        if before is not None and _shape(site) == _shape(before):
            self._hearing.fit(site)  # a flag, a status, another firmware: what is published stays
            return []
        if before is None or site.meters != before.meters:
            self._hearing: Hearing = Hearing(site, self._step.source)
        else:
            self._hearing.fit(site)  # what is known beside the meters stays known
        self._combine: Combine = combiner(site)
        self._payloads = Payloads(site, self._publish)
        self._summary = Summary(site, self._payloads.live_keys, self._sums, known, self._heard)
        return self._notices.keep(self._payloads.topics)

    def _tell(self, heard: Heard, now: Instant) -> Iterator[Message]:
        assert self._site is not None
        if heard.meters or (heard.meters is not None and not self._site.metered):
            yield from self._fit(self._site._replace(meters=heard.meters))
        if heard.ac_battery is not None:
            others = self._site.battery and not self._inventory.ac_battery
            self._inventory.ac_battery = heard.ac_battery
            yield from self._fit(self._site._replace(battery=others))
        if heard.battery is not None:
            before = self._site.battery
            battery = self._inventory.has_battery(listed=heard.battery, before=before)
            yield from self._fit(self._site._replace(battery=battery))
        if heard.counted is not None:
            self._summary.count(heard.counted, now)
        if heard.produced_wh is not None:
            self._summary.report(heard.produced_wh, now)
        if heard.zone is not None:
            self._inventory.zone = heard.zone
        if heard.measured is not None:
            yield from self._publish_reading(heard.measured, now.steady, now, heard.wholes)
        if heard.inverters is not None:
            fresh = self._inventory.report(heard.inverters)
            yield from (self._payloads.report(each, now.unix) for each in fresh)
        yield from self._say_gateway()

    def _publish_reading(
        self, measured: Measured, taken: float, now: Instant, wholes: Wholes = NO_WHOLES
    ) -> Iterator[Message]:
        self.readings += 1
        self._sequence += 1
        time = self._wall.unix(taken, now_steady=now.steady, now_unix=now.unix)
        known, wholes = self._hearing.complete(measured, wholes, now.steady)
        quantities = self._combine(known, wholes)
        charge = self._hearing.charged(now.steady)
        reading = Reading(time, self._sequence, self._step.source, quantities, charge)
        payloads, summary, site = self._payloads, self._summary, self._site
        for message in payloads.write(reading, steady=now.steady, interval_s=self.interval_s):
            yield message
            if payloads is not self._payloads:
                return  # the site became another one since `live` left
        if site is not None:
            good_until = now.steady + self._publish.patience_s(self.interval_s)
            yield from self._imitation.write(known, reading, site, good_until)
        self.pulse.read(now.steady)
        summary.read(payloads.live, quantities, taken, now)
        self._freshness.read(measured, now.steady)
        yield from self._say_availability()

    def _say_availability(self) -> list[Message]:
        return self._notices.availability(online=self._freshness.online)

    def _say_gateway(self) -> list[Message]:
        if self._site is None:
            return []
        self._said_reason = self.source_reason
        step = self._step._replace(reason=self._said_reason)
        return self._notices.about(encode(describe(self._site, self._access, step)))

    def _summed(self, topic: str, payload: Mapping[str, Any], now: Instant) -> Message:
        lasting, patience_s = topic in ("energy", "tariff"), self._publish.patience_s(self.interval_s)
        qos, good_until = (1, inf) if lasting else (0, now.steady + patience_s)
        name = f"{self._publish.base_topic}/{self._serial}/{topic}"
        return Message(name, encode(payload), qos, self._publish.retain, good_until=good_until)


def _shape(site: Site) -> object:
    """What of a site decides about topics and keys, and which answers are read."""
    meters = [(each.eid, each.kind, each.enabled, each.phases) for each in site.meters]
    return site.identity.serial, meters, site.battery
