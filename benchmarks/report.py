"""What was measured, as rows with a bar where there is one, and as a table."""

from collections.abc import Sequence
from math import ceil, floor, log10
from typing import NamedTuple


class Bar(NamedTuple):
    """What a figure is held to: at least or at most a limit."""

    text: str
    held: bool


def at_most(value: float, limit: float, unit: str = "") -> Bar:
    """A bar for what shall be small."""
    return Bar(f"≤ {number(limit)}{unit}", value <= limit)


def at_least(value: float, limit: float, unit: str = "") -> Bar:
    """A bar for what shall be large."""
    return Bar(f"≥ {number(limit)}{unit}", value >= limit)


class Row(NamedTuple):
    """One figure of ours, the same of what is measured beside it, and the bar that ours is held to."""

    what: str
    ours: float
    beside: float | None = None
    bar: Bar | None = None

    @property
    def ratio(self) -> float | None:
        """Ours by the other."""
        return self.ours / self.beside if self.beside else None


# A row of every part that a busy machine disturbs: its figure says whether to believe the others.
OTHERS = "time of the core others took, %"


class Part(NamedTuple):
    """One part's rows; `beside` names what stands in the second column."""

    title: str
    beside: str
    rows: Sequence[Row]
    notes: Sequence[str] = ()


WIDTHS = (46, 12, 14, 8)


def table(part: Part) -> str:
    """The part as text."""
    lines = [part.title, _line("", "envoy-mqtt", part.beside, "ratio" if part.beside else "")]
    lines += [
        _line(row.what, number(row.ours), number(row.beside), number(row.ratio)) + _verdict(row.bar)
        for row in part.rows
    ]
    return "\n".join([*lines, *(f"    {note}" for note in part.notes)])


def number(value: float | None) -> str:
    """A count as it is, else three digits and no exponent; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, int) or value == 0:
        return f"{value:,.0f}"
    decimals = 2 - floor(log10(abs(value)))
    return f"{round(value, decimals):,.{max(0, decimals)}f}"


def quantile(values: Sequence[float], part: float) -> float:
    """The smallest value that at least this part of the values do not exceed (nearest rank)."""
    return sorted(values)[max(0, ceil(part * len(values)) - 1)]


def _line(what: str, *columns: str) -> str:
    return f"  {what:<{WIDTHS[0]}}" + "".join(
        f"{column:>{width}}" for column, width in zip(columns, WIDTHS[1:], strict=True)
    )


def _verdict(bar: Bar | None) -> str:
    return "" if bar is None else f"   {bar.text}: {'held' if bar.held else 'MISSED'}"
