"""The figures of docs/docker.md, measured here: `python -m tests.image.measure` after `make test-image`."""

import asyncio
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp

from envoy_mqtt.simulator.gateway import Gateway
from tests.e2e.harness import free_port, listening
from tests.image.container import Container, Image, image
from tests.image.environment import BASE, DEMO, IMAGE, buildah
from tests.mosquitto import Mosquitto

STARTS = 7
MINUTES = 5

# Python then finds no bytecode beside its modules, as it would in an image without.
UNCOMPILED = {"PYTHONPYCACHEPREFIX": "/none"}


async def main() -> None:
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for name in (IMAGE, DEMO):
        plain, packed = (layers(name, compress=compress) for compress in (False, True))
        base = len(layers(BASE, compress=False))
        shown = [f"{size / 1e6:.1f} ({small / 1e6:.1f})" for size, small in zip(plain, packed, strict=True)]
        ours = f"{sum(plain[base:]) / 1e6:.1f} ({sum(packed[base:]) / 1e6:.1f})"
        print(f"{name}: layers {', '.join(shown)} MB, compressed in brackets; ours {ours}")
    found, container = image(IMAGE)
    for what, more in (("as it is", {}), ("without bytecode", UNCOMPILED)):
        starts = [await first_reading(found, more) for _ in range(STARTS)]
        wall, processor = (statistics.median(each) for each in zip(*starts, strict=True))
        most = max(wall for wall, _ in starts)
        print(f"start to first reading, {what}: {wall:.2f} s, {most:.2f} at most of {STARTS}")
        print(f"processor time of it, {what}: {processor:.2f} s")
        print(f"memory after {MINUTES} min, {what}: {await memory(found, more):.1f} MiB")
    buildah("umount", container)
    buildah("rm", container)


def layers(name: str, *, compress: bool) -> list[int]:
    """The sizes of an image's layers."""
    with tempfile.TemporaryDirectory() as folder:
        how = () if compress else ("--disable-compression",)
        buildah("push", *how, name, f"dir:{folder}")
        return [layer["size"] for layer in json.loads((Path(folder) / "manifest.json").read_text())["layers"]]


def changed(image: Image, more: dict[str, str]) -> Image:
    return image._replace(
        config={**image.config, "Env": [*image.config["Env"], *map("=".join, more.items())]}
    )


async def first_reading(image: Image, more: dict[str, str]) -> tuple[float, float]:
    """Seconds from `docker run` to a subscriber's first reading, and of the processor."""
    with tempfile.TemporaryDirectory() as folder, Mosquitto() as broker:
        os.chown(folder, 1000, 1000)
        async with Gateway() as gateway, listening(broker.port) as ears:
            start = time.monotonic()
            told = keys(gateway, broker, free_port())
            async with Container(changed(image, more), Path(folder), **told) as container:
                (first, *_) = await ears.hear("/live")
                return first.at - start, container.processor_s


async def memory(image: Image, more: dict[str, str]) -> float:
    """Resident MiB, with a page open all the time and Prometheus asking every 15 s."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, Mosquitto() as broker:
        os.chown(folder, 1000, 1000)
        async with Gateway() as gateway, listening(broker.port) as ears:
            told = keys(gateway, broker, port)
            async with Container(changed(image, more), Path(folder), **told) as container:
                await ears.hear("/live")
                await browse(f"http://127.0.0.1:{port}")
                return int(container.status("VmRSS").split()[0]) / 1024


async def browse(url: str) -> None:
    async with aiohttp.ClientSession() as client, client.get(f"{url}/events"):
        for _ in range(MINUTES * 4):
            for path in ("/", "/metrics", "/api/state", "/api/history", "/api/prices"):
                async with client.get(f"{url}{path}") as answer:
                    await answer.read()
            await asyncio.sleep(15)


def keys(gateway: Gateway, broker: Mosquitto, port: int) -> dict[str, Any]:
    return {
        "gateway__host": f"127.0.0.1:{gateway.port}",
        "gateway__token": gateway.owner_token,
        "mqtt__host": "127.0.0.1",
        "mqtt__port": broker.port,
        "web__port": port,
    }


if __name__ == "__main__":
    asyncio.run(main())
