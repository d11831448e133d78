"""What was read lies where its own time says, in seconds and then in tens, whatever the clock does."""

from itertools import pairwise

import pytest

from envoy_mqtt.web.history import MOST_GATEWAYS, History, Past

SERIAL = "122100000017"
NOON = 1_782_043_200.0  # 2026-06-21 12:00 UTC, a whole minute


def live(time: float, production: float | None = None, net: float | None = None) -> dict[str, object]:
    return {
        "time": time,
        "timestamp": "…",
        "production_power": production,
        "net_power": net,
        "source": "stream",
    }


def past(history: History, serial: str = SERIAL) -> Past:
    known = history.past(serial)
    assert known is not None
    return known


def test_each_reading_of_the_last_minutes_is_there_as_it_was() -> None:
    history = History()
    for n in range(5):
        history.add(SERIAL, live(NOON + n + 0.123, 1000.1 + n, -200.5))
    assert past(history).columns(0) == {
        "time": [NOON + 0.123, NOON + 1.123, NOON + 2.123, NOON + 3.123, NOON + 4.123],
        "production": [1000.1, 1001.1, 1002.1, 1003.1, 1004.1],
        "net": [-200.5] * 5,
        "consumption": [None] * 5,
        "storage": [None] * 5,
    }


def test_several_readings_of_a_second_are_one_mean_and_what_was_not_known_counts_for_nothing() -> None:
    history = History()
    history.add(SERIAL, live(NOON + 0.2, 100.0, 10.0))
    history.add(SERIAL, live(NOON + 0.4, None, 20.0))
    history.add(SERIAL, live(NOON + 0.9, 200.0, 60.0))
    columns = past(history).columns(0)
    assert (columns["time"], columns["production"], columns["net"]) == ([NOON + 0.5], [150.0], [30.0])


def test_an_hour_of_readings_is_tens_of_seconds_and_then_a_quarter_of_an_hour_of_seconds() -> None:
    history = History()
    for n in range(3600):
        history.add(SERIAL, live(NOON + n, float(n)))
    columns = past(history).columns(NOON - 1)
    # The last 910 s; before them 269 times ten seconds, whose mean is 4.5 s and 4.5 W on.
    assert len(columns["time"]) == 269 + 910
    assert columns["time"][:2] == [NOON + 4.5, NOON + 14.5]
    assert columns["production"][268:271] == [2684.5, 2690.0, 2691.0]
    assert columns["production"][-1] == 3599.0
    assert all(len(column) == len(columns["time"]) for column in columns.values())


@pytest.mark.parametrize("offset", range(10))
def test_where_tens_end_and_seconds_begin_nothing_is_there_twice_or_missing(offset: int) -> None:
    history = History()
    for n in range(2000 + offset):
        history.add(SERIAL, live(NOON + n, float(n)))
    times = [time for time in past(history).columns(0)["time"] if time is not None]
    steps = [round(after - before, 3) for before, after in pairwise(times)]
    # From the middle of ten seconds it is 5.5 s to the first second after them.
    assert sorted({*steps}) == [1.0, 5.5, 10.0]
    assert steps.count(5.5) == 1


def test_only_so_much_is_told_as_is_asked_for() -> None:
    history = History()
    for n in range(100):
        history.add(SERIAL, live(NOON + n))
    assert past(history).columns(NOON + 96)["time"] == [NOON + 97, NOON + 98, NOON + 99]
    assert past(history).columns(NOON + 99)["time"] == []


def test_a_day_and_no_more_is_kept() -> None:
    history = History()
    for n in range(0, 90_000, 5):
        history.add(SERIAL, live(NOON + n, float(n)))
    columns = past(history).columns(0)
    newest = NOON + 89_995
    assert columns["time"][-1] == newest
    # The oldest of 8640 slots of 10 s, with the readings of its 0 s and 5 s.
    assert columns["time"][0] == NOON + 3600 + 2.5
    assert columns["production"][0] == 3602.5


def test_the_first_seconds_after_a_start_and_after_a_silence_are_seconds() -> None:
    history = History()
    for n in (*range(3, 8), *range(2003, 2008)):
        history.add(SERIAL, live(NOON + n, float(n)))
    # The silence was longer than the seconds reach back.
    assert past(history).columns(0)["production"] == [5.0, 2003.0, 2004.0, 2005.0, 2006.0, 2007.0]


