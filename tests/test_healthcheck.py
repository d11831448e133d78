"""`envoy-mqtt healthcheck` beside a bridge that runs, and where none does."""

import asyncio
import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from envoy_mqtt.clock import steady
from envoy_mqtt.errors import EnvoyMqttError
from envoy_mqtt.healthcheck import ask
from tests.e2e.harness import Process, eventually, free_port, settings


def environ(folder: Path, **keys: Any) -> dict[str, Any]:
    return {
        "gateway__host": f"127.0.0.1:{free_port()}",
        "mqtt__host": "127.0.0.1",
        "mqtt__port": free_port(),
        **keys,
    }


async def check(folder: Path, **keys: object) -> tuple[int | None, str, str]:
    """Exit status, stdout and stderr of the command with the configuration of `Process`."""
    ours = {
        f"ENVOY_{key.upper()}": str(value) for key, value in {"data_dir": folder / "data", **keys}.items()
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "envoy_mqtt", "healthcheck"),
        env={**os.environ, "PYTHONWARNINGS": "error", **ours},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    said, complained = await process.communicate()
    return process.returncode, said.decode(), complained.decode()


async def test_a_bridge_that_reaches_nobody_is_healthy_through_its_web_server(tmp_path: Path) -> None:
    keys = environ(tmp_path, web__enabled=True, web__port=free_port())
    async with Process(tmp_path, **keys) as process:
        await process.says("web server listens")
        assert await check(tmp_path, **keys) == (
            0,
            f"the bridge is alive: it answers at port {keys['web__port']}\n",
            "",
        )
        process.process.send_signal(signal.SIGSTOP)
        with pytest.raises(EnvoyMqttError, match="does not answer at port"):
            ask(settings(tmp_path, **keys), timeout_s=0.3)


async def test_without_a_web_server_its_heartbeat_tells_it(tmp_path: Path) -> None:
    keys = environ(tmp_path, web__enabled=False)
    async with Process(tmp_path, **keys):
        await eventually((tmp_path / "data" / "heartbeat").exists)
        assert await check(tmp_path, **keys) == (
            0,
            f"the bridge is alive: its heart beats in {tmp_path / 'data'}\n",
            "",
        )


@pytest.mark.parametrize("enabled", [True, False])
async def test_where_no_bridge_runs_it_is_one_sentence_and_status_1(tmp_path: Path, enabled: bool) -> None:
    status, said, complained = await check(tmp_path, web__enabled=enabled, web__port=free_port())
    assert (status, said) == (1, "")
    assert complained.startswith("the bridge does not answer ")
    assert complained.count("\n") == 1


def test_a_bridge_whose_port_another_program_has_is_alive_all_the_same(tmp_path: Path) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        it = settings(tmp_path, web__enabled=True, web__port=other.server_address[1])
        with pytest.raises(EnvoyMqttError, match="does not answer at port"):
            ask(it)
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "heartbeat").write_text(f"{steady():.3f}")
        assert ask(it).startswith("the bridge is alive: its heart beats in ")
        assert ask(it).endswith(f"its web server does not answer at port {other.server_address[1]}")
        other.shutdown()


@pytest.mark.parametrize(
    ("host", "near"), [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("localhost", "127.0.0.1")]
)
def test_who_listens_everywhere_is_asked_on_the_loopback(tmp_path: Path, host: str, near: str) -> None:
    family = socket.AF_INET6 if ":" in near else socket.AF_INET
    with socket.create_server((near, 0), family=family) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                asked.append(connection.recv(1000))
                connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"status":"ok"}')

        asked: list[bytes] = []
        thread = threading.Thread(target=answer)
        thread.start()
        port = server.getsockname()[1]
        assert ask(settings(tmp_path, web__enabled=True, web__host=host, web__port=port)).endswith(f"{port}")
        thread.join()
    assert asked[0].startswith(b"GET /livez HTTP/1.1\r\n")


def test_it_carries_nothing_that_only_the_bridge_needs(tmp_path: Path) -> None:
    code = "import sys, envoy_mqtt.healthcheck as _; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "envoy_mqtt.healthcheck" in loaded
    heavy = {"aiohttp", "aiomqtt", "structlog", "jwt", "prometheus_client", "envoy_mqtt.app", "zeroconf"}
    assert not heavy & set(loaded)
