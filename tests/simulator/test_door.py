import asyncio

import pytest

from envoy_mqtt.errors import ConfigError
from envoy_mqtt.simulator.door import Door


async def connects(door: Door) -> bool:
    try:
        _, writer = await asyncio.open_connection(door.host, door.port)
    except ConnectionRefusedError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


async def test_a_door_can_be_shut_and_opened_again_on_the_same_port() -> None:
    door = Door("127.0.0.1", 0, None, asyncio.Protocol)
    await door.open()
    port = door.port
    for _ in range(3):
        assert await connects(door)
        door.shut()
        assert not await connects(door)
        await door.open()
        assert door.port == port
    door.close()
    assert not await connects(door)


async def test_while_shut_nobody_else_gets_the_port() -> None:
    door, other = (Door("127.0.0.1", 0, None, asyncio.Protocol) for _ in range(2))
    await door.open()
    door.shut()
    # Linux lets a second socket share a bound port, but never picks it for one that asked for any.
    await other.open()
    assert other.port != door.port
    other.close()
    door.close()


async def test_a_port_that_is_taken_is_named_in_one_sentence() -> None:
    door = Door("127.0.0.1", 0, None, asyncio.Protocol)
    await door.open()
    with pytest.raises(ConfigError, match=f"port: cannot listen on 127.0.0.1 port {door.port}: "):
        await Door("127.0.0.1", door.port, None, asyncio.Protocol).open()
    door.close()
