"""A gateway's multicast DNS, spoken on the loopback interface (protocol notes, section 6).

async with announced({"envoy": ("122312345678", ["127.0.0.1"])}):
    ...
"""

import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

SERVICE = "_enphase-envoy._tcp.local."
LOOPBACK = "127.0.0.1"


@asynccontextmanager
async def announced(
    gateways: Mapping[str, tuple[str, Sequence[str]]], firmware: str = "8.3.4041"
) -> AsyncIterator[None]:
    """Instance name → serial number and addresses, announced while the block lasts."""
    async with AsyncZeroconf(interfaces=[LOOPBACK]) as network:
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
