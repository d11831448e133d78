"""What Prometheus reads: the contract's names, from the same values as `bridge/health`. Pure.

A value that is not known has no sample, and neither has a reading that is no longer fresh: what Prometheus
shows for five more minutes is what it was told last.
"""

from collections.abc import Iterable, Iterator, Mapping
from math import inf
from types import MappingProxyType
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)

from envoy_mqtt import health
from envoy_mqtt.health import Latency
from envoy_mqtt.model import Quantity
from envoy_mqtt.web import money

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# The families of a gateway's readings, with the key of `live` that each shows.
MEASURED = {
    "envoy_power_watts": ("power", "Active power; grid: + import, storage: + discharge."),
    "envoy_voltage_volts": ("voltage", "Voltage."),
    "envoy_current_amperes": ("current", "Current, a magnitude."),
    "envoy_frequency_hertz": ("frequency", "Frequency."),
}
PHASES = {"total": "", "1": "l1_", "2": "l2_", "3": "l3_"}

# Lifetime energies; `net_energy` may fall and is none.
ENERGIES = (
    "production",
    "grid_import",
    "grid_export",
    "consumption",
    "storage_discharged",
    "storage_charged",
)


NO_TARIFF: Mapping[str, Any] = MappingProxyType({})


class Shown(NamedTuple):
    """What is known of one gateway: its values for health, and its last `live`, `energy` and `tariff`."""

    gateway: health.Gateway
    live: Mapping[str, Any]
    energy: Mapping[str, Any]
    tariff: Mapping[str, Any] = NO_TARIFF


def families(version: str, shown: Iterable[Shown], broker: health.Broker, steady: float) -> list[Metric]:
    """What there is to tell, by name; a gateway without a serial number is not in it."""
    known = [each for each in shown if each.gateway.serial is not None]
    return [*_gateways(known, steady), *_broker(broker), _build(version)]


def text(told: list[Metric]) -> bytes:
    """The exposition, in Prometheus' text format 0.0.4; it touches nothing else and may run in a thread."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(told))
    return generate_latest(registry)


class _Families:
    """What a registry collects from."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """The families as they are."""
        return self._families


def _build(version: str) -> Metric:
    return InfoMetricFamily("envoy_build", "The bridge.", value={"version": version})


def _gateways(shown: list[Shown], steady: float) -> Iterator[Metric]:
    up = GaugeMetricFamily("envoy_up", "Whether fresh readings come.", labels=["serial"])
    age = GaugeMetricFamily("envoy_reading_age_seconds", "Since the last reading.", labels=["serial"])
    end = GaugeMetricFamily("envoy_token_expiry_timestamp_seconds", "When the token ends.", labels=["serial"])
    for gateway, *_ in shown:
        _add(up, gateway.fresh, gateway.serial)
        _add(age, gateway.pulse.age_s(steady), gateway.serial)
        _add(end, gateway.expires, gateway.serial)
    yield from (up, age, end)
    yield from _counts(shown, steady)
    yield from _reasons(shown)
    yield from _readings(shown)
    yield _energies(shown)
    yield from money.families((each.gateway.serial or "", each.tariff) for each in shown)


def _counts(shown: list[Shown], steady: float) -> Iterator[Metric]:
    readings = _counter("envoy_readings_total", "Readings.")
    bursts = _counter("envoy_bursts_total", "Several readings at the end of one silence.")
    stalls = _counter("envoy_stalls_total", "Long silences.")
    resets = _counter("envoy_counter_resets_total", "Energy counters that began again.")
    for gateway, *_ in shown:
        _add(readings, gateway.pulse.readings, gateway.serial)
        _add(bursts, gateway.bursts, gateway.serial)
        _add(stalls, gateway.pulse.stalls(steady), gateway.serial)
        _add(resets, gateway.counter_resets, gateway.serial)
    yield from (readings, bursts, stalls, resets)


def _reasons(shown: list[Shown]) -> Iterator[Metric]:
    skipped = _counter("envoy_skipped_total", "Events that could not be read.", "reason")
    reconnects = _counter("envoy_reconnects_total", "Connections lost or not made.", "reason")
    requests = _counter("envoy_requests_total", "Requests to the gateway.", "path", "status")
    for gateway, *_ in shown:
        for reason, count in gateway.skipped.items():
            _add(skipped, count, gateway.serial, reason)
        for reason, count in gateway.reconnects.items():
            _add(reconnects, count, gateway.serial, reason)
        for (path, status), count in gateway.requests.items():
            _add(requests, count, gateway.serial, path, status)
    yield from (skipped, reconnects, requests)


def _readings(shown: list[Shown]) -> Iterator[Metric]:
    fresh = [(gateway.serial, live) for gateway, live, *_ in shown if gateway.fresh]
    for name, (key, what) in MEASURED.items():
        family = GaugeMetricFamily(name, what, labels=["serial", "meter", "phase"])
        for serial, live in fresh:
            for meter in Quantity:
                for phase, prefix in PHASES.items():
                    _add(family, live.get(f"{meter}_{prefix}{key}"), serial, meter, phase)
        yield family
    charge = GaugeMetricFamily("envoy_state_of_charge_ratio", "The battery's charge.", labels=["serial"])
    for serial, live in fresh:
        percent = live.get("storage_state_of_charge")
        _add(charge, None if percent is None else percent / 100, serial)
    yield charge


def _energies(shown: list[Shown]) -> Metric:
    family = _counter("envoy_energy_watthours_total", "Lifetime energy.", "quantity")
    for gateway, _, energy, _ in shown:
        for quantity in ENERGIES:
            energy_kwh = energy.get(f"{quantity}_energy")
            _add(family, None if energy_kwh is None else round(1000 * energy_kwh), gateway.serial, quantity)
    return family


def _broker(broker: health.Broker) -> Iterator[Metric]:
    table = health.broker_table(broker)
    yield _one(GaugeMetricFamily("envoy_mqtt_connected", "Whether the broker is there."), broker.connected)
    for name, value, what in (
        ("connects", broker.connects, "Connections made to the broker."),
        ("messages", broker.messages, "Messages the broker took."),
        ("bytes", broker.bytes, "Bytes of payload the broker took."),
        ("replaced", broker.replaced, "Unsent messages that a newer one replaced."),
    ):
        yield _one(CounterMetricFamily(f"envoy_mqtt_{name}_total", what), value)
    failures = CounterMetricFamily("envoy_mqtt_failures_total", "Connections lost.", labels=["reason"])
    for reason, count in broker.failures.items():
        _add(failures, count, reason)
    yield failures
    yield _latency(broker.latency or Latency())
    depth, lost = table["journal_depth"], table["journal_lost"]
    yield _one(GaugeMetricFamily("envoy_journal_depth", "Readings that wait in the journal."), depth)
    yield _one(CounterMetricFamily("envoy_journal_lost_total", "Readings the journal dropped."), lost)


def _latency(latency: Latency) -> Metric:
    family = HistogramMetricFamily(
        "envoy_mqtt_latency_seconds", "From a reading's last byte to the broker's acknowledgement."
    )
    family.add_metric([], [(_bound(most), count) for most, count in latency.buckets], latency.sum_s)
    return family


def _bound(most: float) -> str:
    return "+Inf" if most == inf else str(most)


def _counter(name: str, what: str, *labels: str) -> CounterMetricFamily:
    return CounterMetricFamily(name, what, labels=["serial", *labels])


def _one(family: Any, value: Any) -> Metric:
    _add(family, value)
    metric: Metric = family
    return metric


def _add(family: Any, value: Any, *labels: str | None) -> None:
    if value is not None:
        family.add_metric(labels, value)
