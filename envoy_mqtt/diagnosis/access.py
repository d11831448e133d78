"""Getting in: the token, and what the gateway thinks of it."""

from collections.abc import Iterator

from envoy_mqtt.diagnosis.findings import Finding, bad, info, ok, warning
from envoy_mqtt.diagnosis.seen import Seen
from envoy_mqtt.gateway.token import Token
from envoy_mqtt.mqtt.message import iso

ORIGINS = {
    "configuration": "from the configuration",
    "cache": "fetched before with gateway.account",
    "cloud": "fetched just now with gateway.account",
}

BY_HAND = "put a new one into gateway.token_file, or set gateway.account, with which tokens are fetched"


def judge_token(seen: Seen) -> Iterator[Finding]:
    """Whose it is, for which gateway, until when and where from."""
    if seen.token_trouble is not None:
        yield bad(seen.token_trouble.text, f"mend what it names, and try again; or {BY_HAND}")
    elif seen.token is not None:
        yield from _judged(seen, seen.token)
    elif seen.identity is not None:
        yield info("none is wanted: firmware before 7 takes the installer's password, made from the serial")


def _judged(seen: Seen, token: Token) -> Iterator[Finding]:
    claims = token.claims
    until = "without an end" if claims.expires is None else f"good until {iso(claims.expires)}"
    told = (
        f"of the {claims.role or 'unknown role'}, for {claims.serial or 'any gateway'}, {until}, "
        f"{ORIGINS.get(seen.origin, seen.origin)}"
    )
    if token.ended(seen.now):
        yield bad(told.replace("good until", "ended at"), BY_HAND)
    elif token.due(seen.now) and not seen.renewed:
        yield warning(f"{told}: nobody here renews it", BY_HAND)
    else:
        yield ok(told)


def judge_access(seen: Seen) -> Iterator[Finding]:
    """What the gateway makes of it."""
    if seen.site_trouble is not None:
        yield bad(seen.site_trouble.text, _remedy(seen))
    elif seen.site is not None:
        yield ok("it lets us in")


def _remedy(seen: Seen) -> str:
    if seen.token is None:
        return "see that nothing else keeps the gateway busy, and try again"
    return (
        "if the token is this gateway's and has not ended, the gateway may have lost it at an update: get "
        "a new one (envoy-mqtt token), and restart the gateway if that is refused too"
    )
