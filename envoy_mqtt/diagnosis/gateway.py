"""One gateway, from its name to its stream: what was seen of it, and the checks in their order."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from envoy_mqtt.diagnosis import pacing
from envoy_mqtt.diagnosis.broker import Running
from envoy_mqtt.diagnosis.findings import (
    Check,
    Finding,
    bad,
    carry_out,
    info,
    ok,
    skipped,
    warning,
)
from envoy_mqtt.diagnosis.meters import judge_meters, judge_topics
from envoy_mqtt.diagnosis.pacing import Flow
from envoy_mqtt.diagnosis.reach import Reached, judge_name, judge_ports
from envoy_mqtt.gateway.ladder import Ladder, Source, Step, Wanted
from envoy_mqtt.gateway.token import CLOCK_SET, Token
from envoy_mqtt.gateway.verdict import Mode, brief, printable
from envoy_mqtt.model import Identity, Site
from envoy_mqtt.mqtt.message import iso

HTTPS, HTTP = 443, 80

# Readings of a gateway whose clock is a little off are as good; its days and tokens are not, far off.
CLOCK_OFF_S = 60.0

ORIGINS = {
    "configuration": "from the configuration",
    "cache": "fetched before with gateway.account",
    "cloud": "fetched just now with gateway.account",
}
OCCUPIED = "the running bridge reads it and tells nothing of it, so no second one is opened"

# A handshake may refuse a certificate before anyone says who he is.
REFUSED_AT_ONCE = "certificate_changed"

BY_HAND = "put a new one into gateway.token_file, or set gateway.account, with which tokens are fetched"


class Shown(NamedTuple):
    """The certificate of a handshake; `ends` is in Unix seconds, `None` where it cannot be read."""

    name: str | None
    sha256: str
    ends: float | None


class Trouble(NamedTuple):
    """Why something could not be had: a sentence, and a word for it where there is one; `absent` is whether
    the gateway has it not, or not for us, and goes on.
    """

    text: str
    code: str = ""
    absent: bool = False


class Seen(NamedTuple):
    """What was seen of a gateway. What was not reached is `None`; `…_trouble` says why."""

    host: str
    now: float
    key: str = "gateway"
    base: str = "envoy"
    serial: str | None = None
    certificate: Mode = "pin"
    wanted: Wanted = "auto"
    in_container: bool = False
    reached: Reached = Reached("")
    shown: Shown | None = None
    pinned: str | None = None
    identity: Identity | None = None
    identity_trouble: Trouble | None = None
    certificate_trouble: Trouble | None = None
    gateway_time: float | None = None
    token: Token | None = None
    origin: str = ""
    renewed: bool = False
    token_trouble: Trouble | None = None
    site: Site | None = None
    site_trouble: Trouble | None = None
    stream_trouble: Trouble | None = None
    flow: Flow | None = None
    running: Running | None = None

    @property
    def bridge(self) -> dict[str, Any] | None:
        """What a running bridge tells of this gateway; its stream is then left alone."""
        if self.running is None or self.identity is None:
            return None
        return self.running.tells(self.identity.serial)

    @property
    def occupied(self) -> bool:
        """Whether a running bridge has its stream, or may have."""
        if self.running is None or self.identity is None:
            return False
        return self.bridge is not None or self.running.reads(self.identity.serial, self.host)


def first_step(wanted: Wanted, site: Site, stream: Trouble | None = None) -> Step:
    """Where the bridge would read this site; `stream` is why it may not read the stream."""
    ladder = Ladder(wanted)
    if stream is not None:
        ladder.shut(Source.STREAM, stream.text, now=0.0)
    return ladder.choose(site, now=0.0)


def diagnose(seen: Seen) -> list[Finding]:
    """Every check's findings."""
    serial = seen.serial or (seen.identity.serial if seen.identity else None)
    about = f"gateway {serial} at {seen.host}" if serial else f"gateway at {seen.host}"
    return list(carry_out(CHECKS, seen, about))


def _name(seen: Seen) -> Iterator[Finding]:
    yield from judge_name(seen.reached, f"{seen.key}.host", in_container=seen.in_container)


def _ports(seen: Seen) -> Iterator[Finding]:
    yield from judge_ports(
        seen.reached,
        "see whether the gateway has power and this address (envoy-mqtt discover lists the gateways here), "
        f"and mend {seen.key}.host",
    )


def _certificate(seen: Seen) -> Iterator[Finding]:
    if refused := seen.certificate_trouble or _refused_at_once(seen):
        yield bad(refused.text, f"find out what answers at {seen.host} before you do anything else")
    elif seen.shown is not None:
        yield _taken(seen, seen.shown)
    elif seen.identity is not None:
        yield info("none: this gateway speaks plain HTTP, as firmware before 7 does")
    if seen.shown is not None and seen.shown.ends is not None and seen.shown.ends < seen.now:
        yield info(f"it ended at {iso(seen.shown.ends)}; gateways go on using theirs, and so do we")


def _refused_at_once(seen: Seen) -> Trouble | None:
    trouble = seen.identity_trouble
    return trouble if trouble is not None and trouble.code == REFUSED_AT_ONCE else None


