"""A real Home Assistant with its MQTT integration: what a user sees, and what its log says of us."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from envoy_mqtt.model import Site
from envoy_mqtt.mqtt.discovery import Device, Discovery, gateway_device, inverter_device
from tests.e2e.harness import eventually, retained
from tests.homeassistant.core import HomeAssistant
from tests.homeassistant.puppet import Puppet
from tests.mosquitto import Mosquitto
from tests.mqtt.layouts import SERIAL, N, P, S, T, site, state

OPTIONS = Discovery(version="0.1.0", configuration_url="https://192.0.2.1/")
HEAD = f"envoy_{SERIAL}"
STATE = f"envoy/{SERIAL}/state"

# The entity ids that core's `enphase_envoy` gives the same things (HA notes, section 7).
CORE = {
    "production_power": "current_power_production",
    "consumption_power": "current_power_consumption",
    "net_power": "current_net_power_consumption",
    "storage_power": "current_battery_discharge",
    "storage_state_of_charge": "battery",
    "production_energy": "lifetime_energy_production",
    "consumption_energy": "lifetime_energy_consumption",
    "grid_import_energy": "lifetime_net_energy_consumption",
    "grid_export_energy": "lifetime_net_energy_production",
    "storage_discharged_energy": "lifetime_battery_energy_discharged",
    "storage_charged_energy": "lifetime_battery_energy_charged",
    "production_energy_today": "energy_production_today",
    "consumption_energy_today": "energy_consumption_today",
}


def unit(key: str) -> str:
    """What the contract measures it in."""
    return "kWh" if "energy" in key else "%" if key.endswith("charge") else "W"


# What stays when no reading comes, and what goes with the bridge.
ALONE = {
    *("binary_sensor.{}_connection", "sensor.{}_source", "sensor.{}_token_expiry"),
    *("button.{}_reconnect", "number.{}_publish_interval"),
}
ALONE = {name.format(HEAD) for name in ALONE}


def device(layout: Site, options: Discovery = OPTIONS) -> Device:
    return gateway_device(layout, state(layout), options)


def puppet(broker: Mosquitto, layout: Site, *more: Device) -> Puppet:
    values = state(layout, energy=1234.567) | {"source": "stream"}
    values |= {key: 50 for key in values if key.endswith(("power", "state_of_charge"))}
    return Puppet(broker.port, SERIAL, values, device(layout), *more)


def ours(states: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {name: each["state"] for name, each in states.items() if SERIAL in name}


def there(count: int) -> Callable[[dict[str, dict[str, Any]]], bool]:
    """So many entities of ours, each with a value, but for a button that nobody has pressed."""

    def known(states: dict[str, dict[str, Any]]) -> bool:
        values = [it for name, it in ours(states).items() if not (it == "unknown" and "button" in name)]
        buttons = len(ours(states)) - len(values)
        return len(values) + buttons == count and not {"unknown", "unavailable"} & set(values)

    return known


def gone(states: dict[str, dict[str, Any]]) -> set[str]:
    return {name for name, it in ours(states).items() if it == "unavailable"}


def shown(*devices: Device) -> int:
    return sum(component.get("en", True) for each in devices for component in each.components.values())


async def registered(house: HomeAssistant) -> dict[str, dict[str, Any]]:
    """What it remembers of our entities, by unique id."""
    entries = await house.ask("config/entity_registry/list")
    return {entry["unique_id"]: entry for entry in entries if entry["platform"] == "mqtt"}


async def enabled(house: HomeAssistant) -> int:
    """How many of our entities it remembers and has not disabled; before 2026.4 those stay for ever."""
    return len([entry for entry in (await registered(house)).values() if entry["disabled_by"] is None])


@pytest.mark.parametrize("layout", [site(P, N), site(P, T, phases=2), site(P, N, S, phases=3)])
async def test_entities_appear_with_their_states_and_units(
    house: HomeAssistant, broker: Mosquitto, layout: Site
) -> None:
    async with puppet(broker, layout):
        states = await house.until(there(shown(device(layout))))
        said = json.loads((await retained(broker.port, {STATE}))[STATE])
        for key, name in CORE.items():
            if key in said:
                entity = states[f"sensor.{HEAD}_{name}"]
                assert float(entity["state"]) == said[key]
                assert entity["attributes"]["unit_of_measurement"] == unit(key)
        assert states[f"binary_sensor.{HEAD}_connection"]["state"] == "on"
        assert states[f"number.{HEAD}_publish_interval"]["state"] == "10"
        entries = await registered(house)
        components = device(layout).components
        assert entries.keys() == {component["uniq_id"] for component in components.values()}
        for component in components.values():
            entry = entries[component["uniq_id"]]
            assert entry["entity_id"] == component["def_ent_id"]
            assert (entry["disabled_by"] == "integration") == (component.get("en") is False)
    assert house.warnings() == []


async def test_entities_follow_the_bridge_and_the_gateway(house: HomeAssistant, broker: Mosquitto) -> None:
    async with puppet(broker, site(P, N)) as bridge:
        count = shown(device(site(P, N)))
        await house.until(there(count))

        await bridge.silence()
        states = await house.until(lambda states: len(gone(states)) == count - len(ALONE))
        assert not gone(states) & ALONE
        assert ours(states)[f"binary_sensor.{HEAD}_connection"] == "off"

        await bridge.wake()
        states = await house.until(lambda states: not gone(states))
        assert ours(states)[f"binary_sensor.{HEAD}_connection"] == "on"

        await bridge.kill()
        await house.until(lambda states: len(gone(states)) == count)
        await bridge.start()
        await house.until(lambda states: not gone(states))
    assert house.warnings() == []


async def test_it_all_comes_back_after_either_side_was_away(house: HomeAssistant, broker: Mosquitto) -> None:
    count = shown(device(site(P, N)))
    async with puppet(broker, site(P, N)) as bridge:
        before = ours(await house.until(there(count)))
        await house.restart()
        assert ours(await house.until(there(count))) == before

        broker.kill()  # it has no memory of its own
        await house.until(lambda states: len(gone(states)) == count)
        broker.start()
        await bridge.start()
        assert ours(await house.until(there(count))) == before
        assert {entry["entity_id"] for entry in (await registered(house)).values()} >= set(before)
    # That its broker is gone it says in its own way.
    assert [each for each in house.warnings() if "mqtt.client" not in each] == []


def entity(name: str) -> str:
    return f"sensor.{HEAD}_{name}"


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


async def test_the_energy_dashboard_accepts_solar_grid_and_battery(
    house: HomeAssistant, broker: Mosquitto
) -> None:
    layout = site(P, N, S)
    async with puppet(broker, layout) as bridge:
        await house.until(there(shown(device(layout))))
        await bridge.say_state(production_energy=1234.6, grid_import_energy=1234.6)
        await house.ask("energy/save_prefs", energy_sources=ENERGY)
        too_early = await house.ask("energy/validate")
        assert "statistics_not_defined" in json.dumps(too_early)

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


async def test_the_button_and_the_interval_send_requests(house: HomeAssistant, broker: Mosquitto) -> None:
    async with puppet(broker, site(P, N)) as bridge:
        await house.until(there(shown(device(site(P, N)))))
        await house.do("button.press", entity_id=f"button.{HEAD}_reconnect")
        await house.do("number.set_value", entity_id=f"number.{HEAD}_publish_interval", value=5)
        await eventually(lambda: len(bridge.heard) == 2)
        assert bridge.heard == [
            ("envoy/bridge/request/reconnect", b"{}"),
            ("envoy/bridge/request/set_interval", b'{"value": 5}'),
        ]
    assert house.warnings() == []


async def test_what_is_gone_disappears_and_what_comes_appears(
    house: HomeAssistant, broker: Mosquitto
) -> None:
    async with puppet(broker, site(P, N, S)) as bridge:
        await house.until(there(shown(device(site(P, N, S)))))
        await bridge.become(device(site(P, N)))
        await house.until(there(shown(device(site(P, N)))))
        assert await enabled(house) == shown(device(site(P, N)))
        await bridge.become(device(site(P, N, S)))
        await house.until(there(shown(device(site(P, N, S)))))
        assert house.warnings() == []
        await bridge.become()
        await house.until(there(0))
    # For each disabled entity of a device that goes it empties the topic once more, and hears itself.
    assert [each for each in house.warnings() if "No device components to cleanup" not in each] == []


async def test_from_one_style_to_the_other_and_back_every_entity_stays_what_it_is(
    house: HomeAssistant, broker: Mosquitto
) -> None:
    layout = site(P, N, S, phases=3)
    async with puppet(broker, layout) as bridge:
        states = ours(await house.until(there(shown(device(layout)))))
        before = {
            name: (entry["id"], entry["entity_id"]) for name, entry in (await registered(house)).items()
        }
        for style in (OPTIONS._replace(style="component"), OPTIONS):
            await bridge.become(device(layout, style))
            assert ours(await house.until(there(shown(device(layout))))) == states
            after = {
                name: (entry["id"], entry["entity_id"]) for name, entry in (await registered(house)).items()
            }
            assert after == before
        await house.restart()
        assert ours(await house.until(there(shown(device(layout))))) == states
    # It says of each old topic that is emptied, as its own documentation asks, that it does not know it now.
    assert [each for each in house.warnings() if "conflicting MQTT discovery message" not in each] == []


async def test_a_microinverter_is_a_device_of_its_own(house: HomeAssistant, broker: Mosquitto) -> None:
    inverter = "121800000001"
    async with puppet(broker, site(P), inverter_device(SERIAL, inverter, OPTIONS)) as bridge:
        await bridge.say_inverter(inverter, power=231, max_power=290, reported="2026-09-21T14:30:00Z")
        states = await house.until(
            lambda states: states.get(f"sensor.inverter_{inverter}", {}).get("state") == "231"
        )
        assert states[f"sensor.inverter_{inverter}"]["attributes"]["friendly_name"] == f"Inverter {inverter}"
        devices = {each["name"]: each for each in await house.ask("config/device_registry/list")}
        gateway = devices[f"Envoy {SERIAL}"]
        assert devices[f"Inverter {inverter}"]["via_device_id"] == gateway["id"]
        assert gateway["configuration_url"] == "https://192.0.2.1/"
        assert (gateway["serial_number"], gateway["sw_version"]) == (SERIAL, "D8.3.5167")
    assert house.warnings() == []


async def test_its_log_would_tell_of_a_mistake(house: HomeAssistant, broker: Mosquitto) -> None:
    async with puppet(broker, site(P)) as bridge:
        await house.until(there(shown(device(site(P)))))
        del bridge.state["production_energy"]
        await bridge.say_state()
        await eventually(lambda: "has no attribute 'production_energy'" in " ".join(house.warnings()))
