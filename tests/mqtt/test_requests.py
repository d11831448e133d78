"""What may be asked of a running bridge: to the letter of the contract, whatever arrives."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from envoy_mqtt.mqtt.message import Incoming, Message
from envoy_mqtt.mqtt.requests import Request, answer, busy, read, refuse

SERIAL = "122100000017"
SERIALS = {SERIAL, "122100000018"}
KIB = 1024


def ask(name: str, payload: bytes = b"", *, retain: bool = False, base: str = "envoy") -> Any:
    return read(Incoming(f"{base}/bridge/request/{name}", payload, retain), base, SERIALS, 100.0)


def content(message: object) -> dict[str, Any]:
    assert isinstance(message, Message)
    told: dict[str, Any] = json.loads(message.payload)
    return told


@pytest.mark.parametrize(
    ("name", "payload", "expected"),
    [
        ("reconnect", b"", Request("reconnect")),
        ("reconnect", b'{"serial":"122100000017"}', Request("reconnect", SERIAL)),
        ("republish", b"{}", Request("republish")),
        ("set_interval", b'{"value":1}', Request("set_interval", value=1)),
        ("set_interval", b'{"value":60}', Request("set_interval", value=60)),
        ("set_log_level", b'{"value":"debug"}', Request("set_log_level", value="debug")),
        ("set_log_level", b'{"value":"error"}', Request("set_log_level", value="error")),
        ("health", b' {"transaction": "a"} ', Request("health", transaction="a")),
        ("doctor", b'{"serial":"122100000018"}', Request("doctor", "122100000018")),
    ],
)
def test_each_request_of_the_contract(name: str, payload: bytes, expected: Request) -> None:
    assert ask(name, payload) == expected


@pytest.mark.parametrize("text", ['"x"', '""', f'"{"x" * 128}"', "0", "-7", "1.5", "9007199254740992"])
def test_a_transaction_comes_back_as_it_was(text: str) -> None:
    request = ask("health", f'{{"transaction":{text}}}'.encode())
    assert content(answer(request, "envoy", {}, 0.0))["transaction"] == json.loads(text)


def test_without_a_transaction_none_comes_back() -> None:
    assert content(answer(ask("health"), "envoy", {"a": 1}, 0.0)) == {"status": "ok", "data": {"a": 1}}


@pytest.mark.parametrize(
    "payload",
    [
        f'{{"transaction":"{"x" * 129}"}}',
        '{"transaction":true}',
        '{"transaction":[1]}',
        '{"transaction":{}}',
        '{"transaction":1e999}',
        '{"transaction":9007199254740993}',
        f'{{"transaction":{"9" * 300}}}',
    ],
)
def test_a_transaction_that_is_none_is_an_error(payload: str) -> None:
    told = content(ask("health", payload.encode()))
    assert told["status"] == "error"
    assert "transaction" in told["error"]
    assert "transaction" not in told


def test_an_answer_goes_to_the_requests_own_topic_and_is_not_retained() -> None:
    message = answer(Request("health"), "a/b", {}, 100.0)
    assert (message.topic, message.qos, message.retain) == ("a/b/bridge/response/health", 1, False)
    assert message.good_until == 130.0
    assert refuse(Request("doctor"), "envoy", "no", 0.0).topic == "envoy/bridge/response/doctor"


def test_a_retained_request_is_ignored_however_wrong_it_is() -> None:
    for name, payload in (("republish", b""), ("nonsense", b""), ("A", b"["), ("health", bytes(KIB * 65))):
        assert ask(name, payload, retain=True) is None


@pytest.mark.parametrize(
    "topic", ["envoy/bridge/info", "other/bridge/request/health", "homeassistant/status"]
)
def test_what_is_no_request_is_ignored(topic: str) -> None:
    assert read(Incoming(topic, b""), "envoy", SERIALS, 0.0) is None


@pytest.mark.parametrize(
    "name", ["", "Health", "héalth", "health2", "a" * 33, "health/now", "health\n", "he alth"]
)
def test_a_name_that_is_none_is_answered_on_error(name: str) -> None:
    message = ask(name, b'{"transaction":5}')
    assert message.topic == "envoy/bridge/response/error"
    assert content(message)["status"] == "error"
    assert content(message)["transaction"] == 5


def test_a_name_that_nobody_knows_is_answered_on_its_own_topic() -> None:
    message = ask("reboot", b'{"transaction":5}')
    assert message.topic == "envoy/bridge/response/reboot"
    assert content(message) == {
        "status": "error",
        "error": "there is no such request; there are reconnect, republish, set_interval, set_log_level, "
        "health, doctor",
        "transaction": 5,
    }


def test_64_kib_is_a_request_and_one_byte_more_is_none() -> None:
    most = b"{}" + b" " * (64 * KIB - 2)
    assert ask("health", most) == Request("health")
    assert content(ask("health", most + b" "))["error"] == "a request has at most 64 KiB"


@pytest.mark.parametrize(
    "payload", [b" ", b"null", b"[]", b'"x"', b"1", b"{", b"{'a':1}", b"\xff", b"[" * 65536, b'{"a":NaN}']
)
def test_what_is_no_json_object_is_an_error(payload: bytes) -> None:
    told = content(ask("republish", payload))
    assert told["status"] == "error"
    assert "JSON object" in told["error"]


@pytest.mark.parametrize(
    ("name", "payload", "about"),
    [
        ("reconnect", '{"serial":"999999999999"}', "there is no gateway"),
        ("reconnect", '{"serial":122100000017}', "serial has to be"),
        ("reconnect", '{"serial":null}', "serial has to be"),
        ("doctor", '{"serial":["122100000017"]}', "serial has to be"),
        ("set_interval", "{}", "value is missing"),
        ("set_interval", '{"value":0}', "from 1 to 60"),
        ("set_interval", '{"value":61}', "from 1 to 60"),
        ("set_interval", '{"value":"10"}', "from 1 to 60"),
        ("set_interval", '{"value":true}', "from 1 to 60"),
        ("set_interval", '{"value":1.5}', "from 1 to 60"),
        ("set_interval", '{"value":null}', "from 1 to 60"),
        ("set_interval", '{"value":1e999}', "from 1 to 60"),
        ("set_log_level", '{"value":"DEBUG"}', "debug, info, warning, error"),
        ("set_log_level", '{"value":["debug"]}', "debug, info, warning, error"),
        ("republish", '{"serial":"122100000017"}', "republish does not know"),
        ("set_interval", '{"value":5,"serial":"122100000017"}', "set_interval does not know"),
        ("health", '{"Transaction":1}', "it knows transaction"),
    ],
)
def test_a_wrong_key_or_value_is_an_error_that_says_so(name: str, payload: str, about: str) -> None:
    message = ask(name, payload[:-1].encode() + (b"," if len(payload) > 2 else b"") + b'"transaction":"t"}')
    assert message.topic == f"envoy/bridge/response/{name}"
    assert content(message)["status"] == "error"
    assert about in content(message)["error"]
    assert content(message)["transaction"] == "t"


def test_a_request_for_which_there_is_no_room_is_told_so() -> None:
    (message,) = busy(Incoming("a/b/bridge/request/health", b'{"transaction":1}'), 0.0)
    assert message.topic == "a/b/bridge/response/health"
    assert content(message)["status"] == "error"


def test_nothing_else_is_told_that_there_is_no_room() -> None:
    for topic, retain in (
        ("envoy/bridge/info", False),
        ("envoy/bridge/request/health", True),
        ("envoy/bridge/request/A", False),
    ):
        assert busy(Incoming(topic, b"", retain), 0.0) == []


# Properties

NAMES = st.one_of(
    st.text(max_size=40), st.sampled_from(["reconnect", "republish", "set_interval", "health", "doctor"])
)
KEYS = st.one_of(st.text(max_size=10), st.sampled_from(["serial", "value", "transaction"]))
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=140), st.just(SERIAL)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=6,
)
WRITTEN = st.dictionaries(KEYS, JSON, max_size=4).map(lambda it: json.dumps(it).encode())
PAYLOADS = st.one_of(st.binary(max_size=200), WRITTEN, WRITTEN.map(lambda it: it[:-3]))


@settings(max_examples=1000)
@given(NAMES, PAYLOADS, st.booleans())
@example("health", b"[" * 65_536, False)
@example("health", b'{"transaction":' + b"9" * 60_000 + b"}", False)
@example("health", b'{"transaction":"\\ud800"}', False)
@example("set_log_level", b'{"value":{"\\u0000":[]}}', False)
def test_whatever_is_asked_there_is_one_answer_or_something_to_do(
    name: str, payload: bytes, retain: bool
) -> None:
    found = ask(name, payload, retain=retain)
    if retain:
        assert found is None
    elif isinstance(found, Request):
        assert found.name == name
        assert found.serial in {None, *SERIALS}
        assert content(answer(found, "envoy", {}, 0.0))["status"] == "ok"
    else:
        assert found.topic.startswith("envoy/bridge/response/")
        assert {"status", "error"} <= set(content(found)) <= {"status", "error", "transaction"}
