"""What waits for the broker: everything in order while it keeps up, the newest per topic when it does not."""

import asyncio
import tracemalloc
from collections import Counter
from collections.abc import Iterable, Iterator
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envoy_mqtt.mqtt.message import Message
from envoy_mqtt.outbox import Outbox

TOPICS = ("live", "production", "net", "consumption")


def message(topic: str, number: int, good_until: float = inf) -> Message:
    return Message(topic, str(number).encode(), good_until=good_until)


def opened(now: float = 0.0) -> Outbox:
    outbox = Outbox()
    outbox.open(now)
    return outbox


def put(outbox: Outbox, *texts: str) -> None:
    """Put messages written as TOPIC=NUMBER."""
    outbox.put([message(topic, int(number)) for topic, number in (text.split("=") for text in texts)])


async def take(outbox: Outbox) -> list[str]:
    """Everything that waits, in order, each sent."""
    taken: list[str] = []
    while True:
        try:
            async with asyncio.timeout(0):
                got = await outbox.next()
        except TimeoutError:
            return taken
        taken.append(f"{got.topic}={got.payload.decode()}")
        outbox.sent(got)


async def turn() -> None:
    """Let every other task come to its next wait."""
    for _ in range(10):
        await asyncio.sleep(0)


# While the broker keeps up


async def test_messages_leave_in_the_order_in_which_they_were_put() -> None:
    outbox = opened()
    put(outbox, "live=1", "production=1", "net=1", "live=2", "production=2", "net=2")
    assert await take(outbox) == ["live=1", "production=1", "net=1", "live=2", "production=2", "net=2"]
    assert outbox.replaced == 0


async def test_the_journal_takes_its_own_and_the_rest_leaves() -> None:
    kept = []

    def journal(messages: Iterable[Message]) -> Iterator[Message]:
        for each in messages:
            if each.topic == "journal":
                kept.append(each)
            else:
                yield each

    outbox = Outbox(journal)
    outbox.open(0.0)
    put(outbox, "live=1", "journal=1", "net=1")
    assert await take(outbox) == ["live=1", "net=1"]
    assert kept == [message("journal", 1)]
    assert outbox.said("journal") is None


async def test_a_burst_of_23_readings_leaves_whole() -> None:
    """Four topics of 23 readings in one put, as the 16 KiB buffer of firmware 7.0.88 releases them."""
    outbox = opened()
    burst = [f"{topic}={n}" for n in range(23) for topic in TOPICS]
    put(outbox, *burst)
    assert await take(outbox) == burst
    assert outbox.replaced == 0


async def test_64_on_a_topic_wait_whole() -> None:
    outbox = opened()
    put(outbox, *(f"live={n}" for n in range(64)))
    assert await take(outbox) == [f"live={n}" for n in range(64)]
    assert outbox.replaced == 0


async def test_a_reader_that_waits_gets_the_message_at_once() -> None:
    outbox = opened()
    reader = asyncio.create_task(outbox.next())
    await turn()
    put(outbox, "live=1")
    assert await reader == message("live", 1)


async def test_every_message_goes_to_exactly_one_of_several_readers() -> None:
    outbox = opened()
    taken: list[int] = []

    async def read() -> None:
        while True:
            message = await outbox.next()
            taken.append(int(message.payload))
            await asyncio.sleep(0)
            outbox.sent(message)

    readers = [asyncio.create_task(read()) for _ in range(8)]
    put(outbox, *(f"live={n}" for n in range(50)))
    await outbox.flushed()
    for reader in readers:
        reader.cancel()
    assert taken == list(range(50))


# When it falls behind


async def test_when_more_than_64_wait_on_a_topic_the_newest_wins() -> None:
    outbox = opened()
    put(outbox, "net=0", *(f"live={n}" for n in range(65)), "net=1")
    assert await take(outbox) == ["net=0", "live=64", "net=1"]
    assert outbox.replaced == 64


async def test_a_topic_that_is_behind_takes_nothing_from_others() -> None:
    outbox = opened()
    for n in range(64):
        put(outbox, f"live={n}", f"net={n}")
    put(outbox, "live=64")
    assert await take(outbox) == [*(f"net={n}" for n in range(64)), "live=64"]
    assert outbox.replaced == 64


async def test_what_is_under_way_is_not_waiting_any_more() -> None:
    outbox = opened()
    put(outbox, *(f"live={n}" for n in range(64)))
    first = await outbox.next()
    assert first.payload == b"0"
    put(outbox, "live=64")
    assert outbox.replaced == 0
    outbox.sent(first)
    assert await take(outbox) == [f"live={n}" for n in range(1, 65)]


