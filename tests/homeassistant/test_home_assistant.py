"""A real Home Assistant with its MQTT integration before the real bridge: what a user sees, and what its log
says of us.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import aiomqtt
import pytest

from envoy_mqtt.simulator.options import Battery, Layout, Options, Wiring
from tests.e2e.harness import eventually, listening, retained
from tests.homeassistant.bridge import Stage
from tests.homeassistant.core import HomeAssistant
from tests.homeassistant.entities import (
    ALONE,
    BATTERY,
    GRID,
    HEAD,
    HOUSE,
    SERIAL,
    SIMPLE,
    SOLAR,
    STATE,
    WHOLE,
    WITH_BATTERY,
    enabled,
    entity,
    gone,
    identities,
    ours,
    registered,
    shown,
    there,
    unit,
)


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
    house: HomeAssistant, stage: Stage, options: Options, tables: tuple[Mapping[str, str]]
) -> None:
    async with stage.bridged(options, homeassistant__interval_s=3):
        await house.until(there(shown(*tables)))
        table = {key: name for each in tables for key, name in each.items()}
        async with asyncio.timeout(60):
            while True:
                said = json.loads((await retained(stage.broker.port, {STATE}))[STATE])
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


async def test_entities_follow_the_bridge_and_the_gateway(house: HomeAssistant, stage: Stage) -> None:
    async with stage.bridged() as (bridge, gateway):
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


async def test_it_all_comes_back_after_either_side_was_away(house: HomeAssistant, stage: Stage) -> None:
    async with stage.bridged() as (bridge, _):
        await house.until(there(SIMPLE))
        before = await identities(house)

        await house.restart()
        await house.until(there(SIMPLE))

        await bridge.stop()
        await house.until(lambda states: gone(states) == SIMPLE)
        await bridge.start()
        await house.until(there(SIMPLE))

        stage.broker.kill()  # it has no memory of its own
        await house.until(lambda states: gone(states) == SIMPLE)
        stage.broker.start()
        await house.until(there(SIMPLE))
        assert await identities(house) == before
    # That its broker is gone it says in its own way.
    assert [each for each in house.warnings() if "mqtt.client" not in each] == []


async def test_at_its_birth_everything_is_said_again_availability_first(
    house: HomeAssistant, stage: Stage
) -> None:
    async with stage.bridged():
        await house.until(there(SIMPLE))
        async with listening(stage.broker.port, "#") as ears:
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


async def test_a_broker_that_keeps_nothing_is_as_good(house: HomeAssistant, stage: Stage) -> None:
    async with stage.bridged(mqtt__retain=False):
        await house.until(there(SIMPLE))
        await house.restart()
        await house.until(there(SIMPLE))
        assert f"envoy/{SERIAL}/gateway" not in await stage.kept()
    assert house.warnings() == []


async def test_the_button_has_the_gateway_read_anew(house: HomeAssistant, stage: Stage) -> None:
    async with stage.bridged() as (_, gateway):
        await house.until(there(SIMPLE))
        streams = len(gateway.visits.of("/stream/meter"))
        await house.do("button.press", entity_id=f"button.{HEAD}_reconnect")
        await gateway.visits.requested("/stream/meter", streams + 1)
        await house.until(there(SIMPLE))
    assert house.warnings() == []


async def test_the_interval_is_kept_from_its_next_turn_on(house: HomeAssistant, stage: Stage) -> None:
    number = f"number.{HEAD}_publish_interval"
    async with stage.bridged() as (bridge, _), listening(stage.broker.port, STATE) as ears:

        def beats() -> list[float]:
            return sorted({each.json["time"] for each in ears.heard})

        states = await house.until(there(SIMPLE))
        limits = {key: states[number]["attributes"][key] for key in ("min", "max", "step")}
        assert limits == {"min": 1, "max": 60, "step": 1}

        asked = time.monotonic()
        await house.do("number.set_value", entity_id=number, value=4)
        await house.until(lambda states: states[number]["state"] == "4")
        assert time.monotonic() - asked < 4 + 1.5
        ears.heard.clear()
        await ears.until(lambda _: len(beats()) == 3)  # once more at Home Assistant's birth
        assert [round(later - sooner) for sooner, later in pairwise(beats())] == [4, 4]

        await bridge.restart()
        await house.until(lambda states: ours(states)[number] == "1")
    assert house.warnings() == []


async def test_its_log_would_tell_of_a_mistake(house: HomeAssistant, stage: Stage) -> None:
    async with stage.bridged():
        await house.until(there(SIMPLE))
        async with aiomqtt.Client("127.0.0.1", stage.broker.port) as client:
            await client.publish(STATE, b'{"net_power": 1}', qos=1)
        await eventually(lambda: "has no attribute 'production_energy'" in " ".join(house.warnings()))
