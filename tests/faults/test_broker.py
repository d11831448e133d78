"""What a broker, a disk and a suspended machine can do to a bridge: its process is a real one.

What one refuses, and every kind of restart, is in `tests/e2e/test_broker_*`.
"""

import asyncio
import os
import resource
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from envoy_mqtt.simulator.broker.codec import encode
from envoy_mqtt.simulator.broker.fields import V311
from envoy_mqtt.simulator.broker.packets import Connect, Subscribe, Subscription
from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options
from tests.e2e.harness import Ears, eventually, listening
from tests.faults import table
from tests.faults.rig import fresh, loud, missing, now, running
from tests.faults.tap import Tap
from tests.mosquitto import Mosquitto

UNLIMITED = resource.RLIM_INFINITY


@asynccontextmanager
async def bridged(keys: Keys, folder: Path, port: int, **more: object) -> AsyncIterator[tuple[Gateway, int]]:
    options = Options(serial="122700000099", rate_hz=4.0)
    async with Gateway(options, keys=keys) as gateway:
        where = {f"127.0.0.1:{gateway.port}": gateway.owner_token}
        async with running(folder, port, where, **more) as pid:
            yield gateway, pid


async def heard_again(port: int, serial: str) -> tuple[float, Ears]:
    """When a reading came to a new subscriber, and its ears, which are closed by then."""
    async with listening(port, "envoy/#") as ears:
        began = now()
        await ears.until(lambda it: any(not each.retain for each in it.on(f"{serial}/live")), 60.0)
        return now() - began, ears


