"""One gateway, followed: ask who it is, choose what to read, and read it until it ends.

The shell around `Bridge`. `follow` is one attempt; it always ends by raising, `TryAgain` for whatever a
gateway or a network can do.
"""

from typing import NamedTuple, NoReturn

from envoy_mqtt.bridge import Bridge
from envoy_mqtt.clock import steady
from envoy_mqtt.errors import Absent, BadAnswer, TryAgain
from envoy_mqtt.gateway import battery, livedata
from envoy_mqtt.gateway.answers import read_meters
from envoy_mqtt.gateway.climb import Climb
from envoy_mqtt.gateway.guard import Guard, admit
from envoy_mqtt.gateway.ladder import Ladder
from envoy_mqtt.gateway.passage import Passage
from envoy_mqtt.gateway.pins import Pins
from envoy_mqtt.gateway.plan import METERS
from envoy_mqtt.gateway.road import Road
from envoy_mqtt.gateway.session import Session
from envoy_mqtt.gateway.tokens import Tokens, expiry
from envoy_mqtt.gateway.trouble import FOREIGN, translate
from envoy_mqtt.gateway.verdict import Mode
from envoy_mqtt.line import Line
from envoy_mqtt.model import Identity, Kind, Site
from envoy_mqtt.mqtt.about import Access
from envoy_mqtt.outbox import Outbox


class Target(NamedTuple):
    """Where a gateway is asked, the serial number it must have if that is known, its tokens, what is
    remembered of the way there and of its sources, and how strictly its certificate is looked at.
    """

    host: str
    serial: str | None
    tokens: Tokens
    road: Road
    ladder: Ladder
    certificate: Mode = "pin"


class Met(NamedTuple):
    """Who answers at an address, and the certificate shown there: its name, and its SHA-256 in lower-case
    hex, `None` where the gateway is too old to have one.
    """

    identity: Identity
    name: str | None
    sha256: str | None


async def meet(host: str, serial: str | None = None) -> Met:
    """Ask who is there, without a token and whatever the certificate; raises `TryAgain`.

    `serial` is who it must be, if that is known.
    """
    guard = Guard("off")
    try:
        async with Session(host, guard, Road()) as session:
            identity = await session.identify(serial)
    except FOREIGN as error:
        raise translate(error) from None
    if not session.encrypted:
        return Met(identity, None, None)
    return Met(identity, guard.name, guard.sha256)


async def follow(target: Target, bridge: Bridge, outbox: Outbox, line: Line, pins: Pins) -> NoReturn:
    """Identify the gateway, read it until it ends, and raise `TryAgain` with the reason.

    The messages go to `outbox` at once; `line` is told when the first reading has come. A certificate met
    for the first time, or renewed, is kept in `pins`.
    """
    passage = Passage(bridge, outbox, line, target.tokens, target.ladder)
    try:
        await _attempt(target, passage, line, pins, known=bridge.serial)
    except TryAgain as error:
        trouble = error
    except FOREIGN as error:
        trouble = translate(error)
    trouble.steady_s = passage.steady_s
    raise trouble


async def _attempt(
    target: Target, passage: Passage, line: Line, pins: Pins, *, known: str | None
) -> NoReturn:
    guard = Guard(target.certificate, pins.known, target.serial)
    async with Session(target.host, guard, target.road) as session:
        secure = (target.serial or known) in pins.known
        identity = await session.identify(target.serial, secure=secure, pinned=pins.known)
        if session.encrypted:
            admit(identity.serial, guard, line, pins)
        passage.meet(identity.serial)
        if known not in (None, identity.serial):
            target.ladder.reset()  # another gateway refuses what it refuses
        await session.sign_in(identity, target.tokens)
        site = await survey(session, identity, passage.bridge.site, had_battery=passage.bridge.had_battery)
        step = target.ladder.choose(site, steady())
        passage.identify(site, _access(target, session, guard), step)
        await Climb(session, passage, target.ladder).read()


async def survey(
    session: Session, identity: Identity, before: Site | None = None, *, had_battery: bool = False
) -> Site:
    """What is fitted: the list of meters; where it is not to be had, what livedata shows.

    A gateway that is just starting may have an empty list or none: what it had `before` counts more.
    """
    try:
        meters = read_meters(await session.ask(METERS))
    except Absent:
        return await _guess(session, identity) if before is None else before._replace(identity=identity)
    if before is not None and before.metered and not meters:
        return before._replace(identity=identity)
    site = Site(identity, meters)
    storage = Kind.STORAGE in site.metered or not identity.web_tokens
    return site if storage else site._replace(battery=await _has_battery(session, had=had_battery))


async def _guess(session: Session, identity: Identity) -> Site:
    try:
        return livedata.site_of(livedata.read_livedata(await session.ask(livedata.PATH)), identity)
    except (Absent, BadAnswer):
        return Site(identity, ())


async def _has_battery(session: Session, *, had: bool) -> bool:
    """Whether there is a battery without a meter; that it is gone shows only when it stays away."""
    try:
        return had or battery.has_battery(await session.ask(battery.INVENTORY_PATH))
    except (TryAgain, *FOREIGN):
        return had


def _access(target: Target, session: Session, guard: Guard) -> Access:
    token = session.token
    return Access(
        address=target.host,
        token_role=None if token is None else token.claims.role,
        token_expires=None if token is None else expiry(token),
        certificate_sha256=guard.sha256 if session.encrypted else None,
    )
