"""The product: bytes in, messages out.

A `Bridge` belongs to one gateway for as long as the process lives. It is given what the gateway
answered and the time, and returns the MQTT messages to send; it does no I/O, never waits, never reads a
clock, and never fails on what a gateway sends. Recording, replay, simulation and the golden tests are
all the same calls:

    bridge.meet(serial)                /info was read
    bridge.identify(site, access)      /ivp/meters was read as well
    bridge.renew(role, expires)        there is a new token
    bridge.open(now)                   the stream answered 200
    bridge.receive(chunk, now)         bytes of the stream arrived
    bridge.tick(now)                   time has passed
    bridge.stop()                      the process ends
"""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from envoy_mqtt.errors import BadEvent
from envoy_mqtt.freshness import Freshness
from envoy_mqtt.gateway.event import Read, reader
from envoy_mqtt.gateway.layout import Combine, combiner
from envoy_mqtt.gateway.pace import Pace, WallClock
from envoy_mqtt.gateway.sse import Decoder, Event, TooLong
from envoy_mqtt.model import NO_WHOLES, Instant, Measured, Reading, Site
from envoy_mqtt.mqtt.message import OFFLINE, ONLINE, Message, encode
from envoy_mqtt.mqtt.payload import Payloads, Publish

SOURCE = "stream"


class Access(NamedTuple):
    """How we reach a gateway, as far as `gateway` tells it: nothing secret."""

    address: str
    source_reason: str
    token_role: str | None = None
    token_expires: str | None = None
    certificate_sha256: str | None = None


class Bridge:
    """One gateway's way from bytes to messages.

    `readings` counts what was published, `skipped` what could not be read, by reason; `problem` is the
    last unreadable event in words.
    """

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._events = Decoder()
        self._pace = Pace()
        self._wall = WallClock()
        self._freshness = Freshness(publish.fresh_s)
        self._serial: str | None = None
        self._site: Site | None = None
        self._access: Access | None = None
        self._about = b""
        self._said_online: bool | None = None
        self._topics: set[str] = set()
        self.readings = 0
        self.skipped: Counter[str] = Counter()
        self.problem = ""

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

    def meet(self, serial: str) -> list[Message]:
        """The gateway said its serial number: from now on it is told whether its readings are fresh."""
        goodbye = self.stop() if self._serial not in (None, serial) else []
        if serial != self._serial:
            self._serial, self._site, self._access, self._about = serial, None, None, b""
            self._said_online, self._topics = None, set()
            self._freshness = Freshness(self._publish.fresh_s)
        return goodbye + self._say_availability()

    def identify(self, site: Site, access: Access) -> list[Message]:
        """The gateway was asked which meters it has; what is gone is emptied."""
        messages = self.meet(site.identity.serial)
        self._access = access
        if site != self._site:
            self._site = site
            self._read_event: Read = reader(site)
            self._combine: Combine = combiner(site)
            self._payloads = Payloads(site, self._publish)
            messages += self._leave_behind(self._payloads.topics)
        return messages + self._say_gateway(site, access)

    def renew(self, role: str | None, expires: str | None) -> list[Message]:
        """There is a new token: what `gateway` tells of it, at once."""
        if self._site is None or self._access is None:
            return []
        self._access = self._access._replace(token_role=role, token_expires=expires)
        return self._say_gateway(self._site, self._access)

    def open(self, now: Instant) -> None:
        """The gateway answered 200 to a request for the stream: bytes of a new stream follow."""
        self._events = Decoder()
        self._pace.open(now.steady)

    def receive(self, chunk: bytes, now: Instant) -> list[Message]:
        """The messages of every event that ends in these bytes, in order."""
        return list(self.read(chunk, now))

    def read(self, chunk: bytes, now: Instant) -> Iterator[Message]:
        """The same, each made when it is asked for: `live` can be on its way before the rest is written."""
        for event in self._events.receive(chunk):
            taken = self._pace.stamp(now.steady)
            try:
                measured = self._measured(event)
            except BadEvent as bad:
                self.skipped[bad.reason] += 1
                self.problem = str(bad)
            else:
                yield from self._publish_reading(measured, taken, now)

    def tick(self, now: Instant) -> list[Message]:
        """What has to be said because time has passed: call it about once a second."""
        self._freshness.check(now.steady)
        return self._say_availability()

    def stop(self) -> list[Message]:
        """What has to be said when the bridge ends."""
        self._freshness.online = False
        return self._say_availability()

    def _measured(self, event: Event) -> Measured:
        if isinstance(event, TooLong):
            raise BadEvent("too_long", "it is longer than 64 KiB")
        return self._read_event(event)

    def _publish_reading(self, measured: Measured, taken: float, now: Instant) -> Iterator[Message]:
        self.readings += 1
        time = self._wall.unix(taken, now_steady=now.steady, now_unix=now.unix)
        reading = Reading(time, self.readings, SOURCE, self._combine(measured, NO_WHOLES))
        yield from self._payloads.write(reading, steady=now.steady)
        self._freshness.read(measured, now.steady)
        yield from self._say_availability()

    def _say_availability(self) -> list[Message]:
        online = self._freshness.online
        if self._serial is None or online == self._said_online:
            return []
        self._said_online = online
        return [self._message("availability", ONLINE if online else OFFLINE)]

    def _say_gateway(self, site: Site, access: Access) -> list[Message]:
        about = encode(describe(site, access))
        if about == self._about:
            return []
        self._about = about
        return [self._message("gateway", about, retain=self._publish.retain)]

    def _leave_behind(self, topics: set[str]) -> list[Message]:
        gone = sorted(self._topics - topics)
        self._topics = topics
        return [Message(topic, b"", qos=1) for topic in gone]

    def _message(self, topic: str, payload: bytes, *, retain: bool = True) -> Message:
        return Message(f"{self._publish.base_topic}/{self._serial}/{topic}", payload, qos=1, retain=retain)


def describe(site: Site, access: Access) -> dict[str, object]:
    """The content of the topic `gateway`."""
    return {
        "serial": site.identity.serial,
        "part_number": site.identity.part_number,
        "firmware": site.identity.firmware,
        "address": access.address,
        "phases": site.phases,
        "meters": [
            {
                "eid": meter.eid,
                "type": meter.type,
                "enabled": meter.enabled,
                "status": meter.status,
                "flags": list(meter.flags),
            }
            for meter in site.meters
        ],
        "source": SOURCE,
        "source_reason": access.source_reason,
        "token_role": access.token_role,
        "token_expires": access.token_expires,
        "certificate_sha256": access.certificate_sha256,
    }
