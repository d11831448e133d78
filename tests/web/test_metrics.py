"""What Prometheus reads: the contract's names, read back by Prometheus' own parser."""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from envoy_mqtt.health import Broker, Gateway, Journal, Latency
from envoy_mqtt.pulse import Pulse
from envoy_mqtt.web.metrics import Shown, families, text

CONTRACT = Path(__file__).parents[3] / "shared" / "design" / "mqtt.md"
SERIAL = "122100000017"
MINE = ("serial", SERIAL)

LIVE = {
    "production_power": 2000.0,
    "production_voltage": 230.1,
    "production_current": 8.7,
    "production_frequency": 50.01,
    "net_power": -500.5,
    "net_voltage": None,
    "net_l1_power": -400.0,
    "net_l3_current": 1.234,
    "storage_state_of_charge": 64.5,
    "consumption_power": None,
}
ENERGY = {
    "production_energy": 1234.567,
    "grid_import_energy": 0.0,
    "storage_charged_energy": None,
    "net_energy": -3.0,
    "production_energy_today": 2.0,
}

Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def gateway(**changes: Any) -> Gateway:
    beating = Pulse()
    for at in (990.0, 998.0, 999.5):
        beating.read(at)
    known: dict[str, Any] = {
        "bursts": 3,
        "skipped": Counter(bad_json=2),
        "reconnects": {"timeout": 1},
        "requests": Counter({("/info", "200"): 4, ("/info", "error"): 1}),
        "expires": 1_900_000_000.0,
        "counter_resets": 5,
    }
    return Gateway(SERIAL, True, beating)._replace(**known)._replace(**changes)


def broker() -> Broker:
    latency = Latency()
    for seconds in (0.0004, 0.001, 0.003, 40.0):
        latency.add(seconds)
    return Broker(
        connected=True,
        connects=2,
        failures={"lost": 1},
        messages=100,
        bytes=5000,
        replaced=7,
        latency=latency,
    )


def read(exposition: bytes) -> Samples:
    found = [
        each for family in text_string_to_metric_families(exposition.decode()) for each in family.samples
    ]
    samples = {(each.name, frozenset(each.labels.items())): each.value for each in found}
    assert len(samples) == len(found)
    return samples


def written(*shown: Shown, to: Broker | None = None) -> Samples:
    told = families("1.2.3", shown or [Shown(gateway(), LIVE, ENERGY)], to or broker(), 1000.0)
    return read(text(told))


def of(samples: Samples, name: str, *labels: tuple[str, str]) -> float | None:
    return samples.get((name, frozenset(labels)))


def test_every_name_of_the_contract_is_there_and_no_other() -> None:
    section = CONTRACT.read_text().partition("Prometheus (`/metrics`) shows the same")[2]
    names = set(re.findall(r"`(envoy_[a-z_]+)", section))
    told = text(families("1.2.3", [Shown(gateway(), LIVE, ENERGY)], broker(), 1000.0)).decode()
    said = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in text_string_to_metric_families(told)
        if family.type != "info"
    }
    assert len(names) > 25
    assert said | {"envoy_build_info"} == names


def test_a_gateways_counts_are_those_of_health() -> None:
    told = written()
    assert of(told, "envoy_up", MINE) == 1
    assert of(told, "envoy_reading_age_seconds", MINE) == 0.5
    assert of(told, "envoy_readings_total", MINE) == 3
    assert of(told, "envoy_bursts_total", MINE) == 3
    assert of(told, "envoy_stalls_total", MINE) == 1
    assert of(told, "envoy_counter_resets_total", MINE) == 5
    assert of(told, "envoy_token_expiry_timestamp_seconds", MINE) == 1_900_000_000
    assert of(told, "envoy_skipped_total", MINE, ("reason", "bad_json")) == 2
    assert of(told, "envoy_reconnects_total", MINE, ("reason", "timeout")) == 1
    assert of(told, "envoy_requests_total", MINE, ("path", "/info"), ("status", "200")) == 4
    assert of(told, "envoy_requests_total", MINE, ("path", "/info"), ("status", "error")) == 1


