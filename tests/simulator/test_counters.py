from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoy_mqtt.simulator.counters import Counters
from envoy_mqtt.simulator.wire import NOTHING, Reading


def steady(production_w: float, net_w: float) -> "tuple[Sequence[Reading], Sequence[Reading]]":
    return (NOTHING._replace(p=production_w, q=100.0, s=production_w),), (
        NOTHING._replace(p=net_w, q=-50.0, s=-net_w),
    )


def test_an_hour_of_a_kilowatt_is_a_kilowatt_hour_in_the_counter_of_its_direction() -> None:
    counters = Counters.blank()
    counters.advance(3600.0, lambda _: steady(2000.0, -1000.0))
    made, net = counters.production[0], counters.consumption[0]
    assert [made.delivered_wh, made.received_wh] == pytest.approx([2000.0, 0.0])
    assert [net.delivered_wh, net.received_wh] == pytest.approx([0.0, 1000.0])
    assert [made.apparent_vah, net.apparent_vah] == pytest.approx([2000.0, 1000.0])
    assert [made.lagging_varh, net.leading_varh] == pytest.approx([100.0, 50.0])


def test_a_meter_that_is_not_fitted_counts_nothing() -> None:
    counters = Counters.blank()
    counters.advance(3600.0, lambda _: ((), (NOTHING._replace(p=500.0),)))
    assert counters.production[0].delivered_wh == 0.0
    assert counters.consumption[0].delivered_wh == pytest.approx(500.0)


def test_a_ramp_is_integrated_and_not_sampled_at_its_end() -> None:
    counters = Counters.blank()
    counters.advance(60.0, lambda unix: steady(60.0 * unix, 0.0))
    # The mean of 0 to 3600 W for a minute: 30 Wh.
    assert counters.production[0].delivered_wh == pytest.approx(30.0)


@given(st.lists(st.floats(0.0, 3600.0), min_size=1, max_size=8))
def test_it_does_not_matter_how_often_one_looks(looks: list[float]) -> None:
    often = Counters.blank()
    for look in sorted(looks):
        often.advance(look, lambda _: steady(1000.0, 500.0))
    assert often.production[0].delivered_wh == pytest.approx(max(looks) / 3.6, abs=1e-6)


def test_a_clock_that_was_set_back_counts_nothing() -> None:
    counters = Counters.blank()
    counters.advance(100.0, lambda _: steady(1000.0, 500.0))
    before_wh = counters.production[0].delivered_wh
    counters.advance(50.0, lambda _: steady(1000.0, 500.0))
    assert counters.production[0].delivered_wh == before_wh


def test_a_grown_house_has_years_behind_it_and_noise_on_unused_inputs() -> None:
    counters = Counters.grown(7, 1e9, 1, total=False)
    assert 4e6 < counters.production[0].delivered_wh < 2e7
    assert counters.consumption[0].received_wh > 1e6
    assert counters.production[2].delivered_wh == 0.0
    assert counters.production[2].received_wh > 0.0
    assert Counters.grown(7, 1e9, 1, total=True).consumption[0].received_wh == 0.0
