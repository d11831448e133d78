from typing import Any

import aiohttp
import pytest

from envoy_mqtt.simulator.control import Control
from envoy_mqtt.simulator.faults import FAULTS
from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options, Pace

MANUAL = Options(pace=Pace.MANUAL)


async def send(control: Control, method: str, path: str, **body: Any) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, control.url + path, **body) as answer,
    ):
        return answer.status, await answer.json()


async def test_it_shows_the_gateway_and_every_fault_there_is(keys: Keys) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway, Control(gateway) as control:
        status, state = await send(control, "GET", "/")
        assert status == 200
        assert (state["gateway"], state["serial"], state["faults"]) == (gateway.url, gateway.serial, {})
        assert list(state["known"]) == list(FAULTS)
        assert state["known"]["503"]["text"] == "Resource busy, please retry after 30 seconds."
        assert gateway.owner_token not in str(state)


async def test_faults_are_switched_on_with_their_settings_and_off_again(keys: Keys) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway, Control(gateway) as control:
        status, state = await send(
            control, "POST", "/faults", json={"fault": "garbage", "share": 1, "seconds": 60}
        )
        assert (status, state["faults"]) == (200, {"garbage": {"share": 1.0, "kind": "", "seed": 1.0}})
        await send(control, "POST", "/faults", json={"fault": "stall"})
        assert list(gateway.faults.active) == ["stall", "garbage"]
        _, state = await send(control, "DELETE", "/faults/stall")
        assert list(state["faults"]) == ["garbage"]
        _, state = await send(control, "DELETE", "/faults")
        assert state["faults"] == {}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"data": b"{"}, "The body is not JSON"),
        ({"data": b"[" * 100_000}, "The body is not JSON"),
        ({"json": ["stall"]}, "needs the name of a fault"),
        ({"json": {"seconds": 3}}, "needs the name of a fault"),
        ({"json": {"fault": "fire"}}, "there is no 'fire'; there are: stall, "),
        ({"json": {"fault": "stall", "seconds": "ten"}}, "seconds is 'ten'"),
        ({"json": {"fault": "stall", "seconds": -1}}, "seconds is -1"),
        ({"json": {"fault": "stall", "color": "red"}}, "there is no setting 'color'; there are: none"),
        ({"json": {"fault": "chop", "size": "big"}}, "size is 'big'; a number"),
        ({"json": {"fault": "404", "path": 7}}, "path is 7; a text is needed"),
        ({"json": {"fault": "garbage", "kind": "pizza"}}, "there is no kind 'pizza'"),
    ],
)
async def test_what_cannot_be_done_is_a_400_with_one_sentence(keys: Keys, body: Any, sentence: str) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway, Control(gateway) as control:
        status, answer = await send(control, "POST", "/faults", **body)
        assert status == 400
        assert sentence in answer["error"]
        assert gateway.faults.active == {}


async def test_a_fault_that_is_not_there_cannot_be_cleared(keys: Keys) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway, Control(gateway) as control:
        status, answer = await send(control, "DELETE", "/faults/fire")
        assert status == 400
        assert "there is no 'fire'" in answer["error"]
