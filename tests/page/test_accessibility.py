"""axe-core finds nothing serious, by day and by night, in every state of the page."""

from importlib.resources import files
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Browser

from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options
from tests.e2e.harness import Process, free_port
from tests.page.house import FULLEST, NOON, House, standing
from tests.page.visit import PHONE, Visit, visiting

SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])
Scheme = Literal["light", "dark"]


async def faults(visit: Visit) -> list[str]:
    """What axe-core calls serious or critical, each with the elements it means."""
    await visit.page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text())
    found = await visit.page.evaluate("axe.run()")
    assert found["passes"]
    return [
        f"{each['id']}: {[node['html'] for node in each['nodes']]}"
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
    ]


@SCHEMES
@FULLEST
async def test_the_house(house: House, browser: Browser, scheme: Scheme) -> None:
    async with visiting(browser, house.address, color_scheme=scheme) as visit:
        await visit.live()
        await visit.until("() => document.querySelector('#health .fact')")
        assert await faults(visit) == []


@SCHEMES
async def test_the_first_visit(tmp_path: Path, browser: Browser, scheme: Scheme) -> None:
    port, nobody = free_port(), free_port()
    keys = {"gateway__host": f"127.0.0.1:{nobody}", "mqtt__host": "127.0.0.1", "mqtt__port": nobody}
    async with Process(tmp_path, **keys, web__enabled=True, web__port=port) as process:
        await process.says("web server listens")
        address = f"http://127.0.0.1:{port}/"
        async with visiting(browser, address, color_scheme=scheme, viewport=PHONE) as visit:
            await visit.until("() => document.querySelector('#steps [data-of=gateway][data-state=bad] pre')")
            assert await faults(visit) == []


@SCHEMES
async def test_a_problem(tmp_path: Path, keys: Keys, browser: Browser, scheme: Scheme) -> None:
    async with (
        standing(tmp_path, keys, Options(start=NOON)) as house,
        visiting(browser, house.address, color_scheme=scheme) as visit,
    ):
        await visit.live()
        await house.gateway.fault("stall")
        await visit.page.locator(".problem").wait_for()
        await visit.until("() => document.getElementById('flow').dataset.fresh === 'false'")
        assert await faults(visit) == []
