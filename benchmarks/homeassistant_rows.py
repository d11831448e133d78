"""`python -m benchmarks.homeassistant_rows`: rows a real Home Assistant writes down of a site a day.

Two single-phase houses with all settings at their defaults, one at noon and one at midnight, are bridged for
some minutes to a Home Assistant with its recorder; the rows of its table `states` are counted from the first
minute on, when everything is there, and told as if the whole day were like that.
"""

import argparse
import asyncio
import sqlite3
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack, closing
from pathlib import Path

from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options
from tests.e2e.harness import Process
from tests.homeassistant.core import HomeAssistant
from tests.mosquitto import Mosquitto

DAY_S = 86_400.0
MINUTES = 6.0
MOST = 60_000

# 22 September 2026 in the house's own time, an hour ahead of UTC; at that noon clouds pass over the first, so
# that every value changes all the time.
HOUSES = {
    "noon": Options(serial="122300000012", start=1_790_074_800.0),
    "night": Options(serial="122300000000", start=1_790_031_600.0),
}

# Discovery, registration and everybody's first state happen once.
SETTLE_S = 60.0

ROWS = """
SELECT states_meta.entity_id, COUNT(*) FROM states JOIN states_meta USING (metadata_id)
WHERE last_updated_ts >= ? AND last_updated_ts < ? GROUP BY states_meta.entity_id
"""


async def count(minutes: float) -> Counter[str]:
    """Rows by entity id over so many minutes."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name, Mosquitto() as broker:
        folder, keys = Path(name), Keys()
        async with AsyncExitStack() as stack:
            gateways = [
                await stack.enter_async_context(Gateway(options, keys=keys)) for options in HOUSES.values()
            ]
            house = await stack.enter_async_context(HomeAssistant(folder / "house"))
            await house.add_broker(broker.port)
            await stack.enter_async_context(Process(folder, **_keys(gateways, broker.port)))
            await asyncio.sleep(SETTLE_S)
            begin = time.time()
            await asyncio.sleep(60.0 * minutes)
            end = time.time()
            await asyncio.sleep(2.0)  # the recorder writes once a second
            with closing(sqlite3.connect(folder / "house" / "home-assistant_v2.db")) as database:
                return Counter(dict(database.execute(ROWS, (begin, end)).fetchall()))


def _keys(gateways: list[Gateway], port: int) -> dict[str, object]:
    each = {
        f"gateways__{n}__{key}": value
        for n, gateway in enumerate(gateways)
        for key, value in (("host", f"127.0.0.1:{gateway.port}"), ("token", gateway.owner_token))
    }
    return {**each, "mqtt__host": "127.0.0.1", "mqtt__port": port}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES, help="for so long (%(default)g)")
    minutes = parser.parse_args().minutes
    rows = asyncio.run(count(minutes))
    for when, options in HOUSES.items():
        ours = {name: number for name, number in rows.items() if options.serial in name}
        a_day = sum(ours.values()) * DAY_S / (60.0 * minutes)
        print(f"\nat {when}: {a_day:,.0f} rows a day of {len(ours)} entities (bar: {MOST:,})")
        for name, number in sorted(ours.items(), key=lambda item: -item[1]):
            print(f"{number * DAY_S / (60.0 * minutes):10,.0f}   {name}")


if __name__ == "__main__":
    main()
