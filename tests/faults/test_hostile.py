"""Ten thousand hostile answers and a thousand hostile requests, given to one bridge that goes on reading.

Each reader is tried with more kinds of damage in `tests/gateway`; what is counted here is what escapes, what
memory costs, and that the readings before and after are right.
"""

import asyncio
import gc
import gzip
import json
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import aiomqtt
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from envoy_mqtt.bridge import Bridge
from envoy_mqtt.errors import BadAnswer
from envoy_mqtt.gateway.answers import read_info
from envoy_mqtt.gateway.hearing import PAGES
from envoy_mqtt.model import Instant
from envoy_mqtt.mqtt.message import Incoming, Message
from envoy_mqtt.mqtt.payload import Publish
from envoy_mqtt.mqtt.requests import REQUESTS, read
from envoy_mqtt.simulator import identity
from envoy_mqtt.simulator.firmware import Role
from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.installation import Installation
from envoy_mqtt.simulator.options import Battery, Options, Pace
from tests.e2e.harness import eventually, listening
from tests.energy.sites import N, P, site
from tests.faults import table
from tests.faults.rig import resident_mib, running
from tests.gateway.hostile import ANYTHING, bodies
from tests.mirror import Mirror
from tests.mosquitto import Mosquitto
from tests.test_bridge import ACCESS, STEP

ANSWERS = 10_000
TRIES = 1_000
MOST_BYTES = 10 * 1024 * 1024
UNIX = 1_790_000_000.0

# What an honest gateway says afterwards: meters, batteries and all.
WELL = Installation(Options(), UNIX)
SOURCE = Installation(Options(battery=Battery.METERED), UNIX)
EVENT = SOURCE.event(UNIX)
INFO = "/info"
STREAM = "the stream"

# A billion laughs in a few bytes, a NUL that hides a document type, and brackets without end.
XML = (
    b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><envoy_info>&b;</envoy_info>',
    b'<\x00!\x00DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
    b"<a>" * 100_000,
    b"<envoy_info><device><sn>" + b"9" * 200_000 + b"</sn></device></envoy_info>",
)
BOMB = gzip.compress(bytes(100_000_000))


def honest(path: str) -> object:
    """What a gateway says there, as JSON; an empty object where this one has no such page."""
    with suppress(ValueError, AttributeError):
        answer = SOURCE.answer(path, UNIX)
        return {} if answer is None else json.loads(answer.body)
    return {}


def documents() -> st.SearchStrategy[tuple[str, bytes]]:
    pages = [st.tuples(st.just(path), bodies(honest(path))) for path in PAGES]
    event = json.loads(EVENT.partition(b"data: ")[2])
    lines = bodies(event).map(lambda body: b"data: " + body + b"\r\n\r\n")
    streams = st.tuples(st.just(STREAM), lines | st.binary(max_size=300))
    infos = st.tuples(
        st.just(INFO), st.sampled_from((*XML, BOMB)) | st.binary(max_size=200) | st.text().map(str.encode)
    )
    return st.one_of(*pages, streams, infos)


class Victim:
    """A bridge that reads a stream, and is given everything between its readings."""

    def __init__(self) -> None:
        self.bridge = Bridge(Publish())
        self.bridge.identify(site(P, N), ACCESS, STEP)
        self.seconds = 0.0
        self.tried = 0
        self.open()

    @property
    def now(self) -> Instant:
        return Instant(1000.0 + self.seconds, UNIX + self.seconds)

    def open(self) -> None:
        self.bridge.open(self.now)

    def reading(self) -> dict[str, object]:
        """The powers of an honest event, once honest pages have mended what hostile ones made us believe."""
        self.bridge.identify(site(P, N), ACCESS, STEP)
        self.open()
        for path in PAGES:
            answer = WELL.answer(path, UNIX)
            with suppress(BadAnswer):
                _tell(self, path, b"" if answer is None else answer.body)
        self.seconds += 1.0
        messages = self.bridge.receive(EVENT, self.now)
        (live,) = [json.loads(each.payload) for each in messages if each.topic.endswith("/live")]
        return powers(live)

    def suffer(self, path: str, body: bytes) -> None:
        """What one hostile answer may raise is what its reader promises to."""
        self.tried += 1
        self.seconds += 1.0
        if path == STREAM:
            self.bridge.receive(body, self.now)
        else:
            with suppress(BadAnswer):
                _tell(self, path, body)
        self.bridge.tick(self.now)
        self.bridge.sum_up(self.now)


def _tell(victim: Victim, path: str, body: bytes) -> None:
    if path == INFO:
        read_info(body)
    else:
        for _ in victim.bridge.answer(path, body, victim.now):
            pass


