from hypothesis import given
from hypothesis import strategies as st

from envoy_mqtt.simulator.noise import smooth, unit

ANY = st.integers(-(2**40), 2**40)


@given(ANY, ANY)
def test_a_unit_is_at_least_zero_and_below_one(seed: int, place: int) -> None:
    assert 0.0 <= unit(seed, place) < 1.0


def test_units_are_spread_evenly_over_places_and_over_seeds() -> None:
    for numbers in ([unit(5, n) for n in range(2000)], [unit(n, 5) for n in range(2000)]):
        tenths = [sum(1 for number in numbers if int(number * 10) == tenth) for tenth in range(10)]
        # 200 each; five standard deviations are 67.
        assert all(133 < tenth < 267 for tenth in tenths)


@given(ANY, st.floats(-1e9, 1e9))
def test_a_curve_stays_between_zero_and_one(seed: int, x: float) -> None:
    assert 0.0 <= smooth(seed, x) <= 1.0


@given(ANY, st.integers(-(10**6), 10**6))
def test_a_curve_goes_through_its_points(seed: int, place: int) -> None:
    assert smooth(seed, float(place)) == unit(seed, place)


@given(ANY, st.floats(-1e4, 1e4))
def test_a_curve_has_no_jumps(seed: int, x: float) -> None:
    # Its steepest slope is 1.5 per place.
    assert abs(smooth(seed, x + 0.001) - smooth(seed, x)) < 0.00151
