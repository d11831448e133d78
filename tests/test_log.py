"""What is said, how it looks, and what is masked in it."""

import io
import json
import logging
import re
import string
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from envoy_mqtt.log import configure, masked

JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def said(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


# Format


def test_a_json_line_has_time_level_and_event_first_then_the_facts() -> None:
    stream = io.StringIO()
    configure("info", "json", stream=stream)
    structlog.get_logger().warning("gateway lost", serial="122000000001", retry_in_s=2.1, error="Löst")

    (line,) = stream.getvalue().splitlines()
    time = json.loads(line)["time"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", time)
    assert line == (
        f'{{"time": "{time}", "level": "warning", "event": "gateway lost", '
        '"serial": "122000000001", "retry_in_s": 2.1, "error": "Löst"}'
    )


def test_a_console_line_has_time_level_event_and_facts() -> None:
    stream = io.StringIO()
    configure("info", "console", stream=stream)
    structlog.get_logger().info("gateway found", serial="122000000001", name="at home")
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[info +\] gateway found serial=122000000001 name='at home'\n",
        stream.getvalue(),
    )


@pytest.mark.parametrize(
    ("form", "stream", "console", "colour"),
    [
        ("auto", Terminal(), True, True),
        ("auto", io.StringIO(), False, False),
        ("json", Terminal(), False, False),
        ("console", Terminal(), True, True),
        ("console", io.StringIO(), True, False),
    ],
)
def test_auto_is_console_on_a_terminal_and_only_a_terminal_has_colours(
    form: str, stream: io.StringIO, console: bool, colour: bool
) -> None:
    configure("info", form, stream=stream)
    structlog.get_logger().info("started")
    assert (stream.getvalue()[0] != "{", "\x1b[" in stream.getvalue()) == (console, colour)


def test_what_is_below_the_level_is_not_said() -> None:
    stream = io.StringIO()
    configure("warning", "json", stream=stream)
    log = structlog.get_logger()
    log.debug("a")
    log.info("b")
    log.warning("c")
    log.error("d")
    assert [(line["level"], line["event"]) for line in said(stream)] == [("warning", "c"), ("error", "d")]


def test_a_logger_made_before_follows_a_new_configuration() -> None:
    log = structlog.get_logger()
    first, second = io.StringIO(), io.StringIO()
    configure("info", "json", stream=first)
    log.info("one")
    configure("error", "json", stream=second)
    log.info("two")
    log.error("three")
    assert [line["event"] for line in said(first)] == ["one"]
    assert [line["event"] for line in said(second)] == ["three"]


def test_values_json_does_not_know_become_text() -> None:
    stream = io.StringIO()
    configure("info", "json", stream=stream)
    endless: list[object] = []
    endless.append(endless)
    structlog.get_logger().info(
        "x",
        nan=float("nan"),
        error=OSError("away"),
        some={1: {2}},
        raw=b"a\xff",
        lone="\ud800",
        endless=endless,
        none=None,
    )
    (line,) = said(stream)
    assert line["nan"] == "nan"
    assert line["error"] == "away"
    assert line["some"] == {"1": [2]}
    assert line["raw"] == "b'a\\xff'"
    assert line["lone"] == "\\ud800"
    assert line["endless"] == [[[[[["…"]]]]]]
    assert line["none"] is None


def test_a_terminal_is_not_obeyed_by_what_others_send() -> None:
    stream = Terminal()
    configure("info", "json", stream=stream)
    structlog.get_logger().info("x", name="\x1b[2Jcleared")
    assert said(stream)[0]["name"] == "\\x1b[2Jcleared"


# Libraries


@pytest.mark.parametrize("level", ["debug", "info", "warning"])
def test_libraries_are_heard_from_warnings_on_in_the_same_format(level: str) -> None:
    stream = io.StringIO()
    configure(level, "json", stream=stream)
    loud = logging.getLogger("paho.loud")
    loud.setLevel(logging.DEBUG)
    loud.info("nothing")
    logging.getLogger("aiomqtt").info("nothing")
    logging.getLogger("aiohttp.client").warning("lost %s with %s", "envoy", f"token={JWT}")

    (line,) = said(stream)
    assert list(line)[:3] == ["time", "level", "event"]
    assert line["time"].endswith("Z")
    assert {key: line[key] for key in ("level", "event", "logger")} == {
        "level": "warning",
        "event": "lost envoy with token=***",
        "logger": "aiohttp.client",
    }


def test_at_level_error_libraries_warnings_are_not_heard() -> None:
    stream = io.StringIO()
    configure("error", "json", stream=stream)
    logging.getLogger("asyncio").warning("slow")
    logging.getLogger("asyncio").error("broken")
    assert [line["event"] for line in said(stream)] == ["broken"]


# Tracebacks


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("own", [True, False])
def test_a_traceback_is_plain_and_masked(form: str, own: bool) -> None:
    stream = io.StringIO()
    configure("info", form, stream=stream)
    hidden = "hunter2 with more"
    log = structlog.get_logger() if own else logging.getLogger("asyncio")
    try:
        try:
            raise ValueError({"password": hidden})
        except ValueError:
            raise OSError(f"Authorization: Bearer {hidden}") from None
    except OSError:
        log.exception("failed")

    assert "Traceback (most recent call last)" in stream.getvalue()
    assert "OSError: Authorization: ***" in stream.getvalue()
    assert hidden not in stream.getvalue()
    assert "╭" not in stream.getvalue(), "a rich traceback would show the values of variables"


# The mask


@pytest.mark.parametrize(
    "key",
    ["token", "Password", "mqtt_passwd", "client-secret", "AUTHORIZATION", "set-cookie", "accessToken"],
)
@pytest.mark.parametrize("session", ["sessionId", "session_id", "session"])
def test_a_key_that_names_a_secret_hides_its_value_wherever_it_is(key: str, session: str) -> None:
    assert masked({"a": [{key: "hunter2"}, ({session: 7},)], key: {"b": 1}}) == {
        "a": [{key: "***"}, [{session: "***"}]],
        key: "***",
    }


def test_a_key_that_only_speaks_of_a_secret_does_not() -> None:
    facts = {"token_file": "/run/jwt", "token_expires_s": 60, "sessions": 2, "token": None}
    assert masked(facts) == facts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"got {JWT}.", "got ***"),
        (f"gotten{JWT}", "gotten***"),
        ("eyJ.b", "eyJ.b"),
        ("eyJhbGciOiJub25lIn0.e30.", "***"),
        ("version 1.2.3 of a.b.c", "version 1.2.3 of a.b.c"),
        ("write to me.too+x@example.co.uk now", "write to *** now"),
        ("mqtt://me:p@ss@pi:1883/x", "mqtt://***@pi:1883/x"),
        ("password=hun,ter2&x rest", "password=*** rest"),
        ("Password: 'hun ter2' rest", "Password: *** rest"),
        (r'{"password": "a\"b c", "x": 1}', '{"password": ***, "x": 1}'),
        (r"'{\'token\': \'a b\', \'x\': 1}'", r"'{\'token\': ***, \'x\': 1}'"),
        ("password: 'no end here\nrest", "password: ***\nrest"),
        ("Cookie: sessionId=a; other=b\nrest", "Cookie: ***\nrest"),
        ("Authorization: Bearer a b", "Authorization: ***"),
        ("token: Bearer abc rest", "token: *** rest"),
        ("session_id=abc", "session_id=***"),
        ("no password given", "no password given"),
        ("the token expired: fetch one", "the token expired: fetch one"),
    ],
)
def test_in_a_text_what_looks_or_is_named_like_a_secret_is_hidden(text: str, expected: str) -> None:
    assert masked(text) == expected


