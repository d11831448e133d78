"""Several gateways: a tab for each, and all of them together."""

from pathlib import Path

from playwright.async_api import Browser

from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Battery, Options, Wiring
from tests.page.house import NOON, standing
from tests.page.visit import PHONE, payload, visiting

ROOF = Options(start=NOON, phases=Wiring.THREE)
BARN = Options(start=NOON, serial="122312349999", battery=Battery.METERED)
TARIFF = """
[tariff]
currency = "AUD"
[[tariff.import]]
name = "always"
price = 0.25
[[tariff.export]]
name = "buyback"
price = 0.07
"""


async def test_the_total_is_the_sum_of_what_the_broker_was_told(
    tmp_path: Path, keys: Keys, browser: Browser
) -> None:
    async with (
        standing(tmp_path, keys, ROOF, BARN) as house,
        visiting(browser, house.address) as visit,
    ):
        await visit.live()
        tabs = visit.page.get_by_role("tab")
        assert await tabs.all_inner_texts() == ["All", "…45678", "…49999"]
        assert await tabs.nth(0).get_attribute("aria-selected") == "true"
        for gateway in house.gateways:
            await house.ears.hear(f"{gateway.serial}/live", count=2)
        await visit.until("() => document.querySelector('.line[data-of=battery]').hidden !== true")
        shown = float(await visit.page.get_attribute(".node[data-of=grid]", "data-watts") or "nan")
        sums = {
            round(payload(one.payload)["net_power"] + payload(other.payload)["net_power"])
            for one in house.ears.on(f"{ROOF.serial}/live")[-4:]
            for other in house.ears.on(f"{BARN.serial}/live")[-4:]
        }
        assert min(abs(shown - each) for each in sums) <= 1
        await visit.page.keyboard.press("Tab")
        await visit.page.keyboard.press("ArrowRight")
        await visit.until("() => document.querySelector('[data-key=net_l3_power]')")
        assert await tabs.nth(1).get_attribute("aria-selected") == "true"
        await tabs.nth(2).click()
        await visit.until("() => document.querySelector('[data-key=storage_power]')")


async def test_a_silent_one_is_left_out_and_named(tmp_path: Path, keys: Keys, browser: Browser) -> None:
    async with (
        standing(tmp_path, keys, ROOF, BARN) as house,
        visiting(browser, house.address) as visit,
    ):
        await visit.live()
        await house.gateways[1].fault("outage")
        await visit.until("() => document.getElementById('pulse-text').textContent === '1 silent'")
        assert await visit.page.get_by_role("tab").nth(2).get_attribute("data-fresh") == "false"
        await visit.page.locator(".problem", has_text=BARN.serial).wait_for()
        assert (await visit.text("#sentence")).endswith(" Without …49999.")


async def test_the_tariff_is_told(tmp_path: Path, keys: Keys, browser: Browser) -> None:
    async with (
        standing(tmp_path, keys, ROOF, lines=TARIFF) as house,
        visiting(browser, house.address, viewport=PHONE) as visit,
    ):
        await visit.live()
        await visit.page.locator("#tariff [data-of=bill]").wait_for()
        assert await visit.text("#tariff [data-of=price] h3") == "Always"
        assert await visit.text("#tariff [data-of=price] .value") == "$0.25 / kWh"
        assert await visit.text("#tariff [data-of=feed-in] .value") == "$0.07 / kWh"
        await visit.until("() => document.getElementById('rate').textContent.startsWith('Earning $')")
