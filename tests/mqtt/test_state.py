"""The topic `state`, worked out by hand: means of the active powers, the rest as last read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoy_mqtt.mqtt.state import State, Value, mean

KEYS = ("time", "timestamp", "sequence", "source", "production_power", "production_voltage")


def live(power: float | None, time: float = 0.0, **others: Value) -> dict[str, Value]:
    return {
        "time": time,
        "timestamp": f"at {time}",
        "sequence": 7,
        "source": "stream",
        "production_power": power,
        "production_voltage": 230.0 + time,
        **others,
    }


def state(*, phases: int = 1, night_w: float = 5.0, more: tuple[str, ...] = ()) -> State:
    return State((*KEYS, *more), phases=phases, night_w=night_w)


def told(gathered: State, **energies: Value) -> dict[str, Value]:
    payload = gathered.payload(energies, 10)
    assert payload is not None
    return payload


def test_a_power_is_weighted_by_the_time_since_the_reading_before() -> None:
    """100 W for 1 s, then 400 W for 2 s: 900 Ws in 3 s."""
    gathered = state()
    gathered.read(live(7777.0), 0.0)
    gathered.payload({}, 10)
    gathered.read(live(100.0), 1.0)
    gathered.read(live(400.0), 3.0)
    assert told(gathered)["production_power"] == 300


def test_means_are_whole_watts() -> None:
    gathered = state()
    gathered.read(live(1234.5678), 1.0)
    power = told(gathered)["production_power"]
    assert power == 1235
    assert type(power) is int


def test_a_silence_counts_for_30_seconds_at_most() -> None:
    """1,000 W after two minutes' silence count 30 s, then 0 W 10 s: 30,000 Ws in 40 s."""
    gathered = state()
    gathered.read(live(0.0), 0.0)
    gathered.payload({}, 10)
    gathered.read(live(1000.0), 120.0)
    gathered.read(live(0.0), 130.0)
    assert told(gathered)["production_power"] == 750


def test_a_null_is_left_out_of_the_mean_and_only_nulls_are_null() -> None:
    gathered = state()
    gathered.read(live(100.0), 0.0)
    gathered.read(live(100.0), 1.0)
    gathered.read(live(None), 2.0)
    assert told(gathered)["production_power"] == 100
    gathered.read(live(None), 3.0)
    assert told(gathered)["production_power"] is None


def test_readings_of_one_instant_have_a_mean_too() -> None:
    gathered = state()
    gathered.read(live(100.0), 1.0)
    gathered.read(live(300.0), 1.0)
    assert told(gathered)["production_power"] == 200


def test_everything_but_active_powers_is_as_last_read() -> None:
    more = ("net_reactive_power", "net_apparent_power", "net_power_factor")
    gathered = state(more=more)
    gathered.read(live(1.0, 1.0, **dict.fromkeys(more, 0.25)), 1.0)
    gathered.read(live(1.0, 2.0, **dict.fromkeys(more, 0.75)), 2.0)
    payload = told(gathered)
    assert [payload[key] for key in more] == [0.75] * 3
    assert (payload["time"], payload["timestamp"], payload["production_voltage"]) == (2.0, "at 2.0", 232.0)


@pytest.mark.parametrize(
    "key", ["net_power", "net_l3_power", "grid_import_power", "grid_export_power", "self_consumption_power"]
)
def test_active_powers_have_a_mean(key: str) -> None:
    assert mean(key)


@pytest.mark.parametrize(
    "key", ["net_reactive_power", "net_l1_apparent_power", "net_power_factor", "net_voltage", "sequence"]
)
def test_nothing_else_has_one(key: str) -> None:
    assert not mean(key)


def test_import_and_export_are_means_of_themselves() -> None:
    """A second of 200 W in and one of 200 W out: the net is nothing, the grid saw both."""
    more = ("net_power", "grid_import_power", "grid_export_power")
    gathered = state(more=more)
    gathered.read(live(1.0, net_power=0.0, grid_import_power=0.0, grid_export_power=0.0), 0.0)
    gathered.payload({}, 10)
    gathered.read(live(1.0, net_power=200.0, grid_import_power=200.0, grid_export_power=0.0), 1.0)
    gathered.read(live(1.0, net_power=-200.0, grid_import_power=0.0, grid_export_power=200.0), 2.0)
    assert [told(gathered)[key] for key in more] == [0, 100, 100]


