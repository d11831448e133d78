from itertools import islice, pairwise

from hypothesis import given
from hypothesis import strategies as st

from envoy_mqtt.simulator.pacing import bursts, steady

SEEDS = st.integers(0, 10**9)


@given(SEEDS)
def test_a_steady_pace_waits_three_quarters_to_eleven_tenths_of_a_second(seed: int) -> None:
    waits = [beat.wait_s for beat in islice(steady(seed), 500)]
    assert all(0.75 <= wait_s <= 1.1 for wait_s in waits)
    assert 0.97 < sum(waits) / 500 < 1.03


@given(SEEDS)
def test_bursts_lose_nothing(seed: int) -> None:
    """However it is held back, every second has its event: sampling times grow by about one second each."""
    now, sampled = 0.0, []
    for beat in islice(bursts(seed), 400):
        now += beat.wait_s
        sampled.append(now - beat.age_s)
    steps = [after - before for before, after in pairwise(sampled)]
    assert all(-0.3 < step < 1.9 for step in steps)
    assert 0.9 < sum(steps) / len(steps) < 1.1


@given(SEEDS)
def test_bursts_hold_three_to_thirteen_seconds_and_then_send_up_to_eight_within_thirty_milliseconds(
    seed: int,
) -> None:
    beats = list(islice(bursts(seed), 400))
    holds = [place for place, beat in enumerate(beats) if beat.wait_s > 2.0]
    assert len(holds) > 5
    for place in holds:
        assert 3.0 <= beats[place].wait_s <= 13.0
        rush = [beat.wait_s for beat in beats[place + 1 : place + 8] if beat.wait_s < 0.01]
        assert sum(rush) <= 0.03
        assert len(rush) <= 7


def test_holds_come_as_often_as_measured() -> None:
    # Protocol notes, section 1.5: six in three minutes, 33 s of silence in all.
    now, held, holds = 0.0, 0.0, 0
    for beat in islice(bursts(5), 4000):
        now += beat.wait_s
        if beat.wait_s > 2.0:
            held, holds = held + beat.wait_s, holds + 1
    assert 3.0 < holds / now * 180.0 < 10.0
    assert 20.0 < held / now * 180.0 < 90.0
