"""Who is there, and over which scheme: `/info` without any credentials, over HTTPS and then over HTTP."""

import asyncio
from collections.abc import Collection

from envoy_mqtt.clock import now
from envoy_mqtt.errors import GatewayUnavailable, TryAgain
from envoy_mqtt.gateway.answers import read_info
from envoy_mqtt.gateway.road import Road, wants_token
from envoy_mqtt.gateway.trouble import FOREIGN, INFO, no_connection, of_status, translate
from envoy_mqtt.gateway.wire import Wire
from envoy_mqtt.model import Identity

# No host is knocked at more than once a second.
PAUSE_S = 1.0

REDIRECTS = range(300, 400)

ONLY_HTTP = (
    "it answers over HTTP only, and its firmware, {firmware}, wants a token, which is never sent without "
    "encryption: if its HTTPS does not come back, something stands between us"
)
WITHOUT_ITS_CERTIFICATE = (
    "the gateway {serial} spoke HTTPS before and answers over HTTP now, so nothing is asked of it: if its "
    "HTTPS does not come back, something stands between us"
)


async def introduce(
    wire: Wire, road: Road, *, serial: str | None, secure: bool, pinned: Collection[str]
) -> Identity:
    """Who answers; `wire.scheme` is then the scheme to go on with.

    `serial` is who it must be, `secure` is whether HTTP is not even tried, `pinned` are the serial numbers
    that are never talked to over it. Raises `TryAgain`, or what `trouble.FOREIGN` lists.
    """
    missed: dict[str, TryAgain] = {}
    for scheme in road.schemes(secure=secure):
        if missed:
            await asyncio.sleep(PAUSE_S)
        wire.scheme = scheme
        found = await _ask(wire)
        if isinstance(found, Identity):
            road.arrived(scheme)
            _check(found, wire, serial, pinned)
            return found
        missed[scheme] = found
    road.missed()
    # What HTTPS said is what matters, unless a gateway answers that has none.
    refused = (each for each in missed.values() if each.reason == "refused")
    raise next(refused, None) or missed.get("https") or missed["http"]


async def _ask(wire: Wire) -> Identity | TryAgain:
    """Who answers over `wire.scheme`, or why the other scheme has to be tried."""
    try:
        answer = await wire.ask("GET", INFO, {})
    except FOREIGN as error:
        if wire.scheme == "https" and not no_connection(error):
            raise
        return translate(error)
    if answer.status != 200:
        trouble = of_status(INFO, answer.status, answer.retry_after, now().unix)
        if answer.status in REDIRECTS:
            return trouble
        raise trouble
    identity = read_info(answer.body)
    if wire.scheme == "http" and wants_token(identity):
        return GatewayUnavailable(ONLY_HTTP.format(firmware=identity.firmware), reason="refused")
    return identity


def _check(identity: Identity, wire: Wire, serial: str | None, pinned: Collection[str]) -> None:
    if serial not in (None, identity.serial):
        raise GatewayUnavailable(
            f"the gateway at {wire.host} has the serial number {identity.serial}, not {serial}: "
            "mend gateway.host or gateway.serial",
            reason="other_serial",
        )
    if wire.scheme == "http" and identity.serial in pinned:
        raise GatewayUnavailable(
            WITHOUT_ITS_CERTIFICATE.format(serial=identity.serial), reason="certificate_changed"
        )
