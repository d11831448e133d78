"""What docs/development.md tells of the project is so: its paths, its picture, its layers, its commands."""

import re
import subprocess
import sys

import pytest

from tests.pages import ROOT, commands, rows, text
from tests.test_layers import LAYERS

NAME = "docs/development.md"
PAGE = text(NAME)


def test_every_path_it_names_is_there() -> None:
    named = re.findall(r"`((?:envoy_mqtt|tests|docs|\.ci)/[^`]*|[a-z.]+\.(?:toml|lock))`", PAGE)
    assert len(named) > 30
    assert [path for path in named if not (ROOT / path).exists()] in ([], ["config.toml"])


def test_what_the_picture_shows_is_there() -> None:
    picture = PAGE.partition("## The architecture")[2].split("```")[1]
    shown = re.findall(r"(?:gateway|mqtt|energy|tariff|web)/[a-z]+", picture)
    assert len(shown) >= 11
    assert [each for each in shown if not (ROOT / "envoy_mqtt" / f"{each}.py").exists()] == []


def test_its_layers_are_those_that_a_test_holds() -> None:
    table = [row[0] for row in rows(NAME)]
    at = table.index("layer") + 2
    assert table[at : at + len(LAYERS)] == list(LAYERS)


@pytest.mark.parametrize("line", [line for line in commands(NAME) if line.startswith(".venv/bin/pytest")])
def test_its_tests_can_be_run(line: str) -> None:
    arguments = [word for word in line.split()[1:] if word.startswith("tests")]
    told = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert arguments
    assert told.returncode == 0, told.stdout
