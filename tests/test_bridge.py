"""The whole way from bytes to messages: golden files, properties, and what is said when things change.

A golden `NAME.stream` is a story, one thing a line: seconds on the steady clock and `open`, `tick`, `stop`,
or `<` and the bytes of a chunk, written as in Python. `NAME.messages` is what is published, one message a
line: topic and payload. They were worked out in decimal arithmetic from the contract, not by the bridge.
Unix time is the steady one and 1,790,000,000.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envoy_mqtt.bridge import USUAL, Bridge
from envoy_mqtt.compat.imitation import Imitated, Imitation, Shape
from envoy_mqtt.errors import BadAnswer
from envoy_mqtt.gateway import inverters
from envoy_mqtt.gateway.ladder import Source, Step
from envoy_mqtt.gateway.plan import Wanted
from envoy_mqtt.model import Identity, Instant, Kind, Meter, Site
from envoy_mqtt.mqtt.about import Access
from envoy_mqtt.mqtt.message import Message
from envoy_mqtt.mqtt.payload import Publish

GOLDEN = Path(__file__).parent / "golden"

# Captures of real streams, where they lie beside the repository (protocol notes, section 11).
CAPTURES = Path(__file__).parents[2] / "shared" / "captures"

UNIX = 1_790_000_000.0
ACCESS = Access("192.168.1.20", "owner", "2027-09-21T00:00:00Z", "ab" * 32)
STEP = Step(Source.STREAM, "The stream is there.")
P, N, T, S = Kind.PRODUCTION, Kind.NET, Kind.TOTAL, Kind.STORAGE
EIDS = {"production": 704643328, "net-consumption": 704643584, "total-consumption": 704643584}
EIDS |= {"storage": 704643840, "backfeed": 704644352, "load": 704644608, "evse": 704644864, "pv3p": 704645120}
TYPES = {P: "production", N: "net-consumption", T: "total-consumption", S: "storage"}
SERIAL = "122100000017"


def at(steady: float) -> Instant:
    return Instant(steady, UNIX + steady)


def meter(kind: Kind | str, phases: int, *, enabled: bool = True) -> Meter:
    name = TYPES[kind] if isinstance(kind, Kind) else kind
    known = {word: ours for ours, word in TYPES.items()}.get(name)
    return Meter(EIDS[name], name, known, enabled, phases, "normal", ())


def site(*kinds: Kind, phases: int = 1, serial: str = SERIAL) -> Site:
    return Site(Identity(serial, "800-00654-r08", "D7.6.175"), tuple(meter(kind, phases) for kind in kinds))


def identified(
    layout: Site, publish: Publish | None = None, *, opened: float = 0.0, wanted: Wanted = USUAL
) -> Bridge:
    """A bridge that has been told who its gateway is, and has an open stream."""
    bridge = Bridge(publish or Publish(), wanted)
    bridge.identify(layout, ACCESS, STEP)
    bridge.open(at(opened))
    return bridge


def finite(literal: str) -> float:
    raise AssertionError(f"{literal} is not JSON")


def content(message: Message) -> Any:
    """A payload as its reader sees it."""
    if message.payload.startswith(b"{"):
        return json.loads(message.payload, parse_constant=finite)
    return message.payload.decode()


def said(messages: Iterable[Message]) -> list[tuple[str, Any]]:
    return [(message.topic, content(message)) for message in messages]


def of(messages: Iterable[Message], topic: str) -> list[Any]:
    """The payloads of one topic of the gateway."""
    return [content(message) for message in messages if message.topic.endswith(f"{SERIAL}/{topic}")]


# Golden files

OFF = [meter(kind, 2, enabled=False) for kind in ("storage", "backfeed", "load", "evse", "pv3p")]
HOUSES = {
    "single-phase": (site(P, N), Publish()),
    "split-phase": (
        Site(Identity("122100000025", "800-00555-r03", "D8.3.5433"), (meter(P, 2), meter(T, 2), *OFF)),
        Publish(),
    ),
    "three-phase": (
        Site(Identity("122100000033", "800-00649-r01", "D8.3.5167"), (meter(P, 3), meter(N, 3))),
        Publish(meters=False),
    ),
}


def lines(name: str) -> Iterator[str]:
    for line in (GOLDEN / name).read_text().splitlines():
        if line and not line.startswith("#"):
            yield line


def played(name: str) -> Iterator[Message]:
    """Everything that is published while a story is played."""
    layout, publish = HOUSES[name]
    bridge = Bridge(publish)
    yield from bridge.identify(layout, ACCESS, STEP)
    for line in lines(f"{name}.stream"):
        seconds, verb, *text = line.split(" ", 2)
        now = at(float(seconds))
        if verb == "open":
            bridge.open(now)
        elif verb == "tick":
            yield from bridge.tick(now)
            yield from bridge.sum_up(now)
        elif verb == "stop":
            yield from bridge.stop()
        else:
            assert verb == "<"
            yield from bridge.receive(text[0].encode().decode("unicode_escape").encode("latin-1"), now)


def expected(name: str) -> list[tuple[str, Any]]:
    return [
        (topic, json.loads(payload) if payload[:1] == "{" else payload)
        for topic, payload in (line.split(" ", 1) for line in lines(f"{name}.messages"))
    ]


@pytest.mark.parametrize("name", HOUSES)
def test_a_story_publishes_what_its_golden_file_says(name: str) -> None:
    told = said(played(name))
    for mine, theirs in zip(told, expected(name), strict=False):
        assert mine == theirs
    assert len(told) == len(expected(name))


# Made-up events


def wire(power: float, **more: float) -> dict[str, float]:
    return {"p": power, "q": 10.0, "s": 230.0, "v": 230.0, "i": 1.0, "pf": 0.9, "f": 50.0} | more


def event(power: float = 500.0, net: float = -200.0, *, end: bytes = b"\r\n\r\n", **more: float) -> bytes:
    """A whole event as it is on the wire; every phase shows the same."""
    sections = {"production": power, "net-consumption": net, "total-consumption": power + net}
    document = {
        section: {key: wire(value, **more) for key in ("ph-a", "ph-b", "ph-c")}
        for section, value in sections.items()
    }
    return b"data: " + json.dumps(document, separators=(",", ":")).encode() + end


GARBAGE = b"data: garbage\r\n\r\n"


# What is said


def test_before_it_knows_its_gateway_it_says_nothing() -> None:
    bridge = Bridge(Publish())
    assert bridge.tick(at(1.0)) == []
    assert bridge.stop() == []
    assert bridge.site is None
    assert not bridge.online


def test_at_first_it_says_offline_and_who_the_gateway_is() -> None:
    bridge = Bridge(Publish())
    availability, gateway = bridge.identify(site(P, N), ACCESS, STEP)
    assert availability == Message(f"envoy/{SERIAL}/availability", b"offline", qos=1, retain=True)
    assert (gateway.topic, gateway.qos, gateway.retain) == (f"envoy/{SERIAL}/gateway", 1, True)
    assert (gateway.expiry_s, gateway.content_type) == (0, "application/json")
    assert content(gateway) == {
        "serial": SERIAL,
        "part_number": "800-00654-r08",
        "firmware": "D7.6.175",
        "address": "192.168.1.20",
        "phases": 1,
        "meters": [
            {"eid": 704643328, "type": "production", "enabled": True, "status": "normal", "flags": []},
            {"eid": 704643584, "type": "net-consumption", "enabled": True, "status": "normal", "flags": []},
        ],
        "source": "stream",
        "source_reason": "The stream is there.",
        "token_role": "owner",
        "token_expires": "2027-09-21T00:00:00Z",
        "certificate_sha256": "ab" * 32,
    }


def test_without_a_token_its_role_and_end_are_null() -> None:
    _, gateway = Bridge(Publish()).identify(site(P), Access("h"))
    told = content(gateway)
    assert told["token_role"] is told["token_expires"] is told["certificate_sha256"] is None


def test_who_the_gateway_is_is_said_on_change_alone() -> None:
    bridge = Bridge(Publish())
    bridge.identify(site(P, N), ACCESS, STEP)
    assert bridge.identify(site(P, N), ACCESS, STEP) == []
    renewed = ACCESS._replace(token_expires="2028-09-21T00:00:00Z")
    (gateway,) = bridge.identify(site(P, N), renewed, STEP)
    assert content(gateway)["token_expires"] == "2028-09-21T00:00:00Z"


def test_a_new_token_is_told_at_once_and_disturbs_nothing() -> None:
    bridge = Bridge(Publish())
    assert bridge.renew("owner", "2028-09-21T00:00:00Z") == [], "nobody is known who could have it"
    before = content(bridge.identify(site(P, N), ACCESS, STEP)[1])
    (gateway,) = bridge.renew("installer", "2028-09-21T00:00:00Z")
    assert content(gateway) == before | {"token_role": "installer", "token_expires": "2028-09-21T00:00:00Z"}
    assert bridge.renew("installer", "2028-09-21T00:00:00Z") == []
    bridge.meet("122312345679")
    assert bridge.renew("owner", None) == [], "another gateway answers now, and has shown nothing yet"


def test_a_new_firmware_changes_nothing_but_what_is_said_of_it() -> None:
    bridge = identified(site(P, N))
    bridge.receive(event(), at(1.0))
    newer = Site(site().identity._replace(firmware="D8.3.5167"), site(P, N).meters)
    (gateway,) = bridge.identify(newer, ACCESS, STEP)
    assert content(gateway)["firmware"] == "D8.3.5167"
    assert bridge.online


def test_retain_false_leaves_availability_retained() -> None:
    bridge = Bridge(Publish(retain=False, scalars=True))
    messages = bridge.identify(site(P, N), ACCESS, STEP)
    bridge.open(at(0.0))
    messages += bridge.receive(event(), at(1.0)) + bridge.tick(at(100.0)) + bridge.stop()
    for message in messages:
        assert message.retain == message.topic.endswith("/availability")


# Availability


def test_the_first_good_reading_is_followed_by_online() -> None:
    bridge = identified(site(P, N))
    assert bridge.receive(GARBAGE, at(0.5)) == []
    messages = bridge.receive(event(), at(1.0))
    assert [m.topic.rsplit("/", 1)[1] for m in messages] == [
        "live",
        "production",
        "net",
        "consumption",
        "availability",
    ]
    assert messages[-1] == Message(f"envoy/{SERIAL}/availability", b"online", qos=1, retain=True)
    assert of(bridge.receive(event(), at(2.0)), "availability") == []


def test_silence_beyond_the_timeout_is_offline_and_said_once() -> None:
    bridge = identified(site(P, N), Publish(fresh_s=12.0))
    bridge.receive(event(), at(100.0))
    assert bridge.tick(at(112.0)) == []
    assert said(bridge.tick(at(112.25))) == [(f"envoy/{SERIAL}/availability", "offline")]
    assert bridge.tick(at(113.0)) == []
    assert of(bridge.receive(event(501.0), at(500.0)), "availability") == ["online"]


def test_unreadable_events_are_no_readings() -> None:
    bridge = identified(site(P, N))
    bridge.receive(event(), at(1.0))
    told: list[Message] = []
    for second in range(2, 60):
        told += bridge.receive(GARBAGE, at(second)) + bridge.tick(at(second))
    assert of(told, "availability") == ["offline"]
    assert (bridge.readings, bridge.skipped) == (1, {"not_json": 58})
    assert bridge.problem


def test_a_total_that_is_the_net_is_mended() -> None:
    """Firmware 8.3.5433: 500 W from the sun, 200 W of them sold, told as the total too."""
    bridge = identified(site(P, T))
    copied = event().replace(b'"p":300.0', b'"p":-200.0')
    (live,) = of(bridge.receive(copied, at(1.0)), "live")
    assert (live["consumption_power"], live["net_power"]) == (300.0, -200.0)


def test_a_total_that_is_the_net_is_told_in_the_reason_until_they_differ_for_a_minute() -> None:
    bridge = identified(site(P, T))
    copied = event().replace(b'"p":300.0', b'"p":-200.0')
    list(bridge.receive(copied, at(1.0)))
    (about,) = of(bridge.tick(at(1.5)), "gateway")
    assert about["source_reason"].startswith("The stream is there. Its total-consumption equals the net")
    assert of(bridge.tick(at(2.5)), "gateway") == []
    told: list[Message] = []
    for second in range(2, 64):
        list(bridge.receive(event(), at(second)))
        told += bridge.tick(at(second + 0.5))
    (about,) = of(told, "gateway")
    assert about["source_reason"] == "The stream is there."
    assert not bridge.total_is_net


PLAIN = "/api/v1/production"
REPORT = b'{"wattsNow": 800, "wattHoursLifetime": 5}'


@pytest.mark.parametrize(("interval_s", "expiry_s"), [(60.0, 300), (300.0, 1500)])
def test_of_a_slow_source_three_intervals_are_silence_and_five_the_expiry(
    interval_s: float, expiry_s: int
) -> None:
    bridge = identified(site())
    bridge.open(at(0.0), Step(Source.PRODUCTION, "There is no meter."))
    bridge.pace(interval_s)
    messages = list(bridge.answer(PLAIN, REPORT, at(1.0)))
    live = next(message for message in messages if message.topic.endswith("/live"))
    assert (live.expiry_s, live.good_until) == (expiry_s, 1.0 + 3 * interval_s)
    assert of(messages, "availability") == ["online"]
    assert of(bridge.tick(at(1.0 + 3 * interval_s)), "availability") == []
    assert of(bridge.tick(at(1.1 + 3 * interval_s)), "availability") == ["offline"]


def test_a_slow_source_that_says_the_same_for_hours_is_not_frozen() -> None:
    bridge = identified(site())
    bridge.open(at(0.0), Step(Source.PRODUCTION, "There is no meter."))
    told = [message for minute in range(120) for message in bridge.answer(PLAIN, REPORT, at(60.0 * minute))]
    assert of(told, "availability") == ["online"]


def test_a_page_that_is_not_there_is_asked_again_after_a_new_connection_or_token() -> None:
    layout = site(P, N)
    bridge = identified(layout)
    everything = bridge.polls
    bridge.lacks("/ivp/meters/readings")
    assert "/ivp/meters/readings" not in {poll.path for poll in bridge.polls}
    bridge.identify(layout, ACCESS, STEP)
    assert bridge.polls == everything
    bridge.lacks("/ivp/meters/readings")
    bridge.renew("installer", None)
    assert bridge.polls == everything


def test_a_battery_that_is_found_costs_nothing_that_is_known() -> None:
    """An AC Battery shows on the page that the inverters' figure comes from."""
    identity = Identity(SERIAL, "", "D7.6.175", metered=True, web_tokens=True)
    bridge = identified(Site(identity, (meter(N, 1),)))
    page = b'{"production": [{"type": "inverters", "wNow": 800, "whLifetime": 5}], "storage": [%s]}'
    list(bridge.answer("/production.json", page % b'{"type": "acb", "activeCount": 1}', at(1.0)))
    (live,) = of(bridge.receive(event(), at(2.0)), "live")
    assert live["production_power"] == 800.0
    assert "storage_power" in live


