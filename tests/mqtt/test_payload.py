"""The contract's topics and keys for the layouts there are, written out, and its rounding and signs."""

import json
import re
from datetime import datetime
from typing import Any

import pytest

from envoy_mqtt.model import (
    UNKNOWN,
    Identity,
    Kind,
    Meter,
    Phase,
    Phases,
    Quantities,
    Quantity,
    Reading,
    Site,
)
from envoy_mqtt.mqtt.message import Message
from envoy_mqtt.mqtt.payload import Payloads, Publish

P, N, T, S = Kind.PRODUCTION, Kind.NET, Kind.TOTAL, Kind.STORAGE
PRODUCTION, NET, CONSUMPTION, STORAGE = (
    Quantity.PRODUCTION,
    Quantity.NET,
    Quantity.CONSUMPTION,
    Quantity.STORAGE,
)
HEAD = "envoy/122100000017"
EVERYTHING = Publish(scalars=True)
POWER = Phase(power=1.0)


def site(*kinds: Kind, phases: int = 1) -> Site:
    meters = tuple(Meter(n, kind, kind, True, phases, "normal", ()) for n, kind in enumerate(kinds))
    return Site(Identity("122100000017", "", ""), meters)


def reading(time: float = 1_700_000_000.25, **quantities: Phases) -> Reading:
    said = {Quantity(name): phases for name, phases in quantities.items()}
    return Reading(time, 7, "stream", Quantities(said))


def written(layout: Site, said: Reading, publish: Publish = EVERYTHING) -> list[Message]:
    return list(Payloads(layout, publish).write(said, steady=50.0))


def finite(literal: str) -> float:
    raise AssertionError(f"{literal} is not JSON")


def contents(messages: list[Message]) -> dict[str, dict[str, Any]]:
    """The JSON payloads by the last level of their topic."""
    return {
        message.topic.removeprefix(f"{HEAD}/"): json.loads(message.payload, parse_constant=finite)
        for message in messages
        if message.payload.startswith(b"{")
    }


SOME = Phase(100.0, 20.0, 102.0, 0.98, 230.0, 0.443, 50.0)
SINGLE = reading(production=(SOME,), net=(SOME,), consumption=(SOME,))
THREE = reading(production=(SOME,) * 3, net=(SOME,) * 3, consumption=(SOME,) * 3)


# Keys

METER = [
    "time",
    "timestamp",
    "power",
    "reactive_power",
    "apparent_power",
    "power_factor",
    "voltage",
    "current",
]
METER += ["frequency"]
LEGS = [
    "l1_power",
    "l1_reactive_power",
    "l1_apparent_power",
    "l1_power_factor",
    "l1_voltage",
    "l1_current",
    "l1_frequency",
    "l2_power",
    "l2_reactive_power",
    "l2_apparent_power",
    "l2_power_factor",
    "l2_voltage",
    "l2_current",
    "l2_frequency",
    "l3_power",
    "l3_reactive_power",
    "l3_apparent_power",
    "l3_power_factor",
    "l3_voltage",
    "l3_current",
    "l3_frequency",
]
LIVE_SINGLE = [
    "time",
    "timestamp",
    "source",
    "sequence",
    "production_power",
    "production_reactive_power",
    "production_apparent_power",
    "production_power_factor",
    "production_voltage",
    "production_current",
    "production_frequency",
    "net_power",
    "net_reactive_power",
    "net_apparent_power",
    "net_power_factor",
    "net_voltage",
    "net_current",
    "net_frequency",
    "grid_import_power",
    "grid_export_power",
    "consumption_power",
    "consumption_reactive_power",
    "consumption_apparent_power",
    "consumption_power_factor",
    "consumption_voltage",
    "consumption_current",
    "consumption_frequency",
    "self_consumption_power",
]
LIVE_PRODUCTION = [key for key in LIVE_SINGLE if key.startswith(("time", "so", "seq", "production_"))]


def keys(messages: list[Message]) -> dict[str, list[str]]:
    return {topic: sorted(payload) for topic, payload in contents(messages).items()}


