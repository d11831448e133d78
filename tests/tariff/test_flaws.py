"""Each mistake in a tariff is one sentence that says how to mend it."""

import pytest

from envoy_mqtt.tariff.flaws import flaws
from envoy_mqtt.tariff.period import Period, kinds, span
from tests.tariff.ausgrid import EXPORTS, IMPORTS

REST = Period("rest", 1.0)
DAY = Period("day", 2.0, times=(span("08:00-20:00"),))
NIGHT = Period("night", 1.0, times=(span("20:00-08:00"),))


def told(*periods: Period, holidays: bool = True) -> list[str]:
    return list(flaws("tariff.import", periods, holidays=holidays))


def test_a_right_tariff_has_none() -> None:
    assert told(*IMPORTS) == told(*EXPORTS) == told(DAY, NIGHT) == told(REST) == []


@pytest.mark.parametrize(
    ("periods", "sentence"),
    [
        ((DAY,), "tariff.import: no period holds at 00:00 on Mon in January; add one without times, months"),
        ((DAY, NIGHT._replace(months=frozenset(range(1, 12)))), "at 00:00 on Mon in December"),
        (
            (DAY, NIGHT._replace(days=kinds(("mon", "tue", "wed", "thu", "fri", "sat")))),
            "at 00:00 on Sun in January",
        ),
        ((REST._replace(days=kinds("workdays")),), "at 00:00 on Sat in January"),
        (
            (DAY, NIGHT, Period("late", 3.0, times=(span("22:00-23:00"),))),
            "tariff.import[2]: 'late' can never be reached; put it before those that hold at its times",
        ),
        ((REST, DAY), "tariff.import[1]: 'day' can never be reached"),
        ((DAY, Period("day", 3.0)), "tariff.import[1]: 'day' has another price in tariff.import[0]"),
        ((DAY, Period("day", price_topic="a/b")), "'day' has another price in tariff.import[0]; give it"),
        ((DAY, Period("rest")), "tariff.import[1]: 'rest' has no price; add price or price_topic"),
        ((Period("rest", 1.0, "a/b"),), "'rest' has price and price_topic; keep one of the two"),
        ((Period("rest", 1.0, price_key="a"),), "price_key is of no use without price_topic"),
    ],
)
def test_each_mistake_is_a_sentence_that_mends_it(periods: tuple[Period, ...], sentence: str) -> None:
    (found,) = told(*periods)
    assert sentence in found


def test_without_a_calendar_nothing_holds_on_holidays_only() -> None:
    feast = Period("feast", 1.0, days=kinds("weekend") - {5, 6})
    (found,) = told(feast, REST, holidays=False)
    assert found == "tariff.import[0]: 'feast' can never be reached; name a calendar in tariff.holidays"
    assert told(feast, REST) == []


def test_the_same_price_again_is_no_second_price() -> None:
    assert told(DAY, DAY._replace(times=(span("21:00-22:00"),)), REST) == []