@pytest.mark.long
async def test_a_broker_that_is_killed_and_comes_back_empty_has_everything_again(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    again = []
    async with bridged(keys, tmp_path, broker.port) as (gateway, _):
        for _ in range(3):
            await heard_again(broker.port, gateway.serial)
            broker.kill()
            broker.start()
            again.append((await heard_again(broker.port, gateway.serial))[0])
        assert len(gateway.visits.of("/info")) == 1
    assert loud(tmp_path, "127.0.0.1") <= 10
    table.ROWS.append(
        table.Row("broker killed (SIGKILL), back empty", 3, None, max(again), "what it held; retained again")
    )


@pytest.mark.long
async def test_a_frozen_broker_costs_the_readings_that_newer_ones_replaced(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with (
        bridged(keys, tmp_path, broker.port) as (gateway, _),
        listening(broker.port, "envoy/#") as ears,
    ):
        await fresh(ears, gateway.serial)
        broker.freeze()
        await asyncio.sleep(14.0)
        broker.thaw()
        thawed = now()
        await ears.hear("/bridge/health")
        again = await fresh(ears, gateway.serial, thawed + 1.0)
        lost = missing(ears, gateway.serial)
        await ears.until(lambda it: it.on("/bridge/health")[-1].json["broker"]["replaced"] >= lost, 70.0)
    table.ROWS.append(
        table.Row("broker frozen (SIGSTOP) for 14 s", 1, None, again - thawed, f"{lost} replaced, counted")
    )


@pytest.mark.long
async def test_a_broker_that_reads_slowly_gets_the_newest(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with (
        Tap("127.0.0.1", broker.port) as tap,
        listening(broker.port, "envoy/#") as ears,
        bridged(keys, tmp_path, tap.port) as (gateway, _),
    ):
        await fresh(ears, gateway.serial)
        tap.drip()
        await asyncio.sleep(12.0)
        await tap.mend()
        mended = now()
        again = await fresh(ears, gateway.serial, mended + 1.0)
        lost = missing(ears, gateway.serial)
        assert len(gateway.visits.of("/info")) == 1
    table.ROWS.append(
        table.Row("broker whose answers drip, 12 s", 1, None, again - mended, f"{lost} replaced, counted")
    )


@pytest.mark.long
async def test_a_full_disk_at_the_broker_costs_no_reading(keys: Keys, tmp_path: Path) -> None:
    """A broker that cannot write down its memory goes on from what it has in mind."""
    with Mosquitto("autosave_interval 1", "autosave_on_changes false", persistent=True) as broker:
        async with (
            listening(broker.port, "envoy/#") as ears,
            bridged(keys, tmp_path, broker.port) as (gateway, _),
        ):
            await fresh(ears, gateway.serial)
            await eventually(lambda: broker.saved_at > 0.0)
            broker.fill_disk()
            full, full_unix = now(), time.time()
            await fresh(ears, gateway.serial, full + 6.0)
            assert broker.saved_at < full_unix + 2.0  # it tries once a second
            broker.free_disk()
            freed_unix = time.time()
            await eventually(lambda: broker.saved_at > freed_unix)
            await fresh(ears, gateway.serial, now())
            assert missing(ears, gateway.serial) == 0
            assert len([each for each in ears.on("/bridge/state") if each.payload == b"offline"]) == 0
    assert loud(tmp_path, "127.0.0.1") <= 4
    table.ROWS.append(table.Row("disk full at the broker, 6 s", 1, None, None, "none"))


@pytest.mark.long
async def test_a_subscriber_that_stops_reading_costs_no_other_anything(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    """The broker keeps what it does not take, up to its own bounds; nobody else waits for it."""
    async with (
        listening(broker.port, "envoy/#") as ears,
        bridged(keys, tmp_path, broker.port, publish__scalars=True) as (gateway, _),
    ):
        await fresh(ears, gateway.serial)
        with deaf(broker.port):
            began = now()
            await fresh(ears, gateway.serial, began + 10.0)
        silences = [after.at - before.at for before, after in pairwise(ears.on(f"{gateway.serial}/live"))]
        assert missing(ears, gateway.serial) == 0
        assert max(silences) < 5.0
    table.ROWS.append(table.Row("subscriber that does not read, 10 s", 1, None, None, "none"))


@contextmanager
def deaf(port: int) -> Iterator[None]:
    """Asks for everything, and takes nothing out of a small buffer."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", port))
        client.sendall(
            encode(Connect("deaf"), V311) + encode(Subscribe(1, (Subscription("#", qos=1),)), V311)
        )
        yield


@pytest.mark.long
async def test_a_full_disk_stops_nothing_and_is_told_until_it_is_over(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    """No file of the process may grow any more: that is what a full disk says, and needs no root."""
    keys_ = {"energy__interval_s": 10}
    async with (
        listening(broker.port, "envoy/#") as ears,
        bridged(keys, tmp_path, broker.port, **keys_) as (gateway, pid),
    ):
        await fresh(ears, gateway.serial)
        await ears.hear("/energy")
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, UNLIMITED))

        def told() -> bool:
            health = ears.on("/bridge/health")
            return bool(health) and "disk" in [each["code"] for each in health[-1].json["problems"]]

        await ears.until(lambda _: told(), 40.0)
        await fresh(ears, gateway.serial, now())
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (UNLIMITED, UNLIMITED))
        await ears.until(lambda _: not told(), 90.0)
        assert missing(ears, gateway.serial) == 0
    table.ROWS.append(table.Row("disk full (no file may grow)", 1, None, None, "none"))


async def test_a_suspended_machine_goes_on_where_it_was(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    """The process stands still for 12 s while the clocks go on; the broker's keep-alive is 5 s."""
    async with (
        listening(broker.port, "envoy/#") as ears,
        bridged(keys, tmp_path, broker.port, availability__timeout_s=5.0, mqtt__keepalive_s=5) as (
            gateway,
            pid,
        ),
    ):
        await fresh(ears, gateway.serial)
        os.kill(pid, signal.SIGSTOP)
        stopped = now()
        await asyncio.sleep(12.0)
        os.kill(pid, signal.SIGCONT)
        woken = now()
        again = await fresh(ears, gateway.serial, woken)
        gone = [each.at - stopped for each in ears.on("/bridge/state") if each.payload == b"offline"]
        await ears.until(lambda it: it.on("/bridge/state")[-1].payload == b"online")
        await ears.until(lambda it: it.on(f"{gateway.serial}/availability")[-1].payload == b"online")
        lost = missing(ears, gateway.serial)
    table.ROWS.append(
        table.Row(
            "bridge suspended (SIGSTOP) for 12 s",
            1,
            gone[0] if gone else None,
            again - woken,
            f"{lost} replaced, counted",
        )
    )
