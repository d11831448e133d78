"""The web server of a bridge whose gateway and broker are away: it needs neither."""

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from envoy_mqtt.app import App
from envoy_mqtt.web.files import Files
from envoy_mqtt.web.server import MOST_CONNECTIONS
from tests.e2e.harness import bridging, eventually, free_port, settings

# Nobody listens on the port of the discard service.
AWAY: dict[str, Any] = {
    "gateway__host": "127.0.0.1:9",
    "gateway__serial": "122100000017",
    "mqtt__host": "127.0.0.1",
    "mqtt__port": 9,
}

SERIAL = "122100000017"
HISTORY = f"/api/history?serial={SERIAL}"
PATHS = ("/livez", "/healthz", "/metrics", "/api/state", HISTORY, "/api/doctor", "/events")

# A token and a password that can be told from everything else.
TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJtYXJrZWRfdG9rZW4ifQ.bWFya2Vk"
PASSWORD = "marked-password"


@asynccontextmanager
async def serving(folder: Path, **changes: Any) -> AsyncIterator[tuple[App, aiohttp.ClientSession]]:
    """A bridge that reaches nobody, and a client of its web server."""
    port = changes.pop("web__port", free_port())
    it = settings(folder, **{"web__enabled": True, "web__port": port, **AWAY, **changes})
    async with bridging(it) as app, aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
        await eventually(lambda: app._web is not None and (app._web.listening or port == 0))
        yield app, client


async def read(client: aiohttp.ClientSession, path: str, **options: Any) -> tuple[int, bytes, Any]:
    """Status, the first bytes and the headers of an answer."""
    async with client.get(path, **options) as answer:
        body = await answer.content.readany() if path == "/events" else await answer.read()
        return answer.status, body, answer.headers


async def test_a_bridge_that_reaches_nobody_is_alive_and_not_well(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, client):
        status, body, _ = await read(client, "/livez")
        assert (status, body) == (200, b'{"status":"ok"}')
        status, body, _ = await read(client, "/healthz")
        told = json.loads(body)
        assert (status, set(told), told["status"]) == (503, {"status", "problems"}, "degraded")
        codes = {problem["code"] for problem in told["problems"]}
        assert "broker_unreachable" in codes
        assert codes & {"gateway_silent", "gateway_unreachable", "token_missing"}
        assert all(problem["remedy"] and problem["since"].endswith("Z") for problem in told["problems"])


async def test_a_job_that_has_ended_is_no_longer_alive(tmp_path: Path) -> None:
    async with serving(tmp_path) as (app, client):
        await app._life.supervise(asyncio.sleep(0))
        status, body, _ = await read(client, "/livez")
        assert (status, body) == (503, b'{"status":"degraded"}')


@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_is_for_this_page_alone(tmp_path: Path, path: str) -> None:
    async with serving(tmp_path) as (_, client):
        status, body, headers = await read(client, path)
        assert status in (200, 503)
        assert body
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "camera=()" in headers["Permissions-Policy"]
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Server"] == "envoy-mqtt"
        assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize("path", PATHS)
async def test_a_foreign_name_is_refused(tmp_path: Path, path: str) -> None:
    async with serving(tmp_path, web__allowed_hosts="solar.example.com") as (_, client):
        status, body, _ = await read(client, path, headers={"Host": "evil.example"})
        assert status == 403
        assert b"web.allowed_hosts" in body
        for name in ("solar.example.com", "envoy.local:8099", socket.gethostname()):
            status, _, _ = await read(client, path, headers={"Host": name})
            assert status != 403


async def test_who_gives_no_name_is_refused(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, client):
        assert client._base_url is not None
        reader, writer = await asyncio.open_connection("127.0.0.1", client._base_url.port)
        writer.write(b"GET /api/state HTTP/1.0\r\n\r\n")
        assert b" 403 " in await reader.readline()
        writer.close()


