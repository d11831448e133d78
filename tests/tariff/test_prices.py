"""What periods cost: as configured, as a topic says, and nothing before it said so."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoy_mqtt.tariff.period import Period
from envoy_mqtt.tariff.prices import MOST_KEPT, Prices, price_in

NOW = 1_795_000_000.0
FIXED = Period("day", 0.25)
HEARD = Period("now", price_topic="prices/now")
KEYED = Period("later", price_topic="prices/all", price_key="later")


def test_configured_prices_are_known_and_less_the_discount() -> None:
    prices = Prices((FIXED, Period("day")), discount=0.1)
    assert prices.of("day") == 0.225
    assert prices.complete


def test_a_price_from_a_topic_is_unknown_until_it_comes_and_holds_until_the_next() -> None:
    prices = Prices((HEARD, FIXED), discount=0.5)
    assert prices.of("now") is None
    assert not prices.complete
    assert prices.hear("prices/now", b"0.3", NOW)
    assert prices.of("now") == 0.15
    assert prices.complete
    assert not prices.hear("prices/now", b"soon", NOW)
    assert prices.of("now") == 0.15
    assert prices.hear("prices/now", b"-0.02", NOW)
    assert prices.of("now") == -0.01


def test_what_another_process_heard_holds_still() -> None:
    prices = Prices((HEARD, KEYED))
    prices.hear("prices/all", b'{"later": "0.4"}', NOW)
    again = Prices((HEARD, KEYED), memory=prices.memory)
    assert (again.of("later"), again.of("now")) == (0.4, None)


def test_a_topic_nobody_asked_for_is_no_mistake() -> None:
    assert Prices((FIXED,)).hear("prices/now", b"x", NOW)


@pytest.mark.parametrize(
    ("payload", "key", "price"),
    [
        (b"0.25", None, 0.25),
        (b" -3\n", None, -3.0),
        (b'"0.25"', None, 0.25),
        (b'{"price": 0.25}', "price", 0.25),
        (b'{"price": 0.25}', None, None),
        (b'{"price": 0.25}', "now", None),
        (b"0.25", "price", None),
        (b"true", None, None),
        (b"null", None, None),
        (b"", None, None),
        (b"NaN", None, None),
        (b"Infinity", None, None),
        (b"1e7", None, None),
        (b'{"price": {"a": 1}}', "price", None),
        (b"[" * 50_000, None, None),
        (b"\xff", None, None),
    ],
)
def test_what_a_payload_says(payload: bytes, key: str | None, price: float | None) -> None:
    assert price_in(payload, key) == price


@given(st.binary(max_size=60), st.none() | st.just("a"))
def test_whatever_comes_is_a_number_or_nothing(payload: bytes, key: str | None) -> None:
    price = price_in(payload, key)
    assert price is None or abs(price) <= 1e6


def test_what_was_heard_is_known_of_every_instant_since() -> None:
    prices = Prices((HEARD, FIXED), discount=0.5)
    for unix, payload in ((NOW, b"0.3"), (NOW + 60, b"0.3"), (NOW + 120, b"soon"), (NOW + 180, b"0.5")):
        prices.hear("prices/now", payload, unix)
    now = NOW + 600
    assert [prices.at("now", NOW + at, now) for at in (-0.1, 0, 179.9, 180, 599)] == [
        *(None, 0.15, 0.15, 0.25, 0.25)
    ]
    assert prices.at("now", now, now) is None, "what comes is not known"
    assert prices.at("day", now + 9e9, now) == 0.125, "what is configured is"
    assert prices.begins == [NOW, NOW + 180], "the same price again begins nothing"
    again = Prices((HEARD, FIXED), 0.5, prices.memory, json.loads(json.dumps(prices.course)))
    assert again.at("now", NOW + 179.9, now) == 0.15


def test_a_clock_that_is_set_back_takes_what_it_heard_after_that_with_it() -> None:
    prices = Prices((HEARD,))
    prices.hear("prices/now", b"0.3", NOW)
    prices.hear("prices/now", b"0.4", NOW + 7200)
    prices.hear("prices/now", b"0.5", NOW + 3600)
    assert prices.begins == [NOW, NOW + 3600]


def test_of_more_than_a_day_ago_the_last_is_kept_and_of_any_day_so_many() -> None:
    prices = Prices((HEARD, KEYED))
    prices.hear("prices/all", b'{"later": 7}', NOW)
    prices.hear("prices/now", b"1", NOW)
    for hour in range(100):
        prices.hear("prices/now", str(hour).encode(), NOW + hour * 3600.0)
    assert prices.begins == [NOW, NOW + 73 * 3600.0, *(NOW + hour * 3600.0 for hour in range(74, 100))]
    assert prices.at("later", NOW + 99 * 3600.0, NOW + 100 * 3600.0) == 7
    for second in range(1000):
        prices.hear("prices/now", str(second).encode(), NOW + 400_000.0 + second)
    assert len(prices.begins) == MOST_KEPT
