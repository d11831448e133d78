"""Lines of the power flow follow the sign, and move."""

from pathlib import Path

from playwright.async_api import Browser

from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options, Pace
from tests.page.house import FULLEST, House, standing
from tests.page.visit import PHONE, payload, visiting

# A reading of a single phase: what the sun gives and what comes from the grid, in W.
EVENT = (
    '{{"production":{{"ph-a":{{"p":{0:.1f},"q":0.0,"s":{0:.1f},"v":230.0,"i":8.7,"pf":1.0,"f":50.0}}}},'
    '"net-consumption":{{"ph-a":{{"p":{1:.1f},"q":0.0,"s":{2:.1f},"v":230.0,"i":6.5,"pf":1.0,"f":50.0}}}}}}'
)

# Where the beads of a line are, in px of its dash pattern, and how fast they move.
THICK = "parseFloat(document.querySelector('.line[data-of=grid] .band').style.strokeWidth)"

# Whether the grid's power is shown as this.
GRID = "(watts) => document.querySelector('.node[data-of=grid]').dataset.watts === `${watts}`"
BEADS = """(of) => {
    const [motion] = document.querySelector(`.line[data-of=${of}] .beads`).getAnimations();
    return [motion.playbackRate, parseFloat(motion.effect.getKeyframes()[0].strokeDashoffset)];
}"""


async def test_each_line_follows_the_sign_of_its_meter(house: House, browser: Browser) -> None:
    async with visiting(browser, house.address) as visit:
        await visit.live()
        told = payload(house.ears.on("/live")[-1].payload)
        lines = {"grid": "net", "solar": "production", "battery": "storage"}
        for of, meter in lines.items():
            there = f"{meter}_power" in told
            assert await visit.page.locator(f".line[data-of={of}]").is_visible() == there
            shown = (await visit.numbers()).get(f"{meter}_power")
            if shown is not None and abs(shown) > 5:
                assert await visit.flow(of) == ("in" if shown > 0 else "out")


async def test_a_change_of_direction_is_seen_at_once(tmp_path: Path, keys: Keys, browser: Browser) -> None:
    async with (
        standing(tmp_path, keys, Options(pace=Pace.MANUAL)) as house,
        visiting(browser, house.address, viewport=PHONE) as visit,
    ):
        await house.gateway.streaming()
        told = (
            (2000.0, -1500.0, "out", "Feeding the grid", 500),
            (2000.0, 1250.0, "in", "Drawing from the grid", 3250),
            (2000.0, 0.0, "idle", "In balance with the grid", 2000),
            (0.0, 640.0, "in", "Drawing from the grid", 640),
        )
        for sun, net, way, verb, uses in told:
            house.gateway.say(b"data: %b\r\n\r\n" % EVENT.format(sun, net, abs(net)).encode())
            await visit.until(GRID, net)
            assert await visit.flow("grid") == way
            assert await visit.flow("solar") == ("in" if sun else "idle")
            assert await visit.text("#verb") == verb
            assert await visit.page.get_attribute(".node[data-of=house]", "data-watts") == f"{uses}"
            if way != "idle":
                rate, offset = await visit.page.evaluate(BEADS, "grid")
                assert rate > 0
                assert (offset > 0) == (way == "in")


async def test_more_power_moves_faster_and_is_thicker(tmp_path: Path, keys: Keys, browser: Browser) -> None:
    async with (
        standing(tmp_path, keys, Options(pace=Pace.MANUAL)) as house,
        visiting(browser, house.address) as visit,
    ):
        await house.gateway.streaming()
        seen = []
        for net in (-300.0, -2400.0):
            house.gateway.say(b"data: %b\r\n\r\n" % EVENT.format(3000.0, net, -net).encode())
            await visit.until(GRID, net)
            rate, _ = await visit.page.evaluate(BEADS, "grid")
            thick = await visit.page.evaluate(THICK)
            seen.append((rate, thick))
        assert seen[0] < seen[1]
        assert seen[0][1] < seen[1][1]


# Animations of what can be seen.
MOVING = """() => document.getAnimations().filter((each) => each.playState === "running"
    && getComputedStyle(each.effect.target).visibility !== "hidden").length"""


@FULLEST
async def test_nothing_moves_for_who_wants_less_motion(house: House, browser: Browser) -> None:
    async with visiting(browser, house.address, reduced_motion="reduce") as visit:
        await visit.live()
        assert not await visit.page.locator(".line[data-of=grid] .beads").is_visible()
        assert await visit.page.evaluate(MOVING) == 0


@FULLEST
async def test_the_flow_is_told_to_who_cannot_see_it(house: House, browser: Browser) -> None:
    async with visiting(browser, house.address) as visit:
        await visit.live()
        told = await visit.page.locator("#flow-title").text_content() or ""
    assert "he house uses " in told
    assert " the grid " in told
