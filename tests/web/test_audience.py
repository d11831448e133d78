"""Viewers get what the broker gets; slow ones the newest, and nobody waits for them."""

import asyncio
import tracemalloc

from envoy_mqtt.mqtt.message import Message
from envoy_mqtt.outbox import BEHIND, Outbox
from envoy_mqtt.web.audience import Audience, waiting

SERIAL = "122100000017"


def live(n: int) -> Message:
    return Message(f"envoy/{SERIAL}/live", b'{"sequence":%d}' % n)


def framed(n: int) -> bytes:
    return b'event: live\ndata: {"serial":"122100000017","sequence":%d}\n\n' % n


async def test_a_viewer_gets_what_is_put_from_then_on_in_order() -> None:
    audience, outbox = Audience("envoy"), Outbox()
    outbox.onlooker = audience
    with audience.viewing() as viewer:
        outbox.put([live(1), Message(f"envoy/{SERIAL}/net", b"{}"), live(2)])
        assert await waiting(viewer) == framed(1) + framed(2)
        outbox.put([live(3)])
        assert await waiting(viewer) == framed(3)


async def test_a_viewer_who_comes_begins_with_the_last_of_everything() -> None:
    audience = Audience("envoy")
    for message in (live(1), Message(f"envoy/{SERIAL}/availability", b"online"), live(2)):
        audience.see(message)
    with audience.viewing() as viewer:
        told = await waiting(viewer)
    assert told == framed(2) + (
        b'event: availability\ndata: {"serial":"122100000017","availability":"online"}\n\n'
    )


async def test_it_is_remembered_since_when_a_gateway_is_what_it_is() -> None:
    audience = Audience("envoy")
    topic = f"envoy/{SERIAL}/availability"
    audience.see(Message(topic, b"offline"))
    first = audience.since[SERIAL]
    audience.see(Message(topic, b"offline"))
    assert audience.since == {SERIAL: first}
    audience.see(Message(topic, b"online"))
    assert audience.since[SERIAL] > first
    audience.see(Message(topic, b""))
    assert audience.since == {}


async def test_a_viewer_who_is_slow_gets_the_newest_and_the_other_everything() -> None:
    audience = Audience("envoy")
    with audience.viewing() as slow, audience.viewing() as quick:
        seen = b""
        for n in range(1, 3 * BEHIND + 1):
            audience.see(live(n))
            if n % 10 == 0 or n == 3 * BEHIND:
                seen += await waiting(quick)
        assert seen == b"".join(map(framed, range(1, 3 * BEHIND + 1)))
        assert slow.qsize() <= BEHIND
        assert (await waiting(slow)).endswith(framed(3 * BEHIND))


async def test_who_has_gone_is_told_nothing_more() -> None:
    audience = Audience("envoy")
    with audience.viewing() as viewer:
        assert len(audience) == 1
    assert len(audience) == 0
    audience.see(live(1))
    with audience.viewing() as other:
        audience.see(live(2))
        await waiting(other)
        assert viewer.empty()


async def test_an_emptied_topic_is_forgotten() -> None:
    audience = Audience("envoy")
    audience.see(live(1))
    assert audience.payload(SERIAL, "live") == {"sequence": 1}
    audience.see(Message(f"envoy/{SERIAL}/live", b""))
    assert audience.last == {}
    assert audience.payload(SERIAL, "live") == {}


async def test_what_is_inside_is_seen_and_no_broker_gets_it() -> None:
    audience, outbox = Audience("envoy"), Outbox()
    outbox.onlooker = audience
    outbox.open(0.0)
    outbox.put([live(1)._replace(inside=True), live(2)])
    assert audience.payload(SERIAL, "live") == {"sequence": 2}
    assert (await outbox.next()).payload == b'{"sequence":2}'
    assert outbox.said(f"envoy/{SERIAL}/live") == live(2)


async def test_the_broker_is_served_before_any_viewer() -> None:
    audience, outbox = Audience("envoy"), Outbox()
    outbox.onlooker = audience
    outbox.open(0.0)
    order: list[str] = []

    async def work(name: str, work: asyncio.Future[object]) -> None:
        await work
        order.append(name)

    with audience.viewing() as viewer:
        tasks = [
            asyncio.create_task(work("viewer", asyncio.ensure_future(waiting(viewer)))),
            asyncio.create_task(work("broker", asyncio.ensure_future(outbox.next()))),
        ]
        await asyncio.sleep(0)
        outbox.put([live(1)])
        await asyncio.gather(*tasks)
    assert order == ["broker", "viewer"]


def test_answers_to_whatever_someone_asks_leave_nothing_behind() -> None:
    audience = Audience("envoy")
    tracemalloc.start()
    try:
        for n in range(5_000):
            audience.see(Message(f"envoy/bridge/response/no_such_{n}", b"{}", retain=False, good_until=30.0))
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 100_000, "20 bytes an answer"
