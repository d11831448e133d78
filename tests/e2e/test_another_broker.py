"""The bridge and a broker of another make: NATS, which knows MQTT 3.1.1 and hangs up on 5."""

from collections.abc import Iterator
from pathlib import Path

import aiomqtt
import pytest

from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.options import Options
from tests.e2e.harness import Process, bridging, eventually, listening, settings
from tests.nats import Nats


@pytest.fixture
def nats() -> Iterator[Nats]:
    with Nats() as running:
        yield running


async def test_nats_is_spoken_to_in_3_1_1_and_has_everything_again_after_a_kill(
    nats: Nats, tmp_path: Path
) -> None:
    async with (
        Gateway(Options(rate_hz=10.0)) as gateway,
        bridging(
            settings(
                tmp_path,
                gateway__host=f"127.0.0.1:{gateway.port}",
                gateway__token=gateway.owner_token,
                mqtt__host="127.0.0.1",
                mqtt__port=nats.port,
            )
        ) as app,
    ):
        async with listening(nats.port) as ears:
            await ears.hear("/live", count=5)
            await ears.hear("/availability", b"online")
        assert app.publisher.facts().protocol == "3.1.1"
        connects = app.publisher.connects
        nats.kill()
        nats.start()
        await eventually(lambda: app.publisher.connects > connects)
        async with listening(nats.port) as ears:
            await ears.hear("/live", count=5)
            await ears.hear("/bridge/state", b"online")
            numbers = [each.json["sequence"] for each in ears.on("/live") if not each.retain]
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert gateway.streams.opened == 1


async def test_requests_and_the_will_work_on_nats(nats: Nats, tmp_path: Path) -> None:
    async with Gateway(Options(rate_hz=10.0)) as gateway, listening(nats.port) as ears:
        where = {"gateway__host": f"127.0.0.1:{gateway.port}", "gateway__token": gateway.owner_token}
        keys = {**where, "mqtt__host": "127.0.0.1", "mqtt__port": nats.port}
        async with Process(tmp_path, **keys) as process:
            await ears.hear("/live")
            async with aiomqtt.Client("127.0.0.1", nats.port) as operator:
                await operator.publish("envoy/bridge/request/health", b"", qos=1)
            (told,) = await ears.hear("/bridge/response/health")
            assert told.json["status"] == "ok"
            process.process.kill()
            await ears.until(lambda it: it.on("/bridge/state")[-1].payload == b"offline")
