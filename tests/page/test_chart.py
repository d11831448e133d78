"""The chart grows, and can be zoomed, moved and read."""

from time import gmtime, strftime

from playwright.async_api import Browser

from tests.page.house import FULLEST, House
from tests.page.visit import Visit, payload, visiting

# Inverters report once a minute; between the fifth report and the sixth the gateway was away.
ROWS = """async () => {
    const { add, empty, rows } = await import("./page/history.js");
    const past = empty();
    const times = [0, 60, 120, 180, 240, 1200, 1260, 1320, 1380];
    for (const time of times) add(past, { time, production_power: 500 });
    return rows(past, ["production"], 0);
}"""

pytestmark = FULLEST


async def number(visit: Visit, name: str) -> float:
    """One of the figures that the chart says of itself."""
    return float(await visit.page.get_attribute("#plot", f"data-{name}") or 0)


async def test_it_grows_with_every_reading(house: House, browser: Browser) -> None:
    async with visiting(browser, house.address) as visit:
        await visit.live()
        points, last = await number(visit, "points"), await number(visit, "last")
        await visit.until(
            "(least) => Number(document.getElementById('plot').dataset.points) >= least", points + 3
        )
        assert await number(visit, "last") >= last + 2


async def test_who_comes_later_sees_what_was_before(house: House, browser: Browser) -> None:
    await house.ears.hear("/live", count=6)
    first = payload(house.ears.on("/live")[0].payload)["time"]
    async with visiting(browser, house.address) as visit:
        await visit.live()
        await visit.until("(time) => Number(document.getElementById('plot').dataset.first) < time", first + 2)


async def test_a_young_chart_says_since_when_there_were_readings(house: House, browser: Browser) -> None:
    first = (await house.ears.hear("/live"))[0]
    begun = strftime("%H:%M", gmtime(payload(first.payload)["time"]))
    async with visiting(browser, house.address) as visit:
        await visit.live()
        assert await visit.text("#chart-title") == f"Since {begun}"


async def test_a_source_of_one_reading_a_minute_has_a_line_and_an_outage_breaks_it(
    house: House, browser: Browser
) -> None:
    async with visiting(browser, house.address) as visit:
        await visit.live()
        drawn = await visit.page.evaluate(ROWS)
    times, watts = drawn
    assert times == [0, 60, 120, 180, 240, 241, 1200, 1260, 1320, 1380]
    assert watts == [500, 500, 500, 500, 500, None, 500, 500, 500, 500]


async def test_a_length_is_chosen_with_a_button(house: House, browser: Browser) -> None:
    async with visiting(browser, house.address) as visit:
        await visit.live()
        for name, seconds in (("15 min", 900), ("24 h", 86400), ("6 h", 21600), ("1 h", 3600)):
            button = visit.page.get_by_role("button", name=name, exact=True)
            await button.click()
            assert await number(visit, "span") == seconds
            assert await button.get_attribute("aria-pressed") == "true"


async def test_dragging_zooms_and_a_double_click_comes_back(house: House, browser: Browser) -> None:
    async with visiting(browser, house.address) as visit:
        await visit.live()
        over = visit.page.locator(".u-over")
        await over.scroll_into_view_if_needed()
        box = await over.bounding_box()
        assert box is not None
        middle = box["y"] + box["height"] / 2
        await visit.page.mouse.move(box["x"] + box["width"] * 0.2, middle)
        await visit.page.mouse.down()
        await visit.page.mouse.move(box["x"] + box["width"] * 0.5, middle, steps=4)
        await visit.page.mouse.up()
        await visit.until("() => !document.getElementById('follow').hidden")
        assert await number(visit, "span") < 120
        await over.dblclick()
        await visit.until("() => document.getElementById('follow').hidden")
        assert await number(visit, "span") == 3600


async def test_keys_move_and_zoom_it(house: House, browser: Browser) -> None:
    async with visiting(browser, house.address) as visit:
        await visit.live()
        await visit.page.focus("#plot")
        await visit.page.keyboard.press("+")
        assert await number(visit, "span") < 3600
        await visit.page.keyboard.press("ArrowLeft")
        await visit.until("() => !document.getElementById('follow').hidden")
        await visit.page.keyboard.press("Escape")
        assert await number(visit, "span") == 3600
        assert await visit.page.locator("#follow").is_hidden()


async def test_hovering_tells_the_time_and_the_values(house: House, browser: Browser) -> None:
    async with visiting(browser, house.address) as visit:
        await visit.live()
        await visit.until("() => Number(document.getElementById('plot').dataset.points) >= 5")
        over = visit.page.locator(".u-over")
        box = await over.bounding_box()
        assert box is not None
        await over.hover(position={"x": box["width"] - 12, "y": 30})
        await visit.until("() => /^\\d\\d:\\d\\d:\\d\\d$/.test(document.querySelector('.when').textContent)")
        assert await visit.text(".curve[data-of=net] .value") != "–"


async def test_a_curve_can_be_taken_away(house: House, browser: Browser) -> None:
    async with visiting(browser, house.address) as visit:
        await visit.live()
        curve = visit.page.locator(".curve[data-of=net]")
        await curve.click()
        assert await curve.get_attribute("aria-pressed") == "false"
        await curve.click()
        assert await curve.get_attribute("aria-pressed") == "true"


async def test_a_tablet_whose_clock_is_wrong_shows_the_bridges_time(house: House, browser: Browser) -> None:
    async with visiting(browser, house.address) as visit:
        await visit.page.add_init_script("const now = Date.now; Date.now = () => now() + 1_800_000;")
        await visit.page.reload()
        await visit.live()
        told = payload(house.ears.on("/live")[-1].payload)["time"]
        assert abs(await number(visit, "end") - told) < 10
