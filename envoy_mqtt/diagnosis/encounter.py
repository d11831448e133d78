"""Meeting a gateway: its address, its certificate, its name and its clock; no token is needed for these."""

from collections.abc import Iterator

from envoy_mqtt.diagnosis.findings import Finding, bad, info, ok, warning
from envoy_mqtt.diagnosis.reach import judge_name, judge_ports
from envoy_mqtt.diagnosis.seen import Seen, Shown, Trouble
from envoy_mqtt.gateway.verdict import brief, printable
from envoy_mqtt.model import CLOCK_SET
from envoy_mqtt.mqtt.message import iso

# Readings of a gateway whose clock is a little off are as good; its days and tokens are not, far off.
CLOCK_OFF_S = 60.0

# A handshake may refuse a certificate before anyone says who he is.
REFUSED_AT_ONCE = "certificate_changed"


def judge_address(seen: Seen) -> Iterator[Finding]:
    """Whether its name resolves."""
    yield from judge_name(seen.reached, f"{seen.key}.host", in_container=seen.in_container)


def judge_doors(seen: Seen) -> Iterator[Finding]:
    """Whether it takes connections."""
    yield from judge_ports(
        seen.reached,
        "see whether the gateway has power and this address (envoy-mqtt discover lists the gateways here), "
        f"and mend {seen.key}.host",
    )


def judge_certificate(seen: Seen) -> Iterator[Finding]:
    """What it shows at the handshake, and what the bridge makes of that."""
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


def judge_identity(seen: Seen) -> Iterator[Finding]:
    """Who it says it is."""
    who = seen.identity
    if seen.identity_trouble is not None and not _refused_at_once(seen):
        yield bad(seen.identity_trouble.text, f"see what answers at {seen.host}, and mend {seen.key}.host")
    if who is None:
        return
    firmware, part = printable(who.firmware) or "unknown", printable(who.part_number) or "unknown"
    yield ok(f"serial {who.serial}, firmware {firmware}, part number {part}")


def judge_clock(seen: Seen) -> Iterator[Finding]:
    """Whether it and this machine agree on the time."""
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
