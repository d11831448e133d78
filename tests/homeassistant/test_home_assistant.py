"""A real Home Assistant with its MQTT integration before the real bridge: what a user sees, and what its log
says of us.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Battery, Layout, Options, Wiring
from tests.e2e.harness import eventually, listening, retained
from tests.homeassistant.bridge import Bridge
from tests.homeassistant.core import HomeAssistant
from tests.mosquitto import Mosquitto

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


@pytest.fixture(scope="module")
def keys() -> Keys:
    return Keys()


@asynccontextmanager
async def bridged(
    broker: Mosquitto, keys: Keys, folder: Path, options: Options = HOUSE, **settings: object
) -> AsyncIterator[tuple[Bridge, Gateway]]:
    """A gateway, and the bridge that reads it."""
    async with (
        Gateway(options, keys=keys) as gateway,
        Bridge(folder, broker.port, gateway, **settings) as bridge,
    ):
        yield bridge, gateway


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


def gone(states: States) -> set[str]:
    return {name for name, it in ours(states).items() if it == "unavailable"}


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


async def kept(broker: Mosquitto) -> dict[str, bytes]:
    """All that the broker keeps."""
    async with listening(broker.port, "#") as ears, aiomqtt.Client("127.0.0.1", broker.port) as client:
        await client.publish("end", qos=1)
        await ears.hear("end")
    return {each.topic: each.payload for each in ears.heard if each.retain and each.payload}


def unit(key: str) -> str:
    """What the contract measures it in."""
    return "kWh" if "energy" in key else "%" if key.endswith("charge") else "W"


@pytest.mark.parametrize(
    ("options", "tables"),
    [
        (HOUSE, (SOLAR, GRID)),
        (WITH_BATTERY, (SOLAR, GRID, BATTERY)),
        (replace(HOUSE, phases=Wiring.THREE, layout=Layout.PRODUCTION_TOTAL), (SOLAR, GRID)),
        (replace(HOUSE, battery=Battery.UNMETERED), (SOLAR, GRID, BATTERY)),
        (replace(HOUSE, layout=Layout.PRODUCTION), (SOLAR,)),
    ],
    ids=["one phase", "split, battery meter", "three, total meter", "a battery of its own", "solar alone"],
)
async def test_entities_appear_with_their_states_and_units(
    house: HomeAssistant, broker: Mosquitto, keys: Keys, tmp_path: Path, options: Options, tables: tuple[Any]
) -> None:
    async with bridged(broker, keys, tmp_path, options, homeassistant__interval_s=3):
        await house.until(there(shown(*tables)))
        table = {key: name for each in tables for key, name in each.items()}
        async with asyncio.timeout(60):
            while True:
                said = json.loads((await retained(broker.port, {STATE}))[STATE])
                states = await house.states()
                if all(float(states[entity(name)]["state"]) == said[key] for key, name in table.items()):
                    break
        for key, name in table.items():
            assert states[entity(name)]["attributes"]["unit_of_measurement"] == unit(key)
        assert states[f"binary_sensor.{HEAD}_connection"]["state"] == "on"
        assert states[f"number.{HEAD}_publish_interval"]["state"] == "3"
        assert states[entity("source")]["state"] == said["source"]
        assert states[entity("firmware")]["state"] == options.firmware
        assert await enabled(house) == shown(*tables)
        entries = {it["entity_id"]: it["disabled_by"] for it in (await registered(house)).values()}
        phased = {name for name in entries if name.endswith(("_l1", "_l2", "_l3"))}
        assert bool(phased) == (options.phases.number > 1)
        assert {entries[name] for name in phased} <= {"integration"}
    assert house.warnings() == []


async def test_entities_follow_the_bridge_and_the_gateway(
    house: HomeAssistant, broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with bridged(broker, keys, tmp_path) as (bridge, gateway):
        await house.until(there(SIMPLE))

        await gateway.fault("outage")
        states = await house.until(lambda states: gone(states) == SIMPLE - ALONE)
        assert ours(states)[f"binary_sensor.{HEAD}_connection"] == "off"

        await gateway.clear()
        states = await house.until(there(SIMPLE))
        assert ours(states)[f"binary_sensor.{HEAD}_connection"] == "on"

        await bridge.kill()
        await house.until(lambda states: gone(states) == SIMPLE)
        await bridge.start()
        await house.until(there(SIMPLE))
    assert house.warnings() == []


async def test_it_all_comes_back_after_either_side_was_away(
    house: HomeAssistant, broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with bridged(broker, keys, tmp_path) as (bridge, _):
        await house.until(there(SIMPLE))
        before = await identities(house)

        await house.restart()
        await house.until(there(SIMPLE))

        await bridge.stop()
        await house.until(lambda states: gone(states) == SIMPLE)
        await bridge.start()
        await house.until(there(SIMPLE))

        broker.kill()  # it has no memory of its own
        await house.until(lambda states: gone(states) == SIMPLE)
        broker.start()
        await house.until(there(SIMPLE))
        assert await identities(house) == before
    # That its broker is gone it says in its own way.
    assert [each for each in house.warnings() if "mqtt.client" not in each] == []


async def test_at_its_birth_everything_is_said_again_availability_first(
    house: HomeAssistant, broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with bridged(broker, keys, tmp_path):
        await house.until(there(SIMPLE))
        async with listening(broker.port, "#") as ears:
            await house.restart()
            (birth,) = await ears.hear("homeassistant/status", b"online")
            expected = (*(f"envoy/{topic}" for topic in ("bridge/state", "bridge/info")), WHOLE)
            expected += tuple(f"envoy/{SERIAL}/{topic}" for topic in ("availability", "gateway", "state"))

            def again() -> dict[str, float]:
                news = [it for it in ears.heard if it.at >= birth.at and not it.retain]
                return {each.topic: each.at for each in reversed(news)}

            await ears.until(lambda _: again().keys() >= {*expected})
            assert max(again()[topic] for topic in expected) - birth.at < 5.0
            assert again()["envoy/bridge/state"] < again()[WHOLE]
            assert again()[f"envoy/{SERIAL}/availability"] < again()[WHOLE]
        await house.until(there(SIMPLE))
    assert house.warnings() == []


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
    house: HomeAssistant, broker: Mosquitto, keys: Keys, tmp_path: Path, battery: Battery
) -> None:
    async with bridged(broker, keys, tmp_path, replace(HOUSE, battery=battery)):
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


async def test_signs_are_the_dashboards(
    house: HomeAssistant, broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    """At noon the sun feeds house and battery; at night the battery and the grid feed the house."""
    for folder, start, sun in (("noon", HOUSE.start, True), ("night", 1_782_075_600.0, False)):
        options = replace(HOUSE, battery=Battery.METERED, start=start, array_w=20_000.0, battery_wh=60_000.0)
        async with bridged(broker, keys, tmp_path / folder, options):
            states = await house.until(there(ALL))
            solar, home, battery, grid = (
                float(states[entity(f"current_{name}")]["state"])
                for name in (
                    "power_production",
                    "power_consumption",
                    "battery_discharge",
                    "net_power_consumption",
                )
            )
            assert (solar > 1000) == sun
            assert (battery < 0) == sun
            assert home > 0
            assert abs(solar + battery + grid - home) <= 2  # each is rounded by itself


async def test_the_button_has_the_gateway_read_anew(
    house: HomeAssistant, broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with bridged(broker, keys, tmp_path) as (_, gateway):
        await house.until(there(SIMPLE))
        streams = len(gateway.visits.of("/stream/meter"))
        await house.do("button.press", entity_id=f"button.{HEAD}_reconnect")
        await gateway.visits.requested("/stream/meter", streams + 1)
        await house.until(there(SIMPLE))
    assert house.warnings() == []


async def test_the_interval_is_kept_from_its_next_turn_on(
    house: HomeAssistant, broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    number = f"number.{HEAD}_publish_interval"
    async with bridged(broker, keys, tmp_path) as (bridge, _), listening(broker.port, STATE) as ears:
        states = await house.until(there(SIMPLE))
        limits = {key: states[number]["attributes"][key] for key in ("min", "max", "step")}
        assert limits == {"min": 1, "max": 60, "step": 1}

        asked = time.monotonic()
        await house.do("number.set_value", entity_id=number, value=4)
        await house.until(lambda states: states[number]["state"] == "4")
        assert time.monotonic() - asked < 4 + 1.5
        ears.heard.clear()
        await ears.hear("/state", count=3)
        first, *_, last = [each.at for each in ears.heard]
        assert abs((last - first) / (len(ears.heard) - 1) - 4.0) < 0.5

        await bridge.restart()
        await house.until(lambda states: ours(states)[number] == "1")
    assert house.warnings() == []


async def test_meters_that_are_taken_out_disappear_and_what_comes_appears(
    house: HomeAssistant, broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    solar = replace(WITH_BATTERY, battery=Battery.NONE, layout=Layout.PRODUCTION)
    async with bridged(broker, keys, tmp_path, WITH_BATTERY) as (bridge, gateway):
        await house.until(there(ALL))
        before = await identities(house)
        topics = (await kept(broker)).keys()
        assert {f"envoy/{SERIAL}/{meter}" for meter in ("production", "net", "storage")} <= topics

        gateway.refit(solar)
        await house.do("button.press", entity_id=f"button.{HEAD}_reconnect")
        await house.until(there(shown(SOLAR)))
        assert await enabled(house) == shown(SOLAR)
        await eventually_gone(broker, "net", "consumption", "storage")

        gateway.refit(WITH_BATTERY)
        await bridge.restart()
        await house.until(there(ALL))
        assert {name: it[1] for name, it in (await identities(house)).items()} == {
            name: it[1] for name, it in before.items()
        }

        await bridge.stop()
        gateway.refit(solar)
        await bridge.start()
        await house.until(there(shown(SOLAR)))
        await eventually_gone(broker, "net", "consumption", "storage")
    assert house.warnings() == []


async def eventually_gone(broker: Mosquitto, *topics: str) -> None:
    async with asyncio.timeout(30):
        while {f"envoy/{SERIAL}/{topic}" for topic in topics} & (await kept(broker)).keys():
            await asyncio.sleep(0.2)


async def test_from_one_style_to_the_other_and_back_every_entity_stays_what_it_is(
    house: HomeAssistant, broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with bridged(broker, keys, tmp_path, WITH_BATTERY) as (bridge, _):
        await house.until(there(ALL))
        before = await identities(house)
        for style, topics in (("component", len(before)), ("device", 1)):
            await bridge.restart(homeassistant__style=style)
            await told(broker, topics)
            await house.until(there(ALL))
            assert await identities(house) == before
        await house.restart()
        await house.until(there(ALL))
        assert await identities(house) == before
    # It says of each old topic that is emptied, as its own documentation asks, that it does not know it now.
    assert [each for each in house.warnings() if "conflicting MQTT discovery message" not in each] == []


async def told(broker: Mosquitto, count: int) -> None:
    """Wait until so many discovery topics are kept."""
    async with asyncio.timeout(60):
        while len([topic for topic in await kept(broker) if topic.endswith("/config")]) != count:
            await asyncio.sleep(0.2)


async def test_microinverters_are_devices_of_their_own_and_outlive_a_restart(
    house: HomeAssistant, broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    options = replace(HOUSE, array_w=700.0)
    async with bridged(broker, keys, tmp_path, options, inverters__enabled=True) as (bridge, gateway):
        async with listening(broker.port, "envoy/+/inverter/+") as ears:
            await ears.until(lambda it: len(it.on("")) == 2)
        reports = {each.json["serial"]: each.json for each in ears.heard}
        names = {f"sensor.inverter_{serial}" for serial in reports}
        states = await house.until(lambda states: names <= states.keys() and there(SIMPLE)(states))
        for serial, report in reports.items():
            await house.until(lambda it: it[f"sensor.inverter_{serial}"]["state"] == str(report["power"]))  # noqa: B023
        devices = {each["name"]: each for each in await house.ask("config/device_registry/list")}
        envoy = devices[f"Envoy {SERIAL}"]
        assert {devices[f"Inverter {serial}"]["via_device_id"] for serial in reports} == {envoy["id"]}
        assert envoy["configuration_url"] == f"https://127.0.0.1:{gateway.port}/"
        assert (envoy["serial_number"], envoy["sw_version"]) == (SERIAL, HOUSE.firmware)
        assert states[f"sensor.inverter_{serial}"]["attributes"]["friendly_name"] == f"Inverter {serial}"

        before = await identities(house)
        await eventually(lambda: '"inverters": ["' in remembered(tmp_path))
        await gateway.fault("silent", path="/api/v1/production/inverters")
        await bridge.restart()
        await house.until(lambda states: there(SIMPLE)(states) and not gone_of(states, names))
        await told(broker, 3)
        assert await identities(house) == before

        await bridge.restart(inverters__enabled=False)
        await house.until(lambda states: not names & states.keys())
        await told(broker, 1)
        await eventually_gone(broker, *(f"inverter/{serial}" for serial in reports))
        await house.until(there(SIMPLE))
    # Each disabled entity of a device that goes has it empty the topic once more, and it hears itself.
    assert [each for each in house.warnings() if "No device components to cleanup" not in each] == []


def remembered(folder: Path) -> str:
    book = folder / "data" / f"energy-{SERIAL}.json"
    return book.read_text() if book.exists() else ""


def gone_of(states: States, names: set[str]) -> set[str]:
    return {name for name in names if states[name]["state"] == "unavailable"}


async def test_who_wants_no_home_assistant_takes_back_what_was_said_gateway_or_not(
    house: HomeAssistant, broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with bridged(broker, keys, tmp_path) as (bridge, gateway):
        await house.until(there(SIMPLE))
        await gateway.fault("refuse")
        await bridge.restart(homeassistant__enabled=False)
        await house.until(lambda states: not ours(states))
        await told(broker, 0)
        assert f"envoy/{SERIAL}/state" in await kept(broker)

        await gateway.clear()
        await bridge.restart(homeassistant__enabled=True)
        await house.until(there(SIMPLE))
    assert [each for each in house.warnings() if "No device components to cleanup" not in each] == []


async def test_its_log_would_tell_of_a_mistake(
    house: HomeAssistant, broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with bridged(broker, keys, tmp_path):
        await house.until(there(SIMPLE))
        async with aiomqtt.Client("127.0.0.1", broker.port) as client:
            await client.publish(STATE, b'{"net_power": 1}', qos=1)
        await eventually(lambda: "has no attribute 'production_energy'" in " ".join(house.warnings()))
