"""Meters, inverters and options that come and go: what a real Home Assistant keeps, and what it loses."""

from dataclasses import replace

from envoy_mqtt.simulator.options import Battery, Layout
from tests.e2e.harness import listening
from tests.homeassistant.bridge import Stage
from tests.homeassistant.core import HomeAssistant
from tests.homeassistant.entities import (
    ALL,
    HEAD,
    HOUSE,
    SERIAL,
    SIMPLE,
    SOLAR,
    WITH_BATTERY,
    enabled,
    identities,
    ours,
    shown,
    there,
    unavailable,
)


async def test_meters_that_are_taken_out_disappear_and_what_comes_appears(
    house: HomeAssistant, stage: Stage
) -> None:
    solar = replace(WITH_BATTERY, battery=Battery.NONE, layout=Layout.PRODUCTION)
    async with stage.bridged(WITH_BATTERY) as (bridge, gateway):
        await house.until(there(ALL))
        before = await identities(house)
        topics = (await stage.kept()).keys()
        assert {f"envoy/{SERIAL}/{meter}" for meter in ("production", "net", "storage")} <= topics

        gateway.refit(solar)
        await house.do("button.press", entity_id=f"button.{HEAD}_reconnect")
        await house.until(there(shown(SOLAR)))
        assert await enabled(house) == shown(SOLAR)
        await stage.until_gone("net", "consumption", "storage")

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
        await stage.until_gone("net", "consumption", "storage")
    assert house.warnings() == []


async def test_from_one_style_to_the_other_and_back_every_entity_stays_what_it_is(
    house: HomeAssistant, stage: Stage
) -> None:
    async with stage.bridged(WITH_BATTERY) as (bridge, _):
        await house.until(there(ALL))
        before = await identities(house)
        for style, topics in (("component", len(before)), ("device", 1)):
            await bridge.restart(homeassistant__style=style)
            await stage.until_remembered("announced.json", f'"style": "{style}"')
            await stage.until_told(topics)
            await house.until(there(ALL))
            assert await identities(house) == before
        await house.restart()
        await house.until(there(ALL))
        assert await identities(house) == before
    # It says of each old topic that is emptied, as its own documentation asks, that it does not know it now.
    assert [each for each in house.warnings() if "conflicting MQTT discovery message" not in each] == []


async def test_microinverters_are_devices_of_their_own_and_outlive_a_restart(
    house: HomeAssistant, stage: Stage
) -> None:
    options = replace(HOUSE, array_w=700.0)
    async with stage.bridged(options, inverters__enabled=True) as (bridge, gateway):
        async with listening(stage.broker.port, "envoy/+/inverter/+") as ears:
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
        await stage.until_remembered(f"energy-{SERIAL}.json", '"inverters": ["')
        await gateway.fault("silent", path="/api/v1/production/inverters")
        await bridge.restart()
        await house.until(lambda states: there(SIMPLE)(states) and not names & unavailable(states))
        await stage.until_told(3)
        assert await identities(house) == before

        await bridge.restart(inverters__enabled=False)
        await house.until(lambda states: not names & states.keys())
        await stage.until_told(1)
        await stage.until_gone(*(f"inverter/{serial}" for serial in reports))
        await house.until(there(SIMPLE))
    # Each disabled entity of a device that goes has it empty the topic once more, and it hears itself.
    assert [each for each in house.warnings() if "No device components to cleanup" not in each] == []


async def test_who_wants_no_home_assistant_takes_back_what_was_said_gateway_or_not(
    house: HomeAssistant, stage: Stage
) -> None:
    async with stage.bridged() as (bridge, gateway):
        await house.until(there(SIMPLE))
        await gateway.fault("refuse")
        await bridge.restart(homeassistant__enabled=False)
        await house.until(lambda states: not ours(states))
        await stage.until_told(0)
        assert f"envoy/{SERIAL}/state" in await stage.kept()

        await gateway.clear()
        await bridge.restart(homeassistant__enabled=True)
        await house.until(there(SIMPLE))
    assert [each for each in house.warnings() if "No device components to cleanup" not in each] == []
