"""Each request at a running bridge, over a real broker; and what must do nothing."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt

from envoy_mqtt.app import App
from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options
from tests.e2e.harness import Ears, Process, bridging, eventually, listening, settings, target
from tests.mosquitto import Mosquitto

SERIAL = Options().serial
HOSTILE = 200


class Operator:
    """Someone who asks and waits for the answer."""

    def __init__(self, client: aiomqtt.Client, ears: Ears) -> None:
        self._client = client
        self.ears = ears
        self._asked = 0

    async def send(self, name: str, payload: bytes | str = b"", *, retain: bool = False) -> None:
        await self._client.publish(f"envoy/bridge/request/{name}", payload, qos=1, retain=retain)

    async def ask(self, name: str, **keys: object) -> Any:
        """The answer that carries the transaction."""
        self._asked += 1
        await self.send(name, json.dumps({**keys, "transaction": self._asked}))
        return (await self.answers(name, self._asked))[-1]

    async def answers(self, name: str, transaction: object) -> list[Any]:
        def there() -> list[Any]:
            told = [each.json for each in self.ears.on(f"/bridge/response/{name}")]
            return [each for each in told if each.get("transaction") == transaction]

        await self.ears.until(lambda _: bool(there()))
        return there()


@asynccontextmanager
async def asking(port: int) -> AsyncIterator[Operator]:
    async with listening(port) as ears, aiomqtt.Client("127.0.0.1", port, timeout=10) as client:
        yield Operator(client, ears)


@asynccontextmanager
async def at_work(
    broker: Mosquitto, keys: Keys, folder: Path, **changes: Any
) -> AsyncIterator[tuple[Gateway, App, Operator]]:
    """A gateway that is read, and an operator."""
    async with (
        Gateway(Options(rate_hz=10.0), keys=keys) as gateway,
        asking(broker.port) as operator,
        bridging(settings(folder, **target(gateway, broker.port), **changes)) as app,
    ):
        await operator.ears.hear("/availability", b"online")
        yield gateway, app, operator


async def test_health_is_told_on_its_topic_and_when_asked_for(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with at_work(broker, keys, tmp_path) as (_, __, operator):
        await operator.ears.until(
            lambda it: any(each.json["status"] == "ok" for each in it.on("/bridge/health"))
        )
        answer = await operator.ask("health")
        assert answer["status"] == "ok"
        told = answer["data"]
        assert set(told) == set(operator.ears.on("/bridge/health")[-1].json)
        assert (told["status"], told["problems"], told["schema"]) == ("ok", [], 1)
        assert 10 < told["memory_mib"] < 1000
        gateway = told["gateways"][SERIAL]
        assert gateway["fresh"] is True
        assert gateway["age_s"] < 5
        assert gateway["readings"] > 0
        assert gateway["source"] == "stream"
        assert gateway["offline_reason"] is None
        assert gateway["token_role"] == "owner"
        assert 300 < gateway["token_days_left"] < 400
        its_broker = told["broker"]
        assert (its_broker["connected"], its_broker["connects"], its_broker["protocol"]) == (True, 1, "5")
        assert its_broker["messages"] > 10
        assert its_broker["bytes"] > 1000
        assert its_broker["refused_topics"] == {}
        assert 0 < its_broker["latency_ms"]["p50"] <= its_broker["latency_ms"]["p99"]


async def test_health_is_retained_and_said_at_once_when_a_gateway_falls_silent_and_comes_back(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with at_work(broker, keys, tmp_path, availability__timeout_s=2) as (gateway, _, operator):
        ears = operator.ears

        def told(status: str) -> list[Any]:
            return [each.json for each in ears.on("/bridge/health") if each.json["status"] == status]

        await ears.until(lambda _: bool(told("ok")))
        before = len(told("degraded"))
        await gateway.fault("stall")
        await ears.until(lambda _: len(told("degraded")) > before)
        (problem,) = told("degraded")[-1]["problems"]
        assert (problem["code"], problem["serial"]) == ("gateway_silent", SERIAL)
        assert told("degraded")[-1]["gateways"][SERIAL]["offline_reason"] == "timeout"
        well = len(told("ok"))
        await gateway.clear()
        await operator.ask("reconnect")
        await ears.until(lambda _: len(told("ok")) > well)
        assert told("ok")[-1]["problems"] == []
        async with listening(broker.port) as late:
            (kept, *_) = await late.hear("/bridge/health")
            assert kept.retain


async def test_reconnect_opens_the_stream_again_and_only_once_in_ten_seconds(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with at_work(broker, keys, tmp_path) as (gateway, app, operator):
        opened = gateway.streams.opened
        assert (await operator.ask("reconnect", serial=SERIAL))["data"] == {"serials": [SERIAL]}
        again = await operator.ask("reconnect")
        assert again["status"] == "error"
        assert again["error"].startswith("at most once in 10 s; ask again in ")
        await eventually(lambda: gateway.streams.opened == opened + 1)
        readings = app.gateways[0].bridge.readings
        await eventually(lambda: app.gateways[0].bridge.readings > readings + 5)
        assert app.gateways[0].line.reconnects == {"asked": 1}
        assert gateway.streams.opened == opened + 1


async def test_reconnect_ends_the_wait_for_the_next_attempt(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    """Told with no serial, for before the first answer nobody knows it."""
    async with Gateway(Options(rate_hz=10.0), keys=keys) as gateway, asking(broker.port) as operator:
        await gateway.fault("503", retry_after=300)
        async with bridging(settings(tmp_path, **target(gateway, broker.port))) as app:
            await operator.ears.hear("/bridge/state", b"online")
            await eventually(lambda: bool(app.gateways[0].line.reconnects))
            await gateway.clear()
            assert (await operator.ask("reconnect"))["status"] == "ok"
            await operator.ears.hear("/availability", b"online")


async def test_republish_says_everything_retained_again(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with at_work(broker, keys, tmp_path) as (_, __, operator):
        before = len(operator.ears.heard)
        assert (await operator.ask("republish"))["status"] == "ok"
        wanted = {"envoy/bridge/state", "envoy/bridge/info"} | {
            f"envoy/{SERIAL}/{topic}" for topic in ("availability", "gateway", "live", "net")
        }
        await operator.ears.until(lambda it: wanted <= {each.topic for each in it.heard[before:]})


async def test_home_assistants_birth_brings_everything_again_within_five_seconds(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    birth = "homeassistant/status"
    async with (
        at_work(broker, keys, tmp_path) as (_, __, operator),
        aiomqtt.Client("127.0.0.1", broker.port, timeout=10) as assistant,
    ):
        ears = operator.ears
        said = len(ears.on("/bridge/info"))
        await assistant.publish(birth, "offline", qos=1)
        assert (await operator.ask("health"))["status"] == "ok"
        assert len(ears.on("/bridge/info")) == said
        await assistant.publish(birth, "online", qos=1)
        await ears.until(lambda it: len(it.on("/bridge/info")) > said, patience_s=10)


async def test_set_interval_is_kept_until_the_next_start(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with at_work(broker, keys, tmp_path) as (_, app, operator):
        assert app.desk.interval_s == 10
        assert (await operator.ask("set_interval", value=3))["data"] == {"value": 3}
        assert app.desk.interval_s == 3
        assert (await operator.ask("set_interval", value=0))["status"] == "error"
        assert app.desk.interval_s == 3


async def test_set_log_level_takes_effect(broker: Mosquitto, keys: Keys, tmp_path: Path) -> None:
    """At `debug` retries are told that nobody sees at `info`."""
    async with Gateway(Options(rate_hz=10.0), keys=keys) as gateway, asking(broker.port) as operator:
        await gateway.fault("refuse")
        keywords = {**target(gateway, broker.port), "log__format": "json"}
        async with Process(tmp_path, **keywords) as process:
            await operator.ears.hear("/bridge/state", b"online")
            assert (await operator.ask("set_log_level", value="debug"))["data"] == {"value": "debug"}
            await eventually(lambda: any(line["level"] == "debug" for line in process.log))


async def test_doctor_tells_what_a_running_bridge_knows(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with at_work(broker, keys, tmp_path) as (_, __, operator):
        data = (await operator.ask("doctor", serial=SERIAL))["data"]
        assert set(data) == {"gateways", "problems", "broker"}
        assert data["gateways"][SERIAL]["gateway"] == operator.ears.on("/gateway")[-1].json
        assert data["gateways"][SERIAL]["health"]["fresh"] is True
        unknown = await operator.ask("doctor", serial="999999999999")
        assert unknown["status"] == "error"


async def test_retained_requests_do_nothing(broker: Mosquitto, keys: Keys, tmp_path: Path) -> None:
    """One that lies there at the start, and one that comes while the bridge hears it as news, is one more."""
    async with asking(broker.port) as operator:
        await operator.send("set_interval", b'{"value":1,"transaction":"kept"}', retain=True)
    async with at_work(broker, keys, tmp_path) as (_, app, operator):
        assert (await operator.ask("health"))["status"] == "ok"
        assert app.desk.interval_s == 10
        assert operator.ears.on("/bridge/response/set_interval") == []


async def test_hostile_requests_are_answered_and_do_nothing(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    payloads = [
        b"[" * 65_000,
        b"\xff" * 100,
        bytes(70_000),
        b"{",
        b'{"serial":"' + b"9" * 60_000 + b'"}',
        b"null",
    ]
    async with at_work(broker, keys, tmp_path) as (gateway, app, operator):
        opened, readings = gateway.streams.opened, app.gateways[0].bridge.readings
        for n in range(HOSTILE):
            name = ("reconnect", "nonsense", "Wrong Name", secrets.token_hex(16))[n % 4]
            await operator.send(name, payloads[n % len(payloads)])
        await operator.ears.until(
            lambda it: sum("/bridge/response/" in each.topic for each in it.heard) == HOSTILE
        )
        told = [each.json for each in operator.ears.heard if "/bridge/response/" in each.topic]
        assert {each["status"] for each in told} == {"error"}
        assert (await operator.ask("health"))["status"] == "ok"
        await eventually(lambda: app.gateways[0].bridge.readings > readings + 5)
        assert gateway.streams.opened == opened
        assert sum("response" in topic for topic in app._outbox._said) == 0


async def test_more_requests_than_can_wait_are_told_so(broker: Mosquitto, keys: Keys, tmp_path: Path) -> None:
    """A thousand at once: each is answered, with what was asked for or with the reason."""
    async with at_work(broker, keys, tmp_path) as (_, __, operator):
        await asyncio.gather(*(operator.send("health") for _ in range(300)))
        await operator.ears.until(lambda it: len(it.on("/bridge/response/health")) >= 60)
        assert (await operator.ask("doctor"))["status"] == "ok"
