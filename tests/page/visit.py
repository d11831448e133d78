"""A visit to the page in a real browser: the console stays silent, and no request leaves the host."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page

# What a root user without a display needs, and what keeps the browser from talking to anybody by itself.
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

TABLET = {"width": 1280, "height": 800}
PHONE = {"width": 360, "height": 780}

PATIENCE_MS = 30_000

# Whether the line of health says this of the readings, at its beginning.
READINGS = """(words) =>
    document.querySelector("#health [data-of=readings] .value")?.textContent.startsWith(words)"""

# Every number of the table as it was read, by its key in `live`.
NUMBERS = """() => Object.fromEntries(Array.from(document.querySelectorAll("td[data-key]"),
    (cell) => [cell.dataset.key, cell.dataset.value === "" ? null : Number(cell.dataset.value)]))"""


class Visit:
    """One visitor's page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.said: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))

    async def until(self, condition: str, argument: object = None, patience_ms: float = PATIENCE_MS) -> None:
        """Wait until this is so in the page."""
        await self.page.wait_for_function(condition, arg=argument, timeout=patience_ms)

    async def live(self) -> None:
        """Wait for the first readings."""
        await self.until("""() => document.body.dataset.link === "there"
            && document.body.dataset.view === "house"
            && document.getElementById("flow").dataset.fresh === "true"
            && Number(document.getElementById("plot").dataset.points) > 1""")

    async def numbers(self) -> dict[str, float | None]:
        """The table of meters, by key."""
        found: dict[str, float | None] = await self.page.evaluate(NUMBERS)
        return found

    async def text(self, selector: str) -> str:
        """What a reader reads there; blanks of every width are one."""
        read = "(node) => node.innerText ?? node.textContent"  # what is drawn has no innerText
        return " ".join(str(await self.page.locator(selector).first.evaluate(read)).split())

    async def says(self, selector: str, words: str) -> None:
        """Wait until a reader reads these words there."""
        await self.page.locator(selector, has_text=words).wait_for(timeout=PATIENCE_MS)

    async def flow(self, of: str) -> str | None:
        """Where a line of the power flow goes: `in` (to the house), `out`, `idle`."""
        return await self.page.get_attribute(f".line[data-of={of}]", "data-flow")


@asynccontextmanager
async def visiting(
    browser: Browser, address: str, *, aloud: Callable[[str], bool] | None = None, **context: Any
) -> AsyncIterator[Visit]:
    """Open the page; `aloud` is what the console may say, nothing unless it is given."""
    options = {"viewport": TABLET, "locale": "en-GB", "timezone_id": "UTC", **context}
    async with await browser.new_context(**options) as opened:
        visit = Visit(await opened.new_page())
        await visit.page.goto(address)
        yield visit
        unexpected = [each for each in visit.said if aloud is None or not aloud(each)]
        host = urlsplit(address).netloc
        elsewhere = [each for each in visit.asked if urlsplit(each).netloc != host]
    assert unexpected == []
    assert elsewhere == []


def payload(message: bytes) -> dict[str, Any]:
    """A JSON object."""
    found: dict[str, Any] = json.loads(message)
    return found
