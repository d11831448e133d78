"""Digest authentication as gateways before firmware 7 want it (RFC 2617, MD5, qop "auth"). Pure.

The user `installer` may read everything; its password follows from the serial number alone, which the
gateway tells everybody, so nothing here is a secret. What comes as a challenge may be any bytes: firmware
3.9.36 sends four that mean nothing (protocol notes, section 2).
"""

import re
from collections.abc import Iterable
from hashlib import md5
from typing import NamedTuple

USER = "installer"
REALM = "enphaseenergy.com"

FIELD = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))', re.ASCII)

# What can be said back between quotes without any escaping.
QUOTABLE = re.compile(r"[ !#-\[\]-~]*")

# The same in the answer, each as the RFC writes it.
EXTRAS = {"opaque": 'opaque="{}"', "algorithm": "algorithm={}"}


class Challenge(NamedTuple):
    """What a gateway wants signed; `qop` is whether it takes RFC 2617's "auth" or only RFC 2069's form,
    `extras` are what else to say back.
    """

    realm: str
    nonce: str
    qop: bool
    extras: tuple[str, ...] = ()


def read_challenge(header: bytes) -> Challenge | None:
    """The value of a `WWW-Authenticate` header; `None` where it asks for nothing that we can do."""
    scheme, _, rest = header.decode("latin-1").strip().partition(" ")
    fields = {key.lower(): quoted or bare for key, quoted, bare in FIELD.findall(rest)}
    offered = {each.strip().lower() for each in fields.get("qop", "auth").split(",")}
    if scheme.lower() != "digest" or not fields.get("nonce") or "auth" not in offered:
        return None
    if fields.get("algorithm", "MD5").upper() != "MD5":
        return None
    if not all(QUOTABLE.fullmatch(value) for value in fields.values()):
        return None
    extras = tuple(form.format(fields[key]) for key, form in EXTRAS.items() if key in fields)
    return Challenge(fields.get("realm", ""), fields["nonce"], "qop" in fields, extras)


class Signer:
    """The credentials for one gateway: `understands` a challenge, then `sign`s requests with it."""

    def __init__(self, serial: str, user: str = USER) -> None:
        self._user = user
        self._password = password(serial, user)
        self._challenge: Challenge | None = None
        self._count = 0

    @property
    def ready(self) -> bool:
        """Whether there was a challenge that can be met."""
        return self._challenge is not None

    def understands(self, headers: Iterable[bytes]) -> bool:
        """Take the first challenge that can be met; whether there is one."""
        self._challenge = next(filter(None, map(read_challenge, headers)), None)
        self._count = 0
        return self._challenge is not None

    def sign(self, method: str, path: str, cnonce: str) -> str | None:
        """The `Authorization` header of a request; `None` before there was a challenge."""
        if self._challenge is None:
            return None
        self._count += 1
        return authorization(
            self._challenge, self._user, self._password, f"{method}:{path}", count=self._count, cnonce=cnonce
        )


def authorization(
    challenge: Challenge, user: str, password: str, request: str, *, count: int, cnonce: str
) -> str:
    """The header that meets a challenge; `request` is `METHOD:PATH`, `count` is of requests with its nonce.

    RFC 2617, section 3.2.2.
    """
    key, what = _hash(f"{user}:{challenge.realm}:{password}"), _hash(request)
    asked = f":{count:08x}:{cnonce}:auth" if challenge.qop else ""
    quoted = {
        "username": user,
        "realm": challenge.realm,
        "nonce": challenge.nonce,
        "uri": request.partition(":")[2],
        "response": _hash(f"{key}:{challenge.nonce}{asked}:{what}"),
    }
    fields = [*(f'{name}="{value}"' for name, value in quoted.items()), *challenge.extras]
    if challenge.qop:
        fields += ["qop=auth", f"nc={count:08x}", f'cnonce="{cnonce}"']
    return f"Digest {', '.join(fields)}"


def password(serial: str, user: str = USER) -> str:
    """A user's password on the gateway with this serial number (protocol notes, section 2).

    The last eight digits of a hash, backwards, in which each 0 and 1 becomes a letter; which one depends on
    how many of them the hash has, and goes down with each.
    """
    digest = _hash(f"[e]{user}@{REALM}#{serial} EnPhAsE eNeRgY ")
    zeros, ones = digest.count("0"), digest.count("1")
    said = ""
    for digit in reversed(digest[-8:]):
        zeros, ones = _limited(zeros, (3, 6, 9), 20), _limited(ones, (9, 15), 26)
        if digit == "0":
            said, zeros = said + chr(ord("f") + zeros), zeros - 1
        elif digit == "1":
            said, ones = said + chr(ord("@") + ones), ones - 1
        else:
            said += digit
    return said


def _limited(count: int, skipped: tuple[int, ...], most: int) -> int:
    return min(max(count - (count in skipped), 0), most)


def _hash(text: str) -> str:
    return md5(text.encode("latin-1", "replace"), usedforsecurity=False).hexdigest()