@settings(max_examples=200)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 90), st.integers(0, 120)), max_size=12))
def test_what_leaves_and_what_was_replaced_are_together_what_was_put(
    steps: list[tuple[str, int, int]],
) -> None:
    """And on each topic numbers only rise, and the newest always leaves."""

    async def story() -> None:
        outbox, number = opened(), 0
        left: list[Message] = []
        newest: dict[str, int] = {}
        for topic, count, taken in steps:
            for _ in range(count):
                number += 1
                newest[topic] = number
                put(outbox, f"{topic}={number}")
            for _ in range(min(taken, number - len(left) - outbox.replaced)):
                left.append(await outbox.next())
                outbox.sent(left[-1])
        rest = await take(outbox)
        assert number == len(left) + len(rest) + outbox.replaced
        numbers = [(got.topic, int(got.payload)) for got in left]
        numbers += [(text[0], int(text[2:])) for text in rest]
        for topic, last in newest.items():
            mine = [n for name, n in numbers if name == topic]
            assert mine == sorted(mine)
            assert mine[-1] == last

    asyncio.run(story())


# While it is away


async def test_while_the_broker_is_away_the_newest_of_each_topic_wins() -> None:
    outbox = Outbox()
    put(outbox, "live=1", "net=1", "live=2", "net=2", "live=3", "state=1")
    assert outbox.replaced == 3
    outbox.open(0.0)
    assert await take(outbox) == ["live=3", "net=2", "state=1"]
    assert outbox.replaced == 3


async def test_what_the_broker_had_not_taken_when_it_went_waits_as_the_newest() -> None:
    """Two of live and one of net wait; live=1 is replaced by live=2 then, live=2 by live=3 later."""
    outbox = opened()
    put(outbox, "live=1", "live=2", "net=1")
    outbox.close()
    assert outbox.replaced == 1
    put(outbox, "live=3")
    assert outbox.replaced == 2
    outbox.open(0.0)
    assert await take(outbox) == ["live=3", "net=1"]
    assert outbox.replaced == 2


async def test_what_the_broker_has_taken_is_not_replaced_by_what_comes_while_it_is_away() -> None:
    outbox = opened()
    put(outbox, "live=1", "net=1")
    await take(outbox)
    outbox.close()
    put(outbox, "live=2")
    assert outbox.replaced == 0


async def test_closing_twice_and_closing_before_opening_do_nothing() -> None:
    outbox = Outbox()
    outbox.close()
    put(outbox, "live=1")
    outbox.open(0.0)
    outbox.close()
    outbox.close()
    outbox.open(0.0)
    assert await take(outbox) == ["live=1"]
    assert outbox.replaced == 0


# When it is back


async def test_a_new_connection_says_the_newest_of_every_topic_again_in_order() -> None:
    outbox = opened()
    put(outbox, "availability=0", "gateway=0", "live=1", "net=1", "availability=1", "live=2", "net=2")
    await take(outbox)
    outbox.close()
    outbox.open(0.0)
    assert await take(outbox) == ["availability=1", "gateway=0", "live=2", "net=2"]
    assert outbox.replaced == 0


async def test_what_was_waiting_when_the_connection_ended_is_said_once() -> None:
    outbox = opened()
    put(outbox, "live=1", "live=2")
    outbox.close()
    outbox.open(0.0)
    assert await take(outbox) == ["live=2"]


async def test_nothing_that_has_become_old_is_said_again() -> None:
    outbox = opened()
    outbox.put(
        [message("live", 1, good_until=130.0), message("net", 1, good_until=129.0), message("info", 1)]
    )
    await take(outbox)
    outbox.close()
    outbox.open(129.5)
    assert await take(outbox) == ["live=1", "info=1"]
    outbox.close()
    outbox.open(130.5)
    assert await take(outbox) == ["info=1"]


async def test_a_message_that_the_broker_never_had_is_not_sent_when_it_is_old() -> None:
    outbox = Outbox()
    outbox.put([message("live", 1, good_until=30.0)])
    outbox.open(3600.0)
    assert await take(outbox) == []
    outbox.put([message("live", 2, good_until=3630.0)])
    assert await take(outbox) == ["live=2"]


async def test_what_comes_after_the_connection_follows_what_is_said_again() -> None:
    outbox = Outbox()
    put(outbox, "live=1", "net=1")
    outbox.open(0.0)
    put(outbox, "live=2")
    assert await take(outbox) == ["live=1", "net=1", "live=2"]


async def test_an_emptied_topic_is_forgotten_once_the_broker_has_emptied_it() -> None:
    """Home Assistant warns each time that it is told again that nothing is there."""
    outbox = opened()
    put(outbox, "net=1")
    outbox.put([Message("net", b"")])
    assert await take(outbox) == ["net=1", "net="]
    outbox.close()
    outbox.open(0.0)
    assert await take(outbox) == []


