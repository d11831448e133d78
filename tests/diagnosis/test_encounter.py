"""Meeting a gateway: certificate, serial number and clock."""

from typing import Any

import pytest

from envoy_mqtt.diagnosis.findings import Level
from envoy_mqtt.diagnosis.gateway import diagnose
from envoy_mqtt.diagnosis.seen import Shown, Trouble
from tests.diagnosis.gateways import (
    DAY_S,
    NOTHING,
    NOW,
    OTHER,
    SERIAL,
    SHA256,
    WELL,
    levels,
    of,
)


@pytest.mark.parametrize(
    ("changes", "level", "words"),
    [
        (
            {},
            Level.OK,
            f"envoy-{SERIAL}, SHA-256 01:23:45:67…, good until 2026-03-21T09:46:40Z, the one we know",
        ),
        ({"pinned": None}, Level.OK, "remembers it at its first contact"),
        ({"pinned": "f" * 64}, Level.OK, "renewed"),
        ({"certificate": "off"}, Level.WARNING, "not checked"),
        ({"certificate_trouble": Trouble("something stands between us")}, Level.BAD, "stands between"),
        ({"shown": None}, Level.INFO, "plain HTTP"),
    ],
)
def test_the_certificate_is_what_we_make_of_it(changes: dict[str, Any], level: Level, words: str) -> None:
    found = of(WELL._replace(**changes), "certificate")
    assert found.level is level
    assert words in found.text


def test_a_certificate_refused_at_the_handshake_is_told_once() -> None:
    refused = NOTHING._replace(
        shown=WELL.shown, identity_trouble=Trouble("its certificate changed", "certificate_changed")
    )
    found = levels(refused)
    assert (found["certificate"], found["identity"]) == (Level.BAD, Level.SKIPPED)
    assert of(refused, "token").text == "its certificate is refused"


def test_a_certificate_that_has_ended_is_told_and_no_fault() -> None:
    """Gateways go on using theirs (protocol notes, section 6)."""
    seen = WELL._replace(shown=Shown(f"envoy-{SERIAL}", SHA256, NOW - DAY_S))
    told = [each for each in diagnose(seen) if each.check == "certificate"]
    assert [each.level for each in told] == [Level.OK, Level.INFO]
    assert "2026-03-19T09:46:40Z" in told[1].text


def test_another_serial_number_than_the_configured_one_is_bad() -> None:
    seen = NOTHING._replace(
        serial=OTHER, identity_trouble=Trouble(f"it has {SERIAL}, not {OTHER}", "other_serial")
    )
    assert of(seen, "identity").level is Level.BAD
    assert of(seen, "identity").about == f"gateway {OTHER} at 10.0.0.5"


@pytest.mark.parametrize(
    ("told", "now", "level", "words"),
    [
        (NOW + 59.0, NOW, Level.OK, "59 s apart"),
        (NOW + 3600.0, NOW, Level.WARNING, "3600 s ahead of ours"),
        (NOW - 61.0, NOW, Level.WARNING, "61 s behind ours"),
        (None, NOW, Level.INFO, "tells no time"),
        (NOW, 100.0, Level.BAD, "does not know the date"),
    ],
)
def test_clocks_are_compared(told: float | None, now: float, level: Level, words: str) -> None:
    found = of(WELL._replace(gateway_time=told, now=now), "clock")
    assert found.level is level
    assert words in found.text
