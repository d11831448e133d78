"""The wiring of `envoy-mqtt run`: gateways on one side, the broker on the other, the outbox between.

    broker connection                    kept until the very end
      gateways, each kept by itself      end first, all together
      the clock                          freshness, and what is remembered

Shutdown is the nesting read backwards: the gateways stop, "offline" is said, what waits is sent, then
the broker's connection closes.
"""

import asyncio
import signal
import socket
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import structlog

from envoy_mqtt import __version__, choices, config, installation, zone
from envoy_mqtt.access import sections, tokens_of
from envoy_mqtt.announcer import Announcer
from envoy_mqtt.bookkeeper import Bookkeeper
from envoy_mqtt.books import Books
from envoy_mqtt.bridge import Bridge
from envoy_mqtt.broker import completed, services
from envoy_mqtt.clock import now
from envoy_mqtt.compat.imitation import Imitation
from envoy_mqtt.config import Settings
from envoy_mqtt.desk import Desk, Signature, wanted
from envoy_mqtt.errors import BrokerUnavailable, ConfigError
from envoy_mqtt.followed import Gateway, reload
from envoy_mqtt.gateway.pins import Pins
from envoy_mqtt.life import Life
from envoy_mqtt.line import Line
from envoy_mqtt.memory import collect, freeze, give_back
from envoy_mqtt.mqtt.connection import Broker
from envoy_mqtt.mqtt.message import OFFLINE, ONLINE, Message, encode, iso
from envoy_mqtt.mqtt.payload import SCHEMA, Publish
from envoy_mqtt.mqtt.publisher import Publisher
from envoy_mqtt.mqtt.spool import Spool
from envoy_mqtt.outbox import Outbox
from envoy_mqtt.report import Report
from envoy_mqtt.roster import Roster
from envoy_mqtt.supervise import end, keep, run_until
from envoy_mqtt.supervisor import Services

if TYPE_CHECKING:
    from envoy_mqtt.web.server import Server

log = structlog.get_logger()

# As many name look-ups and connection attempts may hang at once as there are far ends, within reason.
THREADS = 128

# What waits when the process is told to stop has this long to leave.
FLUSH_S = 3.0

# And the journal so long to write down what it has; a disk that hangs is not waited for.
KEEP_S = 2.0

MEGABYTE = 1_000_000

# What could not be written is tried again so often, and memory is tidied: without that a day of bursts and
# restarts kept 5 MiB.
SAVE_AGAIN_S = 60.0

# The first pages, energies and announcements leave something behind, too: 2 MiB on a bad day.
SETTLED_S = 3.0

# A broker stands in the house and restarts in seconds; asking it six times a minute hurts nobody.
BROKER_CEILING_S = 10.0


