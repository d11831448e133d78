"""What periods cost: as configured, as a topic says, and nothing before it said so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoy_mqtt.tariff.period import Period
from envoy_mqtt.tariff.prices import Prices, price_in

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
    assert prices.hear("prices/now", b"0.3")
    assert prices.of("now") == 0.15
    assert prices.complete
    assert not prices.hear("prices/now", b"soon")
    assert prices.of("now") == 0.15
    assert prices.hear("prices/now", b"-0.02")
    assert prices.of("now") == -0.01


def test_what_another_process_heard_holds_still() -> None:
    prices = Prices((HEARD, KEYED))
    prices.hear("prices/all", b'{"later": "0.4"}')
    again = Prices((HEARD, KEYED), memory=prices.memory)
    assert (again.of("later"), again.of("now")) == (0.4, None)


def test_a_topic_nobody_asked_for_is_no_mistake() -> None:
    assert Prices((FIXED,)).hear("prices/now", b"x")


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