def test_keys_of_a_single_phase_site_with_production_and_net() -> None:
    assert keys(written(site(P, N), SINGLE)) == {
        "live": sorted(LIVE_SINGLE),
        "production": sorted(METER),
        "net": sorted([*METER, "import_power", "export_power"]),
        "consumption": sorted(METER),
    }


def test_keys_of_a_three_phase_site_with_production_and_net() -> None:
    legs = [f"{meter}_{key}" for meter in ("production", "net", "consumption") for key in LEGS]
    assert keys(written(site(P, N, phases=3), THREE)) == {
        "live": sorted(LIVE_SINGLE + legs),
        "production": sorted(METER + LEGS),
        "net": sorted([*METER, "import_power", "export_power", *LEGS]),
        "consumption": sorted(METER + LEGS),
    }


def test_keys_of_a_split_phase_site_with_production_and_total() -> None:
    two = reading(production=(SOME,) * 2, net=(SOME,) * 2, consumption=(SOME,) * 2)
    legs = [key for key in LEGS if key[:2] in ("l1", "l2")]
    told = keys(written(site(P, T, phases=2), two))
    assert told["net"] == sorted([*METER, "import_power", "export_power", *legs])
    assert told["production"] == told["consumption"] == sorted(METER + legs)


def test_keys_of_a_site_with_a_battery() -> None:
    with_storage = reading(production=(SOME,), net=(SOME,), consumption=(SOME,), storage=(SOME,))
    told = keys(written(site(P, N, S), with_storage))
    assert told["storage"] == sorted([*METER, "state_of_charge"])
    more = [f"storage_{key}" for key in [*METER[2:], "state_of_charge"]]
    assert told["live"] == sorted(LIVE_SINGLE + more)


@pytest.mark.parametrize("layout", [site(P), site()], ids=["production only", "no meter"])
def test_keys_of_a_site_that_only_produces(layout: Site) -> None:
    said = reading(production=(UNKNOWN,))
    assert keys(written(layout, said)) == {"live": sorted(LIVE_PRODUCTION), "production": sorted(METER)}


def test_keys_of_a_net_only_site_are_those_with_production() -> None:
    assert keys(written(site(N), SINGLE)) == keys(written(site(P, N), SINGLE))


def test_keys_do_not_depend_on_what_is_known() -> None:
    nothing = reading(production=(UNKNOWN,) * 3, net=(UNKNOWN,) * 3, consumption=(UNKNOWN,) * 3)
    layout = site(P, N, phases=3)
    assert keys(written(layout, nothing)) == keys(written(layout, THREE))
    for payload in contents(written(layout, nothing)).values():
        assert {key for key, value in payload.items() if value is not None} <= {
            "time",
            "timestamp",
            "source",
            "sequence",
        }


def test_payloads_are_flat() -> None:
    for payload in contents(written(site(P, N, phases=3), THREE)).values():
        assert all(isinstance(value, str | int | float | None) for value in payload.values())


# Values


def test_rounding_is_the_contracts() -> None:
    """Powers 1, voltage 1, current 3, frequency 2, power factor 3 decimals."""
    phase = Phase(1234.567, -78.949, 1237.061, 0.99796, 239.0551, 5.17463, 49.9372)
    payload = contents(written(site(P), reading(production=(phase,))))["production"]
    assert {key: payload[key] for key in METER[2:]} == {
        "power": 1234.6,
        "reactive_power": -78.9,
        "apparent_power": 1237.1,
        "power_factor": 0.998,
        "voltage": 239.1,
        "current": 5.175,
        "frequency": 49.94,
    }


@pytest.mark.parametrize("nearly", [-0.0, -0.04, -0.0004, -1e-300])
def test_minus_zero_is_never_written(nearly: float) -> None:
    phase = Phase(nearly, nearly, 0.0, nearly, nearly, 0.0, nearly)
    for phases in (1, 3):
        said = reading(production=(phase,) * phases, net=(phase,) * phases, consumption=(phase,) * phases)
        for message in written(site(P, N, phases=phases), said):
            assert not re.search(rb"-0(\.0)?(?![.0-9])", message.payload)
    assert contents(written(site(P), reading(production=(Phase(nearly),))))["live"]["production_power"] == 0