def test_a_secret_string_stays_hidden() -> None:
    assert masked([SecretStr("hunter2")]) == ["**********"]


BASE64URL = string.ascii_letters + string.digits + "-_"
SEGMENT = st.text(BASE64URL, min_size=1)
JWTS = st.tuples(SEGMENT, SEGMENT, SEGMENT).map(lambda it: f"eyJ{it[0]}.{it[1]}.hunter2{it[2]}")
NAMES = st.sampled_from(
    ["token", "PASSWORD", "mqtt_passwd", "secret", "Authorization", "cookie", "sessionId"]
)
PASSWORDS = st.text(min_size=1).map("hunter2{}".format)


def logged(form: str, event: str, **facts: object) -> str:
    stream = io.StringIO()
    configure("info", form, stream=stream)
    structlog.get_logger().error(event, **facts)
    logging.getLogger("library").error("%s %s", event, facts)
    return stream.getvalue()


@given(st.sampled_from(["json", "console"]), JWTS, st.text(), st.text())
def test_no_line_has_a_token(form: str, jwt: str, before: str, after: str) -> None:
    text = f"{before}{jwt}{after}"
    line = logged(form, text.replace("%", ""), a=text, b=[{"c": (text,)}], d={text: 1}, e=OSError(text))
    assert "hunter2" not in line


@given(st.sampled_from(["json", "console"]), NAMES, PASSWORDS)
def test_no_line_has_a_password(form: str, name: str, password: str) -> None:
    line = logged(form, "x", **{name: password}, more=[{name: password}], text=str({name: password}))
    assert "hunter2" not in line


@given(st.sampled_from(["eyJ", "a", "a@", "token", "password='", "://", 'token\\"', "session ", "eyJ."]))
def test_no_text_takes_long_to_mask(unit: str) -> None:
    assert masked(unit * 20_000) is not None


def test_nothing_is_said_anywhere_but_on_the_stream(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", "json", stream=io.StringIO())
    structlog.get_logger().info("x")
    logging.getLogger("y").warning("z")
    sys.stdout.flush()
    assert capsys.readouterr() == ("", "")
