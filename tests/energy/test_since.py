"""How long ago: the steady clock within a process, the clock on the wall across a restart."""

import pytest

from envoy_mqtt.energy.since import Mark, marked, number, plausible, recalled
from envoy_mqtt.model import Instant

NOON = 1_779_969_600.0


def test_within_a_process_the_steady_clock_tells() -> None:
    mark = marked(Instant(100.0, NOON))
    assert mark.since_s(Instant(160.0, NOON - 99999.0)) == 60.0


def test_across_a_restart_the_clock_on_the_wall_tells() -> None:
    kept = marked(Instant(100.0, NOON)).kept(Instant(130.0, NOON + 30.0))
    assert recalled(kept).since_s(Instant(3.0, NOON + 86400.0)) == 86400.0


def test_a_clock_in_1970_and_one_set_back_tell_nothing() -> None:
    mark = recalled(NOON)
    assert mark.since_s(Instant(3.0, 12.0)) is None
    assert mark.since_s(Instant(3.0, NOON - 1.0)) is None
    assert recalled(None).since_s(Instant(3.0, NOON)) is None


def test_what_was_seen_by_a_wrong_clock_is_kept_by_the_right_one() -> None:
    """The machine started in 1970 and learned the time a minute later."""
    mark = marked(Instant(10.0, 10.0))
    assert mark.kept(Instant(40.0, 40.0)) is None
    assert mark.kept(Instant(70.0, NOON)) == NOON - 60.0


def test_a_clock_that_went_wrong_leaves_what_was_kept() -> None:
    assert marked(Instant(10.0, NOON)).kept(Instant(20.0, 5.0)) == NOON
    assert recalled(NOON).kept(Instant(20.0, NOON + 50.0)) == NOON


def test_a_mark_may_be_made_of_what_was_some_time_ago() -> None:
    assert marked(Instant(100.0, NOON), 25.0) == Mark(75.0, NOON - 25.0)


def test_a_clock_can_be_believed_from_2024_on() -> None:
    assert plausible(1_704_067_200.0)
    assert not plausible(1_704_067_199.0)


@pytest.mark.parametrize("content", [None, "1", True, float("nan"), float("inf"), 10**400, -1e300, [1]])
def test_what_is_no_number_or_none_that_could_be_is_refused(content: object) -> None:
    with pytest.raises(ValueError, match="not a number"):
        number(content)
