"""Tokens, and what a gateway makes of them."""

import pytest

from envoy_mqtt.diagnosis.findings import Level
from envoy_mqtt.diagnosis.seen import Trouble
from envoy_mqtt.gateway.token import Claims, Token
from envoy_mqtt.model import Identity
from tests.diagnosis.gateways import DAY_S, NOW, SERIAL, WELL, levels, of


def test_the_token_is_told_with_role_serial_end_and_origin() -> None:
    found = of(WELL, "token")
    assert found.text == (
        f"of the owner, for {SERIAL}, good until 2027-01-14T09:46:40Z, fetched before with gateway.account"
    )


@pytest.mark.parametrize(
    ("days_left", "renewed", "level", "words"),
    [
        (29, False, Level.WARNING, "nobody here renews it"),
        (29, True, Level.OK, "good until"),
        (31, False, Level.OK, "good until"),
        (-1, False, Level.BAD, "ended at 2026-03-19T09:46:40Z"),
    ],
)
def test_a_token_that_ends_is_told_in_time(days_left: int, renewed: bool, level: Level, words: str) -> None:
    token = Token("x", Claims(SERIAL, "owner", NOW + days_left * DAY_S), NOW - 300 * DAY_S)
    found = of(WELL._replace(token=token, renewed=renewed), "token")
    assert found.level is level
    assert words in found.text


def test_without_a_token_nothing_further_is_tried() -> None:
    seen = WELL._replace(token=None, token_trouble=Trouble("there is none"), site=None, flow=None)
    found = levels(seen)
    assert found["token"] is Level.BAD
    assert {found[each] for each in ("access", "meters", "topics", "source", "stream")} == {Level.SKIPPED}


def test_old_firmware_wants_no_token_and_has_no_certificate() -> None:
    seen = WELL._replace(token=None, shown=None, identity=Identity(SERIAL, "800-00551-r02", "D5.0.62"))
    found = levels(seen)
    assert (found["token"], found["certificate"], found["access"]) == (Level.INFO, Level.INFO, Level.OK)


def test_refused_access_is_bad_and_says_what_to_do() -> None:
    seen = WELL._replace(site=None, site_trouble=Trouble("it refuses the token"), flow=None)
    assert (of(seen, "access").level, of(seen, "access").text) == (Level.BAD, "it refuses the token")
    assert "envoy-mqtt token" in of(seen, "access").remedy
