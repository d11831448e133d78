"""The bridge against everything a broker can do, and the way it leaves."""

import asyncio
import signal
import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from envoy_mqtt.simulator.broker import Broker
from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options
from tests.e2e.harness import (
    Heard,
    Process,
    bridging,
    eventually,
    free_port,
    listening,
    retained,
    settings,
    target,
)
from tests.mosquitto import Mosquitto

SERIAL = Options().serial
# Said every ten seconds.
LATER = {f"envoy/{SERIAL}/state"}
RETAINED = {
    f"envoy/{SERIAL}/energy",
    "envoy/bridge/state",
    "envoy/bridge/info",
    "envoy/bridge/health",
    f"envoy/{SERIAL}/availability",
    f"envoy/{SERIAL}/gateway",
    f"envoy/{SERIAL}/live",
    f"envoy/{SERIAL}/production",
    f"envoy/{SERIAL}/net",
    f"envoy/{SERIAL}/consumption",
}


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_a_broker_that_is_absent_at_first_gets_everything(
    broker: Mosquitto, keys: Keys, tmp_path: Path, protocol: str
) -> None:
    broker.stop()
    async with (
        Gateway(Options(rate_hz=10.0), keys=keys) as gateway,
        bridging(settings(tmp_path, **target(gateway, broker.port), mqtt__protocol=protocol)) as app,
    ):
        await gateway.streaming()
        broker.start()
        async with listening(broker.port) as ears:
            await ears.hear("/availability", b"online")
        assert set(await retained(broker.port, RETAINED)) - LATER == RETAINED
        assert app.gateways[0].bridge.online


