"""The entities a user finds, by hand from the contract and Home Assistant's own integration."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from envoy_mqtt.simulator.options import Battery, Options, Wiring
from tests.homeassistant.core import HomeAssistant

# Late on a June morning, when the sun shines.
HOUSE = Options(start=1_782_036_000.0)
WITH_BATTERY = replace(HOUSE, battery=Battery.METERED, phases=Wiring.SPLIT)
SERIAL = HOUSE.serial
HEAD = f"envoy_{SERIAL}"
STATE = f"envoy/{SERIAL}/state"
WHOLE = f"homeassistant/device/{HEAD}/config"

States = dict[str, dict[str, Any]]

# The entity ids that core's `enphase_envoy` gives the same things (HA notes, section 7), and our own beside
# them; by the key of `state` whose value they show.
SOLAR = {
    "production_power": "current_power_production",
    "production_energy": "lifetime_energy_production",
    "production_energy_today": "energy_production_today",
}
GRID = {
    "net_power": "current_net_power_consumption",
    "grid_import_energy": "lifetime_net_energy_consumption",
    "grid_export_energy": "lifetime_net_energy_production",
    "grid_import_energy_today": "net_energy_consumption_today",
    "grid_export_energy_today": "net_energy_production_today",
    "consumption_power": "current_power_consumption",
    "consumption_energy": "lifetime_energy_consumption",
    "consumption_energy_today": "energy_consumption_today",
}
BATTERY = {
    "storage_power": "current_battery_discharge",
    "storage_state_of_charge": "battery",
    "storage_discharged_energy": "lifetime_battery_energy_discharged",
    "storage_charged_energy": "lifetime_battery_energy_charged",
    "storage_discharged_energy_today": "battery_energy_discharged_today",
    "storage_charged_energy_today": "battery_energy_charged_today",
}

# Unknown for as long as next to nothing was produced or used since the bridge knows this day.
SHARES = {f"sensor.{HEAD}_{name}_today" for name in ("self_sufficiency", "self_consumption")}

# What stays when no reading comes, and goes with the bridge alone.
ALONE = {
    *("binary_sensor.{}_connection", "sensor.{}_source", "sensor.{}_token_expiry"),
    *("button.{}_reconnect", "number.{}_publish_interval"),
}
ALONE = {name.format(HEAD) for name in ALONE}
ABOUT = ALONE | {f"sensor.{HEAD}_firmware"}


def entity(name: str) -> str:
    return f"sensor.{HEAD}_{name}"


def shown(*tables: Mapping[str, str]) -> set[str]:
    """The entities that a user finds without enabling any."""
    shares = SHARES if GRID in tables else set[str]()
    return {entity(name) for table in tables for name in table.values()} | shares | ABOUT


SIMPLE = shown(SOLAR, GRID)
ALL = shown(SOLAR, GRID, BATTERY)


def ours(states: States) -> dict[str, str]:
    return {name: each["state"] for name, each in states.items() if SERIAL in name}


def there(names: set[str]) -> Callable[[States], bool]:
    """Exactly these entities, each with a value where there can be one."""

    def known(states: States) -> bool:
        values = ours(states)
        silent = {name for name, it in values.items() if it in ("unknown", "unavailable")}
        unpressed = {name for name in silent if name.startswith("button.") and values[name] == "unknown"}
        return values.keys() == names and not silent - unpressed - {*SHARES} and not gone(states)

    return known


def unavailable(states: States) -> set[str]:
    return {name for name, each in states.items() if each["state"] == "unavailable"}


def gone(states: States) -> set[str]:
    """Those of the gateway that are unavailable."""
    return ours(states).keys() & unavailable(states)


def unit(key: str) -> str:
    """What the contract measures it in."""
    return "kWh" if "energy" in key else "%" if key.endswith("charge") else "W"


async def registered(house: HomeAssistant) -> dict[str, dict[str, Any]]:
    """What it remembers of our entities, by unique id."""
    entries = await house.ask("config/entity_registry/list")
    return {entry["unique_id"]: entry for entry in entries if entry["platform"] == "mqtt"}


async def identities(house: HomeAssistant) -> dict[str, tuple[str, str]]:
    """What an entity is to its history: it has to stay the same."""
    return {name: (it["id"], it["entity_id"]) for name, it in (await registered(house)).items()}


async def enabled(house: HomeAssistant) -> set[str]:
    """Those of our entities that are not disabled; disabled ones stay for ever before 2026.4."""
    return {it["entity_id"] for it in (await registered(house)).values() if it["disabled_by"] is None}