def plenty(examples: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The same so many examples on every machine, and no shrinking: what fails is shown as it is."""
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def test_ten_thousand_hostile_answers_let_nothing_escape_and_cost_no_memory() -> None:
    """Given once as they are made, and once more from a list, so that what grows is the bridge alone."""
    victim, made = Victim(), list[tuple[str, bytes]]()
    before = victim.reading()

    @plenty(ANSWERS)
    @given(documents())
    def attack(document: tuple[str, bytes]) -> None:
        victim.suffer(*document)
        made.append(document)

    attack()
    assert len(made) >= ANSWERS
    assert victim.reading() == before
    again = Victim()
    gc.collect()
    tracemalloc.start()
    for document in made:
        again.suffer(*document)
    gc.collect()
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert again.reading() == before
    assert grown < MOST_BYTES
    kib = f"{grown / 1024:,.0f} KiB more memory"
    table.ROWS.append(table.Row("hostile answers, all pages and the stream", len(made), None, None, kib))


@cache
def hostile_requests() -> list[tuple[str, bytes, bool]]:
    """A thousand names, payloads, and whether they are retained."""
    made: list[tuple[str, bytes, bool]] = []
    payloads = st.binary(max_size=200) | st.text().map(str.encode) | ANYTHING.map(json.dumps).map(str.encode)
    names = st.sampled_from(sorted(REQUESTS)) | st.text(max_size=40)
    contents = st.dictionaries(st.sampled_from(["serial", "value", "transaction", "x"]), ANYTHING, max_size=4)
    large = st.sampled_from((b"[" * 60_000, b"{" + b" " * 70_000))

    @plenty(TRIES)
    @given(names, payloads | contents.map(json.dumps).map(str.encode) | large, st.booleans())
    def make(name: str, payload: bytes, retain: bool) -> None:
        made.append((name, payload, retain))

    make()
    return made


def test_a_thousand_hostile_requests_are_answered_or_ignored() -> None:
    """Whatever is no request of the contract is answered with an error; nothing is raised."""
    for name, payload, retain in hostile_requests():
        topic = f"envoy/bridge/request/{name}"
        told = read(Incoming(topic, payload, retain), "envoy", {"122100000017"}, 0.0)
        assert (told is None) == retain
        if isinstance(told, Message):
            assert json.loads(told.payload)["status"] == "error"
    assert len(hostile_requests()) >= TRIES


async def test_a_thousand_hostile_requests_cost_a_process_no_memory_and_no_reading(
    broker: Mosquitto, tmp_path: Path
) -> None:
    """All at once, at a bridge that reads on; `reconnect` alone is left out, as it may well be meant."""
    requests = [each for each in hostile_requests() if each[0] != "reconnect" and sendable(each[0])]
    requests = (requests * 2)[:TRIES]
    async with (
        Gateway(Options(pace=Pace.MANUAL), keys=Keys()) as gateway,
        listening(broker.port, "envoy/#") as ears,
        running(tmp_path, broker.port, {f"127.0.0.1:{gateway.port}": gateway.owner_token}) as pid,
        aiomqtt.Client("127.0.0.1", broker.port) as client,
    ):
        await gateway.streaming()
        event = gateway.event()
        gateway.say(event)
        (first, *_) = await ears.hear("/live")
        before = resident_mib(pid)
        for name, payload, retain in requests:
            await client.publish(f"envoy/bridge/request/{name}", payload, qos=1, retain=retain)
        gateway.say(event)
        (*_, last) = await ears.hear("/live", count=2)
        while not ears.on("/response/doctor"):  # it is told to ask again while others wait
            await client.publish("envoy/bridge/request/doctor", b"{}", qos=1)
            await asyncio.sleep(0.2)
        more = resident_mib(pid) - before
        errors = sum(each.json["status"] == "error" for each in ears.heard if "/response/" in each.topic)
        assert powers(last.json) == powers(first.json)
    assert more < 10.0
    assert errors > TRIES / 10
    row = table.Row("hostile requests at a process", len(requests), None, None, f"{more:.1f} MiB more memory")
    table.ROWS.append(row)


def sendable(name: str) -> bool:
    """Whether a client may publish on such a topic at all (MQTT 5, sections 1.5.4 and 4.7)."""
    return name.isprintable() and not set(name) & set("+#/")


def powers(live: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in live.items() if key.endswith("power")}


async def test_a_line_of_100_mb_and_a_compressed_bomb_cost_nothing(broker: Mosquitto, tmp_path: Path) -> None:
    """Through a real process: the line comes down the stream, the bomb where meters were asked for."""
    keys = Keys()
    async with (
        Gateway(Options(pace=Pace.MANUAL), keys=keys) as well,
        bomber(keys) as bomb,
        listening(broker.port, "envoy/#") as ears,
    ):
        token = identity.issue(keys, "122700000055", Role.OWNER, time.time())
        hosts = {f"127.0.0.1:{well.port}": well.owner_token, f"127.0.0.1:{bomb.port}": token}
        async with running(tmp_path, broker.port, hosts) as pid:
            await well.streaming()
            well.say(well.event())
            await ears.hear("/live")
            await eventually(lambda: bomb.asked >= 3)
            before = resident_mib(pid)
            await pour(well, b"data: " + bytes(1_000_000).replace(b"\0", b"x"), 100)
            well.say(b"\r\n\r\n" + well.event())
            await ears.hear("/live", count=2)
            more = resident_mib(pid) - before
    assert more < 10.0
    row = table.Row("line of 100 MB, compressed bomb", 1, None, None, f"1 event; {more:.1f} MiB more memory")
    table.ROWS.append(row)


async def pour(gateway: Gateway, data: bytes, times: int) -> None:
    """As fast as it is read: more than 32 MB of unread bytes would end the stream."""
    for _ in range(times):
        gateway.say(data)
        await eventually(lambda: all(stream.unread < 2_000_000 for stream in gateway.streams))


def bomber(keys: Keys) -> Mirror:
    """A gateway that says who it is, and answers everything else with 100 MB of zeros in 100 kB."""
    source, context = Installation(Options(serial="122700000055"), time.time()), identity.tls_context()
    identity.install(context, keys, identity.certificate(keys, "122700000055", time.time()))

    def answer(request: bytes) -> bytes:
        honest = source.answer(INFO, time.time()) if b"GET /info " in request else None
        body, more = (BOMB, b"Content-Encoding: gzip\r\n") if honest is None else (honest.body, b"")
        return b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (more, len(body), body)

    return Mirror(answer, context)
