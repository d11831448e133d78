"""From a reading to the contract's messages, schema 1: topics, keys, signs and rounding live here.

The keys of a topic depend on the site's layout alone, so they are laid out once per layout and a
reading only fills in the values. `live` leaves first of a reading's messages.
"""

from collections.abc import Iterator
from typing import NamedTuple

from envoy_mqtt.gateway.beside import INTERVALS
from envoy_mqtt.gateway.inverters import Inverter
from envoy_mqtt.gateway.layout import quantities
from envoy_mqtt.model import Phase, Phases, Quantity, Reading, Site
from envoy_mqtt.mqtt.message import Message, encode, iso, milliseconds
from envoy_mqtt.mqtt.scalars import scalar_topics, scalars

SCHEMA = 1

# Five minutes: longer than any stall of a healthy gateway, short enough that a broker hands nobody an
# old power as a new one; five intervals of a slower source (the contract, section "Topics").
EXPIRY_S = 300
EXPIRY_INTERVALS = 5

Value = float | None

# A phase's values in the order of the contract's table, with their decimals.
DECIMALS = {
    "power": 1,
    "reactive_power": 1,
    "apparent_power": 1,
    "power_factor": 3,
    "voltage": 1,
    "current": 3,
    "frequency": 2,
}


DECIMAL_PLACES = tuple(DECIMALS.values())


class Publish(NamedTuple):
    """Which of the per-reading topics are wanted, and how they are kept; `shown` is whether the page needs
    `live` though the broker does not get it.
    """

    base_topic: str = "envoy"
    retain: bool = True
    live: bool = True
    meters: bool = True
    scalars: bool = False
    fresh_s: float = 30.0
    journal: bool = False
    shown: bool = False

    def patience_s(self, interval_s: float) -> float:
        """How long a source with a reading every `interval_s` may be silent and is fresh all the same."""
        return max(self.fresh_s, INTERVALS * interval_s)


# What `live` begins with.
HEAD = ("time", "timestamp", "sequence", "source")


class Payloads:
    """Writes the per-reading messages of one site; `live` is the last reading as that topic has it, whether
    it is published or not.
    """

    def __init__(self, site: Site, publish: Publish) -> None:
        self._publish = publish
        self._prefix = f"{publish.base_topic}/{site.identity.serial}"
        self._quantities = quantities(site)
        self._phases = site.phases
        self._meter_keys = {quantity: self._keys_of(quantity) for quantity in self._quantities}
        self._live_keys = [
            live_key(quantity, key) for quantity in self._quantities for key in self._meter_keys[quantity]
        ]
        self._shares = Quantity.NET in self._quantities
        if self._shares:
            self._live_keys.append("self_consumption_power")
        self._scalars = scalar_topics(self._prefix, self._live_keys if publish.scalars else ())
        self.live: dict[str, float | int | str | None] = {}

    @property
    def live_keys(self) -> tuple[str, ...]:
        """The keys of `live`, in its order."""
        return (*HEAD, *self._live_keys)

    @property
    def topics(self) -> set[str]:
        """The topics that carry readings of this site and that a broker keeps."""
        names = ["live"] * self._publish.live + [*self._quantities] * self._publish.meters
        return {f"{self._prefix}/{name}" for name in names} | {*self._scalars.values()}

    def write(self, reading: Reading, *, steady: float, interval_s: float = 1.0) -> Iterator[Message]:
        """The messages of one reading that arrived at `steady`, each written when it is asked for; its source
        has one every `interval_s`.
        """
        prefix, retain = self._prefix, self._publish.retain
        good_until = steady + self._publish.patience_s(interval_s)
        expiry_s = max(EXPIRY_S, round(EXPIRY_INTERVALS * interval_s))
        for topic, payload, qos in self._payloads(reading):
            message = Message(f"{prefix}/{topic}", payload, qos, retain, expiry_s, good_until, steady)
            if topic == "live":
                message = message._replace(inside=not self._publish.live, values=self.live)
            yield message
        for topic, payload in scalars(self._scalars, self.live):
            yield Message(topic, payload, 0, retain, expiry_s, good_until, steady)
        if self._publish.journal:
            yield Message(f"{prefix}/journal", self._encoded, qos=1, retain=False, kept=True)

    def report(self, inverter: Inverter, now_unix: float) -> Message:
        """What a microinverter reported, read at `now_unix`."""
        time, timestamp = milliseconds(now_unix)
        payload = {
            "time": time,
            "timestamp": timestamp,
            "serial": inverter.serial,
            "power": round(inverter.power_w, 1) + 0.0,
            "max_power": round(inverter.max_power_w, 1) + 0.0,
            "reported": iso(inverter.reported_unix),
        }
        topic = f"{self._prefix}/inverter/{inverter.serial}"
        return Message(topic, encode(payload), retain=self._publish.retain)

    def _payloads(self, reading: Reading) -> Iterator[tuple[str, bytes, int]]:
        values = {quantity: self._values_of(quantity, reading) for quantity in self._quantities}
        time, timestamp = milliseconds(reading.time)
        self.live = dict(zip(HEAD, (time, timestamp, reading.sequence, reading.source), strict=True))
        self.live.update(zip(self._live_keys, self._live_values(values), strict=True))
        if self._publish.live or self._publish.journal or self._publish.shown:
            self._encoded = encode(self.live)
        if self._publish.live or self._publish.shown:
            yield "live", self._encoded, 1
        if self._publish.meters:
            for quantity in self._quantities:
                filled = zip(self._meter_keys[quantity], values[quantity], strict=True)
                yield quantity, encode({"time": time, "timestamp": timestamp, **dict(filled)}), 0

    def _keys_of(self, quantity: Quantity) -> list[str]:
        keys = list(DECIMALS) + EXTRA_KEYS.get(quantity, [])
        if self._phases > 1:
            keys += [f"l{n}_{key}" for n in range(1, self._phases + 1) for key in DECIMALS]
        return keys

    def _values_of(self, quantity: Quantity, reading: Reading) -> list[Value]:
        phases, wholes = reading.quantities
        total = whole(phases[quantity])
        if quantity in wholes and total.power is None:
            total = Phase(power=wholes[quantity])  # the phases, of which nothing is known, do not sum to it
        values = rounded(total)
        if quantity is Quantity.NET:
            values += exchange(values[0])
        elif quantity is Quantity.STORAGE:
            charge = reading.state_of_charge
            values.append(None if charge is None else round(charge, 1) + 0.0)
        if self._phases > 1:
            for phase in phases[quantity]:
                values += rounded(phase)
        return values

    def _live_values(self, values: dict[Quantity, list[Value]]) -> list[Value]:
        live = [value for quantity in self._quantities for value in values[quantity]]
        if self._shares:
            export = values[Quantity.NET][len(DECIMALS) + 1]
            live.append(self_consumption(values[Quantity.PRODUCTION][0], export))
        return live


