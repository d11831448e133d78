"""What a network can do between a bridge and its gateways: one process, a gateway for each fault."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options
from tests.e2e.harness import Ears, listening
from tests.faults import table
from tests.faults.rig import fresh, loud, missing, now, offline, running
from tests.faults.tap import Tap
from tests.mosquitto import Mosquitto

# Each fault comes so often; `make test-faults` sets it.
ROUNDS = int(os.environ.get("FAULT_ROUNDS", "1"))

# Silences that a gateway may have are shorter than this here.
TIMEOUT_S = 5.0


class Scene(NamedTuple):
    """One gateway behind its own stretch of cable; `hosts` is the file of names."""

    gateway: Gateway
    tap: Tap
    hosts: Path


Trouble = Callable[[Scene], Awaitable[None]]


async def lasting(scene: Scene, seconds: float) -> None:
    await asyncio.sleep(seconds)
    await scene.tap.mend()


async def stall(scene: Scene) -> None:
    scene.tap.hold()
    await lasting(scene, 8.0)


async def reset(scene: Scene) -> None:
    scene.tap.reset()


async def strand(scene: Scene) -> None:
    scene.tap.strand()


async def drip(scene: Scene) -> None:
    scene.tap.drip()
    await lasting(scene, 12.0)


async def refuse(scene: Scene) -> None:
    await scene.tap.shut()
    await lasting(scene, 8.0)


async def cut(scene: Scene) -> None:
    await scene.gateway.fault("cut", bytes=100.0)


async def forget_name(scene: Scene) -> None:
    scene.hosts.write_text("")
    await scene.gateway.fault("reset")
    await asyncio.sleep(8.0)
    scene.hosts.write_text("127.0.0.1 house.test\n")


FAULTS: dict[str, Trouble] = {
    "stall of 8 s, both ways": stall,
    "reset (RST)": reset,
    "half-open: dead and nobody told": strand,
    "slow drip, a byte a second for 12 s": drip,
    "port that refuses for 8 s": refuse,
    "cut in mid-line": cut,
    "name that does not resolve for 8 s": forget_name,
}
NAMED = "name that does not resolve for 8 s"


async def play(name: str, scene: Scene, ears: Ears, folder: Path) -> None:
    """A fault as often as wanted; its row has the longest times."""
    courses = [await once(name, scene, ears) for _ in range(ROUNDS)]
    gone = max((offline_s for offline_s, _ in courses if offline_s is not None), default=None)
    again = max(again_s for _, again_s in courses)
    serial, lost = scene.gateway.serial, missing(ears, scene.gateway.serial)
    table.ROWS.append(table.Row(name, ROUNDS, gone, again, "none" if lost == 0 else f"{lost} READINGS"))
    assert lost == 0
    asked = [visit.at for visit in scene.gateway.visits.of("/info")]
    assert all(after - before >= 1.0 for before, after in pairwise(asked)), asked
    assert gone is None or gone < TIMEOUT_S + 3.0
    host = "house.test" if name == NAMED else "127.0.0.1"
    assert loud(folder, f"{host}:{scene.tap.port}") <= 4 + 2 * ROUNDS, serial


async def once(name: str, scene: Scene, ears: Ears) -> tuple[float | None, float]:
    """Seconds until `offline`, if it came to that, and from the fault's end to the next reading."""
    serial = scene.gateway.serial
    await fresh(ears, serial, now())
    began = now()
    watch = asyncio.create_task(offline(ears, serial, began, 60.0))
    await FAULTS[name](scene)
    ended = now()
    again = await fresh(ears, serial, ended + 0.5)
    gone = None
    if watch.done():
        gone = watch.result() - began
    watch.cancel()
    await asyncio.gather(watch, return_exceptions=True)
    return gone, again - ended


