"""The pages of docs/consumers and the files beside them."""

import asyncio
import shlex
from collections.abc import Mapping

import tests.pages
from tests.programs import require

FOLDER = tests.pages.ROOT / "docs" / "consumers"
PAGES = sorted(path.name for path in FOLDER.glob("*.md"))
FILES = sorted(path for path in FOLDER.rglob("*") if path.is_file())


def commands(page: str) -> list[list[str]]:
    """What one of these pages tells to type, in words."""
    return [shlex.split(line) for line in tests.pages.commands(f"docs/consumers/{page}")]


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of one of these pages."""
    return tests.pages.blocks(f"docs/consumers/{page}", language)


async def typed(words: list[str], places: Mapping[str, str], *more: str) -> str:
    """What a command of a page says; `places` are other addresses in it, by how the page writes them."""
    for written, meant in places.items():
        assert any(written in word for word in words)
        words = [word.replace(written, meant) for word in words]
    process = await asyncio.create_subprocess_exec(
        require(words[0]), *words[1:], *more, cwd=FOLDER, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    return said.decode()


async def subscribed(words: list[str], port: int, count: int) -> list[str]:
    """The first lines of a page's `mosquitto_sub`, from a test's broker and with a test's patience."""
    words = words[: words.index("-W")] if "-W" in words else words
    more = ("-p", str(port), "-C", str(count), "-W", "30")
    said = await typed(words, {"localhost": "127.0.0.1"}, *more)
    return said.splitlines()
