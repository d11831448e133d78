"""A real Prometheus scrapes the bridge, and the dashboard and the alerts get what they ask for."""

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import combinations
from math import isfinite
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from envoy_mqtt.simulator.identity import Keys
from tests.consumers.pages import FOLDER, blocks, commands, typed
from tests.consumers.program import PATIENCE_S, Program
from tests.consumers.site import SERIAL, WHOLE, at_work
from tests.e2e.harness import free_port
from tests.mosquitto import Mosquitto
from tests.programs import require

PAGE = "prometheus-grafana.md"
CONFIGURATION = FOLDER / "prometheus" / "prometheus.yml"
ALERTS = FOLDER / "prometheus" / "alerts.yml"
DASHBOARDS = sorted((FOLDER / "grafana").glob("*.json"))
DASHBOARD = FOLDER / "grafana" / "dashboard.json"

# What Grafana puts in.
VARIABLES = {"$serial": SERIAL, "$__rate_interval": "1m", "$__range": "1d"}


TARIFF = """
[tariff]
currency = "EUR"
[[tariff.import]]
name = "flat"
price = 0.32
[[tariff.export]]
name = "buyback"
price = 0.07
"""


@asynccontextmanager
async def prometheus(folder: Path, bridge: int) -> AsyncIterator[aiohttp.ClientSession]:
    """With the page's configuration, but each second and where the bridge of a test is."""
    configure(folder, bridge)
    port = free_port()
    options = (
        "--config.file=prometheus.yml",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    )

    def ready(words: str) -> bool:
        return "Server is ready to receive web requests" in words

    async with (
        Program(folder, require("prometheus"), *options, ready=ready),
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client,
    ):
        yield client


def configure(folder: Path, bridge: int) -> None:
    """The page's files in a folder of its own."""
    folder.mkdir()
    shutil.copy(ALERTS, folder)
    text = CONFIGURATION.read_text().replace("127.0.0.1:8099", f"127.0.0.1:{bridge}")
    (folder / "prometheus.yml").write_text(re.sub(r"_interval: \d+s", "_interval: 1s", text))


async def asked(client: aiohttp.ClientSession, query: str) -> list[float]:
    """The values that a query has now."""
    async with client.get("/api/v1/query", params={"query": query}) as answer:
        said = await answer.json()
    assert said["status"] == "success", said
    return [float(each["value"][1]) for each in said["data"]["result"]]


def queries(dashboard: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each panel's title with each of its queries, as Grafana would ask."""
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            query = target["expr"]
            for name, value in VARIABLES.items():
                query = query.replace(name, value)
            assert "$" not in query
            yield panel["title"], query


async def until_answered(client: aiohttp.ClientSession, wanted: set[tuple[str, str]]) -> None:
    """Wait until each query has values, all of them numbers."""
    async with asyncio.timeout(PATIENCE_S):
        while wanted:
            for each in sorted(wanted):
                values = await asked(client, each[1])
                if values and all(map(isfinite, values)):
                    wanted.remove(each)
            await asyncio.sleep(0.2)


async def test_every_query_gets_data(tmp_path: Path, broker: Mosquitto, keys: Keys) -> None:
    """Of a house that has everything, trouble included."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "config.toml").write_text(TARIFF)
    async with at_work(broker, keys, tmp_path / "site", WHOLE, journal__enabled=True) as site:
        await site.gateway.fault("garbage", share=0.3)
        await site.gateway.fault("cut")
        broker.kill()
        broker.start()
        async with prometheus(tmp_path / "prometheus", site.web) as client:
            wanted = {*queries(json.loads(DASHBOARD.read_text())), *on_the_page()}
            try:
                await until_answered(client, wanted)
            except TimeoutError:
                pytest.fail(f"no data: {wanted}")
            assert await listed(client, "serial", "envoy_up") == {
                SERIAL
            }  # the dashboard's choice of gateways
            there = await listed(client, "__name__")
        _, metrics_page = commands(PAGE)
        said = await typed(metrics_page, {"localhost:8099": f"127.0.0.1:{site.web}"})
        assert f'envoy_up{{serial="{SERIAL}"}} 1.0' in said
        for rule in rules():
            asks = metrics(rule["expr"])
            assert asks
            assert asks <= there


def on_the_page() -> Iterator[tuple[str, str]]:
    """The queries that the page shows."""
    for row in re.findall(r"^\| [^|]+ \| (`.+) \|$", (FOLDER / PAGE).read_text(), re.MULTILINE):
        for query in re.findall(r"`([^`]+)`", row):
            yield "the page", query


async def listed(client: aiohttp.ClientSession, label: str, *series: str) -> set[str]:
    """The values of a label."""
    async with client.get(f"/api/v1/label/{label}/values", params={"match[]": series}) as answer:
        return set((await answer.json())["data"])


def rules() -> Iterator[dict[str, Any]]:
    for group in yaml.safe_load(ALERTS.read_text())["groups"]:
        yield from group["rules"]


def metrics(query: str) -> set[str]:
    """The metrics that an alert asks for."""
    return set(re.findall(r"\b(?:envoy_[a-z_]+|up)\b", query))


def test_each_alert_fires_when_it_should(tmp_path: Path) -> None:
    shutil.copy(ALERTS, tmp_path)
    cases = Path(shutil.copy(Path(__file__).with_name("alerts.yml"), tmp_path / "cases.yml"))
    command = [require("promtool", "prometheus"), "test", "rules", str(cases)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    tried = yaml.safe_load(cases.read_text())["tests"]
    named = {it["alertname"] for each in tried for it in each["alert_rule_test"] if it["exp_alerts"]}
    assert named == {rule["alert"] for rule in rules()}


async def test_the_configuration_is_right() -> None:
    check, _ = commands(PAGE)
    assert "SUCCESS" in await typed(check, {})
    (shown,) = blocks(PAGE, "yaml")
    assert (
        yaml.safe_load(shown)["scrape_configs"] == yaml.safe_load(CONFIGURATION.read_text())["scrape_configs"]
    )


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboards_panels_have_their_places(path: Path) -> None:
    dashboard = json.loads(path.read_text())
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    variables = {each["name"] for each in dashboard["templating"]["list"]}
    assert variables == {"datasource", "serial"}
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == "${datasource}"
            references = [target["refId"] for target in panel["targets"]]
            assert len(set(references)) == len(references)
    for one, other in combinations([panel["gridPos"] for panel in panels], 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below


def test_grafana_is_told_of_its_sources_and_dashboards() -> None:
    folder = FOLDER / "grafana" / "provisioning"
    sources = yaml.safe_load((folder / "datasources" / "envoy.yaml").read_text())["datasources"]
    kinds = {each["type"] for each in sources}
    asked_for = {
        each["query"]
        for path in DASHBOARDS
        for each in json.loads(path.read_text())["templating"]["list"]
        if each["type"] == "datasource"
    }
    assert kinds == asked_for
    interval = yaml.safe_load(CONFIGURATION.read_text())["global"]["scrape_interval"]
    assert sources[0]["jsonData"]["timeInterval"] == interval
    (provider,) = yaml.safe_load((folder / "dashboards" / "envoy.yaml").read_text())["providers"]
    assert provider["type"] == "file"
