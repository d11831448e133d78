"""Every minute has one period, the one that another route finds, and changes are at the second."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envoy_mqtt.energy.day import midnight
from envoy_mqtt.tariff.calendar import Calendar
from envoy_mqtt.tariff.period import Period, kinds, span
from tests.tariff.ausgrid import EXPORTS, HOLIDAYS, IMPORTS, expected

SYDNEY = ZoneInfo("Australia/Sydney")
BERLIN = ZoneInfo("Europe/Berlin")


def ausgrid(zone: ZoneInfo = SYDNEY) -> Calendar:
    return Calendar(IMPORTS, zone, HOLIDAYS.__contains__)


def at(zone: ZoneInfo, *wall: int, fold: int = 0) -> float:
    return datetime(*wall, tzinfo=zone, fold=fold).timestamp()  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("zone", "usual_s"), [(SYDNEY, 60), (BERLIN, 1800), (ZoneInfo("Australia/Lord_Howe"), 1800)]
)
def test_every_minute_of_three_years_has_one_period_and_it_is_the_right_one(
    zone: ZoneInfo, usual_s: int
) -> None:
    """The stretches touch one another, so no minute has two and none has none. The table by hand is by the
    hour: where not every minute is looked up in it, every half hour is, and on days of clock changes each.
    """
    begin, end = midnight(date(2025, 1, 1), zone), midnight(date(2028, 1, 1), zone)
    stretches = list(ausgrid(zone).between(begin, end))
    assert (stretches[0].begin, stretches[-1].end) == (begin, end)
    assert all(one.end == other.begin for one, other in pairwise(stretches))
    for stretch in stretches:
        day_s = midnight(stretch.day + timedelta(1), zone) - midnight(stretch.day, zone)
        step = usual_s if day_s == 86_400.0 else 60
        for unix in range(int(stretch.begin), int(stretch.end), step):
            wall = datetime.fromtimestamp(unix, zone)
            assert expected(wall) == stretch.name, wall
            assert wall.date() == stretch.day


def test_a_period_changes_at_the_second() -> None:
    calendar, two = ausgrid(), at(SYDNEY, 2026, 11, 23, 14)
    assert [calendar.at(two + offset).name for offset in (-0.001, 0.0, 21_599.999, 21_600.0)] == [
        *("shoulder", "peak", "peak", "shoulder")
    ]


def test_what_comes_next() -> None:
    calendar = ausgrid()
    coming = calendar.next(at(SYDNEY, 2026, 11, 20, 19, 59, 59))
    assert coming is not None
    assert (coming.name, coming.begin) == ("shoulder", at(SYDNEY, 2026, 11, 20, 20))
    coming = calendar.next(at(SYDNEY, 2026, 11, 20, 23))
    assert coming is not None, "midnight begins a day and no period"
    assert (coming.name, coming.begin) == ("shoulder", at(SYDNEY, 2026, 11, 21, 7))
    assert Calendar(EXPORTS, SYDNEY).next(at(SYDNEY, 2026, 1, 1)) is None


def test_what_comes_next_may_be_months_away() -> None:
    seasons = (Period("summer", 1.0, months=frozenset(range(4, 10))), Period("winter", 2.0))
    coming = Calendar(seasons, BERLIN).next(at(BERLIN, 2026, 10, 1))
    assert coming is not None
    assert (coming.name, coming.begin) == ("summer", at(BERLIN, 2027, 4, 1))


def test_a_workday_ends_at_fridays_midnight_and_begins_on_monday() -> None:
    """22:00-07:00 on workdays: not on Saturday morning, and from Monday 00:00 (the design's own sentence)."""
    nights = (Period("night", 1.0, times=(span("22:00-07:00"),), days=kinds("workdays")), Period("day", 2.0))
    calendar = Calendar(nights, BERLIN)
    friday, monday = at(BERLIN, 2026, 11, 20, 23, 59, 59), at(BERLIN, 2026, 11, 23)
    assert calendar.at(friday).name == "night"
    assert calendar.at(friday + 1).name == "day"
    assert calendar.at(monday - 1).name == "day"
    assert calendar.at(monday).name == "night"


def test_a_day_of_23_hours_lacks_what_does_not_exist() -> None:
    """In Berlin 2:00 to 3:00 of 29 March 2026 does not exist."""
    gone = (Period("gone", 1.0, times=(span("02:00-03:00"),)), Period("rest", 2.0))
    calendar = Calendar(gone, BERLIN)
    assert [stretch.name for stretch in calendar.day(date(2026, 3, 29))] == ["rest"]
    half = (Period("half", 1.0, times=(span("02:30-04:00"),)), Period("rest", 2.0))
    rest, found, _ = Calendar(half, BERLIN).day(date(2026, 3, 29))
    assert (found.name, found.end - found.begin) == ("half", 3600.0)
    assert rest.end - rest.begin == 7200.0


def test_a_day_of_25_hours_has_some_of_it_twice() -> None:
    """In Berlin 2:00 to 3:00 of 25 October 2026 exists twice."""
    half = (Period("half", 1.0, times=(span("02:30-02:45"),)), Period("rest", 2.0))
    stretches = Calendar(half, BERLIN).day(date(2026, 10, 25))
    assert [stretch.name for stretch in stretches] == ["rest", "half", "rest", "half", "rest"]
    assert [stretch.end - stretch.begin for stretch in stretches if stretch.name == "half"] == [900.0, 900.0]
    assert stretches[-1].end - stretches[0].begin == 25 * 3600.0


def test_a_day_that_a_zone_skips_has_no_stretches() -> None:
    samoa = ZoneInfo("Pacific/Apia")
    calendar = Calendar(EXPORTS, samoa)
    assert calendar.day(date(2011, 12, 30)) == ()
    over = list(calendar.between(at(samoa, 2011, 12, 29, 12), at(samoa, 2011, 12, 31, 12)))
    assert [(each.day.day, each.end - each.begin) for each in over] == [(29, 43_200.0), (31, 43_200.0)]


def test_nothing_lies_between_an_instant_and_one_before_it() -> None:
    assert list(ausgrid().between(1_800_000_000.0, 1_799_999_999.0)) == []
    assert list(ausgrid().between(1_800_000_000.0, 1_800_000_000.0)) == []


TIMES = (
    st.tuples(st.integers(0, 95), st.integers(0, 95))
    .filter(lambda it: it[0] != it[1])
    .map(lambda it: f"{it[0] // 4}:{it[0] % 4 * 15:02}-{it[1] // 4}:{it[1] % 4 * 15:02}")
)
DAYS = st.sampled_from(["all", "workdays", "weekend"]) | st.lists(
    st.sampled_from(["mon", "wed", "fri", "sun"]), min_size=1, unique=True
).map(tuple)
GIVEN = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.lists(TIMES, max_size=2),
        st.lists(st.integers(1, 12), max_size=6),
        DAYS,
    ),
    max_size=4,
)
ZONES = st.sampled_from(
    [
        *("UTC", "Australia/Sydney", "Australia/Lord_Howe", "America/Havana", "Asia/Beirut", "Africa/Cairo"),
        *("America/St_Johns", "Asia/Kathmandu", "America/Santiago", "Atlantic/Azores", "Europe/Berlin"),
    ]
)


