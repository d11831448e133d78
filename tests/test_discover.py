"""`envoy-mqtt discover`, with a gateway's announcements and its answers."""

import asyncio
import json
import os
import sys
import tomllib
from pathlib import Path

from envoy_mqtt.discover import describe, find, listed
from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options
from tests.announcer import LOOPBACK, alone, announced

ONE, OTHER = "122300000201", "122300000202"


async def test_an_address_that_answers_goes_before_one_that_does_not(keys: Keys) -> None:
    """The second socket of a gateway, say; no token is sent to either."""
    async with Gateway(Options(serial=ONE), host="127.0.0.9", keys=keys) as gateway:
        async with announced({"envoy": (ONE, ["127.0.0.5", "127.0.0.9"])}):
            (found,) = [each for each in await find(1.0, [LOOPBACK], gateway.port) if each.serial == ONE]
        assert [(visit.path, visit.token) for visit in gateway.visits.requests] == [("/info", False)]
    host = f"127.0.0.9:{gateway.port}"
    assert (found.best.host, found.firmware) == (host, "D8.3.5167")
    text = describe([found])
    assert f"gateway {ONE}   firmware D8.3.5167" in text
    assert "127.0.0.5" in text
    assert "is of no use: nothing listens at" in text
    assert tomllib.loads(text.partition("For config.toml:")[2]) == {"gateway": {"host": host}}
    (told,) = json.loads(listed([found]))["gateways"]
    assert (told["serial"], told["host"]) == (ONE, host)
    assert sorted(each["answers"] for each in told["addresses"]) == [False, True]


async def test_another_gateway_at_an_announced_address_is_told_and_not_recommended(keys: Keys) -> None:
    async with (
        Gateway(Options(serial=OTHER), keys=keys) as gateway,
        announced({"envoy": (ONE, ["127.0.0.1"])}),
    ):
        (found,) = [each for each in await find(1.0, [LOOPBACK], gateway.port) if each.serial == ONE]
    assert f"answers as another gateway, {OTHER}" in describe([found])
    assert json.loads(listed([found]))["gateways"][0]["addresses"][0]["serial"] == OTHER


async def test_two_gateways_are_two_sections(keys: Keys) -> None:
    gateways = {"envoy": (ONE, ["127.0.0.5"]), "envoy-2": (OTHER, ["127.0.0.6"])}
    async with announced(gateways):
        found = [each for each in await find(1.0, [LOOPBACK], 1) if each.serial in (ONE, OTHER)]
    told = tomllib.loads(describe(found).partition("For config.toml:")[2])
    assert told == {"gateways": [{"host": "127.0.0.5:1"}, {"host": "127.0.0.6:1"}]}


async def discover(folder: Path, *arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "envoy_mqtt", "discover", *arguments),
        cwd=folder,
        env={**os.environ, "PYTHONWARNINGS": "error"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_as_a_command_it_lists_what_it_finds(tmp_path: Path) -> None:
    async with announced({"envoy": (ONE, ["127.0.0.5"])}):
        status, out, err = await discover(tmp_path, "--seconds", "1")
        assert (status, err) == (0, "")
        assert ONE in out
        assert 'host = "127.0.0.5"' in out
        status, out, _ = await discover(tmp_path, "--seconds", "1", "--json")
    assert status == 0
    assert ONE in [each["serial"] for each in json.loads(out)["gateways"]]


async def test_nobody_found_is_status_1_and_what_to_do(tmp_path: Path) -> None:
    async with alone():
        status, out, err = await discover(tmp_path, "--seconds", "0.5", "--json")
    assert (status, json.loads(out)) == (1, {"gateways": []})
    assert "gateway.host" in err
    assert len(err.splitlines()) == 1
