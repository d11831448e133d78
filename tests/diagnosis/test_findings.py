"""How findings follow from checks, and how they are read."""

import json
from collections.abc import Iterator

from envoy_mqtt.diagnosis.findings import (
    Check,
    Finding,
    Level,
    as_json,
    as_text,
    bad,
    carry_out,
    info,
    ok,
    skipped,
    warning,
    worst,
)


def nothing(_: str) -> Iterator[Finding]:
    yield from ()


CHECKS: tuple[Check[str], ...] = (
    Check("first", lambda seen: [ok(seen)], "the first is bad"),
    Check("second", lambda _: [bad("no", "mend it")], "the second is bad"),
    Check("third", nothing),
    Check("fourth", lambda _: [bad("no", "mend it")], "the fourth is bad"),
    Check("fifth", nothing),
)


def test_a_check_without_facts_says_which_check_stands_in_its_way() -> None:
    """The first that was bad: what follows may be bad because of it."""
    found = list(carry_out(CHECKS, "fine", "it"))
    assert [(each.check, each.level, each.text, each.about) for each in found] == [
        ("first", Level.OK, "fine", "it"),
        ("second", Level.BAD, "no", "it"),
        ("third", Level.SKIPPED, "the second is bad", "it"),
        ("fourth", Level.BAD, "no", "it"),
        ("fifth", Level.SKIPPED, "the second is bad", "it"),
    ]


def test_the_worst_is_what_counts_and_what_was_not_tried_is_no_fault() -> None:
    assert worst([ok("a"), info("b"), skipped("c")]) is Level.OK
    assert worst([ok("a"), warning("b", "c")]) is Level.WARNING
    assert worst([bad("a", "b"), warning("c", "d")]) is Level.BAD
    assert worst([]) is Level.OK


FOUND = [
    Finding("name", Level.OK, "192.168.1.20", about="gateway"),
    Finding("token", Level.BAD, "it ended", "get a new one", about="gateway"),
    Finding("login", Level.WARNING, "slow", "wait", about="broker"),
]


def test_people_read_a_mark_a_check_and_a_sentence_with_its_remedy_below() -> None:
    assert as_text(FOUND) == (
        "gateway\n"
        "  ok        name            192.168.1.20\n"
        "  BAD       token           it ended\n"
        "                            → get a new one\n"
        "\n"
        "broker\n"
        "  warning   login           slow\n"
        "                            → wait\n"
        "\n"
        "1 bad, 1 warning."
    )
    assert as_text(FOUND[:1]).endswith("\n\nEverything is well.")


def test_a_long_sentence_is_broken_and_a_long_word_is_not() -> None:
    path = "/" + "x" * 120
    lines = as_text([Finding("data_dir", Level.BAD, f"{'word ' * 30}{path}", path)]).splitlines()
    assert [len(line) for line in lines if path not in line and len(line) > 100] == []
    assert [line.strip() for line in lines if path in line] == [path, f"→ {path}"]


def test_programs_read_the_same_and_a_null_where_nothing_is_to_be_done() -> None:
    told = json.loads(as_json(FOUND))
    assert told["status"] == "bad"
    assert told["findings"][0] == {
        "about": "gateway",
        "check": "name",
        "level": "ok",
        "text": "192.168.1.20",
        "remedy": None,
    }
    assert [each["remedy"] for each in told["findings"]] == [None, "get a new one", "wait"]
