"""Whether a far end can be reached at all: its name and its ports."""

from collections.abc import Iterator
from typing import NamedTuple

from envoy_mqtt.diagnosis.findings import Finding, bad, ok

# The name that every gateway gives itself by multicast DNS.
LOCAL = ".local"


class Port(NamedTuple):
    """One port that was knocked at; `error` says why nobody opened, empty where somebody did."""

    number: int
    error: str = ""


class Reached(NamedTuple):
    """A name, what it resolves to or why it does not, and the ports behind it."""

    name: str
    addresses: tuple[str, ...] = ()
    error: str = ""
    ports: tuple[Port, ...] = ()

    @property
    def open(self) -> tuple[int, ...]:
        """The ports that took a connection."""
        return tuple(port.number for port in self.ports if not port.error)


def judge_name(reached: Reached, key: str, *, in_container: bool) -> Iterator[Finding]:
    """Whether the name resolves; `key` is where it stands in the configuration."""
    if reached.addresses:
        told = ", ".join(reached.addresses)
        yield ok(told if told == reached.name else f"{reached.name} is {told}")
        return
    remedy = f"set {key} to its IP address"
    if reached.name.endswith(LOCAL) and in_container:
        remedy = (
            f"names ending in .local do not resolve in a container with a bridged network: {remedy} (no host "
            "network is needed)"
        )
    elif reached.name.endswith(LOCAL):
        remedy = f"names ending in .local need multicast DNS on this machine and this network: {remedy}"
    yield bad(f"{reached.name} does not resolve ({reached.error})", remedy)


def judge_ports(reached: Reached, remedy: str) -> Iterator[Finding]:
    """Whether somebody opens; the first of the ports is the one that matters most."""
    if not reached.ports:
        return
    told = "; ".join(f"{each.number} {each.error or 'open'}" for each in reached.ports)
    yield ok(told) if reached.open else bad(told, remedy)
