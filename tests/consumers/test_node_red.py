"""The flow that switches a load by what is exported, in a real Node-RED."""

import json
from pathlib import Path

import aiomqtt

from envoy_mqtt.simulator.identity import Keys
from tests.consumers.node_red import node_red
from tests.consumers.pages import commands, subscribed
from tests.consumers.program import PATIENCE_S
from tests.consumers.site import ONE_PHASE, SERIAL, at_work
from tests.e2e.harness import Ears, listening
from tests.mosquitto import Mosquitto

SWITCH, POWER = "home/surplus/switch", "home/surplus/power"


class House:
    """Readings from a test, and what the flow makes of them: a load of 2,000 W, a margin of 200 W, 60 s."""

    def __init__(self, client: aiomqtt.Client, ears: Ears) -> None:
        self._client, self._ears = client, ears

    async def read(self, time: float, net_power: float | None) -> str | None:
        """What the switch is told upon a reading; the surplus, said after it, tells that it was seen."""
        before = len(self._ears.on(SWITCH))
        seen = len(self._ears.on(POWER))
        # Retained, as the bridge's are: the flow may not have subscribed before the first of them.
        payload = json.dumps({"time": time, "net_power": net_power})
        await self._client.publish(f"envoy/{SERIAL}/live", payload, qos=1, retain=True)
        if net_power is not None:
            await self._ears.hear(POWER, count=seen + 1)
            assert self._ears.on(POWER)[-1].json == -net_power
        said = [each.payload.decode() for each in self._ears.on(SWITCH)[before:]]
        return said[0] if said else None

    async def fall_silent(self, topic: str) -> str:
        """What the switch is told once the gateway or the bridge is away."""
        before = len(self._ears.on(SWITCH))
        await self._client.publish(topic, b"offline", qos=1)
        await self._ears.hear(SWITCH, count=before + 1)
        return self._ears.on(SWITCH)[-1].payload.decode()


async def test_it_switches_at_the_thresholds_and_only_after_a_minute(
    tmp_path: Path, broker: Mosquitto
) -> None:
    async with (
        node_red(tmp_path / "node-red", "surplus.json", broker.port),
        listening(broker.port, "home/#") as ears,
        aiomqtt.Client("127.0.0.1", broker.port) as client,
    ):
        house = House(client, ears)
        assert await house.read(0.0, -2100.0) == "OFF"  # said once, so that the load knows
        assert await house.read(1.0, -2200.0) is None
        assert await house.read(30.0, None) is None
        assert await house.read(60.9, -2500.0) is None
        assert await house.read(61.0, -2200.0) == "ON"
        # It draws its 2,000 W now; a cloud that imports up to the margin changes nothing, however long.
        assert await house.read(62.0, 200.0) is None
        assert await house.read(500.0, 200.0) is None
        # A kettle: more than the margin, but not for a minute.
        assert await house.read(501.0, 900.0) is None
        assert await house.read(560.0, 100.0) is None
        assert await house.read(561.0, 201.0) is None
        assert await house.read(620.0, 201.0) is None
        assert await house.read(621.0, 201.0) == "OFF"
        # A clock that was set back begins the minute again.
        assert await house.read(700.0, -3000.0) is None
        assert await house.read(650.0, -3000.0) is None
        assert await house.read(709.0, -3000.0) is None
        assert await house.read(710.0, -3000.0) == "ON"
        assert await house.fall_silent(f"envoy/{SERIAL}/availability") == "OFF"
        assert await house.read(711.0, -3000.0) is None
        assert await house.read(771.0, -3000.0) == "ON"
        assert await house.fall_silent("envoy/bridge/state") == "OFF"


async def test_the_bridges_messages_arrive_as_objects(tmp_path: Path, broker: Mosquitto, keys: Keys) -> None:
    async with (
        at_work(broker, keys, tmp_path / "site", ONE_PHASE) as site,
        node_red(tmp_path / "node-red", "surplus.json", broker.port) as program,
    ):
        await site.ears.until(lambda ears: len(ears.on(POWER)) >= 3, PATIENCE_S)
        exported = {-each.json["net_power"] for each in site.ears.on(f"{SERIAL}/live")}
        assert {each.json for each in site.ears.on(POWER)} <= exported
        (first, *_) = site.ears.on(SWITCH)
        assert first.payload == b"OFF"
        assert "[error]" not in program.words
        (check,) = commands("node-red.md")
        assert f"{SWITCH} OFF" in await subscribed(check, broker.port, 3)
