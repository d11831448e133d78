"""`envoy-mqtt trust` as a process, against simulated gateways."""

import asyncio
import hashlib
import os
import ssl
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from envoy_mqtt.gateway.pins import Pins
from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options

SERIAL = Options().serial
OTHER = "122399999999"
OLD = "0123456789abcdef" * 4


class Done(NamedTuple):
    status: int
    out: str
    err: str


async def trust(
    folder: Path, *arguments: str, answer: str | None = None, environ: dict[str, str] | None = None
) -> Done:
    """Run it to its end; `answer` is what someone types, without it nobody is there."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "envoy_mqtt", "trust", *arguments),
        cwd=folder,
        env={**os.environ, "PYTHONWARNINGS": "error", "ENVOY_DATA_DIR": str(folder / "data")}
        | (environ or {}),
        stdin=asyncio.subprocess.DEVNULL if answer is None else asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate(None if answer is None else answer.encode())
    assert process.returncode is not None
    return Done(process.returncode, out.decode(), err.decode())


def at(*gateways: Gateway) -> dict[str, str]:
    if len(gateways) == 1:
        return {"ENVOY_GATEWAY__HOST": f"127.0.0.1:{gateways[0].port}"}
    return {f"ENVOY_GATEWAYS__{n}__HOST": f"127.0.0.1:{each.port}" for n, each in enumerate(gateways)}


def shown(gateway: Gateway) -> str:
    der = ssl.PEM_cert_to_DER_cert(gateway.certificate_pem.decode())
    return hashlib.sha256(der).hexdigest()


def colons(sha256: str) -> str:
    return ":".join(sha256[n : n + 2].upper() for n in range(0, 64, 2))


def pinned(folder: Path) -> dict[str, str]:
    pins = Pins(folder / "data")
    pins.reload()
    return dict(pins.known)


async def test_a_first_certificate_is_shown_and_pinned_without_asking(keys: Keys, tmp_path: Path) -> None:
    """No token is configured, and none is asked for."""
    async with Gateway(keys=keys) as gateway:
        done = await trust(tmp_path, environ=at(gateway))
        assert done.status == 0, done.err
        assert done.err == ""
        assert f"envoy-{SERIAL}" in done.out
        assert colons(shown(gateway)) in done.out
        assert pinned(tmp_path) == {SERIAL: shown(gateway)}
        assert [visit.path for visit in gateway.visits.requests] == ["/info"]
        again = await trust(tmp_path, environ=at(gateway))
    assert again.status == 0
    assert "It is the one that is pinned." in again.out


@pytest.mark.parametrize(("answer", "arguments"), [("y\n", ()), (None, ("--yes",))], ids=["asked", "--yes"])
async def test_a_changed_certificate_is_shown_beside_the_pinned_one_and_pinned(
    keys: Keys, tmp_path: Path, answer: str | None, arguments: tuple[str, ...]
) -> None:
    Pins(tmp_path / "data").keep(SERIAL, OLD)
    Pins(tmp_path / "data").keep(OTHER, OLD)
    async with Gateway(Options(expired_certificate=True), keys=keys) as gateway:
        done = await trust(tmp_path, *arguments, "--serial", SERIAL, answer=answer, environ=at(gateway))
        assert done.status == 0, done.err
        assert colons(shown(gateway)) in done.out
        assert colons(OLD) in done.out
        assert ("[y/N]" in done.out) == (answer is not None)
        assert pinned(tmp_path) == {SERIAL: shown(gateway), OTHER: OLD}


@pytest.mark.parametrize("answer", ["n\n", "\n", None], ids=["no", "just enter", "nobody there"])
async def test_without_a_yes_nothing_is_changed(keys: Keys, tmp_path: Path, answer: str | None) -> None:
    Pins(tmp_path / "data").keep(SERIAL, OLD)
    async with Gateway(keys=keys) as gateway:
        done = await trust(tmp_path, answer=answer, environ=at(gateway))
    assert done.status == 1
    assert len(done.err.splitlines()) == 1
    assert "--yes" in done.err
    assert pinned(tmp_path) == {SERIAL: OLD}


async def test_another_gateways_certificate_is_refused_even_with_yes(keys: Keys, tmp_path: Path) -> None:
    async with Gateway(keys=keys) as gateway:
        gateway.renew_certificate(serial=OTHER)
        done = await trust(tmp_path, "--yes", environ={**at(gateway), "ENVOY_GATEWAY__CERTIFICATE": "off"})
    assert done.status == 1
    assert len(done.err.splitlines()) == 1
    assert SERIAL in done.err
    assert OTHER in done.err
    assert pinned(tmp_path) == {}


async def test_another_serial_than_the_configured_one_is_refused(keys: Keys, tmp_path: Path) -> None:
    async with Gateway(keys=keys) as gateway:
        done = await trust(tmp_path, "--yes", environ={**at(gateway), "ENVOY_GATEWAY__SERIAL": OTHER})
    assert done.status == 1
    assert "gateway.serial" in done.err
    assert pinned(tmp_path) == {}


async def test_of_several_gateways_all_are_pinned_or_the_one_that_is_named(
    keys: Keys, tmp_path: Path
) -> None:
    """One that is away fails the command, and keeps none of the others from being pinned."""
    away = Gateway(keys=keys)
    async with away:
        pass
    async with Gateway(keys=keys) as one, Gateway(Options(serial=OTHER), keys=keys) as other:
        named = await trust(tmp_path, "--serial", OTHER, environ=at(away, one, other))
        assert named.status == 0, named.err
        assert pinned(tmp_path) == {OTHER: shown(other)}
        every = await trust(tmp_path, environ=at(away, one, other))
        assert every.status == 1
        assert len(every.err.splitlines()) == 1
        assert f"127.0.0.1:{away.port}: " in every.err
        assert pinned(tmp_path) == {OTHER: shown(other), SERIAL: shown(one)}


async def test_a_gateway_from_before_firmware_7_has_no_certificate_and_says_so(
    keys: Keys, tmp_path: Path
) -> None:
    async with Gateway(Options(firmware="R4.10.35"), keys=keys) as gateway:
        done = await trust(tmp_path, environ=at(gateway))
    assert (done.status, done.out) == (1, "")
    assert len(done.err.splitlines()) == 1
    assert "R4.10.35 and no certificate" in done.err
    assert pinned(tmp_path) == {}


async def test_a_serial_that_nobody_has_is_a_sentence(keys: Keys, tmp_path: Path) -> None:
    async with Gateway(keys=keys) as gateway:
        done = await trust(tmp_path, "--serial", OTHER, environ=at(gateway))
    assert (done.status, done.out) == (1, "")
    assert len(done.err.splitlines()) == 1
    assert OTHER in done.err


async def test_a_configuration_that_is_wrong_or_a_newer_versions_file_ends_with_2(tmp_path: Path) -> None:
    wrong = await trust(tmp_path, environ={"ENVOY_GATEWAY__CERTIFICATE": "maybe"})
    assert wrong.status == 2
    assert 'allowed is "pin", "strict" or "off"' in wrong.err
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "certificates.json").write_text('{"version": 2}')
    newer = await trust(tmp_path)
    assert newer.status == 2
    assert len(newer.err.splitlines()) == 1
    assert "newer envoy-mqtt" in newer.err
