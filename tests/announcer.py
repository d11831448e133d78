"""A gateway's multicast DNS, spoken on the loopback interface (protocol notes, section 6).

async with announced({"envoy": ("122312345678", ["127.0.0.1"])}):
    ...
"""

import asyncio
import fcntl
import socket
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

SERVICE = "_enphase-envoy._tcp.local."
LOOPBACK = "127.0.0.1"


@asynccontextmanager
async def alone() -> AsyncIterator[None]:
    """Nobody else announces while the block lasts: all tests of this machine share one loopback."""
    with (Path(tempfile.gettempdir()) / "envoy-mqtt-tests-mdns.lock").open("w") as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        yield


@asynccontextmanager
async def announced(
    gateways: Mapping[str, tuple[str, Sequence[str]]], firmware: str = "8.3.4041"
) -> AsyncIterator[None]:
    """Instance name → serial number and addresses, announced while the block lasts."""
    async with alone(), AsyncZeroconf(interfaces=[LOOPBACK]) as network:
        for name, (serial, addresses) in gateways.items():
            info = AsyncServiceInfo(
                SERVICE,
                f"{name}.{SERVICE}",
                port=80,
                addresses=[socket.inet_aton(address) for address in addresses],
                properties={"serialnum": serial, "protovers": firmware, "txtvers": "1"},
                server=f"{name}.local.",
            )
            await (await network.async_register_service(info))
        yield
        await network.async_unregister_all_services()