def test_five_minutes_of_the_same_while_power_flows_is_offline() -> None:
    bridge = identified(site(P, N))
    told: list[Message] = []
    for second in range(1, 297):
        told += bridge.receive(event(), at(second)) + bridge.tick(at(second + 0.5))
    assert of(told, "availability") == ["online"]
    for second in range(297, 310):
        told += bridge.receive(event(), at(second)) + bridge.tick(at(second + 0.5))
    assert of(told, "availability") == ["online", "offline"]
    assert of(bridge.receive(event(501.0), at(310.0)), "availability") == ["online"]


def test_a_night_of_zeros_is_online() -> None:
    bridge = identified(site(P))
    told: list[Message] = []
    for second in range(1, 1000):
        told += bridge.receive(event(-0.0, 0.0), at(second)) + bridge.tick(at(second + 0.5))
    assert of(told, "availability") == ["online"]


def test_stopping_says_offline_once() -> None:
    bridge = identified(site(P, N))
    bridge.receive(event(), at(1.0))
    assert said(bridge.stop()) == [(f"envoy/{SERIAL}/availability", "offline")]
    assert bridge.stop() == []


def test_a_new_connection_does_not_change_availability_by_itself() -> None:
    bridge = identified(site(P, N))
    bridge.receive(event(), at(1.0))
    assert bridge.identify(site(P, N), ACCESS, STEP) == []
    bridge.open(at(5.0))
    assert bridge.tick(at(6.0)) == []
    assert of(bridge.receive(event(), at(7.0)), "availability") == []


