"""What is wrong, in plain words: the contract's codes, and since when each has been there."""

import re
from pathlib import Path

from envoy_mqtt.problems import WORDS, Problem, Register

CONTRACT = Path(__file__).parents[2] / "shared" / "design" / "mqtt.md"

SILENT, AWAY = Problem("gateway_silent", "1"), Problem("broker_unreachable")


def contract_codes() -> list[str]:
    (line,) = [line for line in CONTRACT.read_text().splitlines() if line.startswith("`meter_reversed`")]
    (before,) = [line for line in CONTRACT.read_text().splitlines() if line.startswith("Codes: ")]
    return re.findall("`([a-z_]+)`", before + line.partition(". ")[0])


def test_there_is_each_code_of_the_contract_and_no_other() -> None:
    assert list(WORDS) == contract_codes()


def test_each_code_has_a_text_and_a_remedy_that_are_sentences() -> None:
    for code, words in WORDS.items():
        assert re.fullmatch(r"[A-Z].*[a-z0-9]", words.what), code
        assert re.fullmatch(r"[A-Z'].*\.", words.remedy), code


def test_a_problem_says_what_is_wrong_why_and_what_to_do() -> None:
    problem = Problem("gateway_unreachable", "1", "no connection within 10 s")
    assert problem.text == "The gateway cannot be reached: no connection within 10 s."
    assert problem.remedy.startswith("Look whether it has power")
    assert Problem("gateway_unreachable").text == "The gateway cannot be reached."


def test_a_problem_that_comes_and_one_that_goes_are_news() -> None:
    register = Register()
    assert not register.update([], 0.0)
    assert register.update([SILENT], 10.0)
    assert not register.update([SILENT], 20.0)
    assert register.update([SILENT, AWAY], 30.0)
    assert register.standing == [(SILENT, 10.0), (AWAY, 30.0)]
    assert register.update([AWAY], 40.0)
    assert register.standing == [(AWAY, 30.0)]
    assert register.update([], 50.0)


def test_another_cause_is_no_news_and_is_told() -> None:
    register = Register()
    register.update([SILENT], 10.0)
    other = SILENT._replace(cause="it is asleep")
    assert not register.update([other], 20.0)
    assert register.standing == [(other, 10.0)]


def test_a_problem_that_comes_again_is_a_new_one() -> None:
    register = Register()
    for at in (10.0, 30.0):
        assert register.update([SILENT], at)
        assert register.standing == [(SILENT, at)]
        assert register.update([], at + 5)


def test_one_code_is_told_once_of_a_gateway_and_for_each_of_two() -> None:
    register = Register()
    first, second, other = (
        Problem("disk", "1", "full"),
        Problem("disk", "1", "read-only"),
        Problem("disk", "2"),
    )
    register.update([first, second, other], 10.0)
    assert [problem for problem, _ in register.standing] == [first, other]