@pytest.mark.parametrize("query", ["", "?serial=", "?serial=122100000000", "?serial=%00&x=1"])
async def test_prices_of_a_gateway_that_is_not_known_are_404(tmp_path: Path, query: str) -> None:
    async with serving(tmp_path) as (_, client):
        status, body, headers = await read(client, f"/api/prices{query}")
        assert (status, headers["X-Content-Type-Options"]) == (404, "nosniff")
        assert b"/api/prices?serial=" in body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_nothing_can_be_changed(tmp_path: Path, method: str) -> None:
    async with serving(tmp_path) as (_, client):
        for path in PATHS:
            async with client.request(method, path, data=b"x" * 1000) as answer:
                assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


async def test_what_is_not_there_is_404_and_a_head_has_no_body(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, client):
        for path in ("/index.php", "/../etc/passwd", "/api/state/x", "/%00", "/api/../livez"):
            status, _, _ = await read(client, path)
            assert status == (200 if path == "/api/../livez" else 404)
        for path in PATHS:
            async with client.head(path) as answer:
                assert answer.status in (200, 503)
                assert await answer.read() == b""


def outward() -> str | None:
    """This machine's own address that is no loopback's, if it has one; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))
        except OSError:
            return None
        address: str = probe.getsockname()[0]
        return address


async def test_who_is_not_among_those_that_are_answered_is_told_so(tmp_path: Path) -> None:
    async with serving(tmp_path, web__host="0.0.0.0", web__allowed_clients="203.0.113.1") as (_, client):
        assert client._base_url is not None
        assert (await read(client, "/livez"))[0] == 200  # this machine always is
        if (here := outward()) is not None:
            status, body, _ = await read(client, f"http://{here}:{client._base_url.port}/livez")
            assert (status, b"web.allowed_clients" in body) == (403, True)


async def test_a_proxy_may_be_asked_under_any_name(tmp_path: Path) -> None:
    foreign = {"Host": "home.example.com", "X-Ingress-Path": "/api/hassio_ingress/abc"}
    async with serving(tmp_path, web__trusted_proxies="127.0.0.1") as (_, client):
        assert (await read(client, "/livez", headers=foreign))[0] == 200
    async with serving(tmp_path, web__trusted_proxies="127.0.0.2") as (_, client):
        assert (await read(client, "/livez", headers=foreign))[0] == 403


async def test_the_history_of_a_gateway_that_was_never_read_is_empty(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, client):
        status, body, headers = await read(client, HISTORY)
        assert (status, headers["Content-Type"]) == (200, "application/json")
        assert body == b'{"time":[],"production":[],"net":[],"consumption":[],"storage":[]}'


@pytest.mark.parametrize(
    ("query", "status", "name"),
    [
        ("", 400, b"serial: "),
        ("?serial=a", 400, b"serial: "),
        (f"?serial={SERIAL}&seconds=x", 400, b"seconds: "),
        ("?serial=122100000099", 404, b"serial: "),
        ("?serial=%00", 400, b"serial: "),
        ("?serial=%FF", 400, b"serial: "),
    ],
)
async def test_what_cannot_be_told_of_is_a_sentence(
    tmp_path: Path, query: str, status: int, name: bytes
) -> None:
    async with serving(tmp_path) as (_, client):
        got, body, headers = await read(client, f"/api/history{query}")
        assert (got, headers["Content-Type"]) == (status, "text/plain; charset=utf-8")
        assert body.startswith(name)
        assert body.count(b"\n") == 1


async def test_who_comes_first_is_told_where_the_bridge_looks_and_what_it_misses(tmp_path: Path) -> None:
    async with serving(tmp_path) as (app, client):
        await eventually(lambda: app.gateways[0].line.trouble is not None)
        _, body, _ = await read(client, "/api/doctor")
        told = json.loads(body)
    assert set(told) == {"configured", "availability_since", "gateways", "problems", "broker"}
    assert told["configured"] == {
        "file": None,
        "gateways": [{"host": "127.0.0.1:9", "serial": SERIAL, "access": None}],
        "app": False,
        "broker": {"host": "127.0.0.1", "port": 9},
    }
    assert told["gateways"][SERIAL]["health"]["fresh"] is False
    assert {"broker_unreachable"} < {problem["code"] for problem in told["problems"]}
    assert all(problem["remedy"] for problem in told["problems"])


@pytest.mark.parametrize(
    ("key", "value"), [("token", TOKEN), ("token_file", "token"), ("account__username", "me@example.com")]
)
async def test_of_what_lets_it_in_only_the_key_is_told(tmp_path: Path, key: str, value: str) -> None:
    async with serving(tmp_path, **{f"gateway__{key}": value}) as (_, client):
        _, body, _ = await read(client, "/api/doctor")
    (gateway,) = json.loads(body)["configured"]["gateways"]
    assert gateway["access"] == key.partition("__")[0]


async def test_the_page_loads_only_what_is_its_own_and_is_not_sent_twice(tmp_path: Path) -> None:
    page = await Files().file("/")
    async with serving(tmp_path) as (_, client):
        status, body, headers = await read(client, "/")
        assert (status, body, headers["Content-Type"]) == (200, page.body, "text/html; charset=utf-8")
        assert headers["Cache-Control"] == "no-cache"
        policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert {policy.pop(each) for each in ("default-src", "base-uri", "form-action")} == {"'none'"}
        assert set(policy.values()) == {"'self'"}
        assert {"script-src", "style-src", "connect-src", "img-src", "frame-ancestors"} <= set(policy)
        tag = headers["ETag"]
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            status, body, headers = await read(client, "/", headers={"If-None-Match": known})
            assert (status, body, headers["ETag"]) == (304, b"", tag)
        status, _, _ = await read(client, "/", headers={"If-None-Match": '"other"'})
        assert status == 200


async def test_no_secret_is_in_any_answer(tmp_path: Path) -> None:
    secrets = {
        "gateway__token": TOKEN,
        "mqtt__username": "me",
        "mqtt__password": PASSWORD,
        "gateway__account__username": "marked@example.com",
        "gateway__account__password": PASSWORD,
    }
    async with serving(tmp_path, **secrets) as (_, client):
        answers = b"".join([(await read(client, path))[1] for path in PATHS])
    assert len(answers) > 2000
    for secret in (TOKEN, TOKEN.split(".")[1], PASSWORD, "marked@example.com"):
        assert secret.encode() not in answers


async def test_a_taken_port_is_a_problem_and_is_taken_when_it_is_free(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        it = settings(tmp_path, web__enabled=True, web__port=port, **AWAY)
        async with bridging(it) as app:
            await eventually(lambda: bool(app._line.standing))
            (problem,) = app._line.standing
            assert problem.code == "web_port"
            assert problem.text == f"127.0.0.1 port {port}: another program has it"
            other.close()
            await eventually(lambda: app._web is not None and app._web.listening)
            assert app._line.standing == []
            async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
                assert (await read(client, "/livez"))[0] == 200


async def test_an_address_that_is_not_ours_is_a_problem_too(tmp_path: Path) -> None:
    async with bridging(settings(tmp_path, web__enabled=True, web__host="192.0.2.1", **AWAY)) as app:
        await eventually(lambda: bool(app._line.standing))
        assert app._line.standing[0].code == "web_port"
        assert app._line.standing[0].text.startswith("192.0.2.1 port 8099: ")


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"A" * 100_000 + b"\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_answered_and_not_logged(
    tmp_path: Path, garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(tmp_path) as (_, client):
        assert client._base_url is not None
        reader, writer = await asyncio.open_connection("127.0.0.1", client._base_url.port)
        writer.write(garbage)
        assert (await reader.readline()).startswith((b"HTTP/1.0 400", b"HTTP/1.1 400"))
        writer.close()
        assert (await read(client, "/livez"))[0] == 200
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_more_connections_than_there_is_room_for_are_closed(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, client):
        assert client._base_url is not None
        port = client._base_url.port
        crowd = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MOST_CONNECTIONS + 10)]
        with pytest.raises(aiohttp.ClientError):
            await read(client, "/livez")
        for _, writer in crowd:
            writer.close()
        async with asyncio.timeout(10):
            while True:
                try:
                    assert (await read(client, "/livez"))[0] == 200
                    break
                except aiohttp.ClientError:
                    await asyncio.sleep(0.01)


async def test_an_open_stream_does_not_hold_up_the_end(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    async with serving(tmp_path) as (_, client), client.get("/events") as stream:
        assert (await stream.content.readline()).startswith(b"retry: ")
        began = loop.time()
    assert loop.time() - began < 2
