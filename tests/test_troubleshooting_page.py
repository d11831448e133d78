"""What docs/troubleshooting.md quotes is what the program says: problems, causes, mistakes, doctor, log."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from envoy_mqtt.config import load
from envoy_mqtt.diagnosis import broker, gateway, place
from envoy_mqtt.diagnosis.findings import Check
from envoy_mqtt.errors import ConfigError
from envoy_mqtt.gateway import verdict
from envoy_mqtt.gateway.trouble import LOCAL_NAME, NOBODY, SENTENCES
from envoy_mqtt.problems import WORDS
from envoy_mqtt.web.server import UNKNOWN_NAME
from tests.pages import ROOT, text

PAGE = text("docs/troubleshooting.md")

# Events that are put together where they are said.
COMPOSED = {
    "verdict.warning": {verdict.NOT_CHECKED, verdict.NO_NAME, verdict.RENEWED},
    "f'{self._what} silent'": {"gateway silent"},
    "f'read from {step.source}, not the best source'": {"read from SOURCE, not the best source"},
}

# What a `Line` says of either far end.
FAR_ENDS = {f"{what} {state}" for what in ("gateway", "broker") for state in ("lost", "not reached")}


def tables(head: str) -> list[list[str]]:
    """The rows of every table whose head begins so."""
    found = re.findall(rf"^\| {re.escape(head)} \|.*\n\|[- |]+\|\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    lines = [line for block in found for line in block.splitlines()]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def quoted(rows: list[list[str]]) -> list[str]:
    """What stands in the first cells as the program's own words."""
    return [each for row in rows for each in re.findall(r"`([^`]+)`", row[0])]


def test_every_problem_is_there_once_in_its_own_words_with_its_remedy() -> None:
    told = tables("`code`")
    assert len(told) == len(WORDS)
    assert {row[0]: row[1:] for row in told} == {f"`{code}`": [*words] for code, words in WORDS.items()}


def test_every_cause_of_no_connection_is_there() -> None:
    sentences = [*NOBODY.values(), *(sentence for _, _, sentence in SENTENCES)]
    said = {re.split(r": |\{", sentence)[0].strip() for sentence in sentences} - {""}
    rare = {it for it in said if it.startswith(("the connection was cut ", "its certificate changed"))}
    assert set(quoted(tables("cause"))) == said - rare
    assert LOCAL_NAME.startswith("its name does not resolve")
    assert f"*{UNKNOWN_NAME.partition(':')[0]}*" in PAGE


def test_every_mistake_reads_as_it_is_said_and_what_is_right_loads(tmp_path: Path) -> None:
    examples = tables("in the configuration")
    assert len(examples) >= 9
    for wrong, sentence, right in examples:
        (tmp_path / "config.toml").write_text(wrong.strip("`"))
        with pytest.raises(ConfigError) as found:
            load(None, environ={}, cwd=tmp_path)
        assert found.value.mistakes == (sentence.strip("`"),)
        (tmp_path / "config.toml").write_text("".join(re.findall(r"^`(.*)`$", right)))
        load(None, environ={}, cwd=tmp_path)


def test_every_line_of_doctor_is_there_with_what_it_stands_in_the_way_of() -> None:
    told = {row[0].strip("`"): row[2] for row in tables("doctor's line")}
    checks: list[Check[Any]] = [*place.CHECKS, *gateway.CHECKS, *broker.CHECKS]
    assert {check.name: check.blocks for check in checks} == told


def test_every_warning_of_the_log_is_there_and_no_other() -> None:
    told = quoted(tables("line"))
    assert sorted(told) == sorted(warnings() | FAR_ENDS)


def warnings() -> set[str]:
    """Every event that the package warns of, wherever that is; what a user practises on is none of it."""
    paths = [path for path in (ROOT / "envoy_mqtt").rglob("*.py") if "simulator" not in path.parts]
    return {event for path in paths for event in warned(ast.parse(path.read_text()))}


def warned(module: ast.Module) -> Iterator[str]:
    words = {
        target.id: node.value.value
        for node in module.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name) and isinstance(node.value.value, str)
    }
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and node.args and getattr(node.func, "attr", "") in ("warn", "warning"):
            event = node.args[0]
            if isinstance(event, ast.Constant):
                yield str(event.value)
            elif ast.unparse(event) != "event":
                yield from COMPOSED.get(ast.unparse(event)) or {words[ast.unparse(event)]}
