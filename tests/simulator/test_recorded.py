import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from envoy_mqtt.errors import ConfigError
from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Pace
from envoy_mqtt.simulator.recorded import Recorded, read_capture
from tests.simulator.client import CAPTURES, RECORDINGS, Client, visiting

INFO = "<envoy_info><device><sn>122300000009</sn><software>D7.6.175</software></device></envoy_info>"
LOG = {"code": 401, "headers": {"date": "long ago", "content-type": "text/html", "content-length": "7"}}


@asynccontextmanager
async def played(recorded: Recorded, pace: Pace, keys: Keys) -> AsyncIterator[Client]:
    """A client of a gateway that plays a recording and asks for no token."""
    options = recorded.options(pace, tokens=False)
    async with Gateway(options, source=recorded, keys=keys) as gateway, visiting(gateway) as client:
        yield client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A recording of our own, in the form of the real ones."""
    (tmp_path / "info").write_text(INFO)
    (tmp_path / "ivp_meters").write_text("[]\n")
    (tmp_path / "production.json_details_1").write_text("{}")
    (tmp_path / "ivp_ensemble_power").write_text("nothing for you")
    (tmp_path / "ivp_ensemble_power_log.json").write_text(json.dumps(LOG))
    return tmp_path


async def test_answers_come_with_the_status_and_the_headers_that_were_recorded(
    folder: Path, keys: Keys
) -> None:
    recorded = Recorded(folder)
    async with played(recorded, Pace.MANUAL, keys) as client:
        status, body, headers = await client.get("/ivp/ensemble/power")
        assert (status, body, headers["Content-Type"]) == (401, b"nothing for you", "text/html")
        assert headers["Date"] != "long ago"
        assert headers["Content-Length"] == "15"
        assert "X-Frame-Options" not in headers
        assert (await client.get("/production.json?details=1"))[1] == b"{}"
        assert await client.status("/production.json") == 404


async def test_what_nobody_wrote_down_is_what_gateways_usually_say(folder: Path) -> None:
    recorded = Recorded(folder)
    kinds = {name: answer.headers for name, answer in recorded.answers.items()}
    assert kinds["info"] == {"Content-Type": "text/xml"}
    assert kinds["ivp_meters"] == {}
    assert kinds["production.json_details_1"] == {"Content-Type": "application/json"}


def test_serial_and_firmware_are_those_of_the_recorded_info(folder: Path) -> None:
    options = Recorded(folder).options(Pace.MANUAL)
    assert (options.serial, options.firmware, options.pace) == ("122300000009", "D7.6.175", Pace.MANUAL)


async def test_a_recording_asks_for_tokens_like_any_gateway(folder: Path, keys: Keys) -> None:
    recorded = Recorded(folder)
    async with (
        Gateway(recorded.options(), source=recorded, keys=keys) as gateway,
        visiting(gateway) as client,
    ):
        assert await client.status("/ivp/meters") == 200
        client.token = None
        assert await client.status("/ivp/meters") == 401


def test_a_capture_is_read_in_the_line_ends_of_the_gateway_and_without_what_was_cut() -> None:
    text = '# source: us\ndata: {"a":1}\n\ndata: {"b":-0.0}\n\ndata: {"c":\n'
    assert read_capture(text) == (b'data: {"a":1}\r\n\r\n', b'data: {"b":-0.0}\r\n\r\n')
    assert read_capture('# pretty\n{\n  "a": {\n    "p": 0.5\n  }\n}\n') == (
        b'data: {"a":{"p":0.5}}\r\n\r\n',
    )
    assert read_capture('{"a":1}') == (b'data: {"a":1}\r\n\r\n',)


def test_a_capture_without_an_event_is_refused(tmp_path: Path) -> None:
    (tmp_path / "capture.txt").write_text("# nothing\n")
    with pytest.raises(ConfigError, match="no whole event"):
        Recorded(capture=tmp_path / "capture.txt")


async def test_a_capture_is_replayed_event_by_event_and_from_the_start_again(
    tmp_path: Path, keys: Keys
) -> None:
    (tmp_path / "capture.txt").write_text('data: {"a":1}\n\ndata: {"b":2}\n')
    recorded = Recorded(capture=tmp_path / "capture.txt")
    async with played(recorded, Pace.FLOOD, keys) as client, client.stream() as stream:
        events = [await stream.readuntil(b"\r\n\r\n") for _ in range(4)]
    assert events == [b'data: {"a":1}\r\n\r\n', b'data: {"b":2}\r\n\r\n'] * 2


def recorded_paths(folder: Path) -> list[tuple[str, bytes, Any]]:
    """Every path of a recording with its body and its log; the headers are empty where there is none."""
    found = []
    for file in sorted(folder.iterdir()):
        if not file.name.endswith("_log.json"):
            log = folder / f"{file.name}_log.json"
            # Names lost the difference between `/` and `_`; one recorded path has the latter.
            target = "/" + re.sub(r"(?<!device)_", "/", file.name)
            target = re.sub(r"/(details|deleted)/1", r"?\1=1", target)
            logged = json.loads(log.read_bytes()) if log.exists() else {"code": 200, "headers": {}}
            found.append((target, file.read_bytes(), logged))
    return found


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.name)
async def test_every_recorded_file_is_served_byte_for_byte_with_its_status(path: Path, keys: Keys) -> None:
    recorded = Recorded(path)
    async with played(recorded, Pace.MANUAL, keys) as client:
        for target, expected, log in recorded_paths(path):
            status, body, headers = await client.get(target)
            assert (status, body) == (log["code"], expected), target
            kinds = {key.lower(): value for key, value in log["headers"].items()}
            if kinds:
                assert headers.get("Content-Type") == kinds.get("content-type")


def verbatim(path: Path) -> list[bytes]:
    """The `data: ` lines of a capture as they stand there; none where somebody pasted an object."""
    return [line for line in path.read_bytes().splitlines() if line.startswith(b"data: ")]


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
async def test_every_capture_is_replayed_verbatim(path: Path, keys: Keys) -> None:
    recorded, lines = Recorded(capture=path), verbatim(path)
    async with played(recorded, Pace.FLOOD, keys) as client, client.stream() as stream:
        for _ in recorded.events:
            event = await stream.readuntil(b"\r\n\r\n")
            assert event.removesuffix(b"\r\n\r\n") in lines or not lines
