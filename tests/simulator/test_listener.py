import aiohttp
import pytest
from aiohttp import web

from envoy_mqtt.simulator.listener import Listener


async def _answer(request: web.Request) -> web.StreamResponse:
    return web.Response(text=request.path)


async def test_a_listener_answers_counts_its_connections_and_can_cut_them() -> None:
    counts: list[int] = []
    listener = Listener("127.0.0.1", 0, None, _answer, lambda: counts.append(listener.connections))
    await listener.start()
    await listener.door.open()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{listener.door.port}") as session:
        async with session.get("/x") as answer:
            assert await answer.text() == "/x"
        assert (counts, listener.connections) == ([0], 1)
        listener.hang_up()
        listener.door.shut()
        with pytest.raises(aiohttp.ClientError):
            await session.get("/x")
    await listener.stop()
    assert listener.connections == 0