# What changes


def emptied(messages: Iterable[Message]) -> set[str]:
    """Topics that are emptied: a retained message of no bytes takes the last one away."""
    gone = [message for message in messages if message.payload == b""]
    assert all(message.retain for message in gone)
    return {message.topic.removeprefix(f"envoy/{SERIAL}/") for message in gone}


def test_a_meter_that_is_gone_leaves_no_topic_behind() -> None:
    bridge = identified(site(P, N))
    bridge.receive(event(), at(1.0))
    messages = bridge.identify(site(P), ACCESS, STEP)
    assert emptied(messages) == {"net", "consumption"}
    assert of(messages, "gateway")[0]["meters"] == [
        {"eid": 704643328, "type": "production", "enabled": True, "status": "normal", "flags": []}
    ]
    topics = [topic for topic, _ in said(bridge.receive(event(), at(2.0)))]
    assert topics == [f"envoy/{SERIAL}/live", f"envoy/{SERIAL}/production"]


def test_the_scalars_of_what_is_gone_are_emptied_too() -> None:
    bridge = identified(site(P, phases=2), Publish(live=False, meters=False, scalars=True))
    bridge.receive(event(), at(1.0))
    gone = emptied(bridge.identify(site(P), ACCESS, STEP))
    values = ("power", "reactive_power", "apparent_power", "power_factor", "voltage", "current", "frequency")
    assert gone == {f"sensor/production_l{n}_{value}" for n in (1, 2) for value in values}


