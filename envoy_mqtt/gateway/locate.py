"""Gateways on this network, by multicast DNS: the one home of zeroconf, which `run` never loads."""

import asyncio
from collections.abc import Sequence

from zeroconf import InterfaceChoice, IPVersion, ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from envoy_mqtt.errors import EnvoyMqttError
from envoy_mqtt.gateway.sighting import Sighting, merge, read_sighting

SERVICE = "_enphase-envoy._tcp.local."

# What an announcement leaves out is asked for, and a gateway answers within this or not at all.
DETAILS_MS = 2000


async def locate(seconds: float, interfaces: Sequence[str] = ()) -> list[Sighting]:
    """Listen for so many seconds on every network of this machine, or on those with these addresses.

    Raises `EnvoyMqttError` where there is no network to listen on.
    """
    names: dict[str, None] = {}

    def heard(zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:  # noqa: ARG001
        names[name] = None

    try:
        async with AsyncZeroconf(interfaces=list(interfaces) or InterfaceChoice.All) as network:
            browser = AsyncServiceBrowser(network.zeroconf, SERVICE, handlers=[heard])
            await asyncio.sleep(seconds)
            await browser.async_cancel()
            details = [await _details(network, name) for name in names]
    except (OSError, RuntimeError) as error:
        raise EnvoyMqttError(
            f"nobody can be listened for on this network ({error}): set gateway.host to the gateway's IP "
            "address, which is in your router or in the Enphase app"
        ) from None
    return merge(each for each in details if each is not None)


async def _details(network: AsyncZeroconf, name: str) -> Sighting | None:
    """What is announced under a name; `None` for one that is gone again."""
    info = AsyncServiceInfo(SERVICE, name)
    await info.async_request(network.zeroconf, DETAILS_MS)
    addresses = info.parsed_scoped_addresses(IPVersion.All)
    return read_sighting(name, info.properties, addresses) if addresses else None
