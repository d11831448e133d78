"""Import and export out of powers, corrected by what counters say of their difference."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoy_mqtt.energy.exchange import Exchange
from tests.energy.sites import at


def begun(import_wh: float = 0.0, export_wh: float = 0.0, difference_wh: float = 0.0) -> Exchange:
    exchange = Exchange()
    exchange.begin(import_wh, export_wh, at(0))
    exchange.settle(difference_wh, at(0))
    return exchange


def both(exchange: Exchange) -> object:
    return pytest.approx((exchange.import_wh, exchange.export_wh), abs=1e-9)


def test_powers_tell_import_from_export() -> None:
    exchange = begun()
    exchange.flow(3.0, 2.0, at(60))
    exchange.settle(1.0, at(60))
    assert both(exchange) == (3.0, 2.0)


@pytest.mark.parametrize(
    ("flowed", "difference", "expected"),
    [
        ((10.0, 0.0), 9.5, (9.5, 0.0)),  # too much was integrated: it is taken back
        ((10.0, 0.0), 10.5, (10.5, 0.0)),
        ((0.0, 10.0), -9.5, (0.0, 9.5)),
        ((0.0, 10.0), -10.5, (0.0, 10.5)),
        ((10.0, 4.0), 5.5, (9.5, 4.0)),  # from the direction in which more flowed
        ((4.0, 10.0), -5.5, (4.0, 9.5)),
        ((1.0, 0.0), -4.0, (0.0, 4.0)),  # more than there is to take back is the other direction's
        ((0.0, 1.0), 4.0, (4.0, 0.0)),
    ],
)
def test_counters_correct_what_was_integrated(
    flowed: tuple[float, float], difference: float, expected: tuple[float, float]
) -> None:
    exchange = begun()
    exchange.flow(*flowed, at(60))
    exchange.settle(difference, at(60))
    assert both(exchange) == expected


@pytest.mark.parametrize(
    ("difference", "expected"), [(35.0, (45.0, 10.0)), (-35.0, (10.0, 45.0)), (0.0, (10.0, 10.0))]
)
def test_what_is_missing_after_a_gap_is_imports_if_positive_and_exports_if_negative(
    difference: float, expected: tuple[float, float]
) -> None:
    exchange = begun()
    exchange.flow(10.0, 10.0, at(5))
    exchange.miss(at(50))
    exchange.settle(difference, at(60))
    assert both(exchange) == expected


def test_nothing_is_taken_back_after_a_gap() -> None:
    """28 Wh were seen to leave, then nobody looked, and in all 5 Wh came in: 33 of them in the gap."""
    exchange = begun()
    exchange.flow(0.0, 28.0, at(20))
    exchange.settle(5.0, at(60))  # 40 s after the last reading
    assert both(exchange) == (33.0, 28.0)


def test_what_was_told_is_not_taken_back() -> None:
    exchange = begun()
    exchange.flow(10.0, 0.0, at(50))
    exchange.seal()
    exchange.settle(9.0, at(60))
    assert both(exchange) == (10.0, 1.0)


def test_it_may_begin_at_what_counters_say() -> None:
    exchange = begun(5000.0, 300.0, 4700.0)
    exchange.flow(2.0, 0.0, at(60))
    exchange.settle(4702.5, at(60))
    assert both(exchange) == (5002.5, 300.0)


def test_a_counter_that_began_again_corrects_nothing_once() -> None:
    exchange = begun(difference_wh=800.0)
    exchange.flow(10.0, 0.0, at(60))
    exchange.rebase()
    exchange.settle(3.0, at(60))
    assert both(exchange) == (10.0, 0.0)
    exchange.flow(5.0, 0.0, at(120))
    exchange.settle(8.5, at(120))
    assert both(exchange) == (15.5, 0.0)


def test_another_process_finds_what_came_while_nobody_looked() -> None:
    exchange = begun(difference_wh=100.0)
    exchange.flow(10.0, 0.0, at(60))
    other = Exchange(json.loads(json.dumps(exchange.memory(at(61)))))
    assert both(other) == (10.0, 0.0)
    other.settle(160.0, at(5000))
    assert both(other) == (60.0, 0.0)


@given(
    st.lists(
        st.tuples(
            st.floats(0, 100),
            st.floats(0, 100),
            st.floats(-150, 150),
            st.sampled_from(["gap", "tell", "restart"]),
        )
    )
)
def test_the_difference_is_always_that_of_the_counters_and_nothing_told_falls(
    steps: list[tuple[float, float, float, str]],
) -> None:
    exchange, now, difference, told = begun(), 0.0, 0.0, (0.0, 0.0)
    for imported, exported, rise, also in steps:
        now += 20.0
        difference += rise
        exchange.flow(imported, exported, at(now))
        if also == "gap":
            exchange.miss(at(now))
        elif also == "restart":
            exchange = Exchange(json.loads(json.dumps(exchange.memory(at(now)))))
        exchange.settle(difference, at(now))
        assert exchange.import_wh - exchange.export_wh == pytest.approx(difference, abs=1e-6)
        assert exchange.import_wh >= told[0] - 1e-9
        assert exchange.export_wh >= told[1] - 1e-9
        if also == "tell":
            exchange.seal()
            told = exchange.import_wh, exchange.export_wh
