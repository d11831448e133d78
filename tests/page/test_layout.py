"""Nothing overlaps, nothing is cut off, and nothing scrolls sideways."""

import pytest
from playwright.async_api import Browser

from tests.page.house import FULLEST, House
from tests.page.visit import PHONE, TABLET, visiting

SIDEWAYS = "document.documentElement.scrollWidth - window.innerWidth"

# Pairs of texts of which one lies on the other, and texts that are wider than what holds them.
OVERLAPS = """() => {
    const seen = (node) => node.checkVisibility({ visibilityProperty: true })
        && !node.closest(".unseen, [hidden]") && getComputedStyle(node).clipPath === "none";
    const written = (node) => [...node.childNodes].some((each) => each.nodeType === 3 && each.data.trim());
    const texts = [...document.body.querySelectorAll("*")].filter((node) => seen(node) && written(node));
    const found = [];
    const boxes = texts.map((node) => {
        const range = document.createRange();
        range.selectNodeContents(node);
        const { left, right, top, bottom, width, height } = range.getBoundingClientRect();
        const air = 0.18 * height; // above capitals and below the line of type
        return [node, { left, right, top: top + air, bottom: bottom - air, width, height }];
    }).filter(([, box]) => box.width > 1 && box.height > 1);
    boxes.forEach(([one, a], n) => {
        if (a.left < -1 || a.right > innerWidth + 1) found.push(`outside: ${one.textContent}`);
        for (const [other, b] of boxes.slice(n + 1)) {
            if (one.contains(other) || other.contains(one)) continue;
            const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
            const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
            if (wide > 2 && high > 4) found.push(`${one.textContent} | ${other.textContent}`);
        }
    });
    for (const node of document.querySelectorAll("main *, header *")) {
        if (!seen(node) || node.closest(".plot, pre")) continue;
        if (node.scrollWidth > node.clientWidth + 1 && getComputedStyle(node).overflowX !== "visible") {
            found.push(`cut off: ${node.className} ${node.textContent.slice(0, 40)}`);
        }
    }
    return found;
}"""

# In a circle a text is as wide as the circle at its height.
SPILLS = """() => Array.from(document.querySelectorAll(".node:not([hidden])")).flatMap((node) => {
    const disc = node.querySelector(".disc").getBoundingClientRect();
    const [x, y, r] = [disc.left + disc.width / 2, disc.top + disc.height / 2, disc.width / 2];
    return Array.from(node.querySelectorAll("text")).filter((text) => {
        const box = text.getBoundingClientRect();
        return [box.left, box.right].some((side) => Math.hypot(side - x, (box.top + box.bottom) / 2 - y) > r);
    }).map((text) => text.textContent);
})"""


@pytest.mark.parametrize(
    "viewport", [PHONE, TABLET, {"width": 820, "height": 1180}], ids=["phone", "tablet", "upright"]
)
async def test_everything_has_its_place(house: House, browser: Browser, viewport: dict[str, int]) -> None:
    async with visiting(browser, house.address, viewport=viewport) as visit:
        await visit.live()
        await visit.until(
            "() => document.fonts.check('16px Figtree') && document.querySelector('#health .fact')"
        )
        assert await visit.page.evaluate(SIDEWAYS) <= 0
        assert await visit.page.evaluate(OVERLAPS) == []
        assert await visit.page.evaluate(SPILLS) == []


# Names and numbers as long as they get: a farm's, and money that has lost its value.
LONG = """() => {
    const say = (selector, text) => document.querySelector(selector).textContent = text;
    say("#verb", "In balance with the grid");
    say("#big", "−888.8");
    say("#sentence", "The sun gives 888.8 kW, the house uses 888.8 kW and the battery takes 888.8 kW.");
    document.getElementById("rate").hidden = false;
    say("#rate", "Costing A$8,888.88 an hour · Niedertarif Wochenende Sommerzeit");
    const all = (selector, text) =>
        document.querySelectorAll(selector).forEach((each) => each.textContent = text);
    all("td[data-key$=_power]", "−188,888");
    all(".flow .value tspan:first-child", "88.8");
    all(".flow .unit", "kW");
    all(".curve .value", "−88.88 kW");
    all("#today b", "88,888 kWh");
}"""


@FULLEST
@pytest.mark.parametrize("viewport", [PHONE, TABLET], ids=["phone", "tablet"])
async def test_long_numbers_have_their_place_too(
    house: House, browser: Browser, viewport: dict[str, int]
) -> None:
    async with visiting(browser, house.address, viewport=viewport) as visit:
        await visit.live()
        await visit.page.route("**/events", lambda route: route.abort())
        found = await visit.page.evaluate(
            f"() => {{ ({LONG})(); return [({SIDEWAYS}), ({OVERLAPS})(), ({SPILLS})()]; }}"
        )
        assert found == [0, [], []]
