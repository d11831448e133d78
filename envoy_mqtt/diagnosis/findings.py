"""Findings, and how people and programs read them."""

import json
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import groupby
from typing import Generic, NamedTuple, TypeVar

WIDTH = 100
INDENT = " " * 28

Seen = TypeVar("Seen")


class Level(StrEnum):
    """How good a finding is; its text is the mark that people read, colour or not."""

    OK = "ok"
    INFO = "info"
    WARNING = "warning"
    BAD = "bad"
    SKIPPED = "not tried"


class Finding(NamedTuple):
    """One thing that was looked at: a sentence, and what to do about it where there is something to do."""

    check: str
    level: Level
    text: str
    remedy: str = ""
    about: str = ""


class Check(NamedTuple, Generic[Seen]):
    """One thing to look at. `judge` finds nothing where its facts are missing; where the finding is bad,
    `blocks` is the reason why a later check has none, empty where later ones do not depend on it.
    """

    name: str
    judge: Callable[[Seen], Iterable[Finding]]
    blocks: str = ""


def carry_out(checks: Iterable[Check[Seen]], seen: Seen, about: str) -> Iterator[Finding]:
    """Every check's findings, in order; there is at least one of each."""
    because = ""
    for check in checks:
        found = [each._replace(check=check.name, about=about) for each in check.judge(seen)]
        if found and any(each.level is Level.BAD for each in found):
            because = because or check.blocks
        yield from found or [Finding(check.name, Level.SKIPPED, because or "there was no need", about=about)]


def ok(text: str) -> Finding:
    """All is well; `carry_out` fills in the rest."""
    return Finding("", Level.OK, text)


def info(text: str) -> Finding:
    """Neither well nor bad."""
    return Finding("", Level.INFO, text)


def warning(text: str, remedy: str) -> Finding:
    """It works, but not as it should."""
    return Finding("", Level.WARNING, text, remedy)


def bad(text: str, remedy: str) -> Finding:
    """It does not work."""
    return Finding("", Level.BAD, text, remedy)


def skipped(text: str) -> Finding:
    """It was left alone, for this reason."""
    return Finding("", Level.SKIPPED, text)


def worst(findings: Iterable[Finding]) -> Level:
    """`BAD`, else `WARNING`, else `OK`."""
    levels = {each.level for each in findings}
    return next((level for level in (Level.BAD, Level.WARNING) if level in levels), Level.OK)


def as_json(findings: Sequence[Finding]) -> str:
    """For programs: `status` is the worst level, `remedy` is `null` where there is nothing to do."""
    listed = [
        {
            "about": each.about,
            "check": each.check,
            "level": each.level.value,
            "text": each.text,
            "remedy": each.remedy or None,
        }
        for each in findings
    ]
    return json.dumps({"status": worst(findings).value, "findings": listed}, indent=2, ensure_ascii=False)


def as_text(findings: Sequence[Finding]) -> str:
    """For people: a paragraph for each thing looked at, a line for each finding, and a count at the end."""
    lines: list[str] = []
    for about, group in groupby(findings, lambda each: each.about):
        lines += [about, *(line for each in group for line in _lines(each)), ""]
    return "\n".join([*lines, _count(findings)])


def _lines(finding: Finding) -> Iterator[str]:
    mark = finding.level.upper() if finding.level is Level.BAD else finding.level
    yield from _wrap(f"  {mark:<10}{finding.check:<16}", finding.text)
    if finding.remedy:
        yield from _wrap(f"{INDENT}→ ", finding.remedy)


def _wrap(head: str, text: str) -> list[str]:
    """Long words, such as paths, stay whole, so that they can be copied."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=head,
        subsequent_indent=INDENT + ("  " if head.endswith("→ ") else ""),
        break_long_words=False,
        break_on_hyphens=False,
    ) or [head.rstrip()]


def _count(findings: Sequence[Finding]) -> str:
    number = {level: sum(each.level is level for each in findings) for level in (Level.BAD, Level.WARNING)}
    if not any(number.values()):
        return "Everything is well."
    warnings = f"{number[Level.WARNING]} warning{'' if number[Level.WARNING] == 1 else 's'}"
    return f"{number[Level.BAD]} bad, {warnings}."
