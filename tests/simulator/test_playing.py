import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options, Pace, Wiring
from tests.simulator.client import visiting

BLANK = b"\r\n\r\n"


async def events_of(options: Options, keys: Keys, number: int) -> list[bytes]:
    """The first events of a stream, whatever their chunks."""
    async with Gateway(options, keys=keys) as gateway, visiting(gateway) as client, client.stream() as stream:
        return [await stream.readuntil(BLANK) for _ in range(number)]


@pytest.mark.parametrize("pace", [Pace.STEADY, Pace.BURSTS, Pace.FLOOD])
async def test_every_pace_sends_whole_events(keys: Keys, pace: Pace) -> None:
    # At 1,000 a second a burst's longest hold is 13 ms.
    events = await events_of(Options(pace=pace, rate_hz=1000.0, phases=Wiring.THREE), keys, 40)
    for event in events:
        assert event.startswith(b"data: {")
        assert list(json.loads(event[6:])) == ["production", "net-consumption", "total-consumption"]


async def test_the_buffer_lets_go_of_16_kb_at_once_and_cuts_the_last_event(keys: Keys) -> None:
    options = Options(pace=Pace.BUFFER, rate_hz=2000.0)
    async with Gateway(options, keys=keys) as gateway, visiting(gateway) as client, client.stream() as stream:
        first = await _chunk(stream.readchunk)
        assert len(first) == 16_384
        # 16384 / 722: 22.7 events.
        assert 21 <= first.count(b"data: ") <= 23
        assert not first.endswith(BLANK)
        second = await _chunk(stream.readchunk)
        assert (first + second).count(BLANK) == (first + second).count(b"data: ") - 1


async def _chunk(read: Callable[[], Awaitable[tuple[bytes, bool]]]) -> bytes:
    """One HTTP chunk, put together again where it came in parts."""
    parts, whole = [], False
    while not whole:
        part, whole = await read()
        parts.append(part)
    return b"".join(parts)


async def test_a_manual_stream_says_nothing_by_itself(keys: Keys) -> None:
    options = Options(pace=Pace.MANUAL, rate_hz=1000.0)
    async with Gateway(options, keys=keys) as gateway, visiting(gateway) as client, client.stream() as stream:
        gateway.say(b"one")
        assert await stream.readany() == b"one"
        gateway.say(b"two")
        assert await stream.readany() == b"two"


async def test_a_flood_waits_for_a_client_that_does_not_read(keys: Keys) -> None:
    flood = Options(pace=Pace.FLOOD)
    async with Gateway(flood, keys=keys) as gateway, visiting(gateway) as client, client.stream() as stream:
        for _ in range(200):
            await asyncio.sleep(0)
        (one,) = gateway.streams
        assert one.unread < 8_000_000
        assert (await stream.readany()).startswith(b"data: ")
