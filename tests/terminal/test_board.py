"""What the broker told last, and nothing that anybody made up."""

import json

import pytest

from envoy_mqtt.terminal.board import Board, number, rows, words

SERIAL = "122100000017"


def board(*told: tuple[str, object]) -> Board:
    it = Board("envoy")
    for topic, payload in told:
        it.hear(f"envoy/{topic}", payload if isinstance(payload, bytes) else json.dumps(payload).encode())
    return it


def test_the_last_of_each_topic_is_known() -> None:
    it = board(
        (f"{SERIAL}/live", {"net_power": 1}),
        (f"{SERIAL}/live", {"net_power": 2}),
        (f"{SERIAL}/energy", {"net_energy": 3}),
        (f"{SERIAL}/availability", b"offline"),
        ("bridge/state", b"online"),
        ("bridge/health", {"status": "ok"}),
    )
    gateway = it.gateways[SERIAL]
    assert (gateway.live, gateway.table("energy"), gateway.online) == (
        {"net_power": 2},
        {"net_energy": 3},
        False,
    )
    assert (it.bridge_online, it.health) == (True, {"status": "ok"})


def test_without_live_the_means_are_shown() -> None:
    it = board((f"{SERIAL}/state", {"net_power": 5}))
    assert it.gateways[SERIAL].live == {"net_power": 5}
    it.hear(f"envoy/{SERIAL}/live", b'{"net_power":6}')
    assert it.gateways[SERIAL].live == {"net_power": 6}


def test_a_gateway_whose_topics_are_emptied_is_gone() -> None:
    it = board((f"{SERIAL}/live", {"net_power": 1}), (f"{SERIAL}/availability", b"online"))
    it.hear(f"envoy/{SERIAL}/live", b"")
    assert SERIAL in it.gateways
    it.hear(f"envoy/{SERIAL}/availability", b"")
    assert it.gateways == {}


@pytest.mark.parametrize("payload", [b"[1]", b"1", b"{", b"\xff", b"[" * 100_000, b'"live"'])
def test_what_is_no_object_is_nothing(payload: bytes) -> None:
    it = board((f"{SERIAL}/availability", b"online"), (f"{SERIAL}/live", payload), ("bridge/health", payload))
    assert (it.gateways[SERIAL].live, it.health) == ({}, {})


@pytest.mark.parametrize(
    "topic", ["a\x1b[2J/live", "/live", "1 2/live", f"{SERIAL}/else", "live", "bridge/info"]
)
def test_other_topics_are_no_gateway(topic: str) -> None:
    assert board((topic, {"net_power": 1})).gateways == {}


def test_what_it_wants_to_hear_is_what_it_understands() -> None:
    assert set(Board("a/b").filters) == {
        f"a/b/+/{name}" for name in ("live", "state", "energy", "tariff", "gateway", "availability", "health")
    }


@pytest.mark.parametrize("value", [None, True, "1", [1], {}, float("nan"), float("inf"), 10**400])
def test_what_is_no_number_is_not_known(value: object) -> None:
    assert number({"a": value}, "a") is None
    assert number({}, "a") is None


def test_numbers_texts_and_rows_are_what_they_are() -> None:
    assert number({"a": 5}, "a") == 5.0
    assert words({"a": "b\x1b[31mc\n"}, "a") == "b[31mc"
    assert len(words({"a": "x" * 5000}, "a")) == 400
    assert words({"a": 1}, "a") == words({}, "a") == ""
    assert rows({"a": [{"b": 1}, 2, None]}, "a") == [{"b": 1}]
    assert rows({"a": {"b": 1}}, "a") == []
