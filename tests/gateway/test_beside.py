"""What is known beside a source, and for how long."""

from envoy_mqtt.gateway.beside import Beside
from envoy_mqtt.model import Kind, Measured, Phase

P, N, S = Kind.PRODUCTION, Kind.NET, Kind.STORAGE
MEASURED: Measured = {P: (Phase(power=500.0),), N: (Phase(power=300.0),)}
BATTERY = (Phase(power=-700.0),)


def test_with_nothing_beside_a_reading_is_what_it_is() -> None:
    measured, wholes = Beside().add(MEASURED, {}, 0.0)
    assert measured is MEASURED
    assert not wholes


def test_a_battery_is_known_for_fifteen_seconds() -> None:
    beside = Beside()
    beside.whole(S, -700.0, 100.0)
    assert beside.add(MEASURED, {}, 115.0) == (MEASURED, {S: -700.0})
    assert beside.add(MEASURED, {}, 115.01) == (MEASURED, {})


def test_a_storage_meter_is_added_to_the_stream_for_fifteen_seconds() -> None:
    beside = Beside()
    beside.legs(S, BATTERY, 100.0)
    assert beside.add(MEASURED, {}, 115.0) == (MEASURED | {S: BATTERY}, {})
    assert beside.add(MEASURED, {}, 115.01) == (MEASURED, {})


def test_what_the_source_says_itself_counts_more() -> None:
    beside = Beside()
    beside.legs(N, BATTERY, 100.0)
    assert beside.add(MEASURED, {}, 101.0)[0][N] == MEASURED[N]


def test_the_inverters_figure_is_good_as_long_as_is_said() -> None:
    beside = Beside()
    beside.whole(P, 800.0, 0.0, 180.0)
    assert beside.add({}, {}, 180.0) == ({}, {P: 800.0})
    assert beside.add({}, {}, 180.1) == ({}, {})


def test_the_state_of_charge_ends_too() -> None:
    beside = Beside()
    assert beside.charged(0.0) is None
    beside.charge(61.0, 0.0, 180.0)
    assert beside.charged(180.0) == 61.0
    assert beside.charged(180.1) is None


def test_a_whole_that_the_source_says_counts_more() -> None:
    beside = Beside()
    beside.whole(S, -700.0, 0.0)
    assert beside.add(MEASURED, {S: -650.0}, 1.0) == (MEASURED, {S: -650.0})
