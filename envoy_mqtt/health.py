"""What `bridge/health` says, from values that others keep: the contract's section "Health". Pure.

Every key is in every message. The same payload answers the request `health`.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from math import inf
from types import MappingProxyType
from typing import Any, NamedTuple

from envoy_mqtt.model import Instant
from envoy_mqtt.mqtt.message import iso, milliseconds
from envoy_mqtt.mqtt.payload import SCHEMA
from envoy_mqtt.problems import Problem, Register, Trouble
from envoy_mqtt.pulse import Pulse

DAY_S = 86_400.0

NONE: Mapping[Any, Any] = MappingProxyType({})

# Why a gateway is offline, as the contract names it, where the reason of the lost connection says less.
REASONS = {"other_serial": "refused", "certificate_changed": "refused", "asked": "starting"}
OFFLINE_REASONS = ("timeout", "closed", "refused", "frozen", "bad_data", "unreachable", "starting")

# The problem that an offline gateway is.
OFFLINE = {
    "timeout": "gateway_silent",
    "closed": "gateway_silent",
    "refused": "gateway_refused",
    "frozen": "gateway_frozen",
    "bad_data": "gateway_bad_data",
    "unreachable": "gateway_unreachable",
    "starting": "gateway_silent",
}

# Waiting does not mend these, so they are told although readings may still be fresh.
AT_ONCE = {
    "refused": "gateway_refused",
    "other_serial": "gateway_other_serial",
    "certificate_changed": "certificate_changed",
}

CAUSES = {
    "frozen": "the same values for minutes while power flows",
    "bad_data": "its events cannot be read",
    "timeout": "it is connected and silent",
    "starting": "none has come since the bridge was started or asked to connect anew",
}

# These say nothing of a cause that a user could know.
WORDLESS = {"asked"}


class Gateway(NamedTuple):
    """What is known of one gateway. `trouble` is why its connection is away, `standing` what is wrong
    besides, `requests` counts answers by path and status (or `"error"`), `expires` is the Unix time at
    which the token ends.
    """

    serial: str | None
    fresh: bool
    pulse: Pulse
    frozen: bool = False
    trouble: Trouble | None = None
    standing: Iterable[Trouble] = ()
    source: str | None = None
    source_reason: str | None = None
    bursts: int = 0
    skipped: Mapping[str, int] = NONE
    reconnects: Mapping[str, int] = NONE
    requests: Mapping[tuple[str, str], int] = NONE
    role: str | None = None
    expires: float | None = None
    logins_today: int = 0
    counter_resets: int = 0


# Upper ends of a histogram's buckets, in s: from a broker in the same house to one that is nearly given up.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, inf)


class Latency:
    """Latencies in seconds: the last ones for percentiles, and all since the start as a histogram."""

    REMEMBERED = 1024

    def __init__(self) -> None:
        self._last: deque[float] = deque(maxlen=self.REMEMBERED)
        self._counts = [0] * len(BUCKETS)
        self.sum_s = 0.0

    def add(self, seconds: float) -> None:
        """One more; it costs next to nothing."""
        self._last.append(seconds)
        self._counts[bisect_left(BUCKETS, seconds)] += 1
        self.sum_s += seconds

    @property
    def buckets(self) -> list[tuple[float, int]]:
        """How many were at most so long, for each of BUCKETS."""
        return list(zip(BUCKETS, accumulate(self._counts), strict=True))

    @property
    def percentiles_ms(self) -> tuple[float | None, float | None]:
        """The 50th and the 99th in ms, by the nearest rank; `None` before the first."""
        ordered = sorted(self._last)
        if not ordered:
            return None, None
        half, most = (ordered[-(-len(ordered) * percent // 100) - 1] for percent in (50, 99))
        return round(1000 * half, 2), round(1000 * most, 2)


class Journal(NamedTuple):
    """What is known of the journal: readings that wait, bytes on the disk, readings lost since the start."""

    depth: int
    bytes: int
    lost: int


class Broker(NamedTuple):
    """What is known of the broker; `journal` is `None` where it is off."""

    connected: bool = False
    connects: int = 0
    protocol: str | None = None
    failures: Mapping[str, int] = NONE
    refused_topics: Mapping[str, str] = NONE
    messages: int = 0
    bytes: int = 0
    replaced: int = 0
    latency: Latency | None = None
    journal: Journal | None = None
    trouble: Trouble | None = None
    standing: Iterable[Trouble] = ()


class Process(NamedTuple):
    """What is known of the bridge itself."""

    version: str
    started: float  # steady
    memory_mib: float


def offline_reason(gateway: Gateway, now: float) -> str | None:
    """The contract's word for why a gateway is offline at the steady time `now`; `None` while it is not."""
    if gateway.fresh:
        return None
    if gateway.frozen:
        return "frozen"
    if gateway.pulse.unreadable(now):
        return "bad_data"
    if gateway.trouble is not None:
        reason = REASONS.get(gateway.trouble.reason, gateway.trouble.reason)
        return reason if reason in OFFLINE_REASONS else "closed"
    return "starting" if gateway.pulse.last is None else "timeout"


