"""What can be wrong with a gateway's numbers, as a real client meets it."""

import json
from typing import Any

import pytest

from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options, Pace, Wiring
from tests.simulator.client import Client, visiting

MANUAL = Options(pace=Pace.MANUAL)


class Clock:
    """Unix time that moves when told."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


async def readings(client: Client) -> Any:
    return json.loads((await client.get("/ivp/meters/readings"))[1])


async def test_a_frozen_gateway_repeats_itself_while_its_readings_go_on(keys: Keys) -> None:
    clock = Clock(1_751_371_200.0)
    async with Gateway(MANUAL, keys=keys, clock=clock) as gateway, visiting(gateway) as client:
        before, event = await readings(client), gateway.event()
        await gateway.fault("frozen")
        clock.now += 60.0
        assert gateway.event() == event
        assert (await readings(client))[0]["activePower"] != before[0]["activePower"]
        await gateway.clear()
        assert gateway.event() != event


async def test_production_json_can_lose_sight_of_its_meters(keys: Keys) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway, visiting(gateway) as client:

        async def meter() -> Any:
            return json.loads((await client.get("/production.json"))[1])["production"][1]

        assert (await meter())["activeCount"] == 1
        await gateway.fault("inactive")
        lost = await meter()
        assert (lost["activeCount"], lost["wNow"] < 0.0, lost["whLifetime"]) == (0, True, 0.0)
        await gateway.clear("inactive")
        assert (await meter())["activeCount"] == 1


async def test_a_stray_meter_comes_first_on_any_firmware(keys: Keys) -> None:
    options = Options(firmware="D7.6.175", pace=Pace.MANUAL)
    async with Gateway(options, keys=keys) as gateway, visiting(gateway) as client:
        await gateway.fault("stray_meter")
        first, *others = await readings(client)
        assert (first["eid"], first["activePower"]) == (1023410688, 0.0)
        assert [entry["eid"] for entry in others] == [704643328, 704643584]
        await gateway.clear()
        assert len(await readings(client)) == 2


async def test_counters_can_be_zero_or_step_back_and_come_back(keys: Keys) -> None:
    options = Options(phases=Wiring.THREE, pace=Pace.MANUAL)
    clock = Clock(1_751_371_200.0)
    async with Gateway(options, keys=keys, clock=clock) as gateway, visiting(gateway) as client:
        before = (await readings(client))[0]
        await gateway.fault("counters_zero")
        zero = (await readings(client))[0]
        assert (zero["actEnergyDlvd"], zero["activePower"]) == (0.0, before["activePower"])
        await gateway.clear()
        await gateway.fault("counters_back", wh=1_190_000.0)
        back = (await readings(client))[0]
        assert before["actEnergyDlvd"] - back["actEnergyDlvd"] == pytest.approx(1_190_000.0, abs=0.01)
        assert back["actEnergyRcvd"] == before["actEnergyRcvd"]
        await gateway.clear()
        assert (await readings(client))[0] == before


async def test_counters_can_begin_again_for_good(keys: Keys) -> None:
    clock = Clock(1_751_371_200.0)
    async with Gateway(MANUAL, keys=keys, clock=clock) as gateway, visiting(gateway) as client:
        await gateway.fault("counters_reset")
        assert gateway.faults.active == {}
        assert (await readings(client))[0]["actEnergyDlvd"] == 0.0
        clock.now += 3600.0
        assert 10.0 < (await readings(client))[0]["actEnergyDlvd"] < 5000.0


async def test_livedata_can_be_switched_off_by_somebody_else(keys: Keys) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway, visiting(gateway) as client:

        async def shown() -> str:
            live = json.loads((await client.get("/ivp/livedata/status"))[1])
            return str(live["connection"]["sc_stream"])

        url, on = f"{gateway.url}/ivp/livedata/stream", b'{"enable":1}'
        async with client.session.post(url, data=on, headers=client.headers) as answer:
            assert answer.status == 200
        assert await shown() == "enabled"
        await gateway.fault("livedata_off")
        assert await shown() == "disabled"
