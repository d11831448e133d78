"""The Energy dashboard of a real Home Assistant accepts what the real bridge says, with its signs."""

import json
from dataclasses import replace

import pytest

from envoy_mqtt.simulator.options import Battery
from tests.homeassistant.bridge import Stage
from tests.homeassistant.core import HomeAssistant
from tests.homeassistant.entities import ALL, HOUSE, States, entity, there

ENERGY = [
    {
        "type": "grid",
        "flow_from": [
            {
                "stat_energy_from": entity("lifetime_net_energy_consumption"),
                "stat_cost": None,
                "entity_energy_price": None,
                "number_energy_price": None,
            }
        ],
        "flow_to": [
            {
                "stat_energy_to": entity("lifetime_net_energy_production"),
                "stat_compensation": None,
                "entity_energy_price": None,
                "number_energy_price": None,
            }
        ],
        "cost_adjustment_day": 0.0,
    },
    {
        "type": "solar",
        "stat_energy_from": entity("lifetime_energy_production"),
        "config_entry_solar_forecast": None,
    },
    {
        "type": "battery",
        "stat_energy_from": entity("lifetime_battery_energy_discharged"),
        "stat_energy_to": entity("lifetime_battery_energy_charged"),
    },
]


@pytest.mark.parametrize("battery", [Battery.METERED, Battery.UNMETERED])
async def test_the_energy_dashboard_accepts_solar_grid_and_battery(
    house: HomeAssistant, stage: Stage, battery: Battery
) -> None:
    async with stage.bridged(replace(HOUSE, battery=battery)):
        states = await house.until(there(ALL))
        first = float(states[entity("lifetime_energy_production")]["state"])
        await house.ask("energy/save_prefs", energy_sources=ENERGY)
        too_early = await house.ask("energy/validate")
        assert "statistics_not_defined" in json.dumps(too_early)

        await house.until(lambda it: float(it[entity("lifetime_energy_production")]["state"]) > first)
        await house.do("statistics_now.compile")

        assert await house.ask("energy/validate") == {
            "energy_sources": [[], [], []],
            "device_consumption": [],
        }
        assert await house.ask("recorder/validate_statistics") == {}
        statistics = {each["statistic_id"]: each for each in await house.ask("recorder/list_statistic_ids")}
        for name, unit, of in (
            ("lifetime_net_energy_consumption", "kWh", "has_sum"),
            ("energy_production_today", "kWh", "has_sum"),
            ("current_power_production", "W", "has_mean"),
            ("battery", "%", "has_mean"),
        ):
            assert statistics[entity(name)]["statistics_unit_of_measurement"] == unit
            assert statistics[entity(name)][of]
    assert house.warnings() == []


NOON, NIGHT = 1_782_036_000.0, 1_782_075_600.0  # 21 June 2026, 11:00 and 22:00 in the house


async def test_signs_are_the_dashboards(house: HomeAssistant, stage: Stage) -> None:
    """At noon the sun feeds the house and the battery; at night the battery does."""
    names = ("power_production", "power_consumption", "battery_discharge", "net_power_consumption")
    for folder, start in (("noon", NOON), ("night", NIGHT)):
        options = replace(HOUSE, battery=Battery.METERED, start=start, array_w=20_000.0, battery_wh=60_000.0)
        async with stage.bridged(options, folder):

            def powers(states: States) -> list[float]:
                return [float(states[entity(f"current_{name}")]["state"]) for name in names]

            def signed(states: States) -> bool:
                solar, home, battery, _ = powers(states)
                return home > 0 and (solar > 1000 and battery < 0 if start == NOON else battery > solar == 0)  # noqa: B023

            states = await house.until(lambda states: there(ALL)(states) and signed(states))
            solar, home, battery, grid = powers(states)
            assert abs(solar + battery + grid - home) <= 2  # each is rounded by itself
    assert house.warnings() == []