def test_a_small_power_factor_below_zero_is_kept() -> None:
    said = reading(production=(Phase(power_factor=-0.0006),))
    assert contents(written(site(P), said))["production"]["power_factor"] == -0.001


def test_unknown_values_are_null() -> None:
    payload = contents(written(site(P), reading(production=(Phase(power=5.0),))))["production"]
    assert payload["power"] == 5.0
    assert all(payload[key] is None for key in METER[3:])


def test_totals_of_three_phases() -> None:
    """Sums of the powers, no voltage, no current, phase 1's frequency, and P ÷ S: 600 ÷ 1000 = 0.6."""
    phases = (
        Phase(300.04, 10.0, 400.0, 0.9, 230.1, 1.5, 50.01),
        Phase(200.04, -25.04, 350.0, 0.8, 231.2, 1.25, 49.99),
        Phase(100.04, 5.0, 250.0, 0.7, 232.3, 1.125, 49.98),
    )
    payload = contents(written(site(P, phases=3), reading(production=phases)))["production"]
    assert {key: payload[key] for key in METER[2:]} == {
        "power": 600.1,
        "reactive_power": -10.0,
        "apparent_power": 1000.0,
        "power_factor": 0.6,
        "voltage": None,
        "current": None,
        "frequency": 50.01,
    }
    assert {key: payload[key] for key in LEGS if key.startswith("l2")} == {
        "l2_power": 200.0,
        "l2_reactive_power": -25.0,
        "l2_apparent_power": 350.0,
        "l2_power_factor": 0.8,
        "l2_voltage": 231.2,
        "l2_current": 1.25,
        "l2_frequency": 49.99,
    }


def test_a_total_of_which_one_phase_is_unknown_is_unknown() -> None:
    phases = (SOME, Phase(power=5.0, voltage=231.0))
    payload = contents(written(site(P, phases=2), reading(production=phases)))["production"]
    assert payload["power"] == 105.0
    assert payload["reactive_power"] is payload["apparent_power"] is payload["power_factor"] is None
    assert payload["frequency"] == 50.0
    assert payload["l1_reactive_power"] == 20.0


def test_a_total_of_no_apparent_power_has_no_power_factor() -> None:
    nothing = Phase(0.0, 0.0, 0.0, 0.0, 230.0, 0.0, 50.0)
    payload = contents(written(site(P, phases=2), reading(production=(nothing,) * 2)))["production"]
    assert payload["apparent_power"] == 0
    assert payload["power_factor"] is None


def test_a_total_power_factor_stays_within_its_range() -> None:
    """Real gateways report |p| a little above s (capture 11)."""
    phases = (Phase(power=-505.0, apparent_power=500.0),) * 2
    payload = contents(written(site(P, phases=2), reading(production=phases)))["production"]
    assert payload["power_factor"] == -1.0


@pytest.mark.parametrize(
    ("powers", "imported", "exported"),
    [
        ((447.973,), 448.0, 0.0),
        ((-2275.016,), 0.0, 2275.0),
        ((-0.0,), 0.0, 0.0),
        ((-210.7, 117.2, 96.5), 3.0, 0.0),
        ((-2275.016, -2014.286, -2151.988), 0.0, 6441.3),
        ((500.0, -700.0), 0.0, 200.0),
        ((500.0, None), None, None),
        ((None,), None, None),
    ],
)
def test_import_and_export_are_of_the_sum_of_the_phases(
    powers: tuple[float | None, ...], imported: float | None, exported: float | None
) -> None:
    net = tuple(Phase(power=power) for power in powers)
    said = reading(production=(SOME,) * len(net), net=net, consumption=net)
    told = contents(written(site(P, N, phases=len(net)), said))
    assert (told["net"]["import_power"], told["net"]["export_power"]) == (imported, exported)
    assert (told["live"]["grid_import_power"], told["live"]["grid_export_power"]) == (imported, exported)


