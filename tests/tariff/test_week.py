"""A week as people read it."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from envoy_mqtt.tariff.period import Period, Tariff, kinds, span
from envoy_mqtt.tariff.week import week

BERLIN = ZoneInfo("Europe/Berlin")
CHRISTMAS = {date(2026, 12, 25), date(2026, 12, 26)}
TARIFF = Tariff(
    "EUR",
    (Period("peak", 0.5, times=(span("17:00-20:00"),), days=kinds("workdays")), Period("rest", 0.25)),
    (Period("sun", price_topic="prices/sun"),),
    holiday=CHRISTMAS.__contains__,
)


def test_a_week_says_what_now_is_and_which_days_are_holidays() -> None:
    now = datetime(2026, 12, 23, 17, 30, tzinfo=BERLIN).timestamp()
    lines = [" ".join(line.split()) for line in week(TARIFF, BERLIN, now).splitlines()]
    assert lines == [
        "Local times in Europe/Berlin, prices in EUR per kWh.",
        "",
        "Import now: peak 0.5, until Wed 2026-12-23 20:00, then rest 0.25",
        "Wed 2026-12-23 00:00 rest 0.25 17:00 peak 0.5 20:00 rest 0.25",
        "Thu 2026-12-24 00:00 rest 0.25 17:00 peak 0.5 20:00 rest 0.25",
        "Fri 2026-12-25 holiday 00:00 rest 0.25",
        "Sat 2026-12-26 holiday 00:00 rest 0.25",
        "Sun 2026-12-27 00:00 rest 0.25",
        "Mon 2026-12-28 00:00 rest 0.25 17:00 peak 0.5 20:00 rest 0.25",
        "Tue 2026-12-29 00:00 rest 0.25 17:00 peak 0.5 20:00 rest 0.25",
        "",
        "Export now: sun (prices/sun), always",
        *(f"{day} 00:00 sun (prices/sun)" for day in ("Wed 2026-12-23", "Thu 2026-12-24")),
        *(f"{day} holiday 00:00 sun (prices/sun)" for day in ("Fri 2026-12-25", "Sat 2026-12-26")),
        *(f"{day} 00:00 sun (prices/sun)" for day in ("Sun 2026-12-27", "Mon 2026-12-28", "Tue 2026-12-29")),
    ]
