"""What the Supervisor says of a broker, and what is made of a Supervisor that says nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from envoy_mqtt.errors import BrokerUnavailable
from envoy_mqtt.supervisor import Offer, Services
from tests.app.supervisor import TOKEN, supervising


@asynccontextmanager
async def saying(status: int, *pieces: str) -> AsyncIterator[Services]:
    """A Supervisor that always answers this, each piece once the one before has left."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=status)
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece.encode())
            for _ in range(50):  # turns of the loop, in which the other side reads
                await asyncio.sleep(0)
        return response

    app = web.Application()
    app.router.add_get("/services/mqtt", answer)
    async with TestServer(app) as server:
        yield Services(str(server.make_url("")).rstrip("/"), TOKEN)


async def refusal(services: Services) -> str:
    with pytest.raises(BrokerUnavailable) as caught:
        await services.broker()
    assert caught.value.reason == "unreachable"
    return str(caught.value)


async def test_as_long_as_no_app_offers_a_broker_the_sentence_says_which_to_install() -> None:
    async with supervising() as supervisor:
        services = Services(supervisor.url, TOKEN)
        assert "install and start" in await refusal(services)
        supervisor.offer(1883, "addons", "secret")
        assert await services.broker() == Offer("127.0.0.1", 1883, False, "addons", "secret")


async def test_a_new_password_is_known_at_the_next_question() -> None:
    async with supervising() as supervisor:
        services = Services(supervisor.url, TOKEN)
        supervisor.offer(1883, "addons", "old")
        await services.broker()
        supervisor.offer(1884, "addons", "new", ssl=True)
        assert await services.broker() == Offer("127.0.0.1", 1884, True, "addons", "new")


async def test_a_supervisor_that_is_away_leaves_the_broker_it_told_of() -> None:
    async with supervising() as supervisor:
        services = Services(supervisor.url, TOKEN)
        supervisor.offer(1883, "addons", "secret")
        before = await services.broker()
    assert await services.broker() == before


async def test_a_broker_that_was_removed_is_gone_even_where_the_supervisor_then_goes_away() -> None:
    async with supervising() as supervisor:
        services = Services(supervisor.url, TOKEN)
        supervisor.offer(1883, "addons", "secret")
        await services.broker()
        supervisor.broker = None
        assert "install and start" in await refusal(services)
    assert "it does not answer" in await refusal(services)


async def test_nobody_there_at_all_is_a_sentence() -> None:
    services = Services(f"http://127.0.0.1:{unused_port()}", TOKEN)
    assert "it does not answer" in await refusal(services)


async def test_a_refused_token_is_a_sentence_with_the_status_and_without_the_token() -> None:
    async with supervising() as supervisor:
        said = await refusal(Services(supervisor.url, "another"))
    assert "401" in said
    assert "another" not in said


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "null",
        '{"result": "ok"}',
        '{"data": null}',
        '{"data": {"host": "x"}}',
        '{"data": {"host": "x", "port": "mqtt"}}',
        "[" * 60_000,
    ],
)
async def test_an_answer_that_is_none_is_a_sentence(body: str) -> None:
    async with saying(200, body) as services:
        assert "cannot be read" in await refusal(services)


async def test_a_broker_without_a_login_is_one() -> None:
    async with saying(200, '{"data": {"host": "core-mosquitto", "port": 1883}}') as services:
        assert await services.broker() == Offer("core-mosquitto", 1883, False, None, None)


async def test_an_answer_in_pieces_is_one_answer() -> None:
    async with saying(200, '{"data": {"host": "core-mos', 'quitto", "port": 1883}}') as services:
        assert await services.broker() == Offer("core-mosquitto", 1883, False, None, None)


async def test_an_answer_without_an_end_is_not_heard_to_its_end() -> None:
    async with saying(200, *[" " * 4096] * 40) as services:
        assert "it does not answer" in await refusal(services)


def test_an_offer_can_be_printed() -> None:
    assert "secret" not in f"{Offer('core-mosquitto', 1883, False, 'addons', 'secret')!r}"
