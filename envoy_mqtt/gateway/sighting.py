"""A gateway as it announces itself by multicast DNS. Pure: records in, a `Sighting` out.

Who announces something is not who it is: nothing here is believed before `/info` said it. The announced
port, 80, means nothing at all: gateways that speak HTTPS announce it too (protocol notes, section 6).
"""

from collections.abc import Iterable, Mapping
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

from envoy_mqtt.gateway.answers import SERIAL
from envoy_mqtt.gateway.verdict import printable


class Sighting(NamedTuple):
    """One gateway's announcement, its best address first; what it does not tell is empty."""

    name: str
    serial: str
    firmware: str
    addresses: tuple[str, ...]


def read_sighting(name: str, properties: Mapping[bytes, bytes | None], addresses: Iterable[str]) -> Sighting:
    """An announcement from its TXT record (`serialnum`, `protovers`) and the addresses of its host."""
    serial = _text(properties.get(b"serialnum"))
    firmware = printable(_text(properties.get(b"protovers")))
    known = serial if SERIAL.fullmatch(serial) else ""
    return Sighting(printable(name.partition(".")[0]), known, firmware, rank(addresses))


def _text(value: bytes | None) -> str:
    return (value or b"").decode(errors="replace").strip()


def merge(sightings: Iterable[Sighting]) -> list[Sighting]:
    """One sighting for each serial number: a gateway on cable and Wi-Fi may announce itself twice."""
    found: dict[str, Sighting] = {}
    for each in sightings:
        key = each.serial or each.name
        before = found.get(key, each)
        together = rank((*before.addresses, *each.addresses))
        found[key] = before._replace(firmware=before.firmware or each.firmware, addresses=together)
    return sorted(found.values())


def rank(addresses: Iterable[str]) -> tuple[str, ...]:
    """Each address once, the one to configure first: IPv4, IPv6, and last what holds on one cable only.

    A gateway without a network behind a second socket gives that one an address in 169.254/16.
    """
    return tuple(sorted(dict.fromkeys(addresses), key=_worth))


def _worth(address: str) -> tuple[bool, bool, int]:
    parsed = ip_address(address)
    return parsed.is_link_local, isinstance(parsed, IPv6Address), int(parsed)


def as_host(address: str) -> str:
    """An address as `gateway.host` writes it: IPv6 in brackets."""
    return f"[{address}]" if ":" in address else address