async def test_a_topic_that_the_broker_has_not_emptied_is_emptied_when_it_is_back() -> None:
    outbox = opened()
    outbox.close()
    outbox.put([Message("net", b"")])
    outbox.open(0.0)
    assert await take(outbox) == ["net="]


async def test_what_is_said_while_a_topic_is_emptied_is_not_forgotten() -> None:
    outbox = opened()
    outbox.put([Message("net", b"")])
    emptied = await outbox.next()
    put(outbox, "net=2")
    outbox.sent(emptied)
    outbox.close()
    outbox.open(0.0)
    assert await take(outbox) == ["net=2"]


# Flushing


async def test_flushed_waits_for_what_waits_and_for_what_is_under_way() -> None:
    outbox = opened()
    put(outbox, "live=1", "live=2")
    flushed = asyncio.create_task(outbox.flushed())
    await turn()
    assert not flushed.done()
    message = await outbox.next()
    outbox.sent(message)
    message = await outbox.next()
    await turn()
    assert not flushed.done()
    outbox.sent(message)
    await turn()
    assert flushed.done()


async def test_flushed_is_there_at_once_when_nothing_waits() -> None:
    async with asyncio.timeout(0):
        await Outbox().flushed()
        await opened().flushed()


async def test_flushed_is_there_at_once_while_the_broker_is_away() -> None:
    outbox = Outbox()
    put(outbox, "live=1")
    async with asyncio.timeout(0):
        await outbox.flushed()


async def test_flushed_does_not_end_when_a_message_takes_the_place_of_all_others() -> None:
    """64 wait, the 65th replaces them: it waits still."""
    outbox = opened()
    put(outbox, *(f"live={n}" for n in range(64)))
    flushed = asyncio.create_task(outbox.flushed())
    await turn()
    put(outbox, "live=64")
    await turn()
    assert not flushed.done()
    assert await take(outbox) == ["live=64"]
    await turn()
    assert flushed.done()


async def test_replaced_messages_are_not_waited_for() -> None:
    outbox = opened()
    put(outbox, *(f"live={n}" for n in range(300)))
    await take(outbox)
    async with asyncio.timeout(0):
        await outbox.flushed()


# What was said, and giving way to it


async def test_what_was_said_last_is_known_while_it_waits_and_after_it_left() -> None:
    outbox = Outbox()
    assert outbox.said("state") is None
    put(outbox, "state=1", "state=2")
    assert outbox.said("state") == message("state", 2)
    outbox.open(0.0)
    await take(outbox)
    assert outbox.said("state") == message("state", 2)


async def test_settling_waits_for_nothing_at_the_usual_pace_or_while_the_broker_is_away() -> None:
    outbox = Outbox()
    put(outbox, *(f"t{n}=1" for n in range(500)))
    async with asyncio.timeout(0):
        await outbox.settle()
    outbox = opened()
    put(outbox, *(f"{topic}={n}" for n in range(16) for topic in TOPICS))
    async with asyncio.timeout(0):
        await outbox.settle()


async def test_settling_lets_a_healthy_broker_take_a_flood_whole() -> None:
    outbox = opened()

    async def read() -> None:
        while True:
            message = await outbox.next()
            outbox.sent(message)
            await asyncio.sleep(0)

    reader = asyncio.create_task(read())
    for n in range(0, 2000, 20):
        put(outbox, *(f"{topic}={n + k}" for k in range(20) for topic in TOPICS))
        await outbox.settle()
    await outbox.flushed()
    reader.cancel()
    assert outbox.replaced == 0


async def test_settling_does_not_wait_long_for_a_frozen_broker() -> None:
    outbox = opened()
    put(outbox, *(f"{topic}={n}" for n in range(30) for topic in TOPICS))
    async with asyncio.timeout(5):
        await outbox.settle()


# Memory


@pytest.mark.parametrize("connected", [False, True], ids=["away", "connected and nobody reads"])
def test_memory_is_bounded_by_the_topics_and_not_by_the_messages(connected: bool) -> None:
    """100,000 messages of 1 kB on four topics; what may wait is 64 on each."""
    outbox = opened() if connected else Outbox()
    counted: Counter[str] = Counter()
    tracemalloc.start()
    try:
        for n in range(100_000):
            topic = TOPICS[n % 4]
            counted[topic] += 1
            outbox.put([Message(topic, b"%1000d" % n)])
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000
    assert held <= peak
    if not connected:
        assert outbox.replaced == 100_000 - 4