class App:
    """Everything that runs in the process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._line = Line("bridge")
        self._roster = Roster(settings.data_dir, self._line)
        self._signature = Signature(self._roster.instance, socket.gethostname(), iso(time.time()))
        self._pins = Pins(settings.data_dir)
        reload(self._pins)
        self._services = services(settings)
        self.broker_line = Line(
            "broker", host=settings.mqtt.host if self._services is None else "of Home Assistant"
        )
        publish = choices.publish(settings)
        self._spool = _spool(settings, self._line)
        self._outbox = Outbox(None if self._spool is None else self._spool.keep)
        self._zone = zone.configured(settings.site.timezone)
        self._bookkeeper = Bookkeeper(Books(settings.data_dir), self._line)
        self._ended = 0
        self.gateways = [
            self._gateway(number, name, gateway, publish)
            for number, (name, gateway) in enumerate(sections(settings))
        ]
        self._state = f"{publish.base_topic}/bridge/state"
        find = None if self._services is None else partial(self._find_broker, self._services)
        self.publisher = Publisher(
            self._as_client(settings.mqtt), self._outbox, self.broker_line, self._spool, find
        )
        self._announcer = Announcer(
            settings.data_dir,
            [each.bridge for each in self.gateways],
            choices.discovery(settings),
            outbox=self._outbox,
            broker=self.publisher,
            line=self._line,
        )
        self.report = Report(
            publish, self.gateways, outbox=self._outbox, publisher=self.publisher, line=self._line
        )
        self.desk = Desk(
            settings,
            self._signature,
            self.gateways,
            report=self.report,
            outbox=self._outbox,
            publisher=self.publisher,
            line=self.broker_line,
        )

        self._life = Life(settings.data_dir)
        self._web = self._open_web()

    def _open_web(self) -> "Server | None":
        if not self._settings.web.enabled:
            return None
        from envoy_mqtt.web.server import Server  # noqa: PLC0415  who does without it carries none of it

        server = Server(
            self._settings.web,
            self._settings.mqtt.base_topic,
            choices.configured(self._settings),
            report=self.report,
            life=self._life,
            line=self._line,
        )
        self._outbox.onlooker = server.audience
        return server

    def _gateway(self, number: int, name: str, settings: config.Gateway, publish: Publish) -> Gateway:
        line = Line("gateway", host=settings.host)
        tokens = tokens_of(self._settings, name, settings, line)
        wanted = choices.wanted(self._settings, zone=self._zone is None)
        sums = choices.sums(self._settings, self._zone or zone.machine())
        numbers = None if self._spool is None else self._spool.numbers
        imitation = Imitation(choices.imitated(self._settings, number))
        bridge = Bridge(publish, wanted, sums, self._bookkeeper.known, numbers, imitation=imitation)
        return Gateway(settings, tokens, line, bridge, outbox=self._outbox, pins=self._pins)

    async def run(self, stop: asyncio.Event) -> None:
        """Bridge until `stop` is set, then leave in order."""
        threads = ThreadPoolExecutor(min(THREADS, len(self.gateways) + 8), "far end")
        asyncio.get_running_loop().set_default_executor(threads)
        self._outbox.put([Message(self._state, ONLINE, qos=1)])
        self._say_info()
        configured = [each.settings.serial for each in self.gateways if each.settings.serial]
        self._outbox.put(self._roster.absent(self._settings.mqtt.base_topic, configured))
        line = self.broker_line
        async with asyncio.TaskGroup() as group, _keeping(self._spool, group):
            broker = group.create_task(
                keep(self.publisher.publish, line, ceiling_s=BROKER_CEILING_S), name="broker"
            )
            try:
                following = (keep(each.follow, each.line, sleep=each.rest) for each in self.gateways)
                renewing = (each.renew() for each in self.gateways)
                summing = (self._sum_up(each) for each in self.gateways)
                always = (self._tick(), self.desk.serve(), self._announcer.run())
                web = () if self._web is None else (keep(self._web.serve, self._web), self._web.beat())
                living = self._life.beat(lambda: self._web is not None and self._web.answers_itself)
                jobs = (living, *always, *summing, *following, *renewing, *web)
                await run_until(stop, *map(self._life.supervise, jobs))
            finally:
                await self._say_goodbye()
                await end(broker)

    async def _say_goodbye(self) -> None:
        for gateway in self.gateways:
            self._outbox.put(gateway.bridge.stop())
        self._outbox.put([Message(self._state, OFFLINE, qos=1)])
        async with asyncio.TaskGroup() as group:
            group.create_task(self._bookkeeper.close(each.bridge for each in self.gateways))
            group.create_task(self._flush())

    async def _flush(self) -> None:
        try:
            async with asyncio.timeout(FLUSH_S):
                await self._outbox.flushed()
        except TimeoutError:
            log.warning("broker did not take the last messages", waited_s=FLUSH_S)

    async def _tick(self) -> None:
        known: list[str | None] = [None for _ in self.gateways]
        connects, again_at, fresh = self.publisher.connects, 0.0, False
        while True:
            for gateway in self.gateways:
                self._outbox.put(gateway.tick(now()))
            self.desk.tick(now())
            self.report.tick(now())
            met = [each.bridge.serial for each in self.gateways]
            if met != known or connects != self.publisher.connects:
                self._say_info()
            all_fresh = all(each.bridge.online for each in self.gateways)
            if met != known or all_fresh > fresh or now().steady >= again_at:
                again_at = now().steady + SAVE_AGAIN_S
                self._roster.look([each.bridge for each in self.gateways])
                self._tidy()
            if met != known:
                freeze()
                asyncio.get_running_loop().call_later(SETTLED_S, give_back)
            known, connects, fresh = met, self.publisher.connects, all_fresh
            await asyncio.sleep(1)

    def _tidy(self) -> None:
        """Give back what is of no use any more; a connection that has ended leaves garbage behind."""
        lines = [self.broker_line, *(each.line for each in self.gateways)]
        ended = sum(sum(line.reconnects.values()) for line in lines)
        (collect if ended != self._ended else give_back)()
        self._ended = ended

    async def _sum_up(self, gateway: Gateway) -> None:
        """Energies are remembered before they are told; a disk that hangs delays nothing but them."""
        while True:
            await asyncio.sleep(1.002 - time.time() % 1.0)
            await self._sum_up_once(gateway.bridge)
            if gateway.bridge.ended is not None:
                gateway.tell_of_day(gateway.bridge.ended)

    async def _sum_up_once(self, bridge: Bridge) -> None:
        bridge.beat(self.desk.interval_s)
        if self._zone is None and bridge.zone_name is not None:
            bridge.move(zone.named(bridge.zone_name) or zone.machine())
        messages = bridge.sum_up(now())
        if any(message.topic.endswith("/energy") for message in messages):
            await self._bookkeeper.enter(bridge)
        self._outbox.put(messages)

    def _say_info(self) -> None:
        topic = f"{self._settings.mqtt.base_topic}/bridge/info"
        info = encode(self._describe())
        self._outbox.put([Message(topic, info, qos=1, retain=self._settings.mqtt.retain)])

    def _describe(self) -> dict[str, object]:
        return {
            "version": __version__,
            "schema": SCHEMA,
            **self._signature._asdict(),
            "gateways": [{"host": each.settings.host, "serial": each.serial} for each in self.gateways],
            "configuration": config.public(self._settings),
        }

    async def _find_broker(self, services: Services) -> Broker:
        mqtt = completed(self._settings.mqtt, await services.broker())
        try:
            return self._as_client(mqtt)
        except ConfigError as error:
            raise BrokerUnavailable(str(error), reason="unreachable") from None

    def _as_client(self, mqtt: config.Mqtt) -> Broker:
        client_id = mqtt.client_id or self._roster.client_id
        return choices.broker(mqtt, client_id, self._state, wanted(self._settings))


def _spool(settings: Settings, line: Line) -> Spool | None:
    if not settings.journal.enabled:
        return None
    max_bytes = settings.journal.max_mb * MEGABYTE
    return Spool(settings.data_dir, settings.mqtt.base_topic, line, max_bytes=max_bytes)


@asynccontextmanager
async def _keeping(spool: Spool | None, group: asyncio.TaskGroup) -> AsyncIterator[None]:
    """The journal writes as long as the block lasts, and what is left after it."""
    if spool is None:
        yield
        return
    task = group.create_task(spool.run(), name="journal")
    yield
    spool.finish()
    await asyncio.wait({task}, timeout=KEEP_S)
    await end(task)


def check(settings: Settings) -> None:
    """Raise the `ConfigError` that `run` would for what lies outside the configuration: folder and files."""
    installation.check(settings.data_dir)
    choices.tls(settings.mqtt.tls)


async def run(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT."""
    await App(settings).run(stop_on_signals())


def stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