def test_the_numbers_of_energy_stand_beside_them_and_the_interval() -> None:
    gathered = state()
    gathered.read(live(1.0), 1.0)
    energies: dict[str, Value] = {
        "production_energy": 3.5,
        "production_energy_source": "counter",
        "self_sufficiency_today": None,
        "resets": 0,
    }
    assert list(gathered.payload(energies, 15) or {}) == [
        *KEYS,
        "production_energy",
        "self_sufficiency_today",
        "resets",
        "interval_s",
    ]
    assert (gathered.payload(energies, 15) or {})["interval_s"] == 15


def test_where_no_reading_came_the_last_one_is_repeated_with_its_time() -> None:
    gathered = state()
    assert gathered.payload({}, 10) is None
    gathered.read(live(500.0, 3.0), 3.0)
    first = told(gathered, production_energy=1.0)
    assert told(gathered, production_energy=2.0) == first
    assert first["time"] == 3.0


def test_each_state_begins_anew() -> None:
    gathered = state()
    gathered.read(live(1000.0), 0.0)
    gathered.payload({}, 10)
    gathered.read(live(10.0), 1.0)
    assert told(gathered)["production_power"] == 10


# The dead band


@pytest.mark.parametrize(("power", "shown"), [(4.9, 0), (-4.9, 0), (5.0, 5), (-5.0, -5), (-6660.0, -6660)])
def test_a_production_within_the_dead_band_is_nothing(power: float, shown: int) -> None:
    gathered = state()
    gathered.read(live(power), 1.0)
    assert told(gathered)["production_power"] == shown


def test_the_dead_band_is_that_wide_for_each_phase() -> None:
    more = tuple(f"production_l{n}_power" for n in (1, 2, 3))
    gathered = state(phases=3, more=more)
    gathered.read(live(14.9, production_l1_power=4.9, production_l2_power=3.0, production_l3_power=7.0), 1.0)
    payload = told(gathered)
    # A phase that is lit by itself is shown, though the whole is not.
    assert [payload[key] for key in ("production_power", *more)] == [0, 0, 0, 7]
    gathered.read(live(15.0, production_l1_power=4.9, production_l2_power=3.0, production_l3_power=7.0), 2.0)
    payload = told(gathered)
    assert [payload[key] for key in ("production_power", *more)] == [15, 5, 3, 7]


def test_the_mean_is_held_against_the_dead_band_and_not_each_reading() -> None:
    gathered = state()
    gathered.read(live(0.0), 0.0)
    gathered.payload({}, 10)
    gathered.read(live(-40.0), 1.0)
    gathered.read(live(42.0), 2.0)
    assert told(gathered)["production_power"] == 0


def test_nothing_else_has_a_dead_band_and_none_can_be_chosen() -> None:
    more = ("net_power", "consumption_power")
    gathered = state(more=more)
    gathered.read(live(-2.0, net_power=3.0, consumption_power=1.0), 1.0)
    assert [told(gathered)[key] for key in ("production_power", *more)] == [0, 3, 1]
    gathered = state(night_w=0.0)
    gathered.read(live(-2.0), 1.0)
    assert told(gathered)["production_power"] == -2


@given(st.lists(st.tuples(st.floats(0.0, 60.0), st.floats(-9e4, 9e4) | st.none()), min_size=1))
def test_a_mean_lies_between_the_readings(steps: list[tuple[float, float | None]]) -> None:
    gathered, now = state(night_w=0.0), 0.0
    for seconds, power in steps:
        now += seconds
        gathered.read(live(power), now)
    powers = [power for _, power in steps if power is not None]
    shown = told(gathered)["production_power"]
    if not powers:
        assert shown is None
    else:
        assert isinstance(shown, int)
        assert min(powers) - 0.51 <= shown <= max(powers) + 0.51


def test_who_sets_the_interval_reads_it_though_no_reading_came() -> None:
    gathered = state()
    gathered.read(live(100.0), 1.0)
    first, again = gathered.payload({}, 10), gathered.payload({}, 5)
    assert first is not None
    assert again == first | {"interval_s": 5}
