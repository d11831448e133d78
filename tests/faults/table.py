"""What was tried, and what came of it: the rows of the table that the suite prints at its end."""

from typing import NamedTuple

HEAD = ("what was tried", "times", "offline after", "readings again after", "lost between bridge and broker")


class Row(NamedTuple):
    """One fault; times in s, `None` where it does not apply. `lost` is in words."""

    fault: str
    times: int
    offline_s: float | None
    again_s: float | None
    lost: str


ROWS: list[Row] = []


def seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} s"


def lines() -> list[str]:
    """The table in Markdown, as `docs/reliability.md` has it."""
    cells = [(it.fault, f"{it.times:,}", seconds(it.offline_s), seconds(it.again_s), it.lost) for it in ROWS]
    return [f"| {' | '.join(row)} |" for row in (HEAD, ("---",) * len(HEAD), *cells)]