def _taken(seen: Seen, shown: Shown) -> Finding:
    if seen.certificate == "off":
        return warning(f"{_described(shown)}, not checked", f'set {seen.key}.certificate to "pin"')
    states = {
        None: "not yet known; the bridge remembers it at its first contact",
        shown.sha256: "the one we know",
    }
    state = states.get(seen.pinned, "renewed, and followed by the bridge")
    return ok(f"{_described(shown)}{f', {state}' if seen.identity else ''}")


def _described(shown: Shown) -> str:
    until = "" if shown.ends is None else f", good until {iso(shown.ends)}"
    return f"{printable(shown.name or 'without a name')}, SHA-256 {brief(shown.sha256)}…{until}"


def _identity(seen: Seen) -> Iterator[Finding]:
    who = seen.identity
    if seen.identity_trouble is not None and not _refused_at_once(seen):
        yield bad(seen.identity_trouble.text, f"see what answers at {seen.host}, and mend {seen.key}.host")
    if who is None:
        return
    firmware, part = printable(who.firmware) or "unknown", printable(who.part_number) or "unknown"
    yield ok(f"serial {who.serial}, firmware {firmware}, part number {part}")


def _clock(seen: Seen) -> Iterator[Finding]:
    if seen.identity is None:
        return
    if seen.gateway_time is None:
        yield info("the gateway tells no time")
        return
    off_s = seen.gateway_time - seen.now
    if seen.now < CLOCK_SET:
        yield bad("this machine does not know the date", "let it set its clock by network time")
    elif abs(off_s) > CLOCK_OFF_S:
        yield warning(
            f"the gateway's clock is {abs(off_s):.0f} s {'ahead of' if off_s > 0 else 'behind'} ours",
            "see that this machine, and the gateway's internet access, have network time",
        )
    else:
        yield ok(f"{abs(off_s):.0f} s apart")


def _token(seen: Seen) -> Iterator[Finding]:
    if seen.token_trouble is not None:
        yield bad(seen.token_trouble.text, f"mend what it names, and try again; or {BY_HAND}")
    elif seen.token is not None:
        yield from _judged_token(seen, seen.token)
    elif seen.identity is not None:
        yield info("none is wanted: firmware before 7 takes the installer's password, made from the serial")


def _judged_token(seen: Seen, token: Token) -> Iterator[Finding]:
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


def _access(seen: Seen) -> Iterator[Finding]:
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


def _meters(seen: Seen) -> Iterator[Finding]:
    if seen.site is not None:
        yield from judge_meters(seen.site.meters)


def _topics(seen: Seen) -> Iterator[Finding]:
    if seen.site is not None:
        yield from judge_topics(seen.site, seen.base)


def _source(seen: Seen) -> Iterator[Finding]:
    if seen.bridge is not None and (told := _told_source(seen.bridge)):
        yield ok(told)
    elif seen.site is not None:
        step = first_step(seen.wanted, seen.site, seen.stream_trouble)
        yield ok(f"{step.source}: {step.reason}")


def _told_source(bridge: dict[str, Any]) -> str:
    name, reason = bridge.get("source"), bridge.get("source_reason")
    return f"{name}: {reason or 'as the running bridge says'}" if name else ""


def _stream(seen: Seen) -> Iterator[Finding]:
    if seen.bridge is not None:
        yield _told_flow(seen.bridge)
    elif seen.occupied:
        yield skipped(OCCUPIED)
    elif seen.site is not None and first_step(seen.wanted, seen.site).source is not Source.STREAM:
        yield skipped("readings come from another source here, so it is not opened")
    elif seen.stream_trouble is not None and seen.stream_trouble.absent:
        yield warning(
            seen.stream_trouble.text,
            "nothing has to be done: the next source takes its place, and the stream is asked again",
        )
    elif seen.stream_trouble is not None:
        yield bad(seen.stream_trouble.text, pacing.BUSY)
    elif seen.flow is not None:
        yield from pacing.judge_flow(seen.flow)


def _told_flow(bridge: dict[str, Any]) -> Finding:
    """What the running bridge says of its readings; every key may be missing."""
    facts = [
        f"{bridge[key]:g} {unit}"
        for key, unit in (
            ("rate_hz", "readings a second"),
            ("longest_silence_s", "s longest silence"),
            ("bursts", "bursts"),
            ("stalls", "stalls"),
        )
        if isinstance(bridge.get(key), int | float)
    ]
    told = f"as the running bridge sees it: {', '.join(facts) or 'no figures'}"
    reason = bridge.get("offline_reason")
    if bridge.get("fresh") is False or (reason and bridge.get("fresh") is not True):
        return bad(f"the running bridge gets no readings ({reason or 'no reason told'})", "see its log")
    return ok(told)


CHECKS = (
    Check("name", _name, "its name does not resolve"),
    Check("ports", _ports, "no port takes a connection"),
    Check("certificate", _certificate, "its certificate is refused"),
    Check("identity", _identity, "it did not say who it is"),
    Check("clock", _clock),
    Check("token", _token, "there is no good token"),
    Check("access", _access, "it does not let us in"),
    Check("meters", _meters),
    Check("topics", _topics),
    Check("source", _source),
    Check("stream", _stream),
)