def problems(
    gateways: Iterable[Gateway], broker: Broker, standing: Iterable[Trouble], now: Instant
) -> list[Problem]:
    """Everything that is wrong now; `standing` is what is wrong with the bridge itself."""
    found = [problem for gateway in gateways for problem in of_gateway(gateway, now.steady)]
    return [*found, *of_broker(broker), *_standing(standing, None)]


def of_gateway(gateway: Gateway, now: float) -> Iterator[Problem]:
    """A gateway's problems: an offline one always has one."""
    reason = offline_reason(gateway, now)
    trouble = _cause(gateway, now)
    told = trouble.code or AT_ONCE.get(trouble.reason)
    if told:
        yield Problem(told, gateway.serial, trouble.text)
    elif reason is not None:
        yield Problem(OFFLINE[reason], gateway.serial, trouble.text or CAUSES.get(reason, ""))
    yield from _standing(gateway.standing, gateway.serial)


def _cause(gateway: Gateway, now: float) -> Trouble:
    """Why the connection is away; what was wrong with one before says nothing where events come now."""
    sends = not gateway.fresh and (gateway.frozen or gateway.pulse.unreadable(now))
    if gateway.trouble is None or sends or gateway.trouble.reason in WORDLESS:
        return Trouble()
    return gateway.trouble


def of_broker(broker: Broker) -> Iterator[Problem]:
    """The broker's problems."""
    trouble = broker.trouble or Trouble()
    if trouble.code:
        yield Problem(trouble.code, cause=trouble.text)
    elif not broker.connected:
        refused = trouble.reason == "refused"
        yield Problem("broker_refused" if refused else "broker_unreachable", cause=trouble.text)
    if broker.refused_topics:
        refusals = [f"{topic} ({reason})" for topic, reason in sorted(broker.refused_topics.items())]
        more = f" and {len(refusals) - 3} more" if len(refusals) > 3 else ""
        yield Problem("broker_refused_topic", cause=", ".join(refusals[:3]) + more)
    yield from _standing(broker.standing, None)


def _standing(troubles: Iterable[Trouble], serial: str | None) -> Iterator[Problem]:
    return (Problem(trouble.code, serial, trouble.text) for trouble in troubles if trouble.code)


def payload(
    process: Process, gateways: Iterable[Gateway], broker: Broker, register: Register, now: Instant
) -> dict[str, object]:
    """The content of `bridge/health`; a gateway that has never said its serial number is in no table."""
    time, timestamp = milliseconds(now.unix)
    standing = register.standing
    return {
        "time": time,
        "timestamp": timestamp,
        "version": process.version,
        "schema": SCHEMA,
        "uptime_s": round(now.steady - process.started, 1),
        "memory_mib": round(process.memory_mib, 1),
        "status": "degraded" if standing else "ok",
        "problems": [_told(problem, since) for problem, since in standing],
        "gateways": {each.serial: table(each, now) for each in gateways if each.serial is not None},
        "broker": broker_table(broker),
    }


def _told(problem: Problem, since: float) -> dict[str, object]:
    return {
        "code": problem.code,
        "serial": problem.serial,
        "since": iso(since),
        "text": problem.text,
        "remedy": problem.remedy,
    }


def table(gateway: Gateway, now: Instant) -> dict[str, object]:
    """What health says of one gateway."""
    pulse, steady = gateway.pulse, now.steady
    return {
        "fresh": gateway.fresh,
        "age_s": _tenths(pulse.age_s(steady)),
        "source": gateway.source,
        "source_reason": gateway.source_reason,
        "offline_reason": offline_reason(gateway, steady),
        "readings": pulse.readings,
        "rate_hz": round(pulse.rate_hz(steady), 2),
        "bursts": gateway.bursts,
        "stalls": pulse.stalls(steady),
        "longest_silence_s": _tenths(pulse.longest_s(steady)),
        "skipped": dict(gateway.skipped),
        "reconnects": dict(gateway.reconnects),
        "requests": _by_path(gateway.requests),
        "token_role": gateway.role,
        "token_days_left": _tenths(None if gateway.expires is None else (gateway.expires - now.unix) / DAY_S),
        "logins_today": gateway.logins_today,
        "counter_resets": gateway.counter_resets,
    }


def _tenths(value: float | None) -> float | None:
    return None if value is None else round(value, 1) + 0.0


def _by_path(requests: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (path, status), count in requests.items():
        found.setdefault(path, {})[status] = count
    return found


def broker_table(broker: Broker) -> dict[str, object]:
    """What health says of the broker; the journal's keys are `null` while there is none."""
    depth, size, lost = broker.journal or (None, None, None)
    half, most = (None, None) if broker.latency is None else broker.latency.percentiles_ms
    return {
        "connected": broker.connected,
        "connects": broker.connects,
        "protocol": broker.protocol,
        "failures": dict(broker.failures),
        "refused_topics": dict(broker.refused_topics),
        "messages": broker.messages,
        "bytes": broker.bytes,
        "replaced": broker.replaced,
        "latency_ms": {"p50": half, "p99": most},
        "journal_depth": depth,
        "journal_bytes": size,
        "journal_lost": lost,
    }
