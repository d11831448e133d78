"""HTTP Digest as gateways before 7 ask for it: the challenge, the two users, and what they must answer.

MD5, `qop="auth"`, no algorithm and no opaque; the nonce is a Unix time on firmware 3 and twenty bytes in
base64 from 4 on (protocol notes, section 2).
"""

import re
from base64 import b64encode
from hashlib import md5, sha1

from envoy_mqtt.simulator.firmware import Role

REALM = "enphaseenergy.com"
# What 3.9.36 sends in place of a challenge, as latin-1.
GARBAGE = b"\xd8\xc9\xc6A".decode("latin-1")
MAX_NONCES = 1000


class Letters:
    """Stands in for one digit of a password: letters downwards from as many as the digit was seen."""

    def __init__(self, first: str, seen: int, most: int, skipped: frozenset[int]) -> None:
        self._first = ord(first)
        self._left = seen
        self._most = most
        self._skipped = skipped

    def turn(self) -> None:
        """Before each character, whichever it is."""
        self._left = max(0, min(self._most, self._left - (self._left in self._skipped)))

    def take(self) -> str:
        self._left -= 1
        return chr(self._first + self._left + 1)


def derived_password(serial: str, user: str = "installer") -> str:
    """The password that follows from a serial number (section 2, "derivation")."""
    hashed = _md5(f"[e]{user}@{REALM}#{serial} EnPhAsE eNeRgY ")
    stand_ins = {
        "0": Letters("f", hashed.count("0"), 20, frozenset({3, 6, 9})),
        "1": Letters("@", hashed.count("1"), 26, frozenset({9, 15})),
    }
    password = ""
    for character in hashed[:-9:-1]:
        for letters in stand_ins.values():
            letters.turn()
        password += stand_ins[character].take() if character in stand_ins else character
    return password


class Guard:
    """Asks for Digest and knows an answer; `epoch` is firmware 3's form of the nonce."""

    def __init__(self, serial: str, *, epoch: bool) -> None:
        self._users = {
            "envoy": (serial[-6:], Role.OWNER),
            "installer": (derived_password(serial), Role.INSTALLER),
        }
        self._epoch = epoch
        self._serial = serial
        self._given: list[str] = []

    def challenge(self, unix: float) -> str:
        """The WWW-Authenticate header, with a nonce that is good from now on."""
        nonce = str(int(unix)) if self._epoch else _nonce(f"{self._serial} {unix} {len(self._given)}")
        self._given = [*self._given[-MAX_NONCES:], nonce]
        return f'Digest qop="auth", realm="{REALM}", nonce="{nonce}"'

    def role(self, authorization: str, method: str, target: str) -> Role | None:
        """Who sent this Authorization header with this request; None where it is not good for it."""
        said = parameters(authorization)
        password, role = self._users.get(said.get("username", ""), ("", None))
        expected = response(
            f"{said.get('username')}:{REALM}:{password}",
            f"{method}:{target}",
            ":".join(said.get(key, "") for key in ("nonce", "nc", "cnonce")),
        )
        fits = said.get("nonce") in self._given and said.get("uri") == target and said.get("realm") == REALM
        return role if fits and said.get("response") == expected else None


def response(account: str, request: str, nonces: str) -> str:
    """RFC 2617's answer to `qop="auth"`: of user:realm:password, method:uri and nonce:nc:cnonce."""
    return _md5(f"{_md5(account)}:{nonces}:auth:{_md5(request)}")


def parameters(authorization: str) -> dict[str, str]:
    """The parameters of a Digest header, unquoted; none of any other scheme."""
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() != "digest":
        return {}
    return {
        key: quoted or bare for key, quoted, bare in re.findall(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))', rest)
    }


def _nonce(text: str) -> str:
    return b64encode(sha1(text.encode(), usedforsecurity=False).digest()).decode()


def _md5(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()