def test_a_meter_that_came_has_its_topics_and_nothing_is_emptied() -> None:
    bridge = identified(site(P))
    bridge.receive(event(), at(1.0))
    assert emptied(bridge.identify(site(P, N), ACCESS, STEP)) == set()
    assert len(bridge.receive(event(), at(2.0))) == 4


def test_a_disabled_meter_is_gone() -> None:
    """`activeCount 0` glitches and people who unscrew things (protocol notes, section 9, line 21)."""
    bridge = identified(site(P, N))
    less = Site(site().identity, (meter(P, 1), meter(N, 1, enabled=False)))
    assert emptied(bridge.identify(less, ACCESS, STEP)) == {"net", "consumption"}


def test_another_gateway_at_the_same_address_leaves_the_old_one_offline() -> None:
    bridge = identified(site(P, N))
    bridge.receive(event(), at(1.0))
    messages = bridge.identify(site(P, N, serial="122100000099"), ACCESS, STEP)
    told = [topic_and_text for topic_and_text in said(messages) if topic_and_text[0].endswith("availability")]
    assert told == [
        (f"envoy/{SERIAL}/availability", "offline"),
        ("envoy/122100000099/availability", "offline"),
    ]
    assert emptied(messages) == set()
    bridge.open(at(2.0))
    topics = {message.topic for message in bridge.receive(event(), at(3.0))}
    assert all(topic.startswith("envoy/122100000099/") for topic in topics)
    assert "envoy/122100000099/availability" in topics


def test_another_gateway_is_not_fresh_because_the_old_one_was() -> None:
    bridge = identified(site(P, N))
    bridge.receive(event(), at(1.0))
    bridge.identify(site(P, N, serial="122100000099"), ACCESS, STEP)
    assert bridge.tick(at(2.0)) == []
    assert not bridge.online


def test_the_sequence_grows_by_one_with_each_reading_whatever_happens() -> None:
    bridge = identified(site(P, N))
    told = bridge.receive(event() + GARBAGE + event(), at(1.0))
    bridge.open(at(2.0))
    told += bridge.receive(event(), at(3.0))
    bridge.identify(site(P), ACCESS, STEP)
    told += bridge.receive(event(), at(4.0))
    numbers = [content(m)["sequence"] for m in told if m.topic.endswith("/live")]
    assert numbers == [1, 2, 3, 4]


# Bytes


def test_with_a_journal_each_gateways_numbers_go_on_where_they_ended() -> None:
    other = "122100000025"
    bridge = Bridge(Publish(journal=True), numbers={SERIAL: 41, other: 1000})

    def numbers(serial: str, steady: float) -> list[int]:
        bridge.identify(site(P, N, serial=serial), ACCESS, STEP)
        bridge.open(at(steady))
        messages = bridge.receive(event() + event(), at(steady + 1.0))
        return [content(message)["sequence"] for message in messages if message.kept]

    assert numbers(SERIAL, 0.0) == [42, 43]
    assert numbers(other, 10.0) == [1001, 1002]
    assert numbers(SERIAL, 20.0) == [44, 45]
    assert bridge.readings == 6


