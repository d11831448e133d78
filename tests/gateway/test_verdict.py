"""Whether a certificate is taken: the whole table, and what the sentences say."""

import itertools
from typing import get_args

import pytest

from envoy_mqtt.gateway.verdict import (
    NO_NAME,
    NOT_CHECKED,
    RENEWED,
    Mode,
    Verdict,
    brief,
    colons,
    judge,
    printable,
)

SERIAL = "122312345678"
OURS, ANOTHERS, NONE = f"envoy-{SERIAL}", "envoy-122399999999", "solar.example.org"
A, B = "0a1b2c3d" + "00" * 28, "ffeeddcc" + "00" * 28

TAKEN = "taken"
PINNED = "taken and pinned"
FOLLOWED = "followed with a warning"
OTHER = "refused: other_serial"
CHANGED = "refused: certificate_changed"

# Mode, the certificate's name, what is pinned while A is shown → what happens.
TABLE: dict[tuple[Mode, str | None, str | None], str] = {
    ("pin", OURS, None): PINNED,
    ("pin", OURS, A): TAKEN,
    ("pin", OURS, B): FOLLOWED,
    ("pin", ANOTHERS, None): OTHER,
    ("pin", ANOTHERS, A): OTHER,
    ("pin", ANOTHERS, B): OTHER,
    ("pin", NONE, None): PINNED,
    ("pin", NONE, A): TAKEN,
    ("pin", NONE, B): CHANGED,
    ("pin", None, None): PINNED,
    ("pin", None, A): TAKEN,
    ("pin", None, B): CHANGED,
    ("strict", OURS, None): PINNED,
    ("strict", OURS, A): TAKEN,
    ("strict", OURS, B): CHANGED,
    ("strict", ANOTHERS, None): OTHER,
    ("strict", ANOTHERS, A): OTHER,
    ("strict", ANOTHERS, B): OTHER,
    ("strict", NONE, None): PINNED,
    ("strict", NONE, A): TAKEN,
    ("strict", NONE, B): CHANGED,
    ("strict", None, None): PINNED,
    ("strict", None, A): TAKEN,
    ("strict", None, B): CHANGED,
    ("off", OURS, None): TAKEN,
    ("off", OURS, A): TAKEN,
    ("off", OURS, B): TAKEN,
    ("off", ANOTHERS, None): TAKEN,
    ("off", ANOTHERS, A): TAKEN,
    ("off", ANOTHERS, B): TAKEN,
    ("off", NONE, None): TAKEN,
    ("off", NONE, A): TAKEN,
    ("off", NONE, B): TAKEN,
    ("off", None, None): TAKEN,
    ("off", None, A): TAKEN,
    ("off", None, B): TAKEN,
}


def word(verdict: Verdict) -> str:
    if verdict.refusal:
        assert not verdict.pin, "what is refused is not remembered"
        assert not verdict.warning
        return f"refused: {verdict.reason}"
    if verdict.warning == RENEWED:
        assert verdict.pin
        return FOLLOWED
    return PINNED if verdict.pin else TAKEN


@pytest.mark.parametrize(("case", "outcome"), TABLE.items(), ids=str)
def test_the_table(case: tuple[Mode, str | None, str | None], outcome: str) -> None:
    mode, name, pinned = case
    assert word(judge(mode, serial=SERIAL, name=name, shown=A, pinned=pinned)) == outcome


def test_the_table_is_whole() -> None:
    assert set(TABLE) == set(itertools.product(get_args(Mode), (OURS, ANOTHERS, NONE, None), (None, A, B)))


@pytest.mark.parametrize("name", ["envoy-", "envoy-1223123456780", "envoy-12231234567", "envoy-x\nSERIAL"])
def test_a_name_of_nearly_the_right_form_is_anothers(name: str) -> None:
    for mode in ("pin", "strict"):
        verdict = judge(mode, serial=SERIAL, name=name, shown=A, pinned=A)
        assert verdict.reason == "other_serial"
        assert "\n" not in verdict.refusal


@pytest.mark.parametrize("name", [f"ENVOY-{SERIAL}", f" envoy-{SERIAL}", SERIAL, "envoy", ""])
def test_a_name_that_only_resembles_it_renews_nothing(name: str) -> None:
    assert judge("pin", serial=SERIAL, name=name, shown=A, pinned=B).reason == "certificate_changed"


def test_a_change_is_told_with_both_fingerprints_and_the_command_that_mends_it() -> None:
    sentence = judge("strict", serial=SERIAL, name=OURS, shown=A, pinned=B).refusal
    assert "0A:1B:2C:3D" in sentence
    assert "FF:EE:DD:CC" in sentence
    assert f"envoy-mqtt trust --serial {SERIAL}" in sentence


def test_another_gateways_name_is_told_with_both_serial_numbers() -> None:
    sentence = judge("pin", serial=SERIAL, name=ANOTHERS, shown=A, pinned=None).refusal
    assert SERIAL in sentence
    assert "122399999999" in sentence


def test_what_is_taken_with_a_reserve_says_it() -> None:
    def warning(mode: Mode, name: str | None, pinned: str | None) -> str:
        return judge(mode, serial=SERIAL, name=name, shown=A, pinned=pinned).warning

    assert warning("pin", NONE, None) == warning("strict", None, None) == NO_NAME
    assert warning("off", OURS, A) == NOT_CHECKED
    assert warning("pin", OURS, None) == warning("strict", OURS, A) == ""


def test_fingerprints_are_written_as_other_programs_write_them() -> None:
    assert brief(A) == "0A:1B:2C:3D"
    assert colons(A) == "0A:1B:2C:3D" + ":00" * 28


def test_a_name_is_shown_without_what_a_terminal_would_obey() -> None:
    assert printable(OURS) == OURS
    assert printable("a\x1b[2J\nb") == "a?[2J?b"
    assert printable("x" * 70_000) == "x" * 64 + "…"