@pytest.mark.parametrize(
    ("production", "net", "expected"),
    [
        (1000.0, -400.0, 600.0),
        (1000.0, 400.0, 1000.0),
        (1000.0, -1000.0, 0.0),
        (1000.0, -1300.0, 0.0),
        (-4.0, 200.0, 0.0),
        (-4.0, -200.0, 0.0),
        (0.0, 0.0, 0.0),
        (1000.1, -400.2, 599.9),
        (None, 400.0, None),
        (1000.0, None, None),
    ],
)
def test_self_consumption_is_what_stays_in_the_house(
    production: float | None, net: float | None, expected: float | None
) -> None:
    said = reading(production=(Phase(power=production),), net=(Phase(power=net),), consumption=(SOME,))
    assert contents(written(site(P, N), said))["live"]["self_consumption_power"] == expected


def test_self_consumption_is_of_the_sums_of_the_phases() -> None:
    """Production 900 W in all, export 500 − 200 = 300 W in all."""
    said = reading(
        production=(Phase(power=450.0),) * 2,
        net=(Phase(power=-500.0), Phase(power=200.0)),
        consumption=(SOME,) * 2,
    )
    assert contents(written(site(P, N, phases=2), said))["live"]["self_consumption_power"] == 600.0


def test_live_and_the_meters_say_the_same() -> None:
    told = contents(written(site(P, N, phases=3), THREE))
    names = {"net_import_power": "grid_import_power", "net_export_power": "grid_export_power"}
    for quantity in ("production", "net", "consumption"):
        for key, value in told[quantity].items():
            name = key if key in ("time", "timestamp") else f"{quantity}_{key}"
            assert told["live"][names.get(name, name)] == value


def test_live_says_where_a_reading_comes_from_and_which_it_is() -> None:
    live = contents(written(site(P), reading(production=(SOME,))))["live"]
    assert (live["source"], live["sequence"]) == ("stream", 7)


def test_time_is_unix_seconds_and_the_timestamp_the_same_instant() -> None:
    for payload in contents(written(site(P, N), SINGLE)).values():
        assert payload["time"] == 1_700_000_000.25
        assert payload["timestamp"] == "2023-11-14T22:13:20.250Z"
        assert datetime.fromisoformat(payload["timestamp"]).timestamp() == payload["time"]


def test_what_is_known_of_the_whole_alone_is_its_power() -> None:
    """Sums of legs that nobody knows are nobody's; the battery says what it gives in all."""
    both, neither = (SOME,) * 2, (UNKNOWN,) * 2
    said = reading(production=both, net=both, consumption=neither, storage=neither)
    whole = Quantities(said.quantities.phases, {STORAGE: -1200.04, CONSUMPTION: -800.0, NET: 77.0})
    told = contents(written(site(P, N, S, phases=2), said._replace(quantities=whole, state_of_charge=61.26)))
    assert {key: value for key, value in told["storage"].items() if value is not None} == {
        "time": 1_700_000_000.25,
        "timestamp": "2023-11-14T22:13:20.250Z",
        "power": -1200.0,
        "state_of_charge": 61.3,
    }
    assert told["consumption"]["power"] == -800.0
    # Where the legs are known they are the sum, with all that belongs to it.
    assert (told["net"]["power"], told["net"]["reactive_power"]) == (200.0, 40.0)
    assert (told["live"]["storage_power"], told["live"]["storage_state_of_charge"]) == (-1200.0, 61.3)


# Messages


def test_live_leaves_first() -> None:
    topics = [message.topic for message in written(site(P, N), SINGLE, Publish())]
    assert topics == [f"{HEAD}/live", f"{HEAD}/production", f"{HEAD}/net", f"{HEAD}/consumption"]
    assert written(site(P, N), SINGLE, Publish(scalars=True))[0].topic == f"{HEAD}/live"


def test_live_is_acknowledged_and_the_rest_is_not() -> None:
    for message in written(site(P, N), SINGLE):
        assert message.qos == (1 if message.topic == f"{HEAD}/live" else 0)


def test_every_message_of_a_reading_expires_after_five_minutes() -> None:
    assert {message.expiry_s for message in written(site(P, N), SINGLE)} == {300}


