"""What docs/home-assistant.md shows is true: its configuration loads, its entities are those there are."""

import re
from pathlib import Path

from envoy_mqtt.config import load
from envoy_mqtt.mqtt.entities import ABOUT, TOKEN_EXPIRY, WHOLE
from tests.pages import ROOT, blocks, make_targets, rows, text

NAME = "docs/home-assistant.md"
PAGE = text(NAME)
ROWS = rows(NAME)
ENTITIES = (*WHOLE, *ABOUT, TOKEN_EXPIRY)


def row_of(name: str) -> list[str]:
    (row,) = [row for row in ROWS if name in row[0].split(", ")]
    return row


def test_its_configuration_loads_and_shows_defaults(tmp_path: Path) -> None:
    (block,) = blocks(NAME, "toml")
    (tmp_path / "config.toml").write_text(block)
    shown, default = load(None, environ={}, cwd=tmp_path), load(None, environ={}, cwd=tmp_path / "none")
    assert shown.homeassistant == default.homeassistant
    assert shown.inverters.enabled


def test_its_entities_are_those_there_are_each_with_its_unit() -> None:
    for entity in ENTITIES:
        assert entity.name is not None
        row = row_of(entity.name)
        unit = entity.measurement.unit if entity.measurement else ""
        assert (unit or "") in row[1].split(", ")
        if not entity.enabled:
            assert "disabled" in row[2]


def test_the_dashboard_is_given_energies_that_never_fall() -> None:
    start = next(n for n, row in enumerate(ROWS) if row[0] == "where it asks for")
    offered = [row[1] for row in ROWS[start + 2 : start + 7]]
    by_name = {entity.name: entity for entity in WHOLE}
    measurements = [by_name[name].measurement for name in offered]
    assert {it.state_class for it in measurements if it} == {"total_increasing"}
    assert len(set(offered)) == 5


def test_the_bound_of_rows_follows_from_the_table() -> None:
    """Every 10 s the powers, every 60 s what comes with the energies; a default site has no battery."""
    shown = [each for each in WHOLE if each.enabled and "storage" not in each.key]
    powers = [each for each in shown if each.key.endswith("power")]
    bound = len(powers) * 8640 + (len(shown) - len(powers)) * 1440
    assert f"{bound:,} rows a day" in PAGE
    assert bound < 60_000


def test_its_make_targets_and_commands_exist() -> None:
    assert set(re.findall(r"`make ([a-z-]+)", PAGE)) <= make_targets()
    for module in re.findall(r"`python -m ([a-z_.]+)`", PAGE):
        assert (ROOT / f"{module.replace('.', '/')}.py").exists()