async def test_every_network_fault_is_survived_and_costs_no_reading_that_came(
    broker: Mosquitto, tmp_path: Path
) -> None:
    keys = Keys()
    async with AsyncExitStack() as stack:
        scenes, hosts = {}, {}
        for n, name in enumerate(FAULTS):
            options = Options(serial=str(122_700_000_000 + n), rate_hz=4.0)
            gateway = await stack.enter_async_context(Gateway(options, keys=keys))
            tap = await stack.enter_async_context(Tap("127.0.0.1", gateway.port))
            host = "house.test" if name == NAMED else "127.0.0.1"
            hosts[f"{host}:{tap.port}"] = gateway.owner_token
            scenes[name] = Scene(gateway, tap, tmp_path / "hosts")
        (tmp_path / "hosts").write_text("127.0.0.1 house.test\n")
        ears = await stack.enter_async_context(listening(broker.port, "envoy/#"))
        await stack.enter_async_context(
            running(tmp_path, broker.port, hosts, availability__timeout_s=TIMEOUT_S)
        )
        async with asyncio.TaskGroup() as group:
            for name, scene in scenes.items():
                group.create_task(play(name, scene, ears, tmp_path), name=name)


async def test_a_gateway_that_moves_is_followed_by_its_name_and_over_ipv6(
    broker: Mosquitto, tmp_path: Path
) -> None:
    """The same serial number at another address, behind one name; and meanwhile another on ::1."""
    keys, hosts = Keys(), tmp_path / "hosts"
    hosts.write_text("127.0.0.1 house.test\n")
    async with AsyncExitStack() as stack:
        old = await stack.enter_async_context(Gateway(Options(rate_hz=4.0), keys=keys))
        six = await stack.enter_async_context(
            Gateway(Options(serial="122700000066", rate_hz=4.0), host="::1", keys=keys)
        )
        ears = await stack.enter_async_context(listening(broker.port, "envoy/#"))
        where = {f"house.test:{old.port}": old.owner_token, f"[::1]:{six.port}": six.owner_token}
        await stack.enter_async_context(running(tmp_path, broker.port, where))
        await asyncio.gather(fresh(ears, old.serial), fresh(ears, six.serial))
        new = await stack.enter_async_context(Gateway(Options(rate_hz=4.0), old.port, "127.0.0.2", keys=keys))
        hosts.write_text("127.0.0.2 house.test\n")
        began = now()
        old.refuse()
        old.hang_up()
        again = await fresh(ears, old.serial, began + 0.2)
        await new.streaming()
        assert missing(ears, old.serial) == 0
        table.ROWS.append(table.Row("address that changes, serial kept", 1, None, again - began, "none"))
        await fresh(ears, six.serial, again)
        assert missing(ears, six.serial) == 0
        table.ROWS.append(table.Row("a gateway on ::1 meanwhile", 1, None, None, "none"))


async def test_another_gateway_at_the_old_address_is_not_taken_for_the_first(
    broker: Mosquitto, tmp_path: Path
) -> None:
    """The first one's readings end, with the cause in health, nothing is published in its name, and its token
    is not even shown; when the first is back all is well.
    """
    stranger = "122799999999"
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(Gateway(Options(rate_hz=4.0), keys=Keys()))
        ears = await stack.enter_async_context(listening(broker.port, "envoy/#"))
        where = {f"127.0.0.1:{gateway.port}": gateway.owner_token}
        await stack.enter_async_context(
            running(tmp_path, broker.port, where, availability__timeout_s=TIMEOUT_S)
        )
        await fresh(ears, gateway.serial)
        swapped = now()
        await gateway.fault("other_serial", serial=stranger)
        gateway.hang_up()
        gone = await offline(ears, gateway.serial, swapped)
        await ears.until(lambda it: "token_other_serial" in codes(it))
        quiet = [each for each in ears.on(f"{gateway.serial}/live") if each.at > gone]
        assert quiet == ears.on(f"{stranger}/live") == []
        await gateway.clear("other_serial")
        again = now()
        back = await fresh(ears, gateway.serial, again)
        await ears.until(lambda it: "token_other_serial" not in codes(it))
        assert missing(ears, gateway.serial) == 0
    row = table.Row("another gateway at the old address", 1, gone - swapped, back - again, "none")
    table.ROWS.append(row)


def codes(ears: Ears) -> list[str]:
    """The problems of the last health that was told."""
    told = ears.on("/bridge/health")[-1:]
    return [problem["code"] for each in told for problem in each.json["problems"]]