def test_readings_are_told_by_meter_and_phase_in_si_units() -> None:
    told = written()

    def reading(name: str, meter: str, phase: str) -> float | None:
        return of(told, name, MINE, ("meter", meter), ("phase", phase))

    assert reading("envoy_power_watts", "production", "total") == 2000
    assert reading("envoy_power_watts", "net", "total") == -500.5
    assert reading("envoy_power_watts", "net", "1") == -400
    assert reading("envoy_voltage_volts", "production", "total") == 230.1
    assert reading("envoy_current_amperes", "net", "3") == 1.234
    assert reading("envoy_frequency_hertz", "production", "total") == 50.01
    assert of(told, "envoy_state_of_charge_ratio", MINE) == 0.645


def test_what_is_not_known_has_no_sample() -> None:
    told = written()
    missing = (("envoy_voltage_volts", "net", "total"), ("envoy_power_watts", "consumption", "total"))
    for name, meter, phase in missing:
        assert of(told, name, MINE, ("meter", meter), ("phase", phase)) is None
    names = {name for name, _ in told}
    assert not names & {"envoy_journal_depth", "envoy_journal_lost_total"}


def test_readings_that_are_not_fresh_have_no_sample_and_energies_stay() -> None:
    told = written(Shown(gateway(fresh=False), LIVE, ENERGY))
    assert of(told, "envoy_up", MINE) == 0
    assert not {"envoy_power_watts", "envoy_state_of_charge_ratio"} & {name for name, _ in told}
    assert of(told, "envoy_energy_watthours_total", MINE, ("quantity", "production")) == 1_234_567


def test_energies_are_lifetime_counters_in_watt_hours_without_the_net_which_may_fall() -> None:
    told = written()
    energies = {
        dict(labels)["quantity"]: value
        for (name, labels), value in told.items()
        if name == "envoy_energy_watthours_total"
    }
    assert energies == {"production": 1_234_567, "grid_import": 0}


def test_the_brokers_figures_are_those_of_health() -> None:
    told = written()
    names = ("connected", "connects_total", "messages_total", "bytes_total", "replaced_total")
    assert [of(told, f"envoy_mqtt_{name}") for name in names] == [1, 2, 100, 5000, 7]
    assert of(told, "envoy_mqtt_failures_total", ("reason", "lost")) == 1


def test_the_journal_is_told_of_where_it_is_on() -> None:
    told = written(to=broker()._replace(journal=Journal(12, 3456, 7)))
    assert of(told, "envoy_journal_depth") == 12
    assert of(told, "envoy_journal_lost_total") == 7


def test_latency_is_a_histogram() -> None:
    told = written()
    buckets = {
        dict(labels)["le"]: value
        for (name, labels), value in told.items()
        if name == "envoy_mqtt_latency_seconds_bucket"
    }
    assert [buckets[most] for most in ("0.001", "0.0025", "0.005", "5.0", "+Inf")] == [2, 2, 3, 3, 4]
    assert of(told, "envoy_mqtt_latency_seconds_count") == 4
    assert of(told, "envoy_mqtt_latency_seconds_sum") == 0.0004 + 0.001 + 0.003 + 40.0


def test_the_version_is_told() -> None:
    assert of(written(), "envoy_build_info", ("version", "1.2.3")) == 1


def test_a_gateway_without_a_serial_is_not_told_of_and_two_are_told_apart() -> None:
    told = written(
        Shown(gateway(serial=None), {}, {}),
        Shown(gateway(serial="1"), {"net_power": 1.0}, {}),
        Shown(gateway(serial="2"), {"net_power": 2.0}, {}),
    )
    powers = {dict(labels)["serial"]: value for (name, labels), value in told.items() if "power" in name}
    assert powers == {"1": 1.0, "2": 2.0}
    assert {dict(labels)["serial"] for name, labels in told if name == "envoy_up"} == {"1", "2"}


def test_a_reason_may_hold_anything() -> None:
    odd = 'a "quoted" \\ line\nand another'
    told = written(Shown(gateway(skipped={odd: 1}), {}, {}))
    assert of(told, "envoy_skipped_total", MINE, ("reason", odd)) == 1
