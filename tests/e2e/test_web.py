"""The web server beside a real broker: it says what the broker is told, and what health says."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from envoy_mqtt.app import App
from envoy_mqtt.clock import now
from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options, Wiring
from tests.e2e.harness import Ears, bridging, eventually, free_port, listening, settings, target
from tests.mosquitto import Mosquitto

SERIAL = Options().serial


class Stage:
    """A bridge at work, a subscriber of its broker, and a client of its web server."""

    def __init__(self, gateway: Gateway, app: App, ears: Ears, client: aiohttp.ClientSession) -> None:
        self.gateway, self.app, self.ears, self.client = gateway, app, ears, client

    async def get(self, path: str) -> tuple[int, Any]:
        async with self.client.get(path) as answer:
            return answer.status, await answer.json()


@asynccontextmanager
async def at_work(
    broker: Mosquitto, keys: Keys, folder: Path, *, rate_hz: float = 10.0, **changes: Any
) -> AsyncIterator[Stage]:
    port = free_port()
    options = Options(phases=Wiring.THREE, rate_hz=rate_hz)
    async with Gateway(options, keys=keys) as gateway, listening(broker.port) as ears:
        it = settings(
            folder,
            **target(gateway, broker.port),
            web__enabled=True,
            web__port=port,
            **changes,
        )
        async with bridging(it) as app, aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
            await ears.hear("/availability", b"online")
            await ears.hear("/energy")
            yield Stage(gateway, app, ears, client)


async def events(stream: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, Any]]:
    """Every event of a stream: its name and its data."""
    name = ""
    async for line in stream.content:
        field, _, value = line.decode().rstrip("\n").partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)


async def until_told(client: socket.socket, sequence: int) -> int:
    """Read until a reading at least so new has come; the bytes that took."""
    loop, taken, rest = asyncio.get_running_loop(), 0, b""
    async with asyncio.timeout(30):
        while True:
            chunk = await loop.sock_recv(client, 65536)
            assert chunk
            taken += len(chunk)
            *lines, rest = (rest + chunk).split(b"\n")
            lives = [line for line in lines if line.startswith(b"data: ") and b'"sequence":' in line]
            if any(json.loads(line[6:])["sequence"] >= sequence for line in lives):
                return taken


async def test_the_state_is_what_the_broker_was_told(broker: Mosquitto, keys: Keys, tmp_path: Path) -> None:
    async with at_work(broker, keys, tmp_path) as stage:
        await stage.gateway.fault("stall")
        status, told = await stage.get("/api/state")
        last = {
            each.topic.removeprefix(f"envoy/{SERIAL}/"): each
            for each in stage.ears.heard
            if each.topic.startswith(f"envoy/{SERIAL}/")
        }
        assert status == 200
        assert set(told) == {"gateways", "health"}
        topics = told["gateways"][SERIAL]
        assert {"live", "production", "net", "consumption", "energy", "gateway"} <= set(topics)
        assert topics["availability"] == "online"
        for topic in ("energy", "gateway"):
            assert topics[topic] == last[topic].json
        lives = [each.json for each in stage.ears.on("/live")]
        await stage.ears.until(
            lambda it: any(each.json["sequence"] == topics["live"]["sequence"] for each in it.on("/live"))
        )
        lives = [each.json for each in stage.ears.on("/live")]
        assert topics["live"] in lives
        assert told["health"]["status"] == "ok"


async def test_every_reading_is_an_event_with_the_brokers_payload(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with at_work(broker, keys, tmp_path) as stage, stage.client.get("/events") as stream:
        assert stream.headers["Content-Type"] == "text/event-stream"
        seen: dict[int, Any] = {}
        names = set()
        async with asyncio.timeout(30):
            async for name, data in events(stream):
                names.add(name)
                if name != "health":
                    assert data.pop("serial") == SERIAL
                if name == "live":
                    seen[data["sequence"]] = data
                if len(seen) >= 20 and {"health", "energy", "availability"} <= names:
                    break
        first, last = min(seen), max(seen)
        assert sorted(seen) == list(range(first, last + 1))
        await stage.ears.until(lambda it: any(each.json["sequence"] >= last for each in it.on("/live")))
        told = {each.json["sequence"]: each.json for each in stage.ears.on("/live")}
        assert {number: told[number] for number in seen} == seen


async def test_a_silent_gateway_and_a_lost_broker_are_told_to_viewers_and_leave_the_bridge_alive(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with (
        at_work(broker, keys, tmp_path, availability__timeout_s=2) as stage,
        stage.client.get("/events") as stream,
    ):
        told = events(stream)

        async def until(name: str, **expected: Any) -> Any:
            async with asyncio.timeout(30):
                async for heard, data in told:
                    if heard == name and expected.items() <= data.items():
                        return data
            raise AssertionError("the stream has ended")

        assert (await stage.get("/healthz"))[0] == 200
        await stage.gateway.fault("stall")
        await until("availability", serial=SERIAL, availability="offline")
        health = await until("health", status="degraded")
        assert [problem["code"] for problem in health["problems"]] == ["gateway_silent"]
        status, answer = await stage.get("/healthz")
        assert (status, answer["problems"][0]["code"]) == (503, "gateway_silent")
        assert await stage.get("/livez") == (200, {"status": "ok"})
        broker.kill()
        while "broker_unreachable" not in {problem["code"] for problem in health["problems"]}:
            health = await until("health", status="degraded")
        assert await stage.get("/livez") == (200, {"status": "ok"})
        broker.start()
        await stage.gateway.clear()
        stage.app.gateways[0].reconnect()
        await until("health", status="ok")
        assert (await stage.get("/healthz"))[0] == 200


async def test_the_history_is_what_the_broker_was_told(broker: Mosquitto, keys: Keys, tmp_path: Path) -> None:
    async with at_work(broker, keys, tmp_path, rate_hz=1.0) as stage:
        await stage.ears.hear("/live", count=6)
        status, told = await stage.get(f"/api/history?serial={SERIAL}&seconds=3600")
        lives = {each.json["time"]: each.json for each in stage.ears.on("/live")}
    assert status == 200
    assert set(told) == {"time", "production", "net", "consumption", "storage"}
    # Two that lie in one second by the clock are one mean.
    alone = [n for n, time in enumerate(told["time"]) if time in lives]
    assert len(alone) >= 2
    for name in ("production", "net", "consumption"):
        assert [told[name][n] for n in alone] == [lives[told["time"][n]][f"{name}_power"] for n in alone]
    assert set(told["storage"]) == {None}


def _moving(stage: Stage) -> tuple[int, int, int]:
    """What grows while anything is asked, read or sent."""
    gateway, latency = stage.app.gateways[0], stage.app.publisher.latency
    return gateway.bridge.readings, gateway.road.requests.total(), sum(count for _, count in latency.buckets)


async def test_metrics_are_healths_figures(broker: Mosquitto, keys: Keys, tmp_path: Path) -> None:
    async with at_work(broker, keys, tmp_path, availability__timeout_s=600) as stage:
        await stage.gateway.fault("stall")
        gateway, before = stage.app.gateways[0], (-1, -1, -1)
        while before != (still := _moving(stage)):  # what is under way arrives first
            before = still
            await asyncio.sleep(1.0)
        readings = gateway.bridge.readings
        async with stage.client.get("/metrics") as answer:
            assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            text = await answer.text()
        content: Any = stage.app.report.content(now())
        samples = {
            (
                sample.name,
                *(value for _, value in sorted(sample.labels.items()) if value != SERIAL),
            ): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
        health, its_broker = content["gateways"][SERIAL], content["broker"]
        assert samples["envoy_up",] == health["fresh"] == 1
        assert samples["envoy_readings_total",] == health["readings"] == readings
        assert samples["envoy_reading_age_seconds",] == pytest.approx(health["age_s"], abs=2)
        assert samples["envoy_requests_total", "/stream/meter", "200"] == 1
        assert {key[1:]: value for key, value in samples.items() if key[0] == "envoy_requests_total"} == {
            (path, status): count
            for path, by_status in health["requests"].items()
            for status, count in by_status.items()
        }
        assert samples["envoy_token_expiry_timestamp_seconds",] == pytest.approx(
            content["time"] + 86_400 * health["token_days_left"], abs=86_400 / 10
        )
        assert samples["envoy_mqtt_connected",] == its_broker["connected"]
        assert samples["envoy_mqtt_connects_total",] == its_broker["connects"] == 1
        assert readings < samples["envoy_mqtt_messages_total",] <= its_broker["messages"]
        assert samples["envoy_mqtt_latency_seconds_count",] == readings
        live = stage.ears.on("/live")[-1].json
        assert live["sequence"] == readings
        for meter in ("production", "net", "consumption"):
            assert samples["envoy_power_watts", meter, "total"] == live[f"{meter}_power"]
            for phase in "123":
                assert samples["envoy_power_watts", meter, phase] == live[f"{meter}_l{phase}_power"]
                assert samples["envoy_voltage_volts", meter, phase] == live[f"{meter}_l{phase}_voltage"]
                assert samples["envoy_current_amperes", meter, phase] == live[f"{meter}_l{phase}_current"]
        energy = stage.ears.on("/energy")[-1].json
        told = samples["envoy_energy_watthours_total", "production"]
        assert told == pytest.approx(1000 * energy["production_energy"], abs=0.5)
        assert ("envoy_energy_watthours_total", "net") not in samples


async def test_a_viewer_who_stops_reading_costs_nobody_anything_and_catches_up_with_the_newest(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with at_work(broker, keys, tmp_path, rate_hz=100.0) as stage:
        assert stage.client._base_url is not None
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            client.connect(("127.0.0.1", stage.client._base_url.port))
            client.sendall(b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            client.setblocking(False)
            begun = stage.app.gateways[0].bridge.readings
            await eventually(lambda: stage.app.gateways[0].bridge.readings > begun + 1000)
            taken = await until_told(client, stage.app.gateways[0].bridge.readings)
        # Of some 3 MB that were told meanwhile it had to read what lay in buffers.
        assert taken < 1_000_000
        told = [each.json["sequence"] for each in stage.ears.on("/live")]
        assert told == list(range(told[0], told[0] + len(told)))
        assert stage.app.publisher.facts().replaced == 0


async def test_who_does_without_live_on_the_broker_has_it_on_the_page(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with at_work(broker, keys, tmp_path, publish__live=False, mqtt__retain=False) as stage:
        _, told = await stage.get("/api/state")
        assert told["gateways"][SERIAL]["live"]["net_power"] is not None
        assert told["gateways"][SERIAL]["net"]["power"] is not None
        assert stage.ears.on(f"{SERIAL}/live") == []
