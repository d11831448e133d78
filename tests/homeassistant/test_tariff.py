"""A tariff in a real Home Assistant: both ways of filling its Energy dashboard are accepted."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.homeassistant.bridge import Stage
from tests.homeassistant.core import HomeAssistant
from tests.homeassistant.entities import HOUSE, States, entity

NIGHT = 1_782_075_600.0  # 21 June 2026, 22:00 in the house

# Whatever the hour of the test's own clock is, one of the two holds, and both have a sum.
PERIODS = [{"name": "night", "price": 0.2, "times": ["22:00-06:00"]}, {"name": "day", "price": 0.4}]
TARIFF = {
    "tariff__currency": "EUR",
    "tariff__daily_charge": 1.0,
    "tariff__import": json.dumps(PERIODS),
    "tariff__export": json.dumps([{"name": "sun", "price": 0.08}]),
}


def grid(energy: str, back: str, **money: str | None) -> dict[str, Any]:
    """A grid source of the dashboard, with a price entity or a sum of costs."""
    return {
        "type": "grid",
        "flow_from": [
            {
                "stat_energy_from": entity(energy),
                "stat_cost": money.get("cost"),
                "entity_energy_price": money.get("price"),
                "number_energy_price": None,
            }
        ],
        "flow_to": [
            {
                "stat_energy_to": entity(back),
                "stat_compensation": money.get("revenue"),
                "entity_energy_price": money.get("export_price"),
                "number_energy_price": None,
            }
        ],
        "cost_adjustment_day": 0.0,
    }


BY_PRICE = grid(
    "lifetime_net_energy_consumption",
    "lifetime_net_energy_production",
    price=entity("import_price"),
    export_price=entity("export_price"),
)
BY_PERIOD = grid(
    "grid_import_energy_night",
    "grid_export_energy_sun",
    cost=entity("import_cost"),
    revenue=entity("export_revenue"),
)
BY_PERIOD["flow_from"].append(
    BY_PERIOD["flow_from"][0] | {"stat_energy_from": entity("grid_import_energy_day"), "stat_cost": None}
)


def flowing(states: States) -> bool:
    """Costs are there and more than nothing."""
    cost = states.get(entity("import_cost"), {"state": "unknown"})["state"]
    return cost not in ("unknown", "unavailable") and float(cost) > 0


@pytest.mark.parametrize("source", [BY_PRICE, BY_PERIOD], ids=["a price", "a source a period"])
async def test_the_energy_dashboard_accepts_a_tariff(
    house: HomeAssistant, stage: Stage, source: dict[str, Any]
) -> None:
    async with stage.bridged(replace(HOUSE, start=NIGHT), "bridge", **TARIFF):
        states = await house.until(flowing)
        assert states[entity("import_period")]["state"] in ("night", "day")
        assert states[entity("import_price")]["attributes"]["unit_of_measurement"] == "EUR/kWh"
        await house.ask("energy/save_prefs", energy_sources=[source])
        before = float(states[entity("import_cost")]["state"])
        await house.until(lambda it: float(it[entity("import_cost")]["state"]) > before)
        await house.do("statistics_now.compile")
        assert await house.ask("energy/validate") == {"energy_sources": [[]], "device_consumption": []}
        assert await house.ask("recorder/validate_statistics") == {}
    assert house.warnings() == []
