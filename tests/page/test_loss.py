"""A bridge that is gone is told within 5 s, and the page comes back by itself."""

import time
from pathlib import Path

import pytest
from playwright.async_api import Browser

from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options
from tests.page.house import NOON, standing
from tests.page.visit import READINGS, Visit, visiting

LOST = """() => document.body.dataset.link === "lost"
    && document.getElementById("lost").innerText.includes("has not been heard")"""
AT_MOST_S = 5.0

# A reading of ten seconds ago.
OLD = """() => /^\\d\\d+ s ago$/.test(document.getElementById("pulse-text").textContent)"""


def of_the_network(line: str) -> bool:
    """What a browser itself says of a server that is not there."""
    return "net::ERR_" in line


async def seconds_until_lost(visit: Visit) -> float:
    begun = time.monotonic()
    await visit.until(LOST)
    return time.monotonic() - begun


async def test_a_dead_bridge_is_told_and_a_new_one_is_found(
    tmp_path: Path, keys: Keys, browser: Browser
) -> None:
    async with (
        standing(tmp_path, keys, Options(start=NOON)) as house,
        visiting(browser, house.address, aloud=of_the_network) as visit,
    ):
        await visit.live()
        await house.kill()
        assert await seconds_until_lost(visit) < AT_MOST_S
        assert await visit.text("#verb") == "No fresh reading"
        assert await visit.text(".node[data-of=grid] .value") == "–"
        assert await visit.flow("grid") == "idle"
        await house.start()
        await visit.live()
        assert await visit.page.locator("#lost").is_hidden()
        assert await visit.text("#verb") == "Feeding the grid"


async def test_who_comes_while_the_gateway_is_silent_sees_how_old_the_reading_is(
    tmp_path: Path, keys: Keys, browser: Browser
) -> None:
    async with (
        standing(tmp_path, keys, Options(start=NOON), availability__timeout_s=300) as house,
        visiting(browser, house.address) as first,
    ):
        await first.live()
        await house.gateway.fault("outage")
        await first.until(OLD)
        async with visiting(browser, house.address) as late:
            await late.until("() => document.getElementById('pulse').dataset.state === 'good'")
            age, *words = (await late.text("#pulse-text")).split()
            assert (int(age) >= 10, words) == (True, ["s", "ago"])


async def test_a_bridge_that_hangs_is_told_and_heard_again(
    tmp_path: Path, keys: Keys, browser: Browser
) -> None:
    async with (
        standing(tmp_path, keys, Options(start=NOON)) as house,
        visiting(browser, house.address, aloud=of_the_network) as visit,
    ):
        await visit.live()
        house.freeze()
        try:
            assert await seconds_until_lost(visit) < AT_MOST_S
        finally:
            house.thaw()
        await visit.live()


@pytest.mark.parametrize(("fault", "code"), [("stall", "gateway_silent"), ("401", "gateway_refused")])
async def test_a_gateway_that_fails_is_told_with_what_to_do(
    tmp_path: Path, keys: Keys, browser: Browser, fault: str, code: str
) -> None:
    async with (
        standing(tmp_path, keys, Options(start=NOON)) as house,
        visiting(browser, house.address) as visit,
    ):
        await visit.live()
        await house.gateway.fault(fault)
        if fault != "stall":
            await house.gateway.fault("end")
        problem = visit.page.locator(f".problem[data-code={code}]")
        await problem.wait_for()
        assert await problem.locator("h2").inner_text()
        assert "oken" in await problem.inner_text() or "restart the gateway" in await problem.inner_text()
        await visit.until("() => document.getElementById('verb').textContent === 'No fresh reading'")
        await visit.until(READINGS, "None since ")
        await house.gateway.clear()
        await visit.live()
        await problem.wait_for(state="detached")
