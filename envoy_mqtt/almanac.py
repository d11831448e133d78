"""Public holidays, by country and subdivision, as the library `holidays` knows them.

The library is imported where a calendar is named and nowhere else: a bridge without one does not carry it.
"""

from collections.abc import Callable
from datetime import date


class UnknownCalendar(Exception):
    """There is none of this name; the text names what there is near it."""


def holidays_of(name: str) -> Callable[[date], bool]:
    """Whether a local date is a public holiday of `AU-NSW`; raises `UnknownCalendar`."""
    import holidays  # noqa: PLC0415

    country, _, part = name.partition("-")
    try:
        calendar = holidays.country_holidays(country, subdiv=part or None)
    except NotImplementedError:
        parts = holidays.list_supported_countries().get(country)
        if parts is None:
            raise UnknownCalendar(f"there is no country {country!r}") from None
        known = f"its parts are {', '.join(parts)}" if parts else "it has no parts"
        raise UnknownCalendar(f"{country} has no part {part!r}; {known}") from None
    return calendar.__contains__
