"""Names and ports for real, on the loopback interface."""

import asyncio

from envoy_mqtt.diagnosis.reach import Port
from envoy_mqtt.knock import knock
from tests.e2e.harness import free_port


async def test_an_open_port_is_told_from_a_closed_one() -> None:
    closed = free_port()
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        reached = await knock("127.0.0.1", (port, closed))
    assert reached.addresses == ("127.0.0.1",)
    assert reached.ports == (Port(port), Port(closed, "refused"))
    assert reached.open == (port,)


async def test_a_name_that_nobody_knows_is_told_and_no_port_is_knocked_at() -> None:
    reached = await knock("nobody.invalid", (443,))
    assert (reached.addresses, reached.ports) == ((), ())
    assert reached.error


async def test_what_is_no_name_at_all_is_told_too() -> None:
    """Longer than a name's parts may be: the encoding raises before anyone is asked."""
    assert (await knock("x" * 70 + ".example", (443,))).error
