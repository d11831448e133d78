"""Whether a far end can be reached: its name is looked up, and its ports are knocked at, once each."""

import asyncio
import os
import socket
from collections.abc import Iterable

from envoy_mqtt.diagnosis.reach import Port, Reached

# A resolver that hangs, and a host that is away, are not waited for any longer.
PATIENCE_S = 5.0


async def knock(name: str, ports: Iterable[int]) -> Reached:
    """What the name resolves to, and which of its ports take a connection."""
    try:
        addresses = await _resolve(name)
    except (OSError, UnicodeError) as error:
        return Reached(name, error=_why(error))
    except TimeoutError:
        return Reached(name, error=f"no answer within {PATIENCE_S:.0f} s")
    return Reached(name, addresses, ports=tuple([Port(port, await _open(name, port)) for port in ports]))


async def _resolve(name: str) -> tuple[str, ...]:
    async with asyncio.timeout(PATIENCE_S):
        found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


async def _open(name: str, port: int) -> str:
    """Why nobody opens; empty where somebody does."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            _, writer = await asyncio.open_connection(name, port)
    except TimeoutError:
        return "does not answer"
    except OSError as error:
        return _why(error)
    writer.close()
    return ""


def _why(error: OSError | UnicodeError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    number = getattr(error, "errno", None)
    if isinstance(error, socket.gaierror) or not isinstance(number, int) or number <= 0:
        return str(getattr(error, "strerror", None) or error)
    return os.strerror(number)
