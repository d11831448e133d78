"""What `/ivp/meters/readings` answers: every meter's powers and lifetime counters at one moment.

Entries are matched by id, never by position: some firmware puts an all-zero entry of a meter that nobody
has first, and goes on reporting meters that are disabled (protocol notes, section 3.2). A meter has three
channels whatever is fitted, and what is in the spare ones may be another meter's; only as many count as
the meter has phases. Zeros after a reboot are passed on, and said to be what they are.
"""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from pydantic_core import SchemaValidator

from envoy_mqtt.errors import BadAnswer
from envoy_mqtt.gateway.document import BIG_NUMBER, NUMBER, check, decode, entries, record
from envoy_mqtt.gateway.event import read_phase
from envoy_mqtt.gateway.layout import NOT_FITTED
from envoy_mqtt.model import UNKNOWN, Counted, Kind, Measured, Meter, Phase, Phases, Register, Site

PATH = "/ivp/meters/readings"

# As the stream calls them.
KEYS = {
    "activePower": "p",
    "reactivePower": "q",
    "apparentPower": "s",
    "pwrFactor": "pf",
    "voltage": "v",
    "current": "i",
    "freq": "f",
}
DELIVERED, RECEIVED = "actEnergyDlvd", "actEnergyRcvd"

_ANSWER = SchemaValidator(entries())
_METER = SchemaValidator(record({"timestamp": BIG_NUMBER}, {"channels": entries()}))
_CHANNEL = SchemaValidator(
    record({}, dict.fromkeys(KEYS, NUMBER) | dict.fromkeys((DELIVERED, RECEIVED), BIG_NUMBER))
)


class Snapshot(NamedTuple):
    """All meters at one moment; a meter of which the answer has no entry is in none of them.

    `moments` are the meters' own timestamps: an answer with the same ones is the same reading. `copied`
    is whether a leg of storage is a copy of the net's; it is unknown then, and its counters are good.
    `asleep` is whether the gateway has not measured anything since it started.
    """

    measured: Measured
    counted: Counted
    moments: tuple[float, ...]
    copied: bool
    asleep: bool


class _Entry(NamedTuple):
    moment: float
    phases: Phases
    registers: tuple[Register, ...]


def read_readings(body: bytes, site: Site) -> Snapshot:
    """What the site's enabled meters say; raises `BadAnswer` where nothing of production, net and total is
    there or a value is not a number, and nothing else.

    A counter that a firmware leaves out leaves its meter out of `counted`.
    """
    found = _found(decode(PATH, body, _ANSWER), site)
    measured = {kind: _all_phases(kind, entry, site) for kind, entry in found.items()}
    copies = _copies(measured)
    if any(copies):
        legs = zip(measured[Kind.STORAGE], copies, strict=True)
        measured[Kind.STORAGE] = tuple(UNKNOWN if copied else leg for leg, copied in legs)
    return Snapshot(
        measured=measured,
        counted={kind: entry.registers for kind, entry in found.items() if entry.registers},
        moments=tuple(entry.moment for entry in found.values()),
        copied=any(copies),
        asleep=_asleep(found.values()),
    )


def _found(answer: list[Any], site: Site) -> dict[Kind, _Entry]:
    """The entries of the site's enabled meters, of those the answer has."""
    meters = {meter.kind: meter for meter in site.meters if meter.enabled and meter.kind}
    named = (entry for entry in answer if isinstance(entry, dict) and type(entry.get("eid")) is int)
    listed = {entry["eid"]: entry for entry in named}
    found = {kind: _entry(meter, listed[meter.eid]) for kind, meter in meters.items() if meter.eid in listed}
    # A battery alone is no reading of a house that has other meters.
    if not found or found.keys() == {Kind.STORAGE} != meters.keys():
        raise BadAnswer(f"{PATH} has none of the site's meters")
    return found


def _entry(meter: Meter, wire: object) -> _Entry:
    entry = check(PATH, wire, _METER)
    # On one phase the meter's own values are its channel's.
    channels = entry.get("channels", [wire] if meter.phases == 1 else [])[: meter.phases]
    if len(channels) < meter.phases:
        raise BadAnswer(f"{PATH} has fewer channels of {meter.eid} than it has phases")
    values = [check(PATH, channel, _CHANNEL) for channel in channels]
    return _Entry(entry["timestamp"], tuple(map(_phase, values)), _registers(values))


def _all_phases(kind: Kind, entry: _Entry, site: Site) -> Phases:
    return entry.phases + (NOT_FITTED[kind],) * (site.phases - len(entry.phases))


def _phase(channel: Mapping[str, float]) -> Phase:
    return read_phase({"p": None} | {KEYS[key]: channel[key] for key in KEYS if key in channel})


def _registers(channels: list[dict[str, float]]) -> tuple[Register, ...]:
    if not all(DELIVERED in channel and RECEIVED in channel for channel in channels):
        return ()
    return tuple(Register(channel[DELIVERED], channel[RECEIVED]) for channel in channels)


def _copies(measured: Measured) -> list[bool]:
    """Which legs of storage repeat the net's: a fault of firmware 8.2.127 (protocol notes, section 7)."""
    legs, nets = measured.get(Kind.STORAGE, ()), measured.get(Kind.NET, ())
    return [_same(leg, net) for leg, net in zip(legs, nets, strict=False)]


def _same(leg: Phase, net: Phase) -> bool:
    if leg.voltage is None or leg.power_factor is None or not leg.current:
        return False
    return (leg.voltage, leg.current, leg.power_factor) == (net.voltage, net.current, net.power_factor)


def _asleep(found: Collection[_Entry]) -> bool:
    return not any(entry.moment for entry in found) or not any(map(_speaks, found))


def _speaks(entry: _Entry) -> bool:
    """Whether anything is not zero but the frequency, which is its nominal value even then."""
    values = [*(phase._replace(frequency=None) for phase in entry.phases), *entry.registers]
    return any(any(each) for each in values)