EXTRA_KEYS = {Quantity.NET: ["import_power", "export_power"], Quantity.STORAGE: ["state_of_charge"]}


def live_key(quantity: Quantity, key: str) -> str:
    """A meter's key as `live` names it: with the meter's name, but import and export are the grid's."""
    return f"grid_{key}" if key in EXTRA_KEYS[Quantity.NET] else f"{quantity}_{key}"


def whole(phases: Phases) -> Phase:
    """A meter's total: the phase itself where there is one, else the contract's definitions.

    Powers are sums over the phases, the apparent one arithmetically; a sum of voltages is no voltage and
    a sum of currents no current; the frequency is phase 1's.
    """
    if len(phases) == 1:
        return phases[0]
    power = _sum([phase.power for phase in phases])
    apparent = _sum([phase.apparent_power for phase in phases])
    factor = power / apparent if power is not None and apparent else None
    return Phase(
        power=power,
        reactive_power=_sum([phase.reactive_power for phase in phases]),
        apparent_power=apparent,
        power_factor=None if factor is None else min(1.0, max(-1.0, factor)),
        frequency=phases[0].frequency,
    )


def _sum(values: list[Value]) -> Value:
    total = 0.0
    for value in values:
        if value is None:
            return None
        total += value
    return total


def rounded(phase: Phase) -> list[Value]:
    """A phase's values as they are published; adding 0.0 makes the gateway's `-0.0` a plain 0."""
    return [
        None if value is None else round(value, decimals) + 0.0
        for value, decimals in zip(phase, DECIMAL_PLACES)  # noqa: B905  twice as fast, seven by seven
    ]


def exchange(net: Value) -> list[Value]:
    """Import and export in W, both ≥ 0, of the sum of the phases, as a balancing meter counts them."""
    return [None, None] if net is None else [max(0.0, net), max(0.0, -net)]


def self_consumption(production: Value, export: Value) -> Value:
    """What of the production stays in the house, in W."""
    if production is None or export is None:
        return None
    return round(max(0.0, min(production, production - export)), 1) + 0.0
