"""What times and days mean, and what they may not be."""

import pytest

from envoy_mqtt.tariff.period import Period, Span, kinds, names, span


def test_a_time_past_midnight_holds_on_both_sides_of_it() -> None:
    night = span("22:00-07:00")
    assert [minute for minute in (0, 419, 420, 1319, 1320, 1439) if night.has(minute)] == [0, 419, 1320, 1439]


def test_a_day_ends_at_24() -> None:
    assert span("22:00-24:00") == Span(1320, 1440)
    assert span("24:00-07:30") == Span(0, 450)
    assert span("00:00-24:00") == Span(0, 1440)
    assert span(" 7:05 - 9:00 ") == Span(425, 540)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "22:00",
        "22-07",
        "25:00-07:00",
        "22:60-07:00",
        "24:01-07:00",
        "07:00-24:30",
        "7:00-7:00",
        "0:00-0:00",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        span(text)


def test_holidays_are_weekend_and_no_workdays_and_weekdays_all_the_same() -> None:
    christmas = 4 + 7  # a Friday
    assert christmas in kinds("weekend")
    assert christmas in kinds("all")
    assert christmas not in kinds("workdays")
    assert christmas in kinds(("fri",))
    assert kinds("workdays") | kinds("weekend") == kinds("all")
    assert kinds(("sat", "mon")) == {0, 5, 7, 12}


@pytest.mark.parametrize("days", ["", "monday", (), ("mon", "holiday")])
def test_what_is_no_day_is_refused(days: str | tuple[str, ...]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        kinds(days)


def test_names_are_told_once_in_their_order() -> None:
    assert names((Period("b"), Period("a"), Period("b"))) == ("b", "a")