def test_what_a_broken_connection_began_is_forgotten() -> None:
    bridge = identified(site(P, N))
    assert bridge.receive(event()[:400], at(1.0)) == []
    bridge.open(at(2.0))
    assert len(of(bridge.receive(event(), at(3.0)), "live")) == 1
    assert bridge.skipped.total() == 0


def test_an_event_that_is_too_long_is_skipped_and_counted() -> None:
    bridge = identified(site(P, N))
    told = bridge.receive(b"data: " + b" " * 70_000 + b"\r\n\r\n" + event(), at(1.0))
    assert len(of(told, "live")) == 1
    assert bridge.skipped == {"too_long": 1}
    assert "64 KiB" in bridge.problem


def test_time_is_when_the_reading_was_taken() -> None:
    """8 after 8 s, the third of them unreadable: it counts in k."""
    bridge = identified(site(P, N), opened=100.0)
    told = bridge.receive(event() * 2 + GARBAGE + event() * 5, at(108.0))
    assert [live["time"] - UNIX for live in of(told, "live")] == [101, 102, 104, 105, 106, 107, 108]


def test_every_topic_of_a_reading_has_the_same_time() -> None:
    bridge = identified(site(P, N), opened=100.0)
    for message in bridge.receive(event(), at(103.5)):
        if message.content_type:
            assert content(message)["time"] == UNIX + 100 + 3.5 / 4
            assert content(message)["timestamp"].endswith("Z")


def test_a_clock_that_was_set_is_followed() -> None:
    bridge = identified(site(P, N))
    bridge.receive(event(), at(1.0))
    (live,) = of(bridge.receive(event(), Instant(2.0, UNIX - 3600)), "live")
    assert live["time"] == UNIX - 3600


def test_a_message_that_waits_for_the_broker_is_good_as_long_as_a_reading_is_fresh() -> None:
    bridge = identified(site(P, N), Publish(fresh_s=20.0))
    for message in bridge.receive(event(), at(50.0)):
        assert message.good_until == (70.0 if message.content_type else float("inf"))


# Properties

LAYOUTS = [site(P, N), site(P, T, phases=2), site(P, N, phases=3), site(P, N, S, phases=2), site(N), site(P)]
LAYOUTS.append(site())


def keys_of(layout: Site) -> dict[str, set[str]]:
    """The keys of each topic of a layout, as one good event and the time after it show them."""
    bridge = identified(layout)
    messages = bridge.receive(event(), at(1.0))
    for later in (1.0, 11.0, 200.0):
        messages += bridge.tick(at(later)) + bridge.sum_up(at(later))
    return {m.topic: set(content(m)) for m in messages if m.content_type}


KEYS = [keys_of(layout) for layout in LAYOUTS]

