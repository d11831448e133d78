"""The pages of docs/consumers and the files beside them."""

import asyncio
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from tests.consumers.program import require

FOLDER = Path(__file__).parents[2] / "docs" / "consumers"
PAGES = sorted(FOLDER.glob("*.md"))
FILES = sorted(path for path in FOLDER.rglob("*") if path.is_file())


def blocks(page: Path, kind: str) -> list[str]:
    """The page's blocks of one kind; "" is those of none."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)
    return [text for name, text in found if name == kind]


def commands(page: Path) -> list[list[str]]:
    """What a page tells to type, in words."""
    lines = [line for text in blocks(page, "console") for line in text.splitlines()]
    return [shlex.split(line.removeprefix("$ ")) for line in lines if line.startswith("$ ")]


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
