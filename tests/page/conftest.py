"""One browser for all, and each of the three houses once; they are only looked at."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from envoy_mqtt.simulator.identity import Keys
from tests.page.house import HOUSES, House, standing
from tests.page.visit import FLAGS
from tests.programs import require


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All in one loop, the browser's."""
    for item in items:
        if item.path.parent.name == "page":
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def keys() -> Keys:
    return Keys()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    chromium = require("chromium")
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield running
        await running.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session", params=list(HOUSES))
async def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, keys: Keys
) -> AsyncIterator[House]:
    async with standing(tmp_path_factory.mktemp("house"), keys, HOUSES[request.param]) as built:
        yield built
