"""The forms a value may have: pure checks that return the value in its one spelling, or raise ValueError.

The sentence for the reader stands beside the key in `settings`; the text of these errors is never shown.
"""

import ipaddress
import re
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import SecretStr

# RFC 1123 labels, and the underscore that container networks put into their names.
_NAME = re.compile(r"(?=.{1,253}$)(?!-)[A-Za-z0-9_-]{1,63}(?:\.(?!-)[A-Za-z0-9_-]{1,63})*\.?", re.ASCII)
_NUMBERS = re.compile(r"[0-9.]+")
_ADDRESS = re.compile(r"(?P<host>\[[^\[\]/?#@\s]+\]|[^:\[\]]+)(?::(?P<port>[0-9]{1,5}))?")
_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
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
