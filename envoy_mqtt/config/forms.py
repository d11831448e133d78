"""The forms a value may have: pure checks that return the value in its one spelling, or raise ValueError.

The sentence for the reader stands beside the key in `settings`; the text of these errors is never shown.
"""

import ipaddress
import json
import re
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import SecretStr

from envoy_mqtt.tariff.period import ALL_MONTHS, WORDS, kinds, span

# RFC 1123 labels, and the underscore that container networks put into their names.
_NAME = re.compile(r"(?=.{1,253}$)(?!-)[A-Za-z0-9_-]{1,63}(?:\.(?!-)[A-Za-z0-9_-]{1,63})*\.?", re.ASCII)
_NUMBERS = re.compile(r"[0-9.]+")
_ADDRESS = re.compile(r"(?P<host>\[[^\[\]/?#@\s]+\]|[^:\[\]]+)(?::(?P<port>[0-9]{1,5}))?")
_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_WORD = re.compile(r"[a-z0-9_]{1,40}")
_HTTPS = 443


def gateway_host(text: str) -> str:
    """`text`, when it is a name, an IPv4 address or `[IPv6%zone]`, each with or without `:port`."""
    endpoint(text)
    return text


def endpoint(text: str) -> tuple[str, int]:
    """Host and port a gateway's address means, to tell whether two of them are one."""
    match = _ADDRESS.fullmatch(text)
    if match is None:
        raise ValueError
    port = int(match["port"] or _HTTPS)
    if not 1 <= port <= 65535:
        raise ValueError
    host = match["host"]
    return (_ipv6(host[1:-1]) if host.startswith("[") else _name(host)), port


def cloud_url(text: str) -> str:
    """A base address without the final slash: https, or http where it stays on this machine.

    A password goes there, so nothing less will do, and nothing that could hide where it goes.
    """
    if not text.isascii() or not text.isprintable() or set(text) & set(" \\@?#"):
        raise ValueError
    parts = urlsplit(text)
    host = parts.netloc
    plain = parts.scheme == "http" and ipaddress.ip_address(urlsplit(text).hostname or "").is_loopback
    if not plain and parts.scheme != "https":
        raise ValueError
    endpoint(host)
    return text.rstrip("/")


def broker_host(text: str) -> str:
    """`text`, when it is a name or an address without port; an IPv6 address loses its brackets."""
    if ":" in text:
        bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
        _ipv6(bare)
        return bare
    _name(text)
    return text


def _name(text: str) -> str:
    # What is all digits and dots was meant as an address: 192.168.1.300 is no name.
    if _NUMBERS.fullmatch(text):
        return str(ipaddress.IPv4Address(text))
    if not _NAME.fullmatch(text):
        raise ValueError
    return text.rstrip(".").lower()


def _ipv6(text: str) -> str:
    if not text.isprintable():
        raise ValueError
    return str(ipaddress.IPv6Address(text))


def names(value: object) -> tuple[str, ...]:
    """Names in their one spelling, of a list or of text with commas between them."""
    if isinstance(value, str):
        value = [name.strip() for name in value.split(",") if name.strip()]
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise ValueError
    return tuple(map(_name, value))


def networks(value: object) -> tuple[str, ...]:
    """Addresses and networks in their one spelling, likewise."""
    if isinstance(value, str):
        value = [each.strip() for each in value.split(",") if each.strip()]
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise ValueError
    return tuple(map(_network, value))


def _network(text: str) -> str:
    network = ipaddress.ip_network(text)
    return str(network.network_address if network.prefixlen == network.max_prefixlen else network)


def members(given: object) -> object:
    """A list of sections; layers give it by number."""
    return tuple(given[number] for number in sorted(given)) if isinstance(given, dict) else given


def _items(given: object) -> tuple[object, ...]:
    """A list as it is, or as a variable writes it: with commas, or as JSON."""
    if isinstance(given, str):
        listed = given.lstrip().startswith("[")
        given = json.loads(given) if listed else [item.strip() for item in given.split(",")]
    if not isinstance(given, list | tuple) or not given:
        raise ValueError
    return tuple(given)


def period_name(text: str) -> str:
    """A word of which keys can be made, and none that other keys are made with."""
    if not _WORD.fullmatch(text) or text == "former" or f"_{text}".endswith("_today"):
        raise ValueError
    return text


def times(given: object) -> tuple[str, ...]:
    """Local times, each `22:00-07:00`."""
    items = tuple(str(item) for item in _items(given))
    for item in items:
        span(item)
    return items


def months(given: object) -> tuple[int, ...]:
    """Numbers of months."""
    items = _items(given)
    if any(isinstance(item, bool | float) for item in items):
        raise ValueError
    found = tuple(int(str(item)) for item in items)
    if not set(found) <= ALL_MONTHS:
        raise ValueError
    return found


def days(given: object) -> str | tuple[str, ...]:
    """A word for days, or weekdays."""
    if isinstance(given, str) and given in WORDS:
        return given
    items = tuple(str(item) for item in _items(given))
    kinds(items)
    return items


def zone(text: str | None) -> str | None:
    """A time zone that is known here, by its IANA name, or none."""
    if text is not None:
        try:
            ZoneInfo(text)
        except (ZoneInfoNotFoundError, OSError):
            raise ValueError from None
    return text


def token(secret: SecretStr) -> SecretStr:
    """A JWT as RFC 7519 writes it: three base64url segments with dots; white space around it is dropped."""
    text = secret.get_secret_value().strip()
    if not _TOKEN.fullmatch(text):
        raise ValueError
    return SecretStr(text)
