"""`make screenshots`: the README's pictures, of the simulated house at noon and in the evening.

A real bridge shows it. Only what takes hours to come to be is put in its place on the way to the browser,
from the same house: the curves of the last hours and the energies and money since midnight. The clock of
browser and site is the house's, so that noon is at twelve.
"""

import asyncio
import json
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
from aiohttp import web
from playwright.async_api import async_playwright

from envoy_mqtt.simulator.house import House as Truth
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Battery, Options, Wiring
from tests.page.house import standing
from tests.page.visit import FLAGS, visiting
from tests.programs import require

IMAGES = Path(__file__).parents[2] / "docs" / "images"
MOST_BYTES = 150_000

MIDSUMMER = 1_781_992_800.0  # 2026-06-21 00:00 an hour east of Greenwich, where the house is
HOUR = 3600.0
DAY = 24 * HOUR
BATTERY_WH = 10_000.0

# Whether the prices have come, and the chart been drawn since.
PRICED = """() => {
    const asked = performance.getEntriesByType("resource").find((each) => each.name.includes("/api/prices"));
    return asked && performance.now() > asked.responseEnd + 2500;
}"""

HOME = Options(phases=Wiring.THREE, array_w=7600.0, seed=24)
STORING = replace(HOME, battery=Battery.METERED, array_w=11_000.0)
TARIFF = """
[tariff]
currency = "EUR"
daily_charge = 0.38
[[tariff.import]]
name = "day"
price = 0.31
times = ["06:00-22:00"]
[[tariff.import]]
name = "night"
price = 0.24
[[tariff.export]]
name = "feed_in"
price = 0.08
"""


class Picture(NamedTuple):
    """One of them: when in the house's day, on which screen, and how dark it is there."""

    name: str
    hour: int
    options: Options
    screen: dict[str, int]
    scheme: str
    sharpness: float = 1.5


WALL = {"width": 1280, "height": 860}
HAND = {"width": 390, "height": 844}
PICTURES = (
    Picture("page-light", 12, STORING, WALL, "light"),
    Picture("page-dark", 21, HOME, WALL, "dark"),
    Picture("page-phone", 12, HOME, HAND, "light", 2.0),
    Picture("page-phone-dark", 21, STORING, HAND, "dark", 2.0),
)


class Day:
    """The house's day up to now, as its meters would have counted it."""

    def __init__(self, options: Options, hour: int) -> None:
        now = time.gmtime()
        self.offset_h = (hour - now.tm_hour + 12) % 24 - 12
        start = MIDSUMMER + hour * HOUR + now.tm_min * 60 + now.tm_sec
        self.shift_s = start - time.time()
        self.options = replace(options, start=start)
        self._house = Truth(seed=options.chance, phase_count=options.phases.number, array_w=options.array_w)

    @property
    def zone(self) -> str:
        """The zone in which it is this hour now; POSIX turns the sign round."""
        return f"Etc/GMT{-self.offset_h:+d}"

    def powers(self, unix: float) -> tuple[float, float, float]:
        """Production, consumption and what the battery gives, in W."""
        phases = self._house.at(unix + self.shift_s).phases
        made, used = (sum(each) for each in zip(*((p.production_w, p.load_w) for p in phases), strict=True))
        return made, used, 0.0 if self.options.battery is Battery.NONE else _battery(used - made)

    def curves(self, seconds: float) -> dict[str, list[float]]:
        """What `/api/history` says."""
        now = time.time()
        times = [now - seconds + step for step in _steps(seconds)]
        rows = [(made, used, stored) for made, used, stored in map(self.powers, times)]
        columns = {
            "time": times,
            "production": [made for made, _, _ in rows],
            "net": [used - made - stored for made, used, stored in rows],
            "consumption": [used for _, used, _ in rows],
        }
        stored = {"storage": [each for _, _, each in rows]}
        return columns if self.options.battery is Battery.NONE else columns | stored

    def energies(self) -> dict[str, float]:
        """Today's sums in kWh, by the keys of `energy`."""
        since = (time.time() + self.shift_s - MIDSUMMER) % DAY
        step = 60.0
        sums = dict.fromkeys(("production", "consumption", "grid_import", "grid_export", "in", "out"), 0.0)
        charge_wh = BATTERY_WH * 0.3
        for n in range(int(since / step)):
            made, used, stored = self.powers(time.time() - since + n * step)
            stored = stored if 0.0 < charge_wh - stored / 60.0 < BATTERY_WH else 0.0
            charge_wh -= stored / 60.0
            net = used - made - stored
            parts = (max(0.0, made), used, max(0.0, net), max(0.0, -net), max(0.0, -stored), max(0.0, stored))
            for key, watts in zip(sums, parts, strict=True):
                sums[key] += watts * step / 3.6e6
        charged, discharged = sums.pop("in"), sums.pop("out")
        found = {f"{key}_energy_today": value for key, value in sums.items()}
        found["storage_charged_energy_today"], found["storage_discharged_energy_today"] = charged, discharged
        found["self_sufficiency_today"] = 100.0 * (1.0 - sums["grid_import"] / sums["consumption"])
        return found


