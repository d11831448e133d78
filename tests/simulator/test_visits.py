import asyncio

from envoy_mqtt.simulator.visits import Visit, Visits


def came(visits: Visits, path: str) -> None:
    visits.came(Visit(0.0, "GET", path, token=True, cookie=False), 1)


async def test_a_waiter_is_let_go_when_enough_requests_have_come() -> None:
    visits = Visits()
    waiting = asyncio.create_task(visits.requested("/ivp/meters", 2))
    await asyncio.sleep(0)
    came(visits, "/info")
    came(visits, "/ivp/meters")
    assert not waiting.done()
    came(visits, "/ivp/meters")
    assert [visit.path for visit in await waiting] == ["/ivp/meters", "/ivp/meters"]


async def test_what_has_come_already_needs_no_waiting() -> None:
    visits = Visits()
    came(visits, "/stream/meter/")
    assert len(await visits.requested("/stream/meter")) == 1


async def test_a_waiter_that_gives_up_leaves_nothing_behind() -> None:
    visits = Visits()
    waiting = asyncio.create_task(visits.until(lambda: False))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait((waiting,))
    visits.changed()
    assert visits._waiters == []


def test_only_the_last_visitors_are_remembered() -> None:
    visits = Visits()
    for number in range(20_001):
        visits.connected(float(number), 1)
    assert len(visits.connections) == 10_001
    assert visits.connections[-1] == 20_000.0


def test_the_peak_is_the_most_that_was_open_at_once() -> None:
    visits = Visits()
    for open_now in (1, 3, 2):
        visits.connected(10.0 + open_now, open_now)
    assert visits.peak_connections == 3
    assert visits.connections == [11.0, 13.0, 12.0]
