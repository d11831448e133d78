"""No secret comes out, whatever a far end says back: commands as people run them, at the chattiest level.

What a bridge that is let in tells, and its cache, is in `test_tokens`; what the mask does, in `test_log`.
"""

import asyncio
import json
import os
import signal
import stat
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

import aiohttp
import pytest

from envoy_mqtt.simulator import identity
from envoy_mqtt.simulator.digest import derived_password
from envoy_mqtt.simulator.firmware import Role
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.installation import Installation
from envoy_mqtt.simulator.options import Options
from tests.e2e.harness import Ears, eventually, free_port, listening
from tests.mirror import MANNERS, Answering, Mirror
from tests.mosquitto import Mosquitto

USERNAME = "marked.owner@example.com"
PASSWORD = "Marked-account-Pa55"
BROKER_PASSWORD = "Marked-broker-Pa55"
PROXY_PASSWORD = "Marked-proxy-Pa55"
SESSION = "c0ffee00marked00c0ffee00marked00"
OLD_SERIAL = "122000007777"
DERIVED = derived_password(OLD_SERIAL)
WORDS = (PASSWORD, USERNAME, SESSION, BROKER_PASSWORD, PROXY_PASSWORD, DERIVED)

PAGES = (
    *("/healthz", "/metrics", "/api/state", "/api/doctor", "/api/history?serial=122000001234", "/events"),
    *("/", f"/{PASSWORD}", "/api/history?serial=1"),
)

# From which path on a gateway is a mirror; before that it is itself.
SCOPES = ("/info", "/ivp/meters", "/stream/meter")


class Done(NamedTuple):
    """What a command said, all of it."""

    status: int
    said: str


def environ(folder: Path, **keys: object) -> dict[str, str]:
    ours = {f"ENVOY_{key.upper()}": str(value) for key, value in keys.items()}
    usual = {key: value for key, value in os.environ.items() if not key.upper().endswith("_PROXY")}
    return {**usual, "PYTHONWARNINGS": "error", "ENVOY_DATA_DIR": str(folder / "data"), **ours}


async def command(folder: Path, *arguments: str, env: Mapping[str, str]) -> Done:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "envoy_mqtt", *arguments),
        cwd=folder,
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode is not None
    return Done(process.returncode, said.decode())


def below(folder: Path, name: str) -> Path:
    """A folder of its own."""
    made = folder / name
    made.mkdir()
    return made


def parts(token: str) -> Iterator[str]:
    """What of a token nobody may see: its payload holds the account's address, its signature is its worth."""
    _, payload, signature = token.split(".")
    yield from (payload[:40], payload[-40:], signature[:20], signature[-20:])


def leaks(said: str, secrets: Sequence[str]) -> list[str]:
    """The secrets in it, each with what stands around it."""
    return [f"…{said[max(0, at - 80) : at + 80]}…" for it in secrets if (at := said.find(it)) >= 0]


def leaks_of_files(folder: Path, secrets: Sequence[str]) -> list[str]:
    """Beside the cache, which is there to hold tokens, and what the test itself wrote."""
    paths = [it for it in (folder / "data").rglob("*") if it.is_file() and it.parent.name != "tokens"]
    return [f"{path.name}: {each}" for path in paths for each in leaks(path.read_text("latin-1"), secrets)]


def modes(folder: Path) -> set[tuple[bool, int]]:
    data = folder / "data"
    return {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in (data, *data.rglob("*"))}


def gateway(keys: Keys, serial: str, manner: str, scope: str, words: str) -> Mirror:
    """A gateway that is itself up to a path, and from there on a mirror."""
    options = Options(serial=serial, firmware="D5.0.62" if serial == OLD_SERIAL else "D8.3.5167")
    source, itself = Installation(options, time.time()), SCOPES[: SCOPES.index(scope)]

    def answer(request: bytes) -> bytes:
        path = request.split(b" ")[1].decode() if request.startswith(b"GET /") else ""
        honest = source.answer(path, time.time()) if path in itself else None
        if honest is None:
            return MANNERS[manner](words)
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(honest.body), honest.body)

    if not options.encrypted:
        return Mirror(answer)
    context = identity.tls_context()
    identity.install(context, keys, identity.certificate(keys, serial, time.time()))
    return Mirror(answer, context)


def token(keys: Keys, serial: str) -> str:
    return identity.issue(keys, serial, Role.OWNER, time.time(), username=USERNAME)


def refusing_broker(words: str) -> Answering:
    """A CONNACK of MQTT 5 that says no, with a reason in words (section 3.2.2.3.9)."""
    said = words.encode()[:60]
    properties = b"\x1f" + len(said).to_bytes(2, "big") + said
    rest = b"\x00\x87" + bytes([len(properties)]) + properties
    return lambda _: b"\x20" + bytes([len(rest)]) + rest


Played = tuple[list[Mirror], dict[str, str], list[str]]


