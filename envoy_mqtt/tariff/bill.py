"""When a bill begins, and how many days of it have. Pure."""

from datetime import date


def started(today: date, billing_day: int, since: date) -> date:
    """The last day that is `billing_day` (1-28) of a month, or the tariff's first day `since` if later."""
    first = today.replace(day=billing_day)
    if first > today:
        before = today.replace(day=1).toordinal() - 1
        first = date.fromordinal(before).replace(day=billing_day)
    return min(max(first, since), today)


def begun(bill: date, today: date) -> int:
    """The local days of a bill that have begun, today included."""
    return (today - bill).days + 1
