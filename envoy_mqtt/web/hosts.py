"""Which names a browser may know the web server by. Pure.

A page of another site can have its own name point to our address and then read us as if we were that site
(DNS rebinding). It cannot take an address for a name, nor a name that the public DNS does not have.
"""

import re
from collections.abc import Collection
from ipaddress import ip_address

_HOST = re.compile(r"(?:\[(?P<ipv6>[0-9a-f:.]+)\]|(?P<name>[a-z0-9_.-]+))(?::[0-9]{1,5})?", re.IGNORECASE)


def allowed(host: str, names: Collection[str]) -> bool:
    """Whether a `Host` header may say this; `names` are allowed besides, in small letters."""
    match = _HOST.fullmatch(host)
    if match is None:
        return False
    if match["ipv6"]:
        return _is_address(match["ipv6"])
    name = match["name"].lower().removesuffix(".")
    return "." not in name or name.endswith(".local") or name in names or _is_address(name)


def near(host: str) -> str:
    """Where this machine asks a server that listens at `host`: on the loopback where that is everywhere."""
    bare = host.partition("%")[0]
    if not _is_address(bare) or not ip_address(bare).is_unspecified:
        return host
    return "127.0.0.1" if ip_address(bare).version == 4 else "::1"


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
