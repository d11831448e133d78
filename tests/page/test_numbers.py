"""What the page says is what the broker was told, within a second."""

import asyncio
import time
from statistics import median

from playwright.async_api import Browser

from tests.page.house import FULLEST, House
from tests.page.visit import READINGS, Visit, payload, visiting

# When each number of the table changed, in Unix seconds.
WATCH = """() => {
    window.changes = [];
    const cell = document.querySelector("[data-key=net_power]");
    const note = () => changes.push([Date.now() / 1000, cell.dataset.value]);
    new MutationObserver(note).observe(cell, { attributes: true });
}"""


def in_words(watts: float) -> str:
    """W below one kilowatt, else kW with three digits that count."""
    size = abs(watts)
    if round(size) < 1000:
        return f"{size:.0f} W"
    return f"{size / 1000:.2f} kW" if size < 9995 else f"{size / 1000:.1f} kW"


async def test_every_number_of_a_reading_is_the_brokers(house: House, browser: Browser) -> None:
    async with visiting(browser, house.address) as visit:
        await visit.live()
        shown = await visit.numbers()
        await house.ears.until(
            lambda it: any(_equal(shown, payload(each.payload)) for each in it.on("/live"))
        )
    assert {key.split("_")[0] for key in shown} >= {"production", "net", "consumption"}
    assert len(shown) >= 15


def _equal(shown: dict[str, float | None], told: dict[str, object]) -> bool:
    return all(told[key] == value for key, value in shown.items())


async def test_a_reading_is_on_the_page_within_a_second(house: House, browser: Browser) -> None:
    async with visiting(browser, house.address) as visit:
        await visit.live()
        await visit.page.evaluate(WATCH)
        before = len(house.ears.on("/live"))
        offset = time.time() - time.monotonic()
        await house.ears.hear("/live", count=before + 6)
        heard = {
            f"{payload(each.payload)['net_power']:g}": each.at + offset
            for each in house.ears.on("/live")[before:-1]
        }
        await asyncio.sleep(0)
        await visit.until("(least) => changes.length >= least", 4)
        changes = await visit.page.evaluate("changes")
    lags = [
        at - heard[f"{float(value):g}"] for at, value in changes if value and f"{float(value):g}" in heard
    ]
    assert len(lags) >= 3
    assert median(lags) < 1.0


async def test_the_headline_is_the_grid_in_words(house: House, browser: Browser) -> None:
    async with visiting(browser, house.address) as visit:
        await visit.live()
        net, verb, big, title = await _headline(visit)
    words = {True: "Drawing from the grid", False: "Feeding the grid"}
    assert verb == ("In balance with the grid" if abs(net) < 20 else words[net > 0])
    assert " ".join(big.split()) == in_words(net)
    assert verb in title


async def _headline(visit: Visit) -> tuple[float, str, str, str]:
    net, verb, big, title = await visit.page.evaluate("""() => [
        Number(document.querySelector("[data-key=net_power]").dataset.value),
        document.getElementById("verb").textContent,
        document.querySelector(".big").textContent,
        document.title]""")
    return float(net), str(verb), str(big), str(title)


@FULLEST
async def test_today_is_what_energy_says(house: House, browser: Browser) -> None:
    async with visiting(browser, house.address) as visit:
        await visit.live()
        await visit.until("() => document.querySelector('[data-of=imported] dd')")
        shown = {of: await visit.text(f"#today [data-of={of}] b") for of in ("produced", "consumed")}
        shown |= {of: await visit.text(f"#today [data-of={of}] dd b") for of in ("imported", "exported")}
        keys = {
            "produced": "production",
            "consumed": "consumption",
            "imported": "grid_import",
            "exported": "grid_export",
        }

        def told(energy: dict[str, float]) -> dict[str, str]:
            return {of: f"{energy[f'{key}_energy_today']:.2f} kWh" for of, key in keys.items()}

        await house.ears.until(lambda it: any(told(each.json) == shown for each in it.on("/energy")))


@FULLEST
async def test_the_source_and_the_token_are_told(house: House, browser: Browser) -> None:
    async with visiting(browser, house.address) as visit:
        await visit.live()
        await visit.until(READINGS, "Fresh since ")
        assert (await visit.text("#health [data-of=source] .value")).lower() in ("stream", "readings")
        assert (await visit.text("#health [data-of=token] .value")).startswith("Ends in 36")
        assert (await visit.text("#health [data-of=broker] .value")) == "Connected, MQTT 5"
        assert house.gateway.serial in await visit.text("#health [data-of=gateway]")
