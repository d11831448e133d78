"""What goes by the clock: neither a burst nor a stall, however the clock is set."""

from hypothesis import given
from hypothesis import strategies as st

from envoy_mqtt.beat import due

NINE = 1_779_958_800.0  # 28 May 2026, 09:00:00 UTC


def test_a_beat_is_due_when_the_clock_passes_it() -> None:
    assert not due(NINE, NINE + 9.9, 10)
    assert due(NINE, NINE + 10.0, 10)
    assert due(NINE + 9.9, NINE + 10.1, 10)
    assert not due(NINE + 10.1, NINE + 19.9, 10)


def test_many_beats_that_passed_at_once_are_one() -> None:
    assert due(NINE, NINE + 3600, 10)
    assert not due(NINE + 3600, NINE + 3601, 10)


def test_a_clock_that_trembles_about_a_beat_makes_it_due_once() -> None:
    assert due(NINE - 0.1, NINE + 0.01, 10)
    assert not due(NINE + 0.01, NINE - 0.01, 10)
    assert not due(NINE + 0.01, NINE + 0.02, 10)


def test_a_clock_set_back_by_an_hour_does_not_wait_for_an_hour() -> None:
    assert due(NINE, NINE - 3600, 10)


@given(
    st.integers(1, 60),
    st.lists(st.tuples(st.floats(0.05, 2.0), st.sampled_from([0.0] * 20 + [3600.0, -3600.0, 0.5, -0.5]))),
)
def test_between_two_of_them_are_never_more_than_two_intervals_of_real_time(
    interval_s: int, steps: list[tuple[float, float]]
) -> None:
    real, clock, sent, sent_real = 0.0, NINE, NINE, 0.0
    for seconds, jump in steps:
        real, clock = real + seconds, clock + seconds + jump
        if due(sent, clock, interval_s):
            sent, sent_real = clock, real
        assert real - sent_real <= 2 * interval_s + 2.5
