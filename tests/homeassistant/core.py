"""A real Home Assistant for tests: started, onboarded and asked over its websocket, on loopback alone.

async with HomeAssistant(folder) as house:
    await house.add_broker(port)
    await house.ask("config/entity_registry/list")
    await house.restart()
"""

import asyncio
import contextlib
import json
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import aiohttp

from tests.e2e.harness import free_port
from tests.homeassistant.environment import HOME, ROOT

# It starts in 3 s on an idle machine.
PATIENCE_S = 120.0

CLIENT = "http://127.0.0.1/"

CONFIGURATION = """
homeassistant:
  name: Test
  unit_system: metric
  time_zone: Europe/Berlin
  packages: !include_dir_named packages
http:
  server_host: 127.0.0.1
  server_port: {port}
recorder:
  commit_interval: 1
api:
config:
history:
energy:
statistics_now:
"""

# Statistics are compiled every five minutes, and the Energy dashboard believes in nothing before. This has
# the recorder do the very same for the period under way, on request.
STATISTICS_NOW = {
    "manifest.json": json.dumps(
        {
            "domain": "statistics_now",
            "name": "Statistics now",
            "version": "1.0.0",
            "dependencies": ["recorder"],
        }
    ),
    "__init__.py": """
from datetime import timedelta
from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.tasks import StatisticsTask
from homeassistant.util import dt

async def async_setup(hass, config):
    async def compile_now(call):
        recorder = get_instance(hass)
        now = dt.utcnow()
        start = now.replace(minute=now.minute - now.minute % 5, second=0, microsecond=0)
        recorder.queue_task(StatisticsTask(start, True))
        await recorder.async_block_till_done()

    hass.services.async_register("statistics_now", "compile", compile_now)
    return True
""",
}

# A missing key is told of by `helpers.template`, without the word MQTT; what remains is about the machine.
ABOUT_US = re.compile(
    r"components\.(mqtt|sensor|binary_sensor|button|number|recorder|energy)|homeassistant\.helpers|envoy|1221\d{8}"
)

ONBOARDED = {
    "version": 4,
    "minor_version": 1,
    "key": "onboarding",
    "data": {"done": ["core_config", "analytics", "integration"]},
}


