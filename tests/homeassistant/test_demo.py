"""A Home Assistant pointed at the demo's own broker: a minute to entities with values, and no YAML."""

import time
from pathlib import Path

from tests.e2e.harness import free_port
from tests.e2e.test_demo import LINE, demo, said
from tests.homeassistant.core import HomeAssistant
from tests.homeassistant.entities import HEAD, SIMPLE, ours, there


async def test_from_make_demo_to_entities_with_values_within_a_minute(tmp_path: Path) -> None:
    async with HomeAssistant(tmp_path / "house") as house:
        begun = time.monotonic()
        async with demo(tmp_path, "--port", str(free_port())) as process:
            port = int((await said(process, LINE))[1])
            await house.add_broker(port)
            states = await house.until(there(SIMPLE))
            took_s = time.monotonic() - begun
            print(f"from the demo's start to {len(ours(states))} entities with values: {took_s:.1f} s")
            assert took_s < 60.0

            number = f"number.{HEAD}_publish_interval"
            await house.do("number.set_value", entity_id=number, value=1)
            await house.until(lambda states: ours(states)[number] == "1")
            await house.restart()
            await house.until(there(SIMPLE))
        await house.until(lambda states: set(ours(states).values()) == {"unavailable"})
    # The demo's broker goes with it, and of that Home Assistant tells in its own way.
    assert [each for each in house.warnings() if "mqtt.client" not in each] == []
