"""The flow that writes each reading and each minute's energies into InfluxDB, read back from a real one."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp

from envoy_mqtt.simulator.identity import Keys
from tests.consumers.node_red import node_red
from tests.consumers.pages import blocks, commands, typed
from tests.consumers.program import PATIENCE_S, Program
from tests.consumers.site import SERIAL, WHOLE, Site, at_work
from tests.e2e.harness import Heard, free_port
from tests.mosquitto import Mosquitto
from tests.programs import require

QUICK = replace(WHOLE, rate_hz=4.0)

PAGE = "influxdb.md"

CONFIGURATION = """
reporting-disabled = true
bind-address = "127.0.0.1:{backup}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{http}"
"""


@asynccontextmanager
async def influxdb(folder: Path) -> AsyncIterator[int]:
    """One that is empty; its port."""
    port = free_port()
    file = configured(folder, port)
    command = (require("influxd", "influxdb"), "run", "-config", file)
    async with Program(folder, *command, ready=lambda words: "Listening for signals" in words):
        yield port


def configured(folder: Path, port: int) -> Path:
    """The file that tells it to keep to itself."""
    folder.mkdir()
    file = folder / "influxdb.conf"
    file.write_text(CONFIGURATION.format(folder=folder, http=port, backup=free_port()))
    return file


async def asked(port: int, query: str) -> list[dict[str, Any]]:
    """What comes back, as rows of columns; times are milliseconds."""
    async with (
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client,
        client.get("/query", params={"db": "envoy", "q": query, "epoch": "ms"}) as answer,
    ):
        (result,) = (await answer.json())["results"]
    assert "error" not in result
    return [
        dict(zip(series["columns"], values, strict=True)) | series.get("tags", {})
        for series in result.get("series", [])
        for values in series["values"]
    ]


async def another(site: Site) -> None:
    """Wait for one more reading."""
    live = f"{SERIAL}/live"
    await site.ears.hear(live, count=len(site.ears.on(live)) + 1)


def point(message: Heard) -> dict[str, Any]:
    """A message as the page says that it is kept."""
    said = json.loads(message.payload)
    fields = {key: value for key, value in said.items() if isinstance(value, float | int)}
    return fields | {"serial": SERIAL, "time": round(1000 * said["time"])}


async def test_what_is_read_back_is_what_was_published(tmp_path: Path, broker: Mosquitto, keys: Keys) -> None:
    async with influxdb(tmp_path / "influxdb") as port:
        create, check = commands(PAGE)
        places = {"localhost:8086": f"127.0.0.1:{port}"}
        assert "error" not in await typed(create, places)
        async with (
            at_work(broker, keys, tmp_path / "site", QUICK) as site,
            node_red(tmp_path / "node-red", "influxdb.json", broker.port, places) as program,
        ):
            kept: dict[str, dict[int, dict[str, Any]]] = {"live": {}, "energy": {}}
            async with asyncio.timeout(PATIENCE_S):
                while not (kept["energy"] and len(kept["live"]) >= 10):  # ten points or ten seconds at a time
                    await another(site)
                    for name in kept:
                        rows = await asked(port, f"SELECT * FROM {name}")
                        kept[name] = {row["time"]: row for row in rows}
            for name, points in kept.items():
                said = {it["time"]: it for it in map(point, site.ears.on(f"{SERIAL}/{name}"))}
                for time, row in points.items():
                    there = {key: value for key, value in row.items() if value is not None}
                    assert there == said[time]
            assert "refused" not in program.words
            assert "[error]" not in program.words
        newest = json.loads(await typed(check, places))
        columns = newest["results"][0]["series"][0]["columns"]
        assert columns == ["time", "net_power", "production_power"]
        (queries,) = blocks(PAGE, "sql")
        for query in queries.splitlines():
            assert await asked(port, query), query


async def test_a_point_that_is_refused_is_told(tmp_path: Path, broker: Mosquitto, keys: Keys) -> None:
    """There is no such database."""
    async with influxdb(tmp_path / "influxdb") as port:
        places = {"localhost:8086": f"127.0.0.1:{port}", '"timeout": "10"': '"timeout": "1"'}
        async with (
            at_work(broker, keys, tmp_path / "site", QUICK) as site,
            node_red(tmp_path / "node-red", "influxdb.json", broker.port, places) as program,
        ):
            async with asyncio.timeout(PATIENCE_S):
                while "database not found" not in program.words:
                    await another(site)