def test_json_topics_say_so_and_scalars_are_plain_text() -> None:
    for message in written(site(P, N), SINGLE):
        plain = message.topic.startswith(f"{HEAD}/sensor/")
        assert message.content_type == ("" if plain else "application/json")


@pytest.mark.parametrize("retain", [True, False])
def test_retain_is_as_configured(retain: bool) -> None:
    messages = written(site(P, N), SINGLE, Publish(retain=retain, scalars=True))
    assert {message.retain for message in messages} == {retain}


def test_a_message_is_good_as_long_as_a_reading_is_fresh() -> None:
    assert {m.good_until for m in written(site(P, N), SINGLE, Publish(fresh_s=12.5))} == {62.5}


def test_the_base_topic_may_have_levels() -> None:
    messages = written(site(P), reading(production=(SOME,)), Publish(base_topic="house/solar"))
    assert [m.topic for m in messages] == [
        "house/solar/122100000017/live",
        "house/solar/122100000017/production",
    ]


@pytest.mark.parametrize(
    ("publish", "expected"),
    [
        (Publish(live=False), {"production"}),
        (Publish(meters=False), {"live"}),
        (Publish(live=False, meters=False), set()),
        (Publish(live=False, meters=False, scalars=True), {"sensor/production_power"}),
    ],
)
def test_each_kind_of_topic_can_be_switched_off(publish: Publish, expected: set[str]) -> None:
    messages = written(site(P), reading(production=(Phase(power=5.0),)), publish)
    assert {message.topic.removeprefix(f"{HEAD}/") for message in messages} == expected


def test_scalars_are_the_numbers_of_live_as_plain_text_and_nothing_for_null() -> None:
    said = reading(production=(Phase(power=1234.56, current=5.1),), net=(Phase(power=-0.0),))
    said.quantities.phases[CONSUMPTION] = (Phase(frequency=49.94),)
    messages = written(site(P, N), said, Publish(live=False, meters=False, scalars=True))
    told = {message.topic.removeprefix(f"{HEAD}/sensor/"): float(message.payload) for message in messages}
    assert told == {
        "production_power": 1234.6,
        "production_current": 5.1,
        "net_power": 0.0,
        "grid_import_power": 0.0,
        "grid_export_power": 0.0,
        "consumption_frequency": 49.94,
        "self_consumption_power": 1234.6,
    }
    assert all(b"-0" not in message.payload for message in messages)


@pytest.mark.parametrize(
    "layout", [site(P, N), site(P, N, phases=3), site(P), site()], ids=["P+N", "three phases", "P", "none"]
)
def test_the_topics_of_a_layout_are_those_it_can_ever_send(layout: Site) -> None:
    payloads = Payloads(layout, EVERYTHING)
    phases = (SOME,) * layout.phases
    said = reading(production=phases, net=phases, consumption=phases, storage=phases)
    sent = {message.topic for message in payloads.write(said, steady=0.0)}
    assert sent <= payloads.topics
    # A sum of voltages is no voltage: these are null, so nothing is ever sent of them.
    assert all(topic.endswith(("_voltage", "_current")) for topic in payloads.topics - sent)


HOUSE = reading(production=(POWER,), net=(POWER,), consumption=(POWER,))


def test_the_journals_copy_is_lives_payload_again_and_last() -> None:
    messages = written(site(P, N), HOUSE, Publish(journal=True))
    live, journal = messages[0], messages[-1]
    assert (journal.topic, journal.payload) == (f"{HEAD}/journal", live.payload)
    assert (journal.qos, journal.retain, journal.kept) == (1, False, True)
    assert [message.kept for message in messages[:-1]] == [False] * 4


def test_the_journal_needs_no_live_topic() -> None:
    (message,) = written(
        site(P), reading(production=(POWER,)), Publish(live=False, meters=False, journal=True)
    )
    assert json.loads(message.payload)["sequence"] == 7


def test_a_topic_that_is_not_retained_is_none_to_empty() -> None:
    assert Payloads(site(P), Publish(journal=True)).topics == {f"{HEAD}/live", f"{HEAD}/production"}