async def mirrors(stack: AsyncExitStack, keys: Keys) -> Played:
    """A gateway for every manner, from every path on, with the short secrets first or the token; and some
    from before tokens, whose password follows from the serial number. With them the configuration that reads
    them, and every secret in it.
    """
    kinds = [(manner, scope, first) for manner in MANNERS for scope in SCOPES for first in (True, False)]
    found, env, secrets = [], {}, list(WORDS)
    for n, (manner, scope, first) in enumerate(kinds):
        serial = OLD_SERIAL if n % 17 == 0 else str(122_000_000_000 + n)
        mine = token(keys, serial)
        words = " ".join((mine, *WORDS) if first else (*WORDS, mine))
        mirror = await stack.enter_async_context(gateway(keys, serial, manner, scope, words))
        found.append(mirror)
        secrets += parts(mine)
        env[f"ENVOY_GATEWAYS__{n}__HOST"] = f"127.0.0.1:{mirror.port}"
        env[f"ENVOY_GATEWAYS__{n}__TOKEN"] = mine
    return found, env, secrets


async def test_a_gateway_that_says_secrets_back_is_quoted_nowhere(keys: Keys, tmp_path: Path) -> None:
    """`run` at debug and `doctor`, with proxies set: no output, no topic, no file; nothing asks a proxy."""
    async with AsyncExitStack() as stack:
        broker = stack.enter_context(Mosquitto())
        proxy = await stack.enter_async_context(Mirror(lambda _: b""))
        found, gateways, secrets = await mirrors(stack, keys)
        env = environ(
            tmp_path,
            mqtt__host="127.0.0.1",
            mqtt__port=broker.port,
            mqtt__username="bridge",
            mqtt__password=BROKER_PASSWORD,
            log__level="debug",
        )
        through = f"http://{PASSWORD}:{PROXY_PASSWORD}@127.0.0.1:{proxy.port}"
        env |= gateways | dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"), through)
        ears = await stack.enter_async_context(listening(broker.port, "#"))
        said = await watch(tmp_path, env, found, ears)
        done = await command(tmp_path, "doctor", "--seconds", "1", env=env)
    topics = "".join(f"{it.topic} {it.payload.decode()}" for it in ears.heard)
    assert "bridge/health" in topics
    assert "not reached" in said
    assert done.status == 1
    assert leaks(said, secrets) + leaks(topics, secrets) + leaks(done.said, secrets) == []
    assert leaks_of_files(tmp_path, secrets) == []
    assert modes(tmp_path) <= {(True, 0o700), (False, 0o600)}
    assert proxy.asked == 0


def cloud(scope: str, manner: str, words: str) -> Mirror:
    """A cloud whose login, or only what comes after it, is a mirror."""
    body = json.dumps({"message": "success", "session_id": SESSION}).encode()
    let_in = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(body), body)

    def answer(request: bytes) -> bytes:
        honest = scope == "tokens" and request.startswith(b"POST /login")
        return let_in if honest else MANNERS[manner](words)

    return Mirror(answer)


@pytest.mark.parametrize("scope", ["login", "tokens"])
async def test_a_cloud_or_a_proxy_that_says_secrets_back_is_quoted_nowhere(
    scope: str, keys: Keys, tmp_path: Path
) -> None:
    """Four manners straight, and one through a proxy that refuses: a cloud over HTTP is asked through one."""
    serial = "122000001234"
    mine = token(keys, serial)
    words = " ".join((mine, *WORDS, mine))
    async with AsyncExitStack() as stack:
        asked = []
        for manner in ("401", "odd json", "no http", "cut in its head", "proxy"):
            folder = below(tmp_path, manner)
            it = await stack.enter_async_context(cloud(scope, "403" if manner == "proxy" else manner, words))
            url = f"http://127.0.0.1:{it.port}"
            env = environ(
                folder,
                gateway__account__username=USERNAME,
                gateway__account__password=PASSWORD,
                cloud__login_url=url,
                cloud__token_url=url,
            )
            if manner == "proxy":
                env["HTTP_PROXY"] = f"http://user:{PROXY_PASSWORD}@127.0.0.1:{it.port}"
            asked.append((it, folder, command(folder, "token", "--serial", serial, env=env)))
        done = await asyncio.gather(*(each for _, _, each in asked))
    assert [each.status for each in done] == [1] * len(done)
    assert all(PASSWORD.encode() in mirror.heard for mirror, _, _ in asked)
    secrets = (*WORDS, *parts(mine))
    assert [leaks(each.said, secrets) for each in done] == [[]] * len(done)
    for _, folder, _ in asked:
        assert leaks_of_files(folder, secrets) == []
        assert modes(folder) <= {(True, 0o700), (False, 0o600)}


