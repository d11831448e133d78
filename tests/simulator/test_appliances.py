import pytest

from envoy_mqtt.simulator.appliances import APPLIANCES, CHARGER, Appliance, evening_w, fridge_w, ramp

HOUR_S = 3600.0
DAY_S = 86400.0


def test_a_certain_appliance_runs_from_its_start_for_its_length() -> None:
    heater = Appliance(chance=1.0, start_h=10.0, spread_h=0.0, minutes=30.0, more_minutes=0.0, watts=1000.0)
    assert heater.at(1, 10.0 * HOUR_S - 1.0) == 0.0
    assert heater.at(1, 10.0 * HOUR_S + 60.0) == 1000.0
    assert heater.at(1, 10.5 * HOUR_S - 60.0) == 1000.0
    assert heater.at(1, 10.5 * HOUR_S + 1.0) == 0.0


def test_an_appliance_that_runs_into_the_night_is_still_on_after_midnight() -> None:
    charger = Appliance(chance=1.0, start_h=23.0, spread_h=0.0, minutes=120.0, more_minutes=0.0, watts=3680.0)
    assert charger.at(1, DAY_S - 1.0) == 3680.0
    assert charger.at(1, DAY_S + 0.5 * HOUR_S) == 3680.0
    assert charger.at(1, DAY_S + 1.1 * HOUR_S) == 0.0


def test_a_thermostat_switches_within_its_cycle() -> None:
    hob = Appliance(1.0, 10.0, 0.0, 60.0, 0.0, watts=1000.0, cycle_s=100.0, duty=0.6)
    assert hob.at(1, 10.0 * HOUR_S + 30.0) == 1000.0
    assert hob.at(1, 10.0 * HOUR_S + 80.0) == 80.0


def test_an_edge_takes_a_second_and_a_half() -> None:
    assert [ramp(since_s, 10.0, 1.5) for since_s in (0.0, 0.75, 1.5, 9.25, 10.0)] == [0.0, 0.5, 1.0, 0.5, 0.0]


@pytest.mark.parametrize("appliance", [*APPLIANCES, CHARGER])
def test_every_appliance_runs_on_about_as_many_days_as_its_chance_says(appliance: Appliance) -> None:
    middle_h = appliance.start_h + appliance.spread_h
    ran = sum(
        1
        for day in range(200)
        if any(
            appliance.at(7, day * DAY_S + (appliance.start_h + part * 0.05) * HOUR_S) > 0.0
            for part in range(int(20 * (middle_h - appliance.start_h + 0.1)) + 1)
        )
    )
    # Five standard deviations of 200 days at most are 35 days; a look every three minutes may miss a kettle.
    assert abs(ran - 200 * appliance.chance) < 50


def test_lamps_are_on_in_the_evening_only() -> None:
    assert evening_w(12.0 * HOUR_S) == 0.0
    assert evening_w(20.25 * HOUR_S) == pytest.approx(380.0)
    assert evening_w(23.9 * HOUR_S) == 0.0


def test_a_fridge_runs_about_a_third_of_the_time() -> None:
    on = sum(1 for minute in range(1440) if fridge_w(3, minute * 60.0) > 50.0)
    assert 0.3 < on / 1440 < 0.42