@lru_cache(maxsize=100_000)
def minutes(text: str) -> frozenset[int]:
    """The minutes of a time, one by one."""
    (hour, minute), (to_hour, to_minute) = (map(int, clock.split(":")) for clock in text.split("-"))
    found, at, end = set(), hour * 60 + minute, to_hour * 60 + to_minute
    while at != end:
        found.add(at)
        at = (at + 1) % 1440
    return frozenset(found)


def by_hand(given: list[tuple[str, list[str], list[int], str | tuple[str, ...]]], wall: datetime) -> str:
    holiday = wall.day == 13
    work = wall.weekday() < 5 and not holiday
    for name, times, months, days in given:
        week = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[wall.weekday()]
        held = {"all": True, "workdays": work, "weekend": not work}.get(str(days), week in days)
        held = held and (not months or wall.month in months)
        if held and (not times or any(wall.hour * 60 + wall.minute in minutes(text) for text in times)):
            return name
    return "rest"


@settings(max_examples=60, deadline=None)
@given(GIVEN, ZONES, st.integers(0, 365 * 4), st.integers(0, 86_399))
def test_random_tariffs_in_random_zones_are_total_unique_and_right(
    given: list[tuple[str, list[str], list[int], str | tuple[str, ...]]], name: str, day: int, second: int
) -> None:
    zone = ZoneInfo(name)
    periods = tuple(
        Period(
            of, 1.0, times=tuple(map(span, times)), months=frozenset(months or range(1, 13)), days=kinds(days)
        )
        for of, times, months, days in given
    )
    calendar = Calendar((*periods, Period("rest", 2.0)), zone, lambda day: day.day == 13)
    begin = datetime(2024, 1, 1, tzinfo=UTC).timestamp() + day * 86_400.0 + second
    stretches = list(calendar.between(begin, begin + 2 * 86_400.0))
    assert (stretches[0].begin, stretches[-1].end) == (begin, begin + 2 * 86_400.0)
    assert all(one.end == other.begin for one, other in pairwise(stretches))
    for stretch in stretches:
        first = stretch.begin + (-stretch.begin) % 300
        for unix in (stretch.begin, stretch.end - 1, *range(int(first), int(stretch.end), 300)):
            wall = datetime.fromtimestamp(unix, zone)
            assert by_hand(given, wall) == stretch.name
            assert calendar.at(unix).name == stretch.name