def test_a_silence_is_a_hole_and_what_was_before_it_stays() -> None:
    history = History()
    history.add(SERIAL, live(NOON, 1.0))
    history.add(SERIAL, live(NOON + 7200.3, 2.0))
    history.add(SERIAL, live(NOON + 7201.3, 3.0))
    columns = past(history).columns(0)
    assert columns["time"] == [NOON, NOON + 7200.3, NOON + 7201.3]
    assert columns["production"] == [1.0, 2.0, 3.0]


def test_a_burst_lies_where_it_was_measured() -> None:
    """Twenty readings that arrive at once carry a second each."""
    history = History()
    for n in range(20):
        history.add(SERIAL, live(NOON + 0.95 * n, float(n)))
    columns = past(history).columns(0)
    assert columns["time"][:2] == [NOON + 0.475, NOON + 1.9]
    # 18.05 s at 0.95 s: twenty readings in nineteen seconds, two of them in one.
    assert len(columns["time"]) == 19
    assert columns["production"][-1] == 19.0


def test_a_reading_once_a_minute_is_there_at_its_own_time() -> None:
    history = History()
    for n in range(60):
        history.add(SERIAL, live(NOON + 60 * n + 7.25, float(n)))
    columns = past(history).columns(0)
    assert columns["time"] == [NOON + 60 * n + 7.25 for n in range(60)]
    assert columns["production"] == [float(n) for n in range(60)]


@pytest.mark.parametrize("back_s", [1, 5, 899, 901, 4000, 90_000, 1_700_000_000])
def test_a_clock_that_is_set_back_takes_with_it_what_has_not_happened_yet(back_s: int) -> None:
    history = History()
    for n in range(5000):
        history.add(SERIAL, live(NOON + n, float(n)))
    again = NOON + 4999 - back_s
    history.add(SERIAL, live(again, -1.0))
    history.add(SERIAL, live(again + 1, -2.0))
    columns = past(history).columns(again - 86_400)
    times = [time for time in columns["time"] if time is not None]
    assert times == sorted(times)
    assert (times[-1], columns["production"][-1]) == (again + 1, -2.0)
    assert all(time <= again + 1 for time in times)
    if back_s <= 4000:  # what was before that is still there
        assert times[0] == NOON + 4.5


def test_a_clock_that_jumps_ahead_begins_anew() -> None:
    """A machine without a clock chip starts in 1970."""
    history = History()
    history.add(SERIAL, live(30.0, 1.0))
    history.add(SERIAL, live(NOON, 2.0))
    history.add(SERIAL, live(NOON + 1, 3.0))
    assert past(history).columns(NOON - 3600)["production"] == [2.0, 3.0]


def test_what_was_handed_out_does_not_change_any_more() -> None:
    history = History()
    history.add(SERIAL, live(NOON, 1.0))
    before = past(history)
    history.add(SERIAL, live(NOON + 0.5, 2.0))
    assert before.columns(0)["production"] == [1.0]


def test_gateways_are_kept_apart_and_one_that_was_never_read_has_nothing() -> None:
    history = History()
    history.add(SERIAL, live(NOON, 1.0))
    history.add("122100000018", live(NOON, 2.0))
    assert past(history).columns(0)["production"] == [1.0]
    assert past(history, "122100000018").columns(0)["production"] == [2.0]
    assert history.past("122100000019") is None
    nothing = Past.empty().columns(0)
    assert nothing == {key: [] for key in ("time", "production", "net", "consumption", "storage")}


def test_of_very_many_gateways_the_first_are_remembered() -> None:
    history = History()
    for n in range(MOST_GATEWAYS + 1):
        history.add(f"{n:012}", live(NOON))
    assert history.past(f"{MOST_GATEWAYS - 1:012}") is not None
    assert history.past(f"{MOST_GATEWAYS:012}") is None


def test_no_number_is_minus_zero() -> None:
    history = History()
    history.add(SERIAL, live(NOON, -0.0, -0.04))
    columns = past(history).columns(0)
    assert str(columns["production"] + columns["net"]) == "[0.0, 0.0]"
