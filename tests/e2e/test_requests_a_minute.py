"""What a gateway is asked in a real minute at the default settings, on every kind of site at once."""

import asyncio
from itertools import pairwise
from pathlib import Path

from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Battery, Layout, Options, Wiring
from envoy_mqtt.simulator.visits import Visit
from tests.e2e.harness import bridging, settings, target
from tests.mosquitto import Mosquitto

STREAM = "/stream/meter"

# What brings a bridge in, once.
ENTRY = ("/info", "/ivp/meters", "/ivp/ensemble/inventory", "/auth/check_jwt")

# A battery's own pages come on top of the two.
LIVEDATA = "/ivp/livedata/status"
OF_A_BATTERY = (LIVEDATA, "/ivp/livedata/stream", "/ivp/ensemble/power", "/ivp/ensemble/secctrl")

SITES = {
    "production and net": Options(serial="122500000001"),
    "net alone": Options(serial="122500000002", layout=Layout.NET, phases=Wiring.SPLIT),
    "an unmetered battery": Options(serial="122500000003", battery=Battery.UNMETERED),
    "microinverters": Options(serial="122500000004", phases=Wiring.THREE),
}


async def test_a_stream_costs_one_connection_and_two_requests_a_minute_beside_it(
    broker: Mosquitto, tmp_path: Path
) -> None:
    keys = Keys()

    async def asked(name: str) -> tuple[list[Visit], int]:
        options = SITES[name]
        async with Gateway(options, keys=keys) as gateway:
            keywords = target(
                gateway,
                broker.port,
                inverters__enabled=name == "microinverters",
                mqtt__client_id=options.serial,
                mqtt__base_topic=f"envoy/{options.serial}",
            )
            async with bridging(settings(tmp_path / options.serial, **keywords)):
                await gateway.visits.requested("/ivp/meters/readings", 2)
                return list(gateway.visits.requests), len(gateway.visits.connections)

    found = await asyncio.gather(*(asked(name) for name in SITES))
    for name, (visits, connections) in zip(SITES, found, strict=True):
        beside = [visit for visit in visits if visit.path not in (*ENTRY, *OF_A_BATTERY, STREAM)]
        assert beside[-1].at - beside[0].at > 59.0, name
        for first, third in zip(beside, beside[2:], strict=False):
            assert third.at - first.at > 59.0, (name, [(visit.path, visit.at) for visit in beside])
        assert [visit.path for visit in visits].count(STREAM) == 1, name
        assert connections == 2, name
        battery = [visit.at for visit in visits if visit.path == LIVEDATA]
        assert bool(battery) == ("battery" in name)
        assert all(later - earlier > 4.0 for earlier, later in pairwise(battery)), name
