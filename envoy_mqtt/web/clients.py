"""Who may ask the web server, by address. Pure.

    allowed_clients   who is answered beside this machine itself; nobody named is everybody
    trusted_proxies   who passes on only what comes from people that were let in, under whatever name

Home Assistant's ingress is such a proxy: it asks for a login, and passes on the `Host` that the browser used,
which may be any name at all. It comes from 172.30.32.2.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from envoy_mqtt.web.hosts import near

Network = IPv4Network | IPv6Network


class Clients:
    """Both lists, of addresses and networks such as `192.168.1.0/24`."""

    def __init__(self, allowed: Iterable[str], proxies: Iterable[str]) -> None:
        self._allowed = [ip_network(each) for each in allowed]
        self._proxies = [ip_network(each) for each in proxies]

    def admits(self, client: str | None) -> bool:
        """Whether this address is answered."""
        if not self._allowed:
            return True
        address = _address(client)
        return address is not None and (address.is_loopback or _within(address, self._allowed))

    def admits_itself(self, host: str) -> bool:
        """Whether a program of this machine is answered that asks a server which listens at `host`: it comes
        from the address that it asks. What a name's address is nobody knows here.
        """
        try:
            return self.admits(near(host))
        except ValueError:
            return False

    def trusts(self, client: str | None) -> bool:
        """Whether this address is a proxy's, which looks at names and people itself."""
        address = _address(client)
        return address is not None and _within(address, self._proxies)


def _within(address: IPv4Address | IPv6Address, networks: list[Network]) -> bool:
    return any(address in network for network in networks)


def _address(text: str | None) -> IPv4Address | IPv6Address | None:
    """An IPv4 client of a server that listens on `::` has an IPv6 address that stands for its own."""
    if text is None:
        return None
    address = ip_address(text.partition("%")[0])
    return getattr(address, "ipv4_mapped", None) or address
