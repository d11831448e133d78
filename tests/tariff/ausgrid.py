"""The tariff of the tests: a network's three periods with peaks in summer and winter, told twice.

Once in our words, and once as a table by the hour, which the other route reads.
"""

from datetime import date, datetime

from envoy_mqtt.tariff.period import Period, Tariff, kinds, span

PRICES = {"peak": 0.52, "offpeak": 0.18, "shoulder": 0.25}
BUYBACK = 0.07
DAILY = 1.10

IMPORTS = (
    Period(
        "peak",
        0.52,
        times=(span("14:00-20:00"),),
        months=frozenset({11, 12, 1, 2, 3}),
        days=kinds("workdays"),
    ),
    Period("peak", times=(span("17:00-21:00"),), months=frozenset({6, 7, 8}), days=kinds("workdays")),
    Period("offpeak", 0.18, times=(span("22:00-07:00"),)),
    Period("shoulder", 0.25),
)
EXPORTS = (Period("buyback", BUYBACK),)

# New South Wales, 2026 and the first days of 2027, from the government's list.
HOLIDAYS = {
    *(date(2026, 1, 1), date(2026, 1, 26), date(2026, 4, 3), date(2026, 4, 4), date(2026, 4, 5)),
    *(date(2026, 4, 6), date(2026, 4, 25), date(2026, 4, 27), date(2026, 6, 8), date(2026, 10, 5)),
    *(date(2026, 12, 25), date(2026, 12, 26), date(2026, 12, 28), date(2027, 1, 1)),
}

TARIFF = Tariff("AUD", IMPORTS, EXPORTS, DAILY, 12, 0.0, HOLIDAYS.__contains__)

# By the hour of the local day: o off-peak, s shoulder, p peak.
HOURS = {
    "summer": "ooooooo" + "sssssss" + "pppppp" + "ss" + "oo",
    "winter": "ooooooo" + "ssssssssss" + "pppp" + "s" + "oo",
    "else": "ooooooo" + "sssssssssssssss" + "oo",
}
LETTERS = {"o": "offpeak", "s": "shoulder", "p": "peak"}


def expected(wall: datetime) -> str:
    """The period of a local time, by the table."""
    season = "else"
    if wall.weekday() < 5 and wall.date() not in HOLIDAYS:
        season = {6: "winter", 7: "winter", 8: "winter", 4: "else", 5: "else", 9: "else", 10: "else"}.get(
            wall.month, "summer"
        )
    return LETTERS[HOURS[season][wall.hour]]
