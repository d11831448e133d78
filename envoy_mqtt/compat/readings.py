"""The list of `/ivp/meters/readings` as a gateway answers it, with the powers of one reading. Pure.

The page itself is read once a minute for its counters. Between two of its answers each reading puts what it
knows of the enabled meters into it, null where its source does not know; the rest stays as the page said it:
counters, spare channels, meters that are disabled. Meters that `/ivp/meters` lists stand first, production
before consumption as people's templates count them: some firmware puts an all-zero entry of a meter nobody
has before them (protocol notes, section 3.2).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from envoy_mqtt.model import UNKNOWN, Kind, Meter, Phase, Phases, Site

Entry = dict[str, Any]

# In the gateway's order, and our names.
KEYS = {
    "instantaneousDemand": "power",
    "activePower": "power",
    "apparentPower": "apparent_power",
    "reactivePower": "reactive_power",
    "pwrFactor": "power_factor",
    "voltage": "voltage",
    "current": "current",
    "freq": "frequency",
}

COUNTERS = ("actEnergyDlvd", "actEnergyRcvd", "apparentEnergy", "reactEnergyLagg", "reactEnergyLead")
CHANNELS = 3


def ordered(page: Sequence[Any], site: Site) -> list[Any]:
    """The page's own entries, those of meters that the gateway lists first."""
    listed = {meter.eid for meter in site.meters}
    return sorted(page, key=lambda entry: _eid(entry) not in listed)


def filled(page: Sequence[Any], measured: Mapping[Kind, Phases], site: Site, time: float) -> list[Any]:
    """The same with what the enabled meters said at `time`."""
    said: dict[int | None, tuple[Phase, ...]] = {
        meter.eid: _phases(measured, meter) for meter in site.meters if meter.enabled
    }
    return [
        _filled(entry, said[_eid(entry)], int(time)) if _eid(entry) in said else entry
        for entry in ordered(page, site)
    ]


def blank(site: Site) -> list[Any]:
    """What stands for the page where a gateway has none: its meters, and counters that nobody knows."""
    return [_blank(meter.eid) | {"channels": [*_channels(meter)]} for meter in site.meters]


def _eid(entry: object) -> int | None:
    eid = entry.get("eid") if isinstance(entry, dict) else None
    return eid if isinstance(eid, int) else None


def _channels(meter: Meter) -> Iterable[Entry]:
    # Channels are 0x6A000n11 to 13 of the meter 0x2A000n00 (protocol notes, section 3.1).
    first = 0x6A000000 + (meter.eid & 0xFFFF) + 0x11
    for n in range(CHANNELS):
        spare = n >= meter.phases
        yield _blank(first + n) | (dict.fromkeys((*COUNTERS, *KEYS), 0.0) if spare else {})


def _blank(eid: int) -> Entry:
    return {"eid": eid, "timestamp": 0} | dict.fromkeys((*COUNTERS, *KEYS))


def _phases(measured: Mapping[Kind, Phases], meter: Meter) -> tuple[Phase, ...]:
    unknown = (UNKNOWN,) * meter.phases
    return measured.get(meter.kind, unknown)[: meter.phases] if meter.kind else unknown


def _filled(entry: Entry, phases: Sequence[Phase], moment: int) -> Entry:
    told = entry.get("channels")
    channels = [each for each in told if isinstance(each, dict)] if isinstance(told, list) else []
    legs = [
        channel | {"timestamp": moment} | _values(phase)
        for channel, phase in zip(channels, phases, strict=False)
    ]
    whole = {"timestamp": moment} | _values(_whole(phases))
    return entry | whole | ({"channels": legs + channels[len(legs) :]} if "channels" in entry else {})


def _values(phase: Phase) -> dict[str, float | None]:
    values = {key: getattr(phase, ours) for key, ours in KEYS.items()}
    return {key: None if value is None else round(value, 3) + 0.0 for key, value in values.items()}


def _whole(phases: Sequence[Phase]) -> Phase:
    """As the gateway adds a meter's phases up, voltages too."""
    if len(phases) == 1:
        return phases[0]
    power, reactive, apparent, _, voltage, current, _ = (_sum(values) for values in zip(*phases, strict=True))
    factor = power / apparent if power is not None and apparent else None
    return Phase(power, reactive, apparent, factor, voltage, current, phases[0].frequency)


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
