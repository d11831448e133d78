"""`/ivp/meters/readings` as bytes: every meter's energies and powers, oddities included.

Three channels each whatever is wired, noise on unused ones, voltages added up, and a meter nobody
fitted (protocol notes, section 3.2).
"""

from collections.abc import Sequence
from typing import NamedTuple

from envoy_mqtt.simulator.counters import Counters, Register
from envoy_mqtt.simulator.documents import EIDS, listed, pretty
from envoy_mqtt.simulator.noise import smooth
from envoy_mqtt.simulator.options import Options
from envoy_mqtt.simulator.wire import NOTHING, Reading, Sample

# 0x3D000200, in no list of meters; from about 8.3.5025.
UNKNOWN_EID = 1023410688
UNKNOWN_CHANNELS = (2097152513, 2097152258, 2097152515)
UNKNOWN_LAG_S = 30
KEYS = (
    "actEnergyDlvd",
    "actEnergyRcvd",
    "apparentEnergy",
    "reactEnergyLagg",
    "reactEnergyLead",
    "instantaneousDemand",
    "activePower",
    "apparentPower",
    "reactivePower",
    "pwrFactor",
    "voltage",
    "current",
    "freq",
)
DEMAND, APPARENT, FACTOR, VOLTAGE, CURRENT, FREQUENCY = 5, 7, 9, 10, 11, 12
# Meters that are read even where they are not fitted.
READ = ("production", "consumption", "storage")


class Entry(NamedTuple):
    """One meter or channel: who, when (as written), and its numbers in the order of KEYS."""

    eid: int
    moment: str
    numbers: Sequence[float]


def readings(options: Options, unix: float, now: Sample, counters: Counters) -> bytes:
    """The document of one moment, given what the meters measure and what they have counted."""
    moment = str(int(unix))
    meters = []
    for name, channels in _measured(options, unix, now, counters).items():
        # Those that no firmware has anything for were never read.
        read_at = moment if name in READ else "0"
        # Channels are 0x6A000n11 to 13.
        first = 0x6A000000 + (EIDS[name] & 0xFFFF) + 0x11
        entries = [Entry(first + place, read_at, numbers) for place, numbers in enumerate(channels)]
        meters.append(_meter(options, Entry(EIDS[name], read_at, _aggregate(options, channels)), entries))
    if options.metered and options.unknown_meter_listed:
        meters.insert(0 if options.unknown_meter_first else len(meters), _unknown(options, unix))
    return pretty(meters)


def _measured(options: Options, unix: float, now: Sample, counters: Counters) -> dict[str, list[list[float]]]:
    """The numbers of every channel of every meter that is listed."""
    found = {}
    for name, kind, fitted in listed(options):
        registers, phases = _of(name, kind, now, counters)
        shown = [
            reading if name not in READ else _shown(options, place, reading, unix)
            for place, reading in enumerate(phases)
        ]
        found[name] = [
            _numbers(options, register, reading) for register, reading in zip(registers, shown, strict=True)
        ]
        if name == "storage" and fitted:
            _mix_up(options, found["consumption"], found["storage"])
    return found


def _of(
    name: str, kind: str, now: Sample, counters: Counters
) -> tuple[Sequence[Register], Sequence[Reading]]:
    if name == "production":
        return counters.production, now.production
    if name == "consumption":
        return counters.consumption, now.total if kind == "total-consumption" else now.net
    if name == "storage":
        return counters.storage, now.storage
    return Counters.blank().storage, now.storage


def _mix_up(options: Options, net: list[list[float]], storage: list[list[float]]) -> None:
    """What two firmwares get wrong with a storage meter on a split system (section 3.2)."""
    if options.phases.number != 2:
        return
    if options.version.copied_storage_leg:
        for place in (FACTOR, VOLTAGE, CURRENT):
            storage[0][place] = net[0][place]
        # Its power is nobody's, some four times the other leg's (recording 8.2.127); its counters are good.
        storage[0][DEMAND] = storage[0][DEMAND + 1] = storage[1][DEMAND] * 4.548
    net[2] = storage[1]


def _shown(options: Options, channel: int, reading: Reading, unix: float) -> Reading:
    """An unused channel is quiet on a split system; on others it shows 2 to 11 V where the stream shows 0."""
    if channel < options.phases.number:
        return reading
    if options.phases.number == 2:
        return NOTHING._replace(f=60.0)
    v = 2.0 + 9.0 * smooth(31337 + channel, unix / 11.0)
    i = 0.28 * smooth(31340 + channel, unix / 6.0) if channel == 2 else 0.0
    return Reading(-0.4 * v * i, -0.0, v * i, v, i, 0.0, 50.0)


def _numbers(options: Options, register: Register, reading: Reading) -> list[float]:
    """Current and apparent power are unsigned here, in both generations (section 1.4)."""
    newest, s = options.version.sums_power_factors, abs(reading.s)
    return [
        register.delivered_wh,
        register.received_wh,
        # The newest stack has lost this one: 0.013 after years (recording 8.3.5433).
        register.apparent_vah * (1e-9 if newest else 1.0),
        register.lagging_varh,
        register.leading_varh,
        reading.p,
        # There the active power is not quite the demand, whoever samples it.
        reading.p * (1.008 if newest else 1.0),
        s,
        reading.q,
        max(-1.0, min(1.0, reading.p / s)) if s else 0.0,
        reading.v,
        abs(reading.i),
        reading.f,
    ]


def _aggregate(options: Options, channels: Sequence[Sequence[float]]) -> list[float]:
    """Sums over the phases there are, voltages too; the factor is P/S, on the newest stack a sum as well."""
    fitted = channels[: options.phases.number]
    numbers = [sum(column) for column in zip(*fitted, strict=True)]
    numbers[DEMAND + 1] = numbers[DEMAND]
    if not options.version.sums_power_factors:
        numbers[FACTOR] = numbers[DEMAND] / numbers[APPARENT] if numbers[APPARENT] else 0.0
    numbers[FREQUENCY] = fitted[0][FREQUENCY]
    return numbers


def _unknown(options: Options, unix: float) -> list[str]:
    """All zero; its clock lags, and where it comes first its channels' clocks are floats."""
    moment, zeros = str(int(unix) - int(unix) % UNKNOWN_LAG_S), [0.0] * len(KEYS)
    # On the newest stack they are floats wherever it comes (recording 8.3.5433).
    floats = options.unknown_meter_first or options.version.sums_power_factors
    channels = [Entry(eid, f"{moment}.0" if floats else moment, zeros) for eid in UNKNOWN_CHANNELS]
    return _meter(options, Entry(UNKNOWN_EID, moment, zeros), channels)


def _meter(options: Options, aggregate: Entry, channels: Sequence[Entry]) -> list[str]:
    fixed = options.version.fixed_decimals
    step = " " * 16
    objects = (f",\n{step}".join(_lines(channel, fixed=fixed)) for channel in channels)
    inner = ",\n".join(f"            {{\n{step}{text}\n            }}" for text in objects)
    return [*_lines(aggregate, fixed=fixed), f'"channels": [\n{inner}\n        ]']


def _lines(entry: Entry, *, fixed: bool) -> list[str]:
    """`fixed` is 60.000, else the shortest float."""
    numbers = zip(KEYS, entry.numbers, strict=True)
    return [
        f'"eid": {entry.eid}',
        f'"timestamp": {entry.moment}',
        *(f'"{key}": {f"{value:.3f}" if fixed else repr(round(value, 3))}' for key, value in numbers),
    ]
