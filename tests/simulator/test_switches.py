from typing import Any

import pytest

from envoy_mqtt.errors import ConfigError
from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options, Pace

MANUAL = Options(pace=Pace.MANUAL)


async def test_a_fault_for_a_time_goes_off_by_itself(keys: Keys) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway:
        await gateway.fault("refuse", seconds=0.01)
        assert list(gateway.faults.active) == ["refuse"]
        await gateway.visits.until(lambda: not gateway.faults.active)


async def test_a_fault_that_is_switched_on_again_starts_over(keys: Keys) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway:
        await gateway.fault("404", seconds=0.01)
        await gateway.fault("404", path="/info")
        # A second timer ends after the first would have: the first is gone.
        await gateway.fault("stall", seconds=0.05)
        await gateway.visits.until(lambda: "stall" not in gateway.faults.active)
        assert gateway.faults.active["404"].text("path") == "/info"


async def test_a_blow_is_over_at_once(keys: Keys) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway:
        for blow in ("cut", "end", "reset", "one_event_then_close"):
            await gateway.fault(blow)
            assert gateway.faults.active == {}


async def test_clearing_a_restart_ends_its_story(keys: Keys) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway:
        await gateway.fault("reboot", away_s=1000.0)
        await gateway.visits.until(lambda: "refuse" in gateway.faults.active)
        await gateway.clear()
        assert gateway.faults.active == {}


async def test_switching_off_what_is_not_on_does_nothing(keys: Keys) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway:
        await gateway.clear("stall")
        await gateway.clear()


@pytest.mark.parametrize(
    ("name", "settings", "sentence"),
    [
        ("fire", {}, "fault: there is no 'fire'"),
        ("stall", {"path": "/"}, "stall: there is no setting 'path'; there are: none."),
        ("chop", {"size": -1}, "chop: size is -1; a number from 0 to 1e9 is needed."),
        ("chop", {"size": True}, "chop: size is True; a number"),
        ("404", {"path": 1}, "404: path is 1; a text is needed."),
    ],
)
async def test_mistakes_are_one_sentence(
    keys: Keys, name: str, settings: dict[str, Any], sentence: str
) -> None:
    gateway = Gateway(MANUAL, keys=keys)
    with pytest.raises(ConfigError) as raised:
        await gateway.fault(name, **settings)
    assert sentence in str(raised.value)