async def test_what_passes_and_is_not_retained_is_said_again_only_if_it_did_not_arrive() -> None:
    def passing(topic: str) -> Message:
        return Message(topic, b"1", retain=False, good_until=9.0)

    outbox = Outbox()
    outbox.open(0.0)
    outbox.put([passing("arrived"), passing("under way"), passing("waiting"), Message("kept", b"1")])
    outbox.sent(await outbox.next())
    await outbox.next()
    outbox.close()
    outbox.put([passing("while away")])
    outbox.open(1.0)
    assert await take(outbox) == ["under way=1", "waiting=1", "kept=1", "while away=1"]


async def test_who_waits_for_the_last_message_is_let_go_when_the_broker_is_lost() -> None:
    outbox = Outbox()
    outbox.open(0.0)
    outbox.put([Message("a", b"1"), Message("b", b"1")])
    await outbox.next()
    waiting = asyncio.create_task(outbox.flushed())
    await turn()
    assert not waiting.done()
    outbox.close()
    await turn()
    assert waiting.done()


# Saying it again


async def test_everything_retained_is_said_again_in_the_order_in_which_it_was_said_first() -> None:
    """Availability was said before discovery, and is again; what was said since is the newest."""
    outbox = opened()
    put(outbox, "availability=1", "live=1", "config=1", "availability=2", "live=2")
    await take(outbox)
    outbox.say_again(0.0)
    assert await take(outbox) == ["availability=2", "live=2", "config=1"]


async def test_nothing_old_is_said_again() -> None:
    outbox = opened()
    outbox.put([message("live", 1, good_until=30.0), message("config", 1)])
    await take(outbox)
    outbox.say_again(30.0)
    assert await take(outbox) == ["live=1", "config=1"]
    outbox.say_again(30.1)
    assert await take(outbox) == ["config=1"]


async def test_while_the_broker_is_away_saying_it_again_waits_for_its_return() -> None:
    outbox = Outbox()
    put(outbox, "config=1")
    outbox.say_again(0.0)
    outbox.open(0.0)
    assert await take(outbox) == ["config=1"]


async def test_what_no_broker_keeps_and_stays_true_is_said_again_by_us() -> None:
    """Where `mqtt.retain` is off nobody else tells a Home Assistant that starts of a gateway's firmware."""
    outbox = opened()
    outbox.put([Message("gateway", b"1", retain=False), Message("journal", b"1", retain=False, kept=True)])
    outbox.put([Message("gateway", b"2", retain=False)])
    await take(outbox)
    outbox.say_again(0.0)
    assert await take(outbox) == ["gateway=2"]
    outbox.close()
    outbox.open(1.0)
    assert await take(outbox) == ["gateway=2"]


async def test_an_answer_is_forgotten_once_it_was_sent() -> None:
    """Whoever asks names the topic: remembering all of them would fill the memory."""
    outbox = opened()
    for number in range(100):
        outbox.put([Message(f"response/{number}", b"{}", qos=1, retain=False, good_until=9.0)])
    await take(outbox)
    assert [outbox.said(f"response/{number}") for number in range(100)] == [None] * 100
    outbox.say_again(0.0)
    assert await take(outbox) == []


async def test_an_answer_that_did_not_leave_does_with_the_next_connection() -> None:
    outbox = opened()
    outbox.put([Message("response/a", b"1", qos=1, retain=False, good_until=10.0)])
    outbox.close()
    outbox.open(5.0)
    assert await take(outbox) == ["response/a=1"]
    outbox.close()
    outbox.open(6.0)
    assert await take(outbox) == []


async def test_how_long_a_reading_took_is_not_measured_where_it_is_said_again() -> None:
    outbox = opened()
    outbox.put([Message("live", b"1", qos=1, arrived=7.0)])
    first = await outbox.next()
    outbox.sent(first)
    outbox.say_again(0.0)
    again = await outbox.next()
    assert (first.arrived, again.arrived) == (7.0, 0.0)
    assert again._replace(arrived=7.0) == first


# What is not with the broker yet


async def test_a_topic_is_held_until_the_broker_has_it() -> None:
    outbox = Outbox()
    put(outbox, "live=1")
    assert outbox.holds("live")
    outbox.open(0.0)
    assert outbox.holds("live")
    message = await outbox.next()
    assert outbox.holds("live")
    outbox.sent(message)
    assert not outbox.holds("live")


async def test_what_a_lost_broker_did_not_confirm_is_held() -> None:
    outbox = opened()
    put(outbox, "live=1", "net=1")
    await outbox.next()
    outbox.close()
    assert outbox.holds("live")
    assert outbox.holds("net")
    assert not outbox.holds("production")