@pytest.mark.parametrize("manner", ["refusing", "no mqtt"])
async def test_a_broker_that_says_secrets_back_is_quoted_nowhere(
    manner: str, keys: Keys, tmp_path: Path
) -> None:
    """Nobody is at the gateway's address; the broker was told its password and names it in its refusal."""
    serial = "122000001234"
    mine = token(keys, serial)
    words = " ".join((BROKER_PASSWORD, mine))
    answer = refusing_broker(words) if manner == "refusing" else lambda _: MANNERS["401"](words)
    async with Mirror(answer) as broker:
        env = environ(
            tmp_path,
            gateway__host=f"127.0.0.1:{free_port()}",
            gateway__token=mine,
            mqtt__host="127.0.0.1",
            mqtt__port=broker.port,
            mqtt__username="bridge",
            mqtt__password=BROKER_PASSWORD,
            log__level="debug",
        )
        said = await watch(tmp_path, env, [broker], None)
        done = await command(tmp_path, "doctor", "--seconds", "1", "--json", env=env)
    assert BROKER_PASSWORD.encode() in broker.heard
    assert "broker not reached" in said
    assert done.status == 1
    secrets = (*WORDS, *parts(mine))
    assert leaks(said, secrets) + leaks(done.said, secrets) + leaks_of_files(tmp_path, secrets) == []


# Secrets where they do not belong: every mistake of the first file is told at once.
WRONG = (
    """[gateway]
token = 'SECRET'
passwort = 'SECRET'
[gateway.account]
username = ['SECRET']
password = {a = 'SECRET'}
[mqtt]
password = 12
host = 'mqtt://user:SECRET@broker'
[cloud]
login_url = 'ftp://user:SECRET@cloud'
homeassistant = 'SECRET@here'""",
    "[mqtt]\npassword = 'SECRET",
)


async def test_configurations_right_and_wrong_show_no_secret(keys: Keys, tmp_path: Path) -> None:
    """`config show` and `config check`; what is shown of a wrong value is no credential."""
    mine = token(keys, "122000001234")
    right = environ(
        tmp_path,
        gateway__host="10.0.0.1",
        gateway__token=mine,
        gateway__account__username=USERNAME,
        gateway__account__password=PASSWORD,
        mqtt__username="bridge",
        mqtt__password=BROKER_PASSWORD,
    )
    wrong = []
    for n, text in enumerate(WRONG):
        folder = below(tmp_path, str(n))
        (folder / "config.toml").write_text(text.replace("SECRET", PASSWORD) + "\n")
        wrong.append(command(folder, "config", "check", env=environ(folder)))
    shown, checked, *refused = await asyncio.gather(
        command(tmp_path, "config", "show", env=right),
        command(tmp_path, "config", "check", env=right),
        *wrong,
    )
    assert (shown.status, checked.status) == (0, 0)
    assert shown.said.count('"***"') == 4
    assert [each.status for each in refused] == [2, 2]
    assert refused[0].said.count("\n") >= 7
    secrets = (*WORDS, *parts(mine))
    assert [leaks(each.said, secrets) for each in (shown, checked, *refused)] == [[]] * 4


async def test_commands_without_a_token_never_name_one(keys: Keys, tmp_path: Path) -> None:
    """`trust` and `discover` send none and know none, with everything in the environment."""
    serial = "122000001234"
    mine = token(keys, serial)
    words = " ".join((mine, *WORDS))
    async with gateway(keys, serial, "401", "/ivp/meters", words) as well, Mirror(lambda _: b"") as proxy:
        env = environ(
            tmp_path,
            gateway__host=f"127.0.0.1:{well.port}",
            gateway__token=mine,
            gateway__account__username=USERNAME,
            gateway__account__password=PASSWORD,
            mqtt__username="bridge",
            mqtt__password=BROKER_PASSWORD,
        )
        env |= dict.fromkeys(
            ("HTTPS_PROXY", "ALL_PROXY"), f"http://u:{PROXY_PASSWORD}@127.0.0.1:{proxy.port}"
        )
        done = await asyncio.gather(
            command(tmp_path, "trust", "--yes", env=env),
            command(tmp_path, "discover", "--seconds", "0.5", "--json", env=env),
        )
    assert done[0].status == 0
    assert serial in done[0].said
    assert mine.encode() not in well.heard
    assert proxy.asked == 0
    secrets = (*WORDS, *parts(mine))
    assert [leaks(each.said, secrets) for each in done] == [[], []]
    assert leaks_of_files(tmp_path, secrets) == []
    assert modes(tmp_path) == {(True, 0o700), (False, 0o600)}


async def watch(folder: Path, env: Mapping[str, str], found: Sequence[Mirror], ears: Ears | None) -> str:
    """What `run` says, in its log and on every page of its web server, until every gateway was asked twice
    and health has told of it.
    """
    log = folder / "log"
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "envoy_mqtt", "run"),
            cwd=folder,
            env={**env, "ENVOY_WEB__PORT": str(port := free_port())},
            stdout=file,
            stderr=file,
        )
    try:
        await eventually(lambda: all(mirror.asked >= 2 for mirror in found), patience_s=90.0)
        if ears is not None:
            told = len(ears.on("/bridge/health"))
            await ears.hear("/bridge/health", count=told + 1)
        shown = await pages(port)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
    return log.read_text() + shown


async def pages(port: int) -> str:
    """Every answer of a web server that tells of gateways and broker, with its headers."""
    told = ""
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
        for path in PAGES:
            async with client.get(path) as answer:
                body = await (answer.content.readany() if path == "/events" else answer.read())
                assert body
                told += f"{answer.headers}{body.decode()}"
    assert '"configured":' in told
    return told
