"""docs/configuration.md is what `make docs` would write, and has every key."""

import re

from envoy_mqtt.config.keys import KEYS
from envoy_mqtt.config.mistakes import variable
from tests import configuration_page
from tests.pages import rows, text


def test_the_page_is_current() -> None:
    assert text(configuration_page.NAME) == configuration_page.page(), "make docs writes it anew"


def test_every_key_has_a_row_once_with_its_variable() -> None:
    assert sorted(configuration_page.names()) == sorted(map(variable, KEYS))


def test_every_row_says_what_is_allowed_and_what_it_is() -> None:
    told = [row for row in rows(configuration_page.NAME) if "<br>" in row[0]]
    assert len(told) == len(KEYS)
    assert [row[0] for row in told if not (row[2] and row[3])] == []


def test_a_default_is_what_the_settings_have() -> None:
    shown = {row[0]: row[1] for row in rows(configuration_page.NAME)}
    assert shown["`port`<br>`ENVOY_WEB__PORT`"] == "`8099`"
    assert shown["`topic`<br>`ENVOY_COMPAT__TOPIC`"] == '`"/envoy/json"`'
    assert shown["`token`<br>`ENVOY_GATEWAY__TOKEN`"] == ""


def test_sections_are_those_of_the_example() -> None:
    headings = re.findall(r"^## `\[+([a-z_.]+)\]+`", text(configuration_page.NAME), re.MULTILINE)
    assert headings[:4] == ["gateway", "gateway.account", "cloud", "mqtt"]
    assert {"tariff.import", "tariff.export", "compat", "log"} <= set(headings)
