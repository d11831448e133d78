"""The app's entry point as the Supervisor runs it: as root, with a form that is root's alone."""

import asyncio
import json
import os
import signal
import stat
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.options import Options
from envoy_mqtt.supervisor import NONE_YET
from tests.app.image import lay_out, may_become_another
from tests.app.supervisor import TOKEN, Supervisor, supervising
from tests.e2e.harness import PATIENCE_S, eventually, free_port, listening
from tests.mosquitto import Mosquitto
from tests.programs import lacking, require

USER = 1000
HOST_NAME = "a1b2c3d4-envoy-mqtt"
FIRST, SECOND = "marked-first-secret", "marked-second-secret"


@pytest.fixture(scope="module")
def image() -> Iterator[Path]:
    if not may_become_another():
        lacking("only root can become another user (sudo make test)")
    require("setpriv", "util-linux")
    with tempfile.TemporaryDirectory(prefix="envoy-app-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        lay_out(folder)
        yield folder


@pytest.fixture
def data(image: Path) -> Iterator[Path]:
    """The data folder as the Supervisor makes it: root's."""
    with tempfile.TemporaryDirectory(prefix="data-", dir=image) as name:
        yield Path(name)


class App:
    """The process that `entry.sh` becomes; `web` is its port."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path, web: int) -> None:
        self.process, self._log, self._web = process, log, web

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def status(self) -> dict[str, str]:
        """Of the process, as the kernel tells (proc(5))."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}

    async def get(self, path: str) -> tuple[int, Any]:
        url = f"http://127.0.0.1:{self._web}{path}"
        async with aiohttp.ClientSession() as http, http.get(url) as answer:
            return answer.status, await answer.json()

    async def answers(self, path: str) -> tuple[int, Any]:
        """What it says there, once it listens."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                assert self.process.returncode is None, self.log
                try:
                    return await self.get(path)
                except aiohttp.ClientConnectorError:
                    await asyncio.sleep(0.05)

    async def ended(self) -> int:
        async with asyncio.timeout(PATIENCE_S):
            return await self.process.wait()


@asynccontextmanager
async def running(
    image: Path, data: Path, options: Any, supervisor: Supervisor | None = None, **more: str
) -> AsyncIterator[App]:
    """The entry point with these options; they are written as the Supervisor writes them."""
    form = data / "options.json"
    form.unlink(missing_ok=True)
    form.touch(0o600)
    form.write_text(json.dumps(options))
    port = free_port()
    environ = {
        "PATH": f"{image}:{os.environ['PATH']}:/usr/sbin",
        "HOME": "/root",
        "HOSTNAME": HOST_NAME,
        "SUPERVISOR_TOKEN": TOKEN,
        "SUPERVISOR_API": supervisor.url if supervisor else "http://127.0.0.1:9",
        "ENVOY_DATA_DIR": str(data),
        "ENVOY_WEB__PORT": str(port),
        "ENVOY_LOG__FORMAT": "console",
        **more,
    }
    log = image / "log"
    with log.open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            image / "entry.sh", env=environ, cwd="/", stdout=said, stderr=subprocess.STDOUT
        )
    try:
        yield App(process, log, port)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def gateway_form(gateway: Gateway) -> dict[str, Any]:
    return {
        "gateway_host": f"127.0.0.1:{gateway.port}",
        "gateway_token": gateway.owner_token,
        "account_username": "",
        "account_password": "",
        "interval_s": 1,
        "further_settings": [],
    }


def passwords(folder: Path, password: str) -> Path:
    """A password file of Mosquitto's; who gives no name is let in all the same."""
    file = folder / "passwords"
    command = [require("mosquitto_passwd", "mosquitto"), "-c", "-b", str(file), "addons", password]
    subprocess.run(command, check=True, capture_output=True)
    return file


def owners(folder: Path) -> set[int]:
    """Whose a folder and everything in it is."""
    return {each.stat().st_uid for each in (folder, *folder.rglob("*"))}


async def test_a_broker_that_comes_late_and_then_changes_its_password_is_found(
    image: Path, data: Path, tmp_path: Path
) -> None:
    """Meanwhile the page and the watchdog answer, what is missing is told once, and nothing runs as root."""
    with Mosquitto(f"password_file {passwords(tmp_path, FIRST)}") as broker:
        async with (
            Gateway(Options(rate_hz=10.0)) as gateway,
            supervising() as supervisor,
            listening(broker.port, "#") as ears,
            running(image, data, gateway_form(gateway), supervisor) as app,
        ):
            assert await app.answers("/livez") == (200, {"status": "ok"})
            await eventually(lambda: supervisor.asked >= 2)
            _, told = await app.get("/healthz")
            (problem,) = [each for each in told["problems"] if each["code"] == "broker_unreachable"]
            assert NONE_YET in problem["text"]
            assert app.log.count(NONE_YET) == 1
            assert (await app.get("/livez"))[0] == 200

            assert set(app.status["Uid"].split()) == set(app.status["Gid"].split()) == {str(USER)}
            assert (int(app.status["CapEff"], 16), app.status["NoNewPrivs"]) == (0, "1")
            assert owners(data) == {USER}
            assert stat.S_IMODE((data / "options.json").stat().st_mode) == 0o600

            supervisor.offer(broker.port, "addons", FIRST)
            await ears.hear("envoy/bridge/state", b"online")
            await ears.hear("/live", count=3)
            (device,) = await ears.hear("/config")
            assert device.json["dev"]["cu"] == "homeassistant://hassio/ingress/a1b2c3d4_envoy_mqtt"

            passwords(tmp_path, SECOND)
            broker.stop()
            broker.start()
            await eventually(lambda: "it refuses us" in app.log)
            supervisor.offer(broker.port, "addons", SECOND)
            async with listening(broker.port) as later:
                await later.hear("/live", count=3)
                app.process.send_signal(signal.SIGTERM)
                assert await app.ended() == 0
                await later.hear("bridge/state", b"offline")
        assert not any(secret in app.log for secret in (FIRST, SECOND, TOKEN, gateway.owner_token))


async def test_a_broker_of_ones_own_is_not_asked_for(image: Path, data: Path) -> None:
    with Mosquitto() as broker:
        async with (
            Gateway(Options(rate_hz=10.0)) as gateway,
            supervising() as supervisor,
            listening(broker.port) as ears,
        ):
            supervisor.offer(9, "addons", FIRST)
            own = {"mqtt_host": "127.0.0.1", "mqtt_port": broker.port}
            async with running(image, data, gateway_form(gateway) | own, supervisor) as app:
                await ears.hear("/live", count=3)
                app.process.send_signal(signal.SIGTERM)
                assert await app.ended() == 0
        assert supervisor.asked == 0


async def test_a_second_start_reads_a_form_that_was_written_anew(image: Path, data: Path) -> None:
    """The Supervisor writes it for root again; all else is ours already."""
    for level in ("error", "nonsense"):
        async with running(
            image, data, {"log_level": level, "mqtt_host": "127.0.0.1", "mqtt_port": 9}
        ) as app:
            if level == "error":
                await app.answers("/livez")
                app.process.send_signal(signal.SIGTERM)
                assert await app.ended() == 0
            else:
                assert await app.ended() == 2
    assert app.log.splitlines() == [
        '"Log level" (log_level): found "nonsense", allowed is "debug", "info", "warning" or "error"'
    ]


async def test_told_to_stop_while_it_waits_for_a_broker_it_ends_well(image: Path, data: Path) -> None:
    async with supervising() as supervisor, running(image, data, {}, supervisor) as app:
        await app.answers("/livez")
        await eventually(lambda: supervisor.asked >= 1)
        app.process.send_signal(signal.SIGTERM)
        assert await app.ended() == 0


async def test_someone_who_is_not_root_already_runs_it_as_he_is(image: Path, data: Path) -> None:
    """`docker run --user`; a form that he may not read is a sentence, and so is a folder."""
    os.chown(data, USER, USER)
    entry = image / "entry.sh"
    script = f"exec setpriv --reuid={USER} --regid={USER} --clear-groups {entry}"
    (data / "options.json").touch(0o600)
    environ = {
        "PATH": f"{image}:{os.environ['PATH']}",
        "SUPERVISOR_TOKEN": TOKEN,
        "ENVOY_DATA_DIR": str(data),
    }
    done = await asyncio.create_subprocess_exec(
        *("sh", "-c", script), env=environ, cwd="/", stderr=subprocess.PIPE
    )
    async with asyncio.timeout(PATIENCE_S):
        _, said = await done.communicate()
    assert (done.returncode, said.decode()) == (2, f"{data}/options.json: permission denied\n")
