"""One gateway: the checks in their order, and what it measures and says."""

from collections.abc import Iterator
from typing import Any

from envoy_mqtt.diagnosis import pacing
from envoy_mqtt.diagnosis.access import judge_access, judge_token
from envoy_mqtt.diagnosis.encounter import (
    judge_address,
    judge_certificate,
    judge_clock,
    judge_doors,
    judge_identity,
)
from envoy_mqtt.diagnosis.findings import Check, Finding, bad, carry_out, ok, skipped, warning
from envoy_mqtt.diagnosis.meters import judge_meters, judge_topics
from envoy_mqtt.diagnosis.seen import Seen, first_step
from envoy_mqtt.gateway.ladder import Source

OCCUPIED = "the running bridge reads it and tells nothing of it, so no second one is opened"


def diagnose(seen: Seen) -> list[Finding]:
    """Every check's findings."""
    serial = seen.serial or (seen.identity.serial if seen.identity else None)
    about = f"gateway {serial} at {seen.host}" if serial else f"gateway at {seen.host}"
    return list(carry_out(CHECKS, seen, about))


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
    Check("name", judge_address, "its name does not resolve"),
    Check("ports", judge_doors, "no port takes a connection"),
    Check("certificate", judge_certificate, "its certificate is refused"),
    Check("identity", judge_identity, "it did not say who it is"),
    Check("clock", judge_clock),
    Check("token", judge_token, "there is no good token"),
    Check("access", judge_access, "it does not let us in"),
    Check("meters", _meters),
    Check("topics", _topics),
    Check("source", _source),
    Check("stream", _stream),
)