WORDS = st.sampled_from(
    [
        b"",
        b" ",
        b"null",
        b"true",
        b"[]",
        b"{}",
        b"5",
        b"NaN",
        b'{"production":{}}',
        b"<html></html>",
        b"\xff\xfe",
    ]
)
HOSTILE = st.sampled_from(
    [
        event().replace(b"500.0", b"NaN"),
        event().replace(b"500.0", b"1e999"),
        event().replace(b"500.0", b"null"),
        event().replace(b"500.0", b'"500.0"'),
        event().replace(b"500.0", b"true"),
        event().replace(b"500.0", b"9" * 400),
        event().replace(b"production", b"productio"),
        event().replace(b'"v":230.0', b'"v":1e-310'),
        event().replace(b'"v":230.0', b'"v":-230.0'),
        event().replace(b"500.0", b"1e9").replace(b"-200.0", b"-1e9"),
        event()[:-20] + b"\r\n\r\n",
        b"data: " + b"[" * 2000 + b"\r\n\r\n",
        b": " + b"x" * 70_000 + b"\n",
        b"data: " + b"x" * 70_000 + b"\n\n",
        b"event: x\r\nid\r\nretry: 5\r\n",
        b"\xef\xbb\xbf",
        b"\r",
        b"\n",
        b"\r\n",
        b"data\n",
    ]
)
VALID = st.builds(
    event,
    st.floats(-1e5, 1e5),
    st.floats(-1e5, 1e5),
    end=st.sampled_from([b"\r\n\r\n", b"\n\n", b"\r\r", b"\r\n\n"]),
    v=st.sampled_from([230.0, 0.0, -0.0, 1e-9]),
    i=st.sampled_from([1.5, -1.5, -0.0]),
)
PIECES = st.one_of(
    VALID, VALID, WORDS.map(lambda word: b"data: " + word + b"\n\n"), HOSTILE, st.binary(max_size=30)
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A good event in which a few bytes are others."""
    data = bytearray(draw(VALID))
    for _ in range(draw(st.integers(1, 3))):
        where = draw(st.integers(6, len(data) - 1))
        data[where : where + draw(st.integers(0, 2))] = draw(st.binary(max_size=2))
    return bytes(data)


STREAMS = st.lists(PIECES | mutated(), max_size=8)


def check(messages: Iterable[Message], keys: dict[str, set[str]], latest: float) -> None:
    """Nothing but the layout's topics, each with its keys, and numbers that are."""
    times, numbers = [0.0], [0]
    for message in messages:
        told = content(message)
        if isinstance(told, str):
            assert message.topic == f"envoy/{SERIAL}/availability"
            continue
        assert set(told) == keys[message.topic]
        assert b"-0.0," not in message.payload
        for key, value in told.items():
            assert (
                value is None or key in ("timestamp", "source") or key.endswith("_source") or isfinite(value)
            )
            if value is not None and key.endswith(("current", "apparent_power")):
                assert value >= 0
            if value is not None and key.endswith("power_factor"):
                assert -1 <= value <= 1
        if message.topic.endswith("/live"):
            times.append(told["time"])
            numbers.append(told["sequence"])
    assert all(before <= after for before, after in pairwise(times))
    assert times[-1] <= latest
    assert numbers == list(range(len(numbers)))


@settings(max_examples=900)
@given(st.sampled_from(range(len(LAYOUTS))), STREAMS, st.floats(0.0, 40.0))
def test_whatever_comes_only_good_messages_leave(which: int, pieces: list[bytes], pause: float) -> None:
    bridge = identified(LAYOUTS[which])
    told: list[Message] = []
    now = 1.0
    for piece in pieces:
        told += bridge.receive(piece, at(now))
        told += bridge.tick(at(now)) + bridge.sum_up(at(now))
        now += pause
    told += bridge.receive(b"\r\n\r\n" + event(), at(now))
    check(told, KEYS[which], UNIX + now + 0.001)
    assert len(of(told, "live")) == bridge.readings
    good, bad = bridge.readings, bridge.skipped.total()
    assert good >= 1, "after garbage a good event is read"
    assert good + bad <= 2 + sum(piece.count(b"\n") + piece.count(b"\r") for piece in pieces)


@settings(max_examples=300)
@given(
    st.sampled_from(LAYOUTS),
    STREAMS.map(b"".join),
    st.lists(st.integers(0, 20_000), max_size=12),
    st.booleans(),
)
def test_however_the_bytes_are_cut_the_messages_are_the_same(
    layout: Site, stream: bytes, places: list[int], finely: bool
) -> None:
    edges = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    chunks = [stream[start:end] for start, end in pairwise(edges)]
    if finely:
        chunks = [stream[n : n + 7] for n in range(0, len(stream), 7)]
    publish = Publish(scalars=True)
    whole, cut = identified(layout, publish), identified(layout, publish)
    told = [message for chunk in chunks for message in cut.receive(chunk, at(9.0))]
    assert told == whole.receive(stream, at(9.0))
    assert (cut.skipped, cut.readings) == (whole.skipped, whole.readings)


@settings(max_examples=400)
@given(st.sampled_from(range(len(LAYOUTS))), st.binary(max_size=300))
def test_random_bytes_do_nothing_at_all(which: int, noise: bytes) -> None:
    bridge = identified(LAYOUTS[which])
    bridge.receive(noise, at(1.0))
    told = bridge.receive(b"\n\n" + event(), at(2.0))
    check(told, KEYS[which], UNIX + 2)
    assert len(of(told, "live")) == bridge.readings == 1


# What was captured on real gateways


def captured(name: str) -> tuple[bytes, list[Any]]:
    """A capture's bytes, its comments as the stream's comments, and its whole events."""
    (path,) = CAPTURES.glob(f"{name}_*")
    text = path.read_text()
    wire_text = "".join(":" + line if line[:1] == "#" else line for line in text.splitlines(keepends=True))
    events = []
    for line in text.splitlines():
        with suppress(ValueError):
            events.append(json.loads(line.removeprefix("data: ")))
    return wire_text.replace("\n", "\r\n").encode(), events


def per_phase(events: Any, section: str, phases: int) -> list[list[float]]:
    return [[event[section][key]["p"] for key in ("ph-a", "ph-b", "ph-c")[:phases]] for event in events]


CAPTURED = [("01", 1, 22), ("06", 3, 1), ("07", 3, 1), ("09", 2, 1), ("10", 3, 2)]


def test_captures_come_out_as_their_numbers_say() -> None:
    for name, phases, whole in CAPTURED if CAPTURES.exists() else []:
        stream, events = captured(name)
        assert len(events) == whole
        bridge = identified(site(P, N, phases=phases))
        told: list[Message] = []
        for start in range(0, len(stream), 1000):
            told += bridge.receive(stream[start : start + 1000], at(1.0))
        assert bridge.readings == whole
        assert bridge.skipped.total() == 0
        production = [sum(legs) for legs in per_phase(events, "production", phases)]
        net = [sum(legs) for legs in per_phase(events, "net-consumption", phases)]
        total = [sum(legs) for legs in per_phase(events, "total-consumption", phases)]
        lives = of(told, "live")
        assert [live["production_power"] for live in lives] == pytest.approx(production, abs=0.0501)
        assert [live["net_power"] for live in lives] == pytest.approx(net, abs=0.0501)
        assert [live["consumption_power"] for live in lives] == pytest.approx(total, abs=0.0545)
        imported = [max(0.0, watts) for watts in net]
        exported = [max(0.0, -watts) for watts in net]
        assert [live["grid_import_power"] for live in lives] == pytest.approx(imported, abs=0.0501)
        assert [live["grid_export_power"] for live in lives] == pytest.approx(exported, abs=0.0501)
        if phases > 1:
            legs = per_phase(events, "net-consumption", phases)
            for n in range(phases):
                shown = [net[f"l{n + 1}_power"] for net in of(told, "net")]
                assert shown == pytest.approx([leg[n] for leg in legs], abs=0.0501)


def test_a_buffer_of_22_captured_events_is_a_burst_of_22_seconds() -> None:
    """Firmware 7.0.88, one 16 KiB buffer after 22 s: a second between two, in order."""
    for name, phases, whole in CAPTURED[:1] if CAPTURES.exists() else []:
        stream, _ = captured(name)
        bridge = identified(site(P, N, phases=phases), opened=100.0)
        lives = of(bridge.receive(stream, at(100.0 + whole)), "live")
        assert [live["time"] - UNIX for live in lives] == list(range(101, 101 + whole))


# Microinverters


def with_inverters(*known: object) -> Bridge:
    """A bridge whose last run knew these."""
    bridge = Bridge(Publish(), Wanted(inverters_s=300.0), books={SERIAL: {"inverters": list(known)}})
    bridge.identify(site(P), ACCESS, STEP)
    return bridge


def report(bridge: Bridge, **reported: int) -> list[str]:
    """The gateway answers when which one reported, by serial; the topics that are told."""
    entries = [
        {"serialNumber": name, "lastReportDate": unix, "lastReportWatts": 5, "maxReportWatts": 9}
        for name, unix in reported.items()
    ]
    return [it.topic for it in bridge.answer(inverters.PATH, json.dumps(entries).encode(), at(0.0))]


def test_those_of_the_last_run_are_there_until_the_gateway_was_asked() -> None:
    bridge = with_inverters("A1", "B2")
    assert bridge.inverters == ("A1", "B2")
    assert f"envoy/{SERIAL}/inverter/A1" in bridge.topics
    assert report(bridge, B2=1_790_000_000, C3=1_790_000_000) == [
        f"envoy/{SERIAL}/inverter/B2",
        f"envoy/{SERIAL}/inverter/C3",
    ]
    assert bridge.inverters == ("B2", "C3")
    assert bridge.book["inverters"] == ["B2", "C3"]


def test_an_answer_that_names_none_takes_none_away() -> None:
    bridge = with_inverters("A1")
    assert report(bridge) == []
    assert bridge.inverters == ("A1",)


def test_a_report_is_told_once() -> None:
    bridge = with_inverters()
    assert report(bridge, A1=1_790_000_000)
    assert report(bridge, A1=1_790_000_000) == []
    assert report(bridge, A1=1_790_000_300)


def test_who_does_not_want_them_has_none() -> None:
    bridge = Bridge(Publish(), books={SERIAL: {"inverters": ["A1"]}})
    bridge.identify(site(P), ACCESS, STEP)
    assert bridge.inverters == ()


@pytest.mark.parametrize("known", [[5], [None], ["a b"], ["#"], [["A1"]], [{}]])
def test_what_no_serial_can_be_is_not_remembered_as_one(known: list[object]) -> None:
    assert with_inverters(*known).inverters == ()


def test_a_book_that_knows_of_no_inverters_is_as_good() -> None:
    bridge = Bridge(Publish(), Wanted(inverters_s=300.0), books={SERIAL: {"inverters": "A1"}})
    bridge.identify(site(P), ACCESS, STEP)
    assert bridge.inverters == ()


def test_its_topics_are_those_that_a_broker_keeps() -> None:
    names = ("availability", "gateway", "energy", "state", "live", "production")
    assert identified(site(P)).topics == {f"envoy/{SERIAL}/{name}" for name in names}
    assert identified(site(P), Publish(retain=False)).topics == {f"envoy/{SERIAL}/availability"}


# Pages, and a site that becomes another one

METERS_PATH, READINGS_PATH = "/ivp/meters", "/ivp/meters/readings"
INVENTORY_PATH, INVERTERS_PATH = "/ivp/ensemble/inventory", "/api/v1/production/inverters"


def meters_page(*kinds: Kind, status: str = "normal") -> bytes:
    return json.dumps(
        [
            {
                "eid": EIDS[TYPES[kind]],
                "state": "enabled",
                "measurementType": TYPES[kind],
                "phaseMode": "three",
                "phaseCount": 1,
                "meteringStatus": status,
                "statusFlags": [],
            }
            for kind in kinds
        ]
    ).encode()


def readings_page(*kinds: Kind, counter: float) -> bytes:
    channel = {"activePower": 100.0, "voltage": 230.0, "actEnergyDlvd": counter, "actEnergyRcvd": 0.0}
    return json.dumps(
        [{"eid": EIDS[TYPES[kind]], "timestamp": 1_790_000_000, "channels": [channel] * 3} for kind in kinds]
    ).encode()


def test_a_reading_of_which_live_has_left_is_not_finished_for_another_site() -> None:
    """The list of meters may be answered between a reading's messages."""
    for before, after in (((P,), (P, N)), ((P, N), (P,))):
        bridge = identified(site(*before))
        messages = bridge.read(event(), at(1.0))
        assert next(messages).topic.endswith("/live")
        told = list(bridge.answer(METERS_PATH, meters_page(*after), at(1.0))) + list(messages)
        late = {message.topic.rpartition("/")[2] for message in told if message.payload}
        assert not late & {"production", "net", "consumption"}
        assert of(bridge.receive(event(), at(2.0)), "live")


def test_a_meters_status_changes_nothing_but_what_is_said_of_it() -> None:
    bridge = identified(site(P, N))
    bridge.sum_up(at(0.5))
    list(bridge.answer(READINGS_PATH, readings_page(P, N, counter=5_000_000.0), at(1.0)))
    bridge.receive(event(), at(1.0))
    assert of(bridge.sum_up(at(1.5)), "energy")
    told = list(bridge.answer(METERS_PATH, meters_page(P, N, status="check-wiring"), at(2.0)))
    (gateway,) = of(told, "gateway")
    assert [each["status"] for each in gateway["meters"]] == ["check-wiring"] * 2
    assert not emptied(told)
    bridge.receive(event(), at(3.0))
    (state,) = of(bridge.sum_up(at(11.0)), "state")
    assert state["production_energy"] == 5000.0


def test_an_empty_list_of_meters_takes_nothing_away() -> None:
    """Minutes after a start some gateways have forgotten what is fitted."""
    bridge = identified(site(P, N))
    assert not emptied(bridge.answer(METERS_PATH, b"[]", at(1.0)))
    assert of(bridge.receive(event(), at(2.0)), "net")


def test_a_battery_is_there_when_it_is_listed_and_gone_when_three_lists_lack_it() -> None:
    bridge = identified(Site(Identity(SERIAL, "", "D8.3.5167", True, True), site(P, N).meters))
    listed = b'[{"type":"ENCHARGE","devices":[{"serial_num":"1"}]}]'
    list(bridge.answer(INVENTORY_PATH, listed, at(1.0)))
    assert of(bridge.receive(event(), at(2.0)), "storage")
    for second in (3.0, 4.0):
        assert not emptied(bridge.answer(INVENTORY_PATH, b"[]", at(second)))
    assert emptied(bridge.answer(INVENTORY_PATH, b"[]", at(5.0))) == {"storage"}


@pytest.mark.parametrize("date", [9e11, -9e11, -1.0, 253_402_300_800.0])
def test_no_date_of_an_inverter_ends_the_bridge(date: float) -> None:
    bridge = identified(site(P), wanted=Wanted(inverters_s=300.0))
    page = [{"serialNumber": "1", "lastReportDate": date, "lastReportWatts": 1, "maxReportWatts": 2}]
    with pytest.raises(BadAnswer):
        list(bridge.answer(INVERTERS_PATH, json.dumps(page).encode(), at(1.0)))


def test_an_inverters_report_is_told_once_and_rounded() -> None:
    bridge = identified(site(P), wanted=Wanted(inverters_s=300.0))
    page = [{"serialNumber": "7", "lastReportDate": 1_790_000_000, "lastReportWatts": -0.0}]
    page[0] |= {"maxReportWatts": 12.34}
    (report,) = of(bridge.answer(INVERTERS_PATH, json.dumps(page).encode(), at(1.0)), "inverter/7")
    assert (report["power"], report["max_power"], report["reported"]) == (0.0, 12.3, "2026-09-21T14:13:20Z")
    assert not of(bridge.answer(INVERTERS_PATH, json.dumps(page).encode(), at(2.0)), "inverter/7")


def test_a_book_of_nobodys_is_told_to_be_forgotten() -> None:
    bridge = Bridge(Publish(), books={SERIAL: {"energy": {"accounts": 7}}})
    bridge.identify(site(P, N), ACCESS, STEP)
    assert bridge.forgotten
    again = Bridge(Publish(), books={SERIAL: identified(site(P, N)).book})
    again.identify(site(P, N), ACCESS, STEP)
    assert not again.forgotten


# What other bridges would have said


def imitating(shape: Shape) -> Bridge:
    bridge = Bridge(Publish(), imitation=Imitation(Imitated(shape, freeds=True)))
    bridge.identify(site(P, N), ACCESS, STEP)
    bridge.open(at(0.0))
    return bridge


def test_what_other_bridges_would_have_said_comes_last() -> None:
    bridge = imitating("stream")
    topics = [message.topic for message in bridge.receive(event(), at(1.0))]
    assert topics[0] == f"envoy/{SERIAL}/live"
    others = [topics.index(topic) for topic in ("/envoy/json", "Inverter/GridWatts")]
    assert topics.index(f"envoy/{SERIAL}/consumption") < others[0] < others[1]


def test_nothing_of_it_is_kept_by_a_broker() -> None:
    bridge = imitating("stream")
    bridge.receive(event(), at(1.0))
    assert all(topic.startswith(f"envoy/{SERIAL}/") for topic in bridge.topics)


def test_another_gateways_page_is_not_put_beside_these_readings() -> None:
    bridge = imitating("readings")
    list(bridge.answer(READINGS_PATH, readings_page(P, N, counter=5_000_000.0), at(1.0)))
    assert "/envoy/json" in {message.topic for message in bridge.receive(event(), at(2.0))}
    bridge.identify(site(P, N, serial="122100000099"), ACCESS, STEP)
    bridge.open(at(3.0))
    assert "/envoy/json" not in {message.topic for message in bridge.receive(event(), at(4.0))}
