"""The prices of a local day, as columns for a chart."""

from datetime import datetime
from typing import cast
from zoneinfo import ZoneInfo

from envoy_mqtt.model import Instant
from envoy_mqtt.tariff.book import Book
from envoy_mqtt.tariff.period import Period, Tariff, span
from tests.tariff.ausgrid import TARIFF

SYDNEY = ZoneInfo("Australia/Sydney")
BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = Period("night", 0.2, times=(span("22:00-06:00"),))


def at(zone: ZoneInfo, *wall: int) -> float:
    return datetime(*wall, tzinfo=zone).timestamp()  # type: ignore[arg-type, misc]


def opened(tariff: Tariff, zone: ZoneInfo, unix: float) -> Book:
    book = Book(tariff, zone, layout="")
    book.tick(Instant(1.0, unix))
    return book


def test_a_workday_in_summer_has_its_five_prices_and_ends_with_the_last() -> None:
    noon = at(SYDNEY, 2026, 11, 23, 12)
    course = opened(TARIFF, SYDNEY, noon).course(Instant(1.0, noon))
    hours = [0, 7, 14, 20, 22]
    begins = [at(SYDNEY, 2026, 11, 23, hour) for hour in hours]
    assert course == {
        "time": [*begins, at(SYDNEY, 2026, 11, 24)],
        "import": [0.18, 0.25, 0.52, 0.25, 0.18, 0.18],
        "export": [0.07] * 6,
        "currency": "AUD",
    }


def test_a_day_of_25_hours_has_all_of_them() -> None:
    noon = at(BERLIN, 2026, 10, 25, 12)
    tariff = Tariff("EUR", (NIGHT, Period("day", 0.4)))
    course = opened(tariff, BERLIN, noon).course(Instant(1.0, noon))
    assert course is not None
    (begin, *_, end) = cast("list[float]", course["time"])
    assert (begin, end - begin) == (at(BERLIN, 2026, 10, 25), 25 * 3600.0)
    assert course["import"] == [0.2, 0.4, 0.2, 0.2]
    assert course["export"] == [None] * 4, "nothing is paid for it"


DYNAMIC = Tariff("EUR", (NIGHT, Period("now", price_topic="prices")), (Period("sun", price_topic="sun"),))


def test_a_price_of_a_topic_is_known_as_far_as_it_was_heard() -> None:
    """Heard at 5:00, while the night's price held, and at 9:30; it is noon, and at 22:00 the night begins."""
    hours = {hour: at(BERLIN, 2026, 11, 21, 0) + hour * 3600.0 for hour in (0, 5, 6, 9.5, 12, 22, 24)}
    book = Book(DYNAMIC, BERLIN, layout="")
    for hour, payload in ((5, b"0.30"), (9.5, b"0.35")):
        book.tick(Instant(hours[hour], hours[hour]))
        assert book.hear("prices", payload, Instant(hours[hour], hours[hour]))
    expected = {
        "time": [hours[hour] for hour in (0, 6, 9.5, 12, 22, 24)],
        "import": [0.2, 0.30, 0.35, None, 0.2, 0.2],
        "export": [None] * 6,
        "currency": "EUR",
    }
    now = Instant(hours[12], hours[12])
    assert book.course(now) == expected
    again = Book(DYNAMIC, BERLIN, layout="", memory=book.memory)
    again.tick(now)
    assert again.hear("prices", b"0.35", now), "it was retained"
    assert again.course(now) == expected


def test_a_price_of_yesterday_holds_after_midnight() -> None:
    evening, morning = at(BERLIN, 2026, 11, 20, 18), at(BERLIN, 2026, 11, 21, 7)
    book = opened(DYNAMIC, BERLIN, evening)
    book.hear("sun", b"0.05", Instant(evening, evening))
    course = book.course(Instant(morning, morning))
    assert course is not None
    assert course["export"] == [0.05, 0.05, None, None, None]


def test_a_clock_that_cannot_be_believed_knows_no_day() -> None:
    assert Book(TARIFF, SYDNEY, layout="").course(Instant(1.0, 5.0)) is None
