import itertools
from math import copysign, isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoy_mqtt.simulator.house import House, State

DAY_S = 86400.0
JUNE_21_2025 = 1750464000.0  # 2025-06-21T00:00:00Z
DECEMBER_21_2025 = 1766275200.0
MOMENTS = st.floats(0.0, 4e9)
SEEDS = st.integers(0, 10**12)
EVERY = (House(seed=3), House(seed=3, phase_count=2, split=True), House(seed=3, phase_count=3))


def around(day: float, house: House, hour: float) -> State:
    return house.at(day + hour * 3600.0 - house.utc_offset_s)


@given(SEEDS, MOMENTS, st.sampled_from((1, 2, 3)))
def test_the_same_moment_has_the_same_state_whatever_was_asked_before(
    seed: int, unix: float, phases: int
) -> None:
    first = House(seed=seed, phase_count=phases).at(unix)
    other = House(seed=seed, phase_count=phases)
    other.at(unix + 1.0)
    assert other.at(unix) == first


@given(SEEDS, MOMENTS, st.sampled_from((1, 2, 3)))
def test_every_state_is_one_a_house_can_have(seed: int, unix: float, phases: int) -> None:
    split = phases == 2
    state = House(seed=seed, phase_count=phases, split=split).at(unix)
    assert len(state.phases) == phases
    for phase in state.phases:
        assert all(isfinite(number) for number in phase)
        assert -4.0 <= phase.production_w <= 5200.0
        assert 80.0 <= phase.production_var < 320.0
        assert 20.0 < phase.load_w < 12_000.0
        assert (105.0 < phase.voltage_v < 130.0) if split else (207.0 < phase.voltage_v < 253.0)
    assert state.frequency_hz in ({60.0} if split else {49.9375, 50.0, 50.0625, 50.125})


@given(SEEDS, st.floats(22.0, 26.0))
def test_at_night_the_inverters_draw_a_little_or_show_minus_zero(seed: int, hour: float) -> None:
    phase = around(JUNE_21_2025, House(seed=seed), hour).phases[0]
    assert -4.0 <= phase.production_w <= -0.3 or (
        phase.production_w == 0.0 and copysign(1.0, phase.production_w) < 0.0
    )


def test_the_longest_day_gives_several_times_what_the_shortest_gives() -> None:
    house = House(cloudiness=0.0)

    def day_wh(day: float) -> float:
        return sum(
            max(0.0, around(day, house, quarter / 4).phases[0].production_w) / 4 for quarter in range(96)
        )

    summer_wh, winter_wh = day_wh(JUNE_21_2025), day_wh(DECEMBER_21_2025)
    assert 30_000 < summer_wh < 55_000
    assert summer_wh > 3.5 * winter_wh


@pytest.mark.parametrize(
    ("day", "swing_h", "sunrise_h", "sunset_h"),
    [(JUNE_21_2025, 4.0, 4.0, 20.0), (DECEMBER_21_2025, 4.0, 8.0, 16.0), (DECEMBER_21_2025, -4.0, 4.0, 20.0)],
)
def test_sunrise_and_sunset_follow_the_season(
    day: float, swing_h: float, sunrise_h: float, sunset_h: float
) -> None:
    house = House(daylight_swing_h=swing_h)
    assert house.sun_w(day + (sunrise_h - 0.1) * 3600.0) == 0.0
    assert house.sun_w(day + (sunrise_h + 0.1) * 3600.0) > 0.0
    assert house.sun_w(day + (sunset_h - 0.1) * 3600.0) > 0.0
    assert house.sun_w(day + (sunset_h + 0.1) * 3600.0) == 0.0


def test_noon_is_where_the_offset_puts_it() -> None:
    sydney = House(utc_offset_s=36_000.0, daylight_swing_h=-3.0, cloudiness=0.0)
    # 02:00 UTC is noon there.
    noon_w = sydney.at(JUNE_21_2025 + 2.0 * 3600.0).phases[0].production_w
    assert noon_w > 2000.0
    assert noon_w > sydney.at(JUNE_21_2025 + 5.0 * 3600.0).phases[0].production_w


def test_clouds_pass_without_a_step() -> None:
    house = House(seed=11)
    noon = JUNE_21_2025 + 11.0 * 3600.0
    powers = [house.at(noon + second).phases[0].production_w for second in range(3600)]
    assert max(abs(after - before) for before, after in itertools.pairwise(powers)) < 200.0
    assert max(powers) - min(powers) > 300.0


@pytest.mark.parametrize("house", EVERY)
def test_the_voltage_rises_with_the_export(house: House) -> None:
    states = [house.at(JUNE_21_2025 + minute * 60.0) for minute in range(1440)]
    exporting = [
        s.phases[0].voltage_v for s in states if s.phases[0].production_w - s.phases[0].load_w > 1000.0
    ]
    importing = [
        s.phases[0].voltage_v for s in states if s.phases[0].production_w - s.phases[0].load_w < -100.0
    ]
    assert sum(exporting) / len(exporting) > sum(importing) / len(importing)


def test_a_kettle_a_fridge_and_an_evening_show_in_the_load() -> None:
    house = House(seed=3)
    loads = [house.at(JUNE_21_2025 + n * 20.0).phases[0].load_w for n in range(4320)]
    assert min(loads) < 250.0
    assert max(loads) > 2000.0


def test_a_day_of_a_house_is_between_four_and_forty_kilowatt_hours() -> None:
    for seed in range(10):
        house = House(seed=seed)
        used_wh = sum(house.at(JUNE_21_2025 + n * 60.0).phases[0].load_w / 60.0 for n in range(1440))
        assert 4_000 < used_wh < 40_000
