"""A tariff over a real broker: the topic, a price from another program, and how another process goes on."""

import json
from pathlib import Path
from typing import Any

import aiohttp
import aiomqtt
import pytest

from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options
from tests.e2e.harness import Ears, bridging, free_port, listening, settings, target
from tests.mosquitto import Mosquitto

CONFIG = """
[homeassistant]
interval_s = 1

[energy]
interval_s = 5

[tariff]
currency = "EUR"
daily_charge = 1.5

[[tariff.import]]
name = "now"
price_topic = "prices/now"
price_key = "price"

[[tariff.export]]
name = "sun"
price = 0.08
"""


def told(ears: Ears) -> list[Any]:
    return [each.json for each in ears.on("/tariff")]


def flowed(tariff: Any) -> float:
    """By day the simulated house exports, by night it imports."""
    wh: float = tariff["grid_export_energy_sun"] + tariff["grid_import_energy_now"]
    return wh


async def shown(port: int, serial: str) -> Any:
    """What `/api/prices` answers; `None` where there is nothing."""
    url = f"http://127.0.0.1:{port}/api/prices"
    async with aiohttp.ClientSession() as client, client.get(url, params={"serial": serial}) as answer:
        return await answer.json() if answer.status == 200 else None


async def scraped(port: int) -> str:
    """What Prometheus is told."""
    url = f"http://127.0.0.1:{port}/metrics"
    async with aiohttp.ClientSession() as client, client.get(url) as answer:
        return await answer.text()


async def say(port: int, price: str) -> None:
    async with aiomqtt.Client("127.0.0.1", port, timeout=10) as client:
        await client.publish("prices/now", price, qos=1, retain=True)


@pytest.mark.timeout(120)
async def test_a_retained_price_counts_and_so_does_the_next_and_a_restart_goes_on(
    broker: Mosquitto, tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text(CONFIG)
    await say(broker.port, json.dumps({"price": 0.25}))
    async with Gateway(Options(rate_hz=10.0), keys=Keys()) as gateway, listening(broker.port) as ears:
        web = free_port()
        served = settings(tmp_path, web__enabled=True, web__port=web, **target(gateway, broker.port))
        async with bridging(served):
            await ears.until(lambda _: any(it["import_price"] == 0.25 for it in told(ears)))
            await say(broker.port, json.dumps({"price": -0.5}))
            await ears.until(lambda _: any(it["import_price"] == -0.5 for it in told(ears)))
            await ears.until(lambda _: any(flowed(it) > 0 for it in told(ears)), 60.0)
            prices = await shown(web, Options().serial)
            metrics = await scraped(web)
        assert 'envoy_tariff_period{direction="import",period="now"' in metrics
        assert 'envoy_money{currency="EUR",' in metrics
        assert prices is not None
        assert [set(prices["export"]), prices["currency"]] == [{0.08}, "EUR"]
        assert (prices["import"][:3], prices["import"][-1]) == ([None, 0.25, -0.5], None)
        last = told(ears)[-1]
        assert (last["currency"], last["import_period"], last["export_period"]) == ("EUR", "now", "sun")
        assert last["import_cost_bill"] == pytest.approx(last["import_cost"] + 1.5, abs=2e-4)
        said = ears.on("/tariff")[-1]
        assert said.topic == f"envoy/{Options().serial}/tariff"
        before = len(told(ears))
        async with bridging(settings(tmp_path, **target(gateway, broker.port))):
            await ears.until(lambda _: len(told(ears)) > before)
        first = told(ears)[before]
        assert flowed(first) >= flowed(last) > 0
        assert first["import_price"] == -0.5