async def test_a_broker_that_restarts_with_an_empty_store_gets_everything_again(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    """Three times, and the gateway notices nothing; one line when lost and one when back."""

    def told() -> list[str]:
        lines = [line for line in logs if line["event"].startswith("broker ")]
        return [line["event"] for line in lines if line["log_level"] != "debug"]

    with capture_logs() as logs:
        async with (
            Gateway(Options(rate_hz=10.0), keys=keys) as gateway,
            bridging(settings(tmp_path, **target(gateway, broker.port))),
        ):
            await retained(broker.port, RETAINED)
            for n in range(3):
                broker.kill()
                broker.start()
                kept = await retained(broker.port, RETAINED)
                assert set(kept) - LATER == RETAINED
                assert kept["envoy/bridge/state"] == b"online"
                assert kept[f"envoy/{SERIAL}/availability"] == b"online"
                await eventually(lambda n=n: told().count("broker back") > n)  # type: ignore[misc]
            assert gateway.streams.opened == 1
    assert told() == ["broker connected", *["broker lost", "broker back"] * 3]


async def test_after_a_freeze_of_the_broker_only_what_lay_in_its_socket_comes_late(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    """Whatever was read after the freeze was noticed, at most 10 s later, is replaced by the newest."""
    async with (
        Gateway(Options(rate_hz=10.0), keys=keys) as gateway,
        listening(broker.port) as ears,
        bridging(settings(tmp_path, **target(gateway, broker.port))) as app,
    ):
        await ears.hear("/live", count=5)
        lost_before = sum(app.broker_line.reconnects.values())
        broker.freeze()
        frozen = time.time()
        await eventually(lambda: sum(app.broker_line.reconnects.values()) > lost_before)
        noticed = time.time()
        assert noticed - frozen < 10
        readings = app.gateways[0].bridge.readings
        await eventually(lambda: app.gateways[0].bridge.readings > readings + 50)
        thawed = time.time()
        broker.thaw()
        heard: list[Heard] = []
        async with asyncio.timeout(60):
            async with listening(broker.port) as fresh:
                await fresh.until(lambda it: any(x.json["time"] > thawed for x in it.on("/live")))
                await fresh.hear("/bridge/state", b"online")
                heard = fresh.on("/live")
        stale = [each.json["time"] for each in heard if noticed + 0.5 < each.json["time"] < thawed - 0.5]
        assert stale == []
        assert (await retained(broker.port, RETAINED))["envoy/bridge/state"] == b"online"


async def test_the_will_says_offline_after_a_kill_and_the_next_start_says_the_rest(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    """After `kill -9` the gateway's own topic still says online; the next start mends that at once."""
    async with Gateway(Options(rate_hz=10.0), keys=keys) as gateway, listening(broker.port) as ears:
        keywords = {**target(gateway, broker.port), "log__format": "json"}
        async with Process(tmp_path, **keywords) as process:
            await ears.hear("/availability", b"online")
            memory = tmp_path / "data" / "installation.json"
            await eventually(lambda: SERIAL in memory.read_text())
            process.process.kill()
            await ears.hear("/bridge/state", b"offline")
        before = len(ears.heard)
        await gateway.fault("refuse")
        async with Process(tmp_path, **keywords):
            await ears.until(
                lambda it: any(
                    x.payload == b"offline" for x in it.heard[before:] if x.topic.endswith("/availability")
                )
            )


async def leave(folder: Path, number: int, until: str, **keys: object) -> list[str]:
    """Start, wait for a line in the log, signal; it has to end with 0 within 5 s. The log's events."""
    async with Process(folder, log__format="json", log__level="debug", **keys) as process:
        await process.says(until)
        status, seconds = await process.stop(number)
        assert status == 0, process.log
        assert seconds < 5, seconds
        return [line["event"] for line in process.log]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_says_offline_and_ends_with_0(
    broker: Mosquitto, keys: Keys, tmp_path: Path, number: int
) -> None:
    async with Gateway(Options(), keys=keys) as gateway, listening(broker.port) as ears:
        await leave(tmp_path, number, "gateway connected", **target(gateway, broker.port))
        await ears.hear("/bridge/state", b"offline")
        await ears.hear("/availability", b"offline", count=2)
    kept = await retained(broker.port, RETAINED)
    assert kept["envoy/bridge/state"] == b"offline"
    assert kept[f"envoy/{SERIAL}/availability"] == b"offline"


async def test_it_leaves_as_quickly_when_gateway_or_broker_are_away_or_hang(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    """Six bridges at once: each far end away, mute after its connection, and of a name that nobody knows."""

    held: list[asyncio.StreamWriter] = []

    async def mute(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    hole = await asyncio.start_server(mute, "127.0.0.1", 0)
    mute_port = hole.sockets[0].getsockname()[1]
    async with Gateway(Options(), keys=keys) as gateway, hole:
        well = target(gateway, broker.port)
        cases: dict[str, tuple[str, dict[str, object]]] = {
            "gateway_away": ("gateway not reached", {"gateway__host": f"127.0.0.1:{free_port()}"}),
            "gateway_hangs": ("broker connected", {"gateway__host": f"127.0.0.1:{mute_port}"}),
            "gateway_unknown": ("broker connected", {"gateway__host": "no-such-gateway.invalid"}),
            "broker_away": ("broker not reached", {"mqtt__port": free_port()}),
            "broker_hangs": ("gateway connected", {"mqtt__port": mute_port}),
            "broker_unknown": ("gateway connected", {"mqtt__host": "no-such-broker.invalid"}),
        }
        async with asyncio.TaskGroup() as group:
            for n, (name, (until, change)) in enumerate(cases.items()):
                folder = tmp_path / name
                folder.mkdir()
                number = signal.SIGTERM if n % 2 else signal.SIGINT
                group.create_task(leave(folder, number, until, **{**well, "mqtt__client_id": name, **change}))
        for writer in held:
            writer.close()


async def test_it_leaves_in_time_when_the_broker_freezes(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with Gateway(Options(rate_hz=10.0), keys=keys) as gateway:
        keywords = {**target(gateway, broker.port), "log__format": "json"}
        async with Process(tmp_path, **keywords) as process:
            await process.says("gateway connected")
            broker.freeze()
            status, seconds = await process.stop(signal.SIGTERM)
            broker.thaw()
        assert (status, seconds < 5) == (0, True)


async def test_the_embedded_broker_serves_the_bridge_as_well(keys: Keys, tmp_path: Path) -> None:
    async with (
        Broker() as broker,
        Gateway(Options(rate_hz=10.0), keys=keys) as gateway,
        bridging(settings(tmp_path, **target(gateway, broker.port))),
    ):
        assert set(await retained(broker.port, RETAINED)) - LATER == RETAINED
