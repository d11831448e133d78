"""How often the cloud may be asked, in virtual time: whatever fails, however often the process starts."""

import json
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from envoy_mqtt.errors import CloudTrouble
from envoy_mqtt.gateway.budget import Record, understand, used_up

START = 1_800_000_000.0
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0


def trouble(after_s: float = 0.0) -> CloudTrouble:
    return CloudTrouble("The cloud is down.", code="cloud_unavailable", after_s=after_s)


class Happening(NamedTuple):
    """Somebody wants a token after so many seconds, and what becomes of it."""

    after_s: float
    outcome: str
    takes_s: float
    retry_after_s: float


HAPPENINGS = st.lists(
    st.builds(
        Happening,
        st.sampled_from([0.0, 1.0, 60.0, 899.0, 900.0, 901.0, 3600.0, 40_000.0]) | st.floats(0, 90_000),
        st.sampled_from(["token", "refused", "failed", "killed"]),
        st.floats(0, 60),
        st.sampled_from([0.0, 0.0, 7200.0, 1e9]),
    ),
    max_size=60,
)


@settings(max_examples=400)
@given(HAPPENINGS)
@example([Happening(0.0, "token", 0.0, 0.0)] * 8)
@example([Happening(0.0, "killed", 0.0, 0.0)] * 40)
def test_never_more_than_six_logins_in_any_day_and_none_within_15_minutes_of_a_failure(
    happenings: list[Happening],
) -> None:
    """The record is all that survives, and it goes through its file's JSON each time."""
    now, record = START, Record()
    logins: list[float] = []
    failures: list[float] = []
    for it in happenings:
        now += it.after_s
        record = understand(json.loads(json.dumps(record._asdict()))).settled(now)
        if now < record.may_ask_at():
            continue
        assert all(not 0 <= now - failed < 15 * MINUTE for failed in failures)
        logins.append(now)
        record = record.begun(now)
        if it.outcome == "killed":
            failures.append(now)
            continue
        now += it.takes_s
        if it.outcome == "token":
            record = record.succeeded()
        else:
            failures.append(now)
            record = record.failed(now, trouble(it.retry_after_s))
    for first, seventh in zip(logins, logins[6:], strict=False):
        assert seventh - first >= DAY


def test_the_waits_after_failures_are_15_minutes_doubled_up_to_a_day() -> None:
    now, record, waits = START, Record(), []
    for _ in range(10):
        record = record.begun(now).failed(now, trouble())
        waits.append(record.rested_at - now)
        now = record.rested_at
    assert waits == [900, 1800, 3600, 7200, 14_400, 28_800, 57_600, DAY, DAY, DAY]


def test_the_wait_counts_from_the_failure_and_not_from_a_success() -> None:
    record = Record().begun(START).succeeded()
    assert record.may_ask_at() == 0.0, "a success asks for no wait"
    record = record.begun(START + 10).failed(START + 40, trouble())
    assert record.may_ask_at() == START + 40 + 900
    assert record.begun(START + 1000).succeeded().may_ask_at() == 0.0


def test_an_attempt_of_which_nobody_knows_the_end_counts_as_a_failure() -> None:
    record = Record().begun(START)
    assert record.may_ask_at() == START + 900
    assert "cut off" in record.text


def test_what_the_cloud_asks_us_to_wait_is_honoured_up_to_a_day() -> None:
    begun = Record().begun(START)
    assert begun.failed(START, trouble(7200)).may_ask_at() == START + 7200
    assert begun.failed(START, trouble(60)).may_ask_at() == START + 900
    assert begun.failed(START, trouble(1e9)).may_ask_at() == START + DAY


def test_the_seventh_login_waits_until_the_first_is_a_day_old() -> None:
    record = Record()
    for hour in range(6):
        assert record.may_ask_at() <= START + hour * HOUR
        record = record.begun(START + hour * HOUR).succeeded()
    assert record.may_ask_at() == START + DAY
    assert record.begun(START + DAY).succeeded().may_ask_at() == START + HOUR + DAY


def test_a_count_that_was_lost_counts_as_used_up() -> None:
    assert used_up(START).may_ask_at() == START + DAY


def test_a_clock_that_was_set_back_does_not_block_for_years() -> None:
    wrong = Record().begun(START + 1000 * DAY)
    assert wrong.settled(START).may_ask_at() == START + 900
    assert used_up(START + 1000 * DAY).settled(START).may_ask_at() == START + DAY


def test_what_is_older_than_a_day_is_forgotten() -> None:
    record = Record()
    for day in range(40):
        record = record.begun(START + day * DAY).succeeded()
    assert len(record.logins) == 1


GOOD = {"logins": [START], "failures": 1, "failed_at": START, "after_s": 0, "code": "x", "text": "y"}


@pytest.mark.parametrize("key", list(GOOD))
@pytest.mark.parametrize("value", [None, True, "1e3x", [None], ["1"], {}, -1, 1e300, [-1.0]])
def test_a_record_that_cannot_be_read_raises_what_parsing_raises(key: str, value: object) -> None:
    if key in ("code", "text") and isinstance(value, str):
        return
    with pytest.raises((ValueError, TypeError, KeyError)):
        understand(GOOD | {key: value})
    with pytest.raises(KeyError):
        understand({name: it for name, it in GOOD.items() if name != key})


def test_the_logins_of_a_record_are_in_order() -> None:
    logins = understand(GOOD | {"logins": [3.0, 1.0, 2.0]}).logins
    assert all(earlier <= later for earlier, later in pairwise(logins))
