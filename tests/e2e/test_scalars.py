"""`publish.scalars` at a real broker: each number of `live` in its own topic, gone when switched off."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.options import Options, Wiring
from tests.e2e.harness import PATIENCE_S, bridging, eventually, listening, settings
from tests.e2e.test_cleanup import kept
from tests.mosquitto import Mosquitto

SERIAL = Options().serial
HEAD = f"envoy/{SERIAL}"
SENSOR = f"{HEAD}/sensor/"


def keys(gateway: Gateway, broker: Mosquitto, **more: Any) -> dict[str, Any]:
    return {
        "gateway__host": f"127.0.0.1:{gateway.port}",
        "gateway__token": gateway.owner_token,
        "mqtt__host": "127.0.0.1",
        "mqtt__port": broker.port,
        **more,
    }


async def test_each_number_of_live_has_a_topic_after_it(broker: Mosquitto, tmp_path: Path) -> None:
    async with (
        Gateway(Options(phases=Wiring.THREE)) as gateway,
        listening(broker.port, f"{HEAD}/#") as ears,
        bridging(settings(tmp_path, **keys(gateway, broker, publish__scalars=True))),
    ):
        await ears.hear("/live", count=3)
    heard = [each for each in ears.heard if each.topic == f"{HEAD}/live" or each.topic.startswith(SENSOR)]
    places = [at for at, each in enumerate(heard) if each.topic.endswith("/live")]
    for start, end in pairwise(places):
        live, *scalars = heard[start:end]
        numbers = {
            key: value
            for key, value in live.json.items()
            if key not in ("time", "timestamp", "source", "sequence") and value is not None
        }
        assert {each.topic.removeprefix(SENSOR): float(each.payload) for each in scalars} == numbers
        assert len(scalars) == len(numbers) > 60


async def test_they_are_kept_with_an_end_and_emptied_once_nobody_wants_them(
    broker: Mosquitto, tmp_path: Path
) -> None:
    async with Gateway(Options()) as gateway:
        on = settings(tmp_path, **keys(gateway, broker, publish__scalars=True))
        async with bridging(on), listening(broker.port, f"{HEAD}/#") as ears:
            await ears.hear("/live")
            await eventually(lambda: "sensor/net_power" in announced(tmp_path))
        before = await kept(broker.port)
        client = aiomqtt.Client("127.0.0.1", broker.port, protocol=aiomqtt.ProtocolVersion.V5)
        async with client:
            await client.subscribe(f"{SENSOR}net_power")
            message = await anext(client.messages)
            assert 0 < getattr(message.properties, "MessageExpiryInterval", 0) <= 300
        mine = {topic for topic in before if topic.startswith(SENSOR)}
        assert len(mine) > 20
        off = settings(tmp_path, **keys(gateway, broker))
        async with bridging(off), listening(broker.port, f"{HEAD}/#") as ears:
            await ears.until(lambda it: mine <= {each.topic for each in it.heard if not each.payload})
        after = await kept(broker.port)
        assert {topic for topic in before if topic.startswith(HEAD)} - mine <= after.keys()
        assert not [topic for topic in after if topic.startswith(SENSOR)]


def announced(folder: Path) -> str:
    """What the bridge remembers that it has said."""
    path = folder / "data" / "announced.json"
    return path.read_text() if path.exists() else ""


@pytest.mark.timeout(3 * PATIENCE_S)
async def test_without_retain_none_is_kept(broker: Mosquitto, tmp_path: Path) -> None:
    async with Gateway(Options()) as gateway:
        said = settings(tmp_path, **keys(gateway, broker, publish__scalars=True, mqtt__retain=False))
        async with bridging(said), listening(broker.port, f"{SENSOR}#") as ears:
            await ears.hear("/net_power", count=2)
        assert not [topic for topic in await kept(broker.port) if topic.startswith(SENSOR)]
