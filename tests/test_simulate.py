"""`envoy-mqtt simulate` as a process: what it prints is what works."""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

PATIENCE_S = 90.0


@asynccontextmanager
async def simulated(folder: Path, *options: str) -> AsyncIterator[str]:
    """What a simulated gateway on free ports printed, while it runs; it ends with 0."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "envoy_mqtt", "simulate", "--port", "0", "--control-port", "0"),
        *options,
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield (await process.stdout.readuntil(b"Ctrl-C ends it.\n")).decode()
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.MULTILINE)
    assert match is not None, text
    return match[1]


async def test_the_account_it_prints_gets_a_token_for_the_gateway_it_prints(tmp_path: Path) -> None:
    async with (
        simulated(tmp_path, "--cloud", "--cloud-port", "0", "--battery", "metered") as text,
        aiohttp.ClientSession() as session,
    ):
        login = {
            "user[email]": found(r'^username = "(.+)"$', text),
            "user[password]": found(r'^password = "(.+)"$', text),
        }
        cloud, gateway = found(r'^login_url = "(.+)"$', text), found(r"gateway  +(https://\S+)", text)
        async with session.post(f"{cloud}/login/login.json", data=login) as answer:
            session_id = (await answer.json())["session_id"]
        wanted = {"session_id": session_id, "serial_num": "122312345678", "username": "owner@example.com"}
        async with session.post(f"{cloud}/tokens", json=wanted) as answer:
            token = await answer.text()
        headers = {"Authorization": f"Bearer {token.strip()}"}
        async with session.get(f"{gateway}/ivp/meters", headers=headers, ssl=False) as answer:
            meters = await answer.json(content_type=None)
        assert [meter["measurementType"] for meter in meters] == ["production", "net-consumption", "storage"]


async def test_before_7_it_prints_users_and_passwords_that_work(tmp_path: Path) -> None:
    options = ("--firmware", "D5.0.62", "--serial", "122112123456")
    async with simulated(tmp_path, *options) as text:
        assert "token" not in text
        # Protocol notes, section 2: the password of this serial number.
        assert found(r"user installer +(\S+)", text) == "d525d2jh"
        digest = aiohttp.DigestAuthMiddleware(login="envoy", password=found(r"user envoy +(\S+)", text))
        async with (
            aiohttp.ClientSession(found(r"gateway  +(http://\S+)", text), middlewares=(digest,)) as session,
            session.get("/api/v1/production/inverters") as answer,
        ):
            assert answer.status == 200
