"""One gateway's connections, deadlines and counts, over real sockets."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import aiohttp
import pytest

from envoy_mqtt.errors import BadAnswer
from envoy_mqtt.gateway.guard import Guard
from envoy_mqtt.gateway.road import Road
from envoy_mqtt.gateway.wire import LARGEST_ANSWER, Wire
from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options, Pace


@asynccontextmanager
async def wired(gateway: Gateway, road: Road | None = None) -> AsyncIterator[Wire]:
    wire = Wire(f"{gateway.host}:{gateway.port}", Guard("off"), road or Road())
    try:
        yield wire
    finally:
        await wire.close()


async def test_questions_asked_at_once_are_put_one_after_the_other_on_one_connection(keys: Keys) -> None:
    async with Gateway(keys=keys) as gateway, wired(gateway) as wire:
        await gateway.fault("slow", delay_s=0.05, pause_s=0.0)
        answers = await asyncio.gather(*(wire.ask("GET", "/info", {}) for _ in range(4)))
        assert [answer.status for answer in answers] == [200] * 4
        assert len(gateway.visits.connections) == 1
        times = [visit.at for visit in gateway.visits.requests]
        assert all(after - before >= 0.05 for before, after in pairwise(times))


async def test_a_stream_has_a_connection_of_its_own(keys: Keys) -> None:
    options = Options(pace=Pace.MANUAL, tokens=False)
    async with Gateway(options, keys=keys) as gateway, wired(gateway) as wire:
        async with wire.stream("/stream/meter", {}) as response:
            assert response.status == 200
            for _ in range(3):
                await wire.ask("GET", "/info", {})
            assert len(gateway.visits.connections) == 2
        assert gateway.visits.peak_connections == 2


async def test_a_refusal_is_read_to_its_end_and_its_connection_kept(keys: Keys) -> None:
    async with Gateway(keys=keys) as gateway, wired(gateway) as wire:
        for _ in range(3):
            assert (await wire.ask("GET", "/ivp/meters", {})).status == 401
        assert len(gateway.visits.connections) == 1


async def test_every_request_is_counted_by_path_and_outcome(keys: Keys) -> None:
    road = Road()
    async with Gateway(keys=keys) as gateway:
        async with wired(gateway, road) as wire:
            await wire.ask("GET", "/info", {})
            await wire.ask("GET", "/ivp/meters?details=1", {})
            await gateway.fault("hang_up")
            with pytest.raises(aiohttp.ServerDisconnectedError):
                await wire.ask("GET", "/info", {})
        await gateway.clear()
        async with wired(gateway, road) as wire:
            await wire.ask("GET", "/info", {})
    assert road.requests == Counter({("/info", "200"): 2, ("/info", "error"): 1, ("/ivp/meters", "401"): 1})


async def test_a_connection_that_closes_before_the_answer_is_not_asked_again(keys: Keys) -> None:
    async with Gateway(keys=keys) as gateway, wired(gateway) as wire:
        await gateway.fault("hang_up")
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await wire.ask("GET", "/info", {})
        assert len(gateway.visits.connections) == 1


async def test_a_redirect_is_an_answer_and_not_followed(keys: Keys) -> None:
    async with Gateway(keys=keys) as gateway, wired(gateway) as wire:
        await gateway.fault("redirect")
        assert (await wire.ask("GET", "/info", {"Authorization": "Bearer x"})).status == 301
        assert len(gateway.visits.requests) == 1


async def test_json_is_posted_as_json(keys: Keys) -> None:
    async with Gateway(Options(tokens=False), keys=keys) as gateway, wired(gateway) as wire:
        await wire.ask("POST", "/ivp/nothing", {}, {"enable": 1})
        assert gateway.visits.requests[0].method == "POST"


async def test_an_answer_without_an_end_is_given_up() -> None:
    """A megabyte and more, from whoever sits at the address."""

    async def pour(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 65536)
                await writer.drain()
        except ConnectionError:
            writer.close()

    async with await asyncio.start_server(pour, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        wire = Wire(f"127.0.0.1:{port}", Guard("off"), Road())
        wire.scheme = "http"
        with pytest.raises(BadAnswer, match=f"more than {LARGEST_ANSWER // 1024} KiB"):
            await wire.ask("GET", "/info", {})
        await wire.close()
