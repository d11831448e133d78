"""`envoy-mqtt token` as a person meets it: a process of its own, a gateway, and the vendor's cloud."""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from envoy_mqtt.simulator.cloud import Cloud, Person
from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options
from tests.e2e.harness import free_port

SERIAL = Options().serial
PERSON = Person("marked.me@example.com", "marked-hunter2")


class Done(NamedTuple):
    status: int
    out: str
    err: str


async def token(
    folder: Path, *arguments: str, around: Mapping[str, str] = MappingProxyType({}), **keys: Any
) -> Done:
    environ = {
        f"ENVOY_{key.upper()}": str(value) for key, value in {"data_dir": folder / "data", **keys}.items()
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "envoy_mqtt", "token", *arguments),
        cwd=folder,
        env={**os.environ, "PYTHONWARNINGS": "error", **environ, **around},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return Done(process.returncode, out.decode(), err.decode())


def account(cloud: Cloud, **more: Any) -> dict[str, Any]:
    return {
        "gateway__account__username": PERSON.username,
        "gateway__account__password": PERSON.password,
        "cloud__login_url": cloud.url,
        "cloud__token_url": cloud.url,
        **more,
    }


async def test_it_fetches_a_token_for_the_gateway_that_answers_and_shows_role_and_end(
    keys: Keys, tmp_path: Path
) -> None:
    async with Gateway(keys=keys) as gateway, Cloud(keys, PERSON) as cloud:
        where = account(cloud, gateway__host=f"127.0.0.1:{gateway.port}")
        fetched = await token(tmp_path, **where)
        again = await token(tmp_path, **where)
        assert cloud.logins == 1
        assert [visit.token for visit in gateway.visits.requests] == [False, False]
    assert (fetched.status, fetched.err) == (0, "")
    assert fetched.out.startswith(f"gateway {SERIAL}: owner's token, good until 2")
    assert fetched.out.endswith("fetched just now\n")
    assert again.out == fetched.out.replace("fetched just now", "fetched before")
    assert "marked" not in fetched.out
    assert "eyJ" not in fetched.out


async def test_with_a_serial_number_no_gateway_is_needed_and_print_prints_the_token_alone(
    keys: Keys, tmp_path: Path
) -> None:
    async with Cloud(keys, PERSON) as cloud:
        done = await token(tmp_path, "--serial", SERIAL, "--print", **account(cloud))
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("eyJ")
    assert done.out.count("\n") == 1


async def test_a_token_of_ones_own_is_shown_too(keys: Keys, tmp_path: Path) -> None:
    async with Gateway(keys=keys) as gateway:
        (tmp_path / "jwt").write_text(gateway.installer_token)
        done = await token(tmp_path, "--serial", SERIAL, gateway__token_file=tmp_path / "jwt")
        assert "installer's token" in done.out
        assert done.out.endswith("from the configuration\n")
        (tmp_path / "jwt").write_text(gateway.token(lifetime_s=-5))
        done = await token(tmp_path, "--serial", SERIAL, "--print", gateway__token_file=tmp_path / "jwt")
        assert (done.status, done.out) == (1, "")
        assert "the token ended at" in done.err


REFUSALS = [
    ("login", "password", "mend gateway.account"),
    ("login", "second_factor", "switch it off"),
    ("login", "locked", "unlock it"),
    ("login", "user_agent", "user agent"),
    ("login", "page", "a web page instead of data"),
    ("login", "busy", "asks to wait"),
    ("tokens", "not_owner", f"does not own gateway {SERIAL}"),
]


async def refused(keys: Keys, folder: Path, step: str, trouble: str, words: str) -> None:
    async with Cloud(keys, PERSON) as cloud:
        cloud.refuse(step, trouble)
        done = await token(folder, "--serial", SERIAL, **account(cloud))
        again = await token(folder, "--serial", SERIAL, **account(cloud))
        assert cloud.logins == 1, "the count is shared by all processes"
    for each in (done, again):
        assert (each.status, each.out) == (1, "")
        assert words in each.err
        assert each.err.count("\n") == 1
        assert "marked" not in each.err
    assert "asked again at" in again.err


async def test_each_refusal_is_one_sentence_and_status_1(keys: Keys, tmp_path: Path) -> None:
    """All at once, each with a folder and a cloud of its own."""
    async with asyncio.TaskGroup() as group:
        for step, trouble, words in REFUSALS:
            (tmp_path / trouble).mkdir()
            group.create_task(refused(keys, tmp_path / trouble, step, trouble, words), name=trouble)


async def test_a_gateway_that_is_away_is_a_sentence_with_the_way_round_it(tmp_path: Path) -> None:
    done = await token(tmp_path, gateway__host=f"127.0.0.1:{free_port()}")
    assert (done.status, done.out) == (1, "")
    assert "--serial" in done.err
    assert done.err.count("\n") == 1


async def test_a_gateway_from_before_firmware_7_needs_no_token_and_none_is_fetched(
    keys: Keys, tmp_path: Path
) -> None:
    async with Gateway(Options(firmware="D5.0.62"), keys=keys) as gateway, Cloud(keys, PERSON) as cloud:
        done = await token(tmp_path, **account(cloud, gateway__host=f"127.0.0.1:{gateway.port}"))
        assert cloud.visits.requests == []
    assert (done.status, done.out) == (1, "")
    assert "needs no token" in done.err
    assert "D5.0.62" in done.err
    assert done.err.count("\n") == 1


async def test_neither_token_nor_account_is_a_sentence_with_the_remedy(tmp_path: Path) -> None:
    done = await token(tmp_path, "--serial", SERIAL)
    assert done.status == 1
    assert "gateway.account" in done.err


@pytest.mark.parametrize("arguments", [("--serial", "12"), ("--serial", "../../12345678"), ("--nonsense",)])
async def test_what_cannot_be_meant_ends_with_2(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert (await token(tmp_path, *arguments)).status == 2


async def test_of_several_gateways_one_has_to_be_named(tmp_path: Path) -> None:
    several: dict[str, Any] = {
        "gateways__0__host": "a",
        "gateways__0__serial": SERIAL,
        "gateways__1__host": "b",
    }
    done = await token(tmp_path, **several)
    assert done.status == 2
    assert "--serial" in done.err
    done = await token(tmp_path, "--serial", SERIAL, **several)
    assert done.status == 1
    assert "there is no token for it; set gateways[0].token or gateways[0].token_file" in done.err


async def test_a_token_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = await token(tmp_path, "--serial", SERIAL, gateway__token_file=tmp_path / "jwt")
    assert done.status == 1
    assert f"there is no token in {tmp_path / 'jwt'} (gateway.token_file)" in done.err


async def test_a_proxy_is_for_the_cloud_and_never_for_a_gateway(keys: Keys, tmp_path: Path) -> None:
    proxy = f"http://me:marked@127.0.0.1:{free_port()}"
    around = dict.fromkeys(("http_proxy", "https_proxy"), proxy) | dict.fromkeys(("no_proxy", "NO_PROXY"), "")
    async with Gateway(keys=keys) as gateway, Cloud(keys, PERSON) as cloud:
        where = account(cloud, gateway__host=f"127.0.0.1:{gateway.port}")
        done = await token(tmp_path, around=around, **where)
        assert [visit.path for visit in gateway.visits.requests] == ["/info"]
        assert cloud.visits.requests == []
    assert done.status == 1
    assert "proxy" in done.err
    assert "marked" not in done.err