class HomeAssistant:
    """One installation with its folder; it can be stopped and started again. `packages` are files of YAML
    that it is given beside its configuration.
    """

    def __init__(self, folder: Path, *packages: Path) -> None:
        self._folder = folder
        self._packages = packages
        self._url = f"http://127.0.0.1:{free_port()}"
        self._process: asyncio.subprocess.Process | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._token = ""
        self._number = 0

    async def __aenter__(self) -> Self:
        self._furnish()
        self._http = aiohttp.ClientSession()
        try:
            await self._launch()
            self._token = await self._onboard()
            await self._connect()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._disconnect()
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        await self._http.close()

    async def restart(self) -> None:
        """Stop it as its users do, and start it again."""
        assert self._process is not None
        await self._disconnect()  # it would wait 10 s for us
        self._process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_S):
            await self._process.wait()
        await self._launch()
        await self._connect()

    async def ask(self, kind: str, **more: object) -> Any:
        """One command of the websocket API, and its result."""
        assert self._socket is not None
        self._number += 1
        await self._socket.send_json({"id": self._number, "type": kind, **more})
        async with asyncio.timeout(PATIENCE_S):
            while True:
                answer = await self._socket.receive_json()
                if answer.get("id") == self._number and answer["type"] == "result":
                    assert answer["success"], answer
                    return answer["result"]

    async def add_broker(self, port: int) -> None:
        """Add its MQTT integration, as a user does in its settings."""
        flow = await self._post("/api/config/config_entries/flow", {"handler": "mqtt"})
        done = await self._post(
            f"/api/config/config_entries/flow/{flow['flow_id']}", {"broker": "127.0.0.1", "port": port}
        )
        assert done["type"] == "create_entry", done

    async def states(self) -> dict[str, dict[str, Any]]:
        """What it knows of every entity, by entity id."""
        return {state["entity_id"]: state for state in await self.ask("get_states")}

    async def until(self, enough: Callable[[dict[str, dict[str, Any]]], bool]) -> dict[str, dict[str, Any]]:
        """Wait until the states are so; they are asked for, for not everything is told as an event."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not enough(states := await self.states()):  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
        except TimeoutError:
            shown = {name: state["state"] for name, state in (await self.states()).items()}
            raise AssertionError(f"it never came to be so: {shown}\n{self.warnings()}") from None
        return states

    async def do(self, service: str, **data: object) -> None:
        """Call one of its services."""
        domain, name = service.split(".")
        await self.ask("call_service", domain=domain, service=name, service_data=data)

    def warnings(self) -> list[str]:
        """What its log says from a warning on that could be about us, wherever we lie."""
        told = self._log.read_text().replace(str(ROOT), "")
        entries = re.split(r"(?m)^(?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ )", told)
        loud = [entry for entry in entries if re.match(r"\S+ \S+ (WARNING|ERROR|CRITICAL) ", entry)]
        return [entry for entry in loud if ABOUT_US.search(entry)]

    @property
    def _log(self) -> Path:
        return self._folder / "log"

    def _furnish(self) -> None:
        port = int(self._url.rpartition(":")[2])
        (self._folder / ".storage").mkdir(parents=True)
        (self._folder / ".storage" / "onboarding").write_text(json.dumps(ONBOARDED))
        (self._folder / "configuration.yaml").write_text(CONFIGURATION.format(port=port))
        (self._folder / "packages").mkdir()
        for package in self._packages:
            shutil.copy(package, self._folder / "packages")
        integration = self._folder / "custom_components" / "statistics_now"
        integration.mkdir(parents=True)
        for name, content in STATISTICS_NOW.items():
            (integration / name).write_text(content)

    async def _launch(self) -> None:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(HOME / "bin" / "hass", "--skip-pip", "-c", self._folder),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        async with asyncio.timeout(PATIENCE_S):
            while not await self._answers():
                assert self._process.returncode is None, self._log.read_text()
                await asyncio.sleep(0.1)

    async def _answers(self) -> bool:
        with contextlib.suppress(aiohttp.ClientError):
            async with self._http.get(f"{self._url}/manifest.json") as answer:
                return answer.status == 200
        return False

    async def _onboard(self) -> str:
        user = {"name": "Test", "username": "test", "password": "test", "client_id": CLIENT, "language": "en"}
        made = await self._post("/api/onboarding/users", user)
        form = {"grant_type": "authorization_code", "code": made["auth_code"], "client_id": CLIENT}
        async with self._http.post(f"{self._url}/auth/token", data=form) as answer:
            granted = await answer.json()
        self._token = granted["access_token"]
        await self._connect()
        token: str = await self.ask("auth/long_lived_access_token", client_name="tests", lifespan=1)
        return token

    async def _post(self, path: str, content: object) -> Any:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        async with self._http.post(self._url + path, json=content, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def _connect(self) -> None:
        """A websocket of one's own; it is there before everything else is, so wait until all of it runs."""
        await self._disconnect()
        self._socket = await self._http.ws_connect(f"{self._url}/api/websocket", max_msg_size=0)
        await self._socket.receive_json()
        await self._socket.send_json({"type": "auth", "access_token": self._token})
        welcome = await self._socket.receive_json()
        assert welcome["type"] == "auth_ok", welcome
        self._number = 0
        async with asyncio.timeout(PATIENCE_S):
            while (await self.ask("get_config"))["state"] != "RUNNING":  # noqa: ASYNC110
                await asyncio.sleep(0.1)

    async def _disconnect(self) -> None:
        if self._socket is not None:
            await self._socket.close()
            self._socket = None
