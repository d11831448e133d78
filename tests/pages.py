"""What the documentation shows, for the tests that load and run it."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


def text(page: str) -> str:
    """A page by its path from the project's root."""
    return (ROOT / page).read_text()


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of one language, in order, wherever they are indented to."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```$", text(page), re.DOTALL | re.MULTILINE)
    return [re.sub(rf"^{indent}", "", block, flags=re.MULTILINE) for indent, block in found]


def commands(page: str) -> list[str]:
    """What the page's `console` blocks type, one line each."""
    lines = "".join(blocks(page, "console")).splitlines()
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def rows(page: str) -> list[list[str]]:
    """The rows of the page's tables, heads and rules among them, cells stripped."""
    lines = [line for line in text(page).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def make_targets() -> set[str]:
    """What `make` can be asked for."""
    return set(re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE))
