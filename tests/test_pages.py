"""What every page of the documentation shows is there: its links, its commands, its configuration."""

import re
import shlex
import subprocess
import sys
from functools import cache
from itertools import takewhile
from pathlib import Path

import pytest

from envoy_mqtt.config import load
from tests.pages import ROOT, blocks, commands, make_targets, text

PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in (ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("docker/**/*.md"))
)

# Configuration of other programs has its own tests.
OURS = [page for page in PAGES if "```toml" in text(page) and not page.startswith("docs/consumers/influxdb")]


def ours() -> set[tuple[str, ...]]:
    """Every call of the bridge that a page shows, without what belongs to the shell around it."""
    words = (shlex.split(line, comments=True) for page in PAGES for line in commands(page))
    return {tuple(takewhile(lambda it: it not in ("|", ">", "&&", "&"), it)) for it in words if called(it)}


def called(words: list[str]) -> bool:
    return bool(words) and Path(words[0]).name == "envoy-mqtt"


@cache
def help_of(command: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "envoy_mqtt", *command.split(), "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_there_are_pages_and_commands() -> None:
    assert {"README.md", "docs/home-assistant.md", "docs/gateway.md"} <= set(PAGES)
    assert ("run",) in {words[1:2] for words in ours()}


@pytest.mark.parametrize("page", PAGES)
def test_its_links_lead_somewhere(page: str) -> None:
    prose = re.sub(r"^ *```.*?^ *```", "", text(page), flags=re.DOTALL | re.MULTILINE)
    for target, anchor in re.findall(r"\]\((?!https?:|mailto:)([^)#]*)(?:#([^)]*))?\)", prose):
        there = ((ROOT / page).parent / target).resolve() if target else ROOT / page
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(there), anchor


def anchors(page: Path) -> set[str]:
    """What GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.*)", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}


@pytest.mark.parametrize("words", sorted(ours()), ids=" ".join)
def test_its_commands_exist_with_their_options(words: tuple[str, ...]) -> None:
    plain = [word for word in words[1:] if re.fullmatch("[a-z]+", word)]
    command = " ".join(plain[: 2 if plain[:1] == ["config"] else 1])
    options = {word.partition("=")[0] for word in words if word.startswith("--")}
    assert options <= {*re.findall(r"--[a-z-]+", help_of(command))}


@pytest.mark.parametrize("page", PAGES)
def test_its_make_targets_exist(page: str) -> None:
    shown = re.findall(r"`make ([a-z-]+)", text(page))
    shown += [line.split()[1] for line in commands(page) if re.match("make [a-z]", line)]
    assert set(shown) <= make_targets()


@pytest.mark.parametrize("page", OURS)
def test_its_configuration_loads(page: str, tmp_path: Path) -> None:
    (tmp_path / "account_password").write_text("a password")
    for block in blocks(page, "toml"):
        (tmp_path / "config.toml").write_text(block.replace("/run/secrets", str(tmp_path)))
        load(None, environ={}, cwd=tmp_path)