def _steps(seconds: float) -> Iterator[float]:
    """As the server keeps them: 10 s, and 1 s in the last quarter of an hour."""
    coarse = int(max(0.0, seconds - 900.0) / 10.0)
    yield from (10.0 * n for n in range(coarse))
    yield from (10.0 * coarse + n for n in range(int(seconds - 10.0 * coarse) - 2))


def _battery(lacking_w: float) -> float:
    """It takes what is left and gives what lacks, within what it can."""
    return max(-3840.0, min(3840.0, lacking_w))


def _money(energies: dict[str, float]) -> dict[str, float]:
    cost, revenue = 0.31 * energies["grid_import_energy_today"], 0.08 * energies["grid_export_energy_today"]
    own = energies["production_energy_today"] - energies["grid_export_energy_today"]
    return {
        "import_cost_today": cost,
        "export_revenue_today": revenue,
        "saved_today": 0.31 * own,
        "import_cost_bill": 9 * cost + 9 * 0.38,
        "export_revenue_bill": 8 * revenue,
    }


@asynccontextmanager
async def later_that_day(address: str, day: Day) -> AsyncIterator[str]:
    """The page's address, where the hours before are in their place."""
    energies = day.energies()
    known: dict[str, dict[str, float]] = {"energy": energies, "tariff": _money(energies)}

    def replaced(frame: bytes) -> bytes:
        name, _, data = frame.decode().removeprefix("event: ").partition("\ndata: ")
        if name not in known:
            return frame
        told: dict[str, Any] = json.loads(data)
        told |= {key: value for key, value in known[name].items() if key in told}
        return f"event: {name}\ndata: {json.dumps(told)}".encode()

    async def forward(request: web.Request) -> web.StreamResponse:
        if request.path == "/api/history":
            return web.json_response(day.curves(float(request.query["seconds"])))
        async with session.get(address.rstrip("/") + request.path_qs) as answer:
            head = {"Content-Type": answer.headers["Content-Type"]}
            if request.path != "/events":
                return web.Response(status=answer.status, body=await answer.read(), headers=head)
            response = web.StreamResponse(headers=head)
            await response.prepare(request)
            rest = b""
            async for chunk in answer.content.iter_any():
                *frames, rest = (rest + chunk).split(b"\n\n")
                await response.write(b"".join(replaced(frame) + b"\n\n" for frame in frames))
            return response

    app = web.Application()
    app.router.add_get("/{path:.*}", forward)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
        finally:
            await runner.cleanup()


async def take(picture: Picture, keys: Keys, folder: Path) -> Path:
    """One picture, optimised."""
    day = Day(picture.options, picture.hour)
    given = {"site__timezone": day.zone, "availability__timeout_s": 30}
    async with (
        async_playwright() as playwright,
        await playwright.chromium.launch(executable_path=require("chromium"), args=list(FLAGS)) as browser,
        standing(folder, keys, day.options, lines=TARIFF, **given) as house,
        later_that_day(house.address, day) as address,
        visiting(
            browser,
            address,
            viewport=picture.screen,
            color_scheme=picture.scheme,
            device_scale_factor=picture.sharpness,
            timezone_id=day.zone,
        ) as visit,
    ):
        await visit.live()
        await visit.until("() => document.querySelector('[data-of=sufficiency]')")
        await visit.until("() => document.querySelector('#rate:not([hidden])')")
        if picture.options.battery is not Battery.NONE:
            await visit.until(
                "() => document.querySelector('.node[data-of=battery] .name').textContent.includes('%')"
            )
        await visit.until(PRICED)
        target = IMAGES / f"{picture.name}.png"
        await visit.page.screenshot(path=target)
    shrink = [
        require("pngquant"),
        "--force",
        "--strip",
        "--speed=1",
        f"--output={target}",
        "256",
        str(target),
    ]
    await asyncio.to_thread(subprocess.run, shrink, check=True)
    return target


async def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    keys = Keys()
    for picture in PICTURES:
        with tempfile.TemporaryDirectory() as folder:
            target = await take(picture, keys, Path(folder))
        size = target.stat().st_size
        print(f"{target.relative_to(IMAGES.parents[1])}  {size / 1000:.0f} kB")
        assert size < MOST_BYTES


if __name__ == "__main__":
    asyncio.run(main())
