"""Lines of a terminal: pieces of text with a style each, and how they are laid out. Pure."""

from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import NamedTuple

# Text and the name of its style.
Piece = tuple[str, str]
Line = list[Piece]

PLAIN, DIM, STRONG, GOOD, BAD = "", "dim", "bold", "green", "bold red"

BETWEEN = " · "


def length(line: Line) -> int:
    """How many columns it takes: nothing here is wider than one."""
    return sum(len(text) for text, _ in line)


def both_ends(left: Line, right: Line, width: int) -> Line:
    """One at each end; where there is no room for both, the left one alone."""
    room = width - length(left) - length(right)
    return [*left, (" " * room, PLAIN), *right] if room > 0 else left


def paragraph(text: str, width: int, style: str, first: str = "", rest: str = "  ") -> list[Line]:
    """Text in as many lines as it needs."""
    return [[(line, style)] for line in wrap(text, width, initial_indent=first, subsequent_indent=rest)]


def listed(head: str, items: Iterable[str], width: int) -> list[Line]:
    """Items one after another, none of them broken, behind a heading."""
    lines, indent = [[(f"{head:<8}", DIM)]], " " * 8
    for item in items:
        begun = len(lines[-1]) > 1
        if begun and length(lines[-1]) + len(BETWEEN) + len(item) > width:
            lines.append([(indent, PLAIN)])
            begun = False
        lines[-1] += [(BETWEEN, DIM)] * begun + [(item, PLAIN)]
    return lines if len(lines[0]) > 1 else []


class Section(NamedTuple):
    """Lines that belong together; of what does not fit, the highest `rank` goes first."""

    rank: int
    lines: list[Line]


def fitting(sections: Sequence[Section], height: int) -> list[Line]:
    """The lines of the sections that there is room for, in the order they were given."""
    room, chosen = height, set()
    for n, section in sorted(enumerate(sections), key=lambda each: each[1].rank):
        if len(section.lines) <= room:
            chosen.add(n)
            room -= len(section.lines)
    return [line for n, section in enumerate(sections) if n in chosen for line in section.lines]
