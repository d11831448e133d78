"""The trapezoid rule, by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoy_mqtt.energy.integral import Areas, Integral, areas


def followed(*samples: tuple[float | None, float], limit_w: float = 1e5) -> list[Areas | None]:
    integral = Integral(limit_w)
    return [integral.add(power, at) for power, at in samples]


def test_between_two_powers_lies_their_mean() -> None:
    """From 1,000 to 3,000 W in 18 s: 2,000 W × 0.005 h."""
    assert followed((1000.0, 0.0), (3000.0, 18.0)) == [None, Areas(10.0, 0.0)]
    assert followed((-1000.0, 0.0), (-3000.0, 18.0)) == [None, Areas(0.0, 10.0)]


def test_a_power_that_turns_crosses_zero_in_a_straight_line() -> None:
    """+300 to −100 W in 36 s: above zero for 27 s, so 150 W × 27 s and 50 W × 9 s."""
    assert areas(300.0, -100.0, 36.0) == pytest.approx((1.125, 0.125))
    assert areas(-100.0, 300.0, 36.0) == pytest.approx((1.125, 0.125))


@pytest.mark.parametrize(("seconds", "known"), [(30.0, True), (30.5, False)])
def test_nothing_is_known_of_a_gap_of_more_than_30_seconds(seconds: float, known: bool) -> None:
    found = followed((500.0, 0.0), (500.0, seconds))[-1]
    assert (found is not None) == known


def test_after_a_gap_it_goes_on() -> None:
    assert followed((500.0, 0.0), (900.0, 100.0), (900.0, 104.0))[-1] == Areas(1.0, 0.0)


def test_an_unknown_power_is_no_reading() -> None:
    assert followed((900.0, 0.0), (None, 2.0), (900.0, 4.0)) == [None, None, Areas(1.0, 0.0)]


def test_a_power_that_no_site_has_is_unknown() -> None:
    assert followed((900.0, 0.0), (1e9, 2.0), (900.0, 4.0), limit_w=5e4)[1:] == [None, Areas(1.0, 0.0)]


def test_two_readings_of_one_moment_are_no_energy() -> None:
    assert followed((900.0, 5.0), (100.0, 5.0), (100.0, 41.0 - 6.0)) == [None, (0, 0), Areas(100 / 120, 0.0)]


@given(st.floats(-5e4, 5e4), st.floats(-5e4, 5e4), st.floats(0, 30))
def test_the_difference_is_that_of_the_trapezoid(before: float, power: float, seconds: float) -> None:
    delivered, received = areas(before, power, seconds)
    assert delivered >= 0 <= received
    assert delivered - received == pytest.approx((before + power) / 2 * seconds / 3600, abs=1e-9)
