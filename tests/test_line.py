"""What the log says of a far end: a night of retries is two lines."""

import io
import logging
from collections.abc import Iterator

import pytest
import structlog
from structlog.testing import capture_logs
from structlog.typing import EventDict

from envoy_mqtt import log
from envoy_mqtt.errors import BrokerUnavailable, GatewayUnavailable, Refused, TryAgain
from envoy_mqtt.line import SETTLED_S, Line
from envoy_mqtt.problems import Trouble

Told = list[EventDict]


@pytest.fixture
def told() -> Iterator[Told]:
    """Everything that is logged, whatever level is configured."""
    before = structlog.get_config()
    structlog.reset_defaults()
    with capture_logs() as lines:
        yield lines
    structlog.configure(**before)


def loud(told: Told) -> list[tuple[str, str]]:
    """Level and event of what an installation at level `info` shows."""
    return [(line["log_level"], line["event"]) for line in told if line["log_level"] != "debug"]


def away(reason: str = "unreachable") -> TryAgain:
    return GatewayUnavailable("no connection", reason=reason)


def test_a_first_connection_is_told(told: Told) -> None:
    Line("gateway").back(0.0)
    assert loud(told) == [("info", "gateway connected")]


def test_a_night_of_retries_is_two_lines(told: Told) -> None:
    line = Line("gateway")
    line.back(SETTLED_S)
    told.clear()
    for n in range(500):
        line.lost(away(), 60.0 + n)
    line.back(SETTLED_S)
    assert loud(told) == [("warning", "gateway lost"), ("info", "gateway back")]


def test_a_far_end_that_was_never_there_is_not_lost(told: Told) -> None:
    line = Line("broker")
    for _ in range(5):
        line.lost(BrokerUnavailable("no connection", reason="unreachable"), 1.0)
    line.back(SETTLED_S)
    assert loud(told) == [("warning", "broker not reached"), ("info", "broker connected")]


def test_it_is_told_anew_each_time(told: Told) -> None:
    line = Line("gateway")
    line.back(SETTLED_S)
    told.clear()
    for _ in range(3):
        line.lost(away(), 1.0)
        line.lost(away(), 2.0)
        line.back(SETTLED_S)
    assert loud(told) == [("warning", "gateway lost"), ("info", "gateway back")] * 3


def test_a_connection_that_says_it_is_well_again_and_again_is_told_once(told: Told) -> None:
    line = Line("gateway")
    for _ in range(5):
        line.back(SETTLED_S)
    assert loud(told) == [("info", "gateway connected")]


def test_a_silence_over_a_connection_that_stands_is_two_lines(told: Told) -> None:
    clock = [100.0]
    line = Line("gateway", clock=lambda: clock[0])
    line.back(SETTLED_S)
    told.clear()
    line.heard()
    for _ in range(3):
        line.silent("timeout", "it is connected and silent")
    clock[0] = 142.0
    for _ in range(3):
        line.heard()
    assert loud(told) == [("warning", "gateway silent"), ("info", "gateway back")]
    assert told[0]["error"] == "it is connected and silent"
    assert told[1]["away_s"] == 42.0


def test_a_silence_that_ends_in_a_loss_is_one_story(told: Told) -> None:
    line = Line("gateway")
    line.back(SETTLED_S)
    told.clear()
    line.silent("timeout", "it is connected and silent")
    line.lost(away("timeout"), 1.0)
    line.heard()  # of a connection that is not back yet
    line.back(SETTLED_S)
    line.heard()
    assert loud(told) == [("warning", "gateway silent"), ("info", "gateway back")]


def test_a_far_end_that_comes_and_goes_is_one_line(told: Told) -> None:
    """It sends a reading and closes, all night long."""
    line = Line("gateway")
    assert line.back(0.0)
    told.clear()
    for _ in range(100):
        line.lost(away("closed"), 1.0)
        assert not line.back(0.0)
        assert not line.back(2.9)
    assert loud(told) == [("warning", "gateway lost")]
    assert line.back(3.0)
    assert loud(told) == [("warning", "gateway lost"), ("info", "gateway back")]


def test_a_loss_says_why_and_when_it_is_tried_again(told: Told) -> None:
    Line("gateway", host="192.168.1.20").lost(away(), 2.1234)
    (line,) = told
    assert line["host"] == "192.168.1.20"
    assert line["error"] == "no connection"
    assert line["reason"] == "unreachable"
    assert line["retry_in_s"] == 2.1


def test_being_back_says_how_long_it_was_away(told: Told) -> None:
    """Lost at 100, at 222.25 it has worked for 4 s again: 118.25 s."""
    times = iter([100.0, 222.25])
    line = Line("gateway", clock=lambda: next(times), host="h")
    line.back(SETTLED_S)
    line.lost(away(), 1.0)
    line.lost(away(), 2.0)
    told.clear()
    line.back(4.0, serial="122100000017")
    assert told == [
        {
            "event": "gateway back",
            "log_level": "info",
            "host": "h",
            "away_s": 118.2,
            "serial": "122100000017",
        }
    ]


def test_retries_are_there_for_whoever_looks_closely(told: Told) -> None:
    line = Line("gateway")
    for _ in range(3):
        line.lost(away(), 1.0)
    assert [entry["log_level"] for entry in told] == ["warning", "debug", "debug"]


@pytest.mark.parametrize(
    "refusal",
    [
        Refused("the token has expired", reason="refused"),
        BrokerUnavailable("it refuses us: user name or password are wrong", reason="refused"),
        GatewayUnavailable("the gateway has another serial number", reason="other_serial"),
    ],
    ids=["the gateway's", "the broker's", "another gateway"],
)
def test_what_someone_must_act_on_is_told_once_even_while_away_for_another_reason(
    told: Told, refusal: TryAgain
) -> None:
    """The broker starts after the bridge, say, and then does not know the password."""
    line = Line("broker")
    line.lost(away(), 1.0)
    line.lost(away(), 2.0)
    for _ in range(50):
        line.lost(refusal, 4.0)
        line.lost(away(), 4.0)
    assert [level for level, _ in loud(told)] == ["warning", "warning"]
    shown = [line["error"] for line in told if line["log_level"] == "warning"]
    assert shown == ["no connection", str(refusal)]


def test_a_refusal_from_the_start_is_told_once(told: Told) -> None:
    line = Line("gateway")
    for _ in range(50):
        line.lost(Refused("the token has expired", reason="refused"), 60.0)
    assert len(loud(told)) == 1


def test_a_refusal_after_being_back_is_told_again(told: Told) -> None:
    line = Line("gateway")
    for _ in range(2):
        line.lost(away(), 1.0)
        line.lost(Refused("no", reason="refused"), 1.0)
        line.back(SETTLED_S)
    assert [level for level, _ in loud(told)] == ["warning", "warning", "info"] * 2


def test_a_warning_is_told_once_in_the_life_of_a_line(told: Told) -> None:
    line = Line("gateway", host="h")
    for _ in range(3):
        line.warn("certificate is self-signed", name="envoy-1")
        line.lost(away(), 1.0)
        line.back(SETTLED_S)
    warnings = [entry for entry in told if entry["event"] == "certificate is self-signed"]
    assert warnings == [
        {"event": "certificate is self-signed", "log_level": "warning", "host": "h", "name": "envoy-1"}
    ]


def test_a_warning_may_be_told_again_after_a_while(told: Told) -> None:
    """Every five minutes at most, with the newest facts."""
    now = 0.0
    line = Line("gateway", clock=lambda: now)
    for second in range(901):
        now = float(second)
        line.warn("unreadable events skipped", again_after_s=300.0, second=second)
    assert [entry["second"] for entry in told] == [0, 300, 600, 900]


def test_two_warnings_do_not_silence_each_other(told: Told) -> None:
    line = Line("gateway")
    for event in ("a", "b", "a", "b"):
        line.warn(event)
    assert [entry["event"] for entry in told] == ["a", "b"]


def test_losses_are_counted_by_reason(told: Told) -> None:
    line = Line("gateway")
    for reason in ("unreachable", "timeout", "unreachable"):
        line.lost(away(reason), 1.0)
    line.back(SETTLED_S)
    assert line.reconnects == {"unreachable": 2, "timeout": 1}


def refused(code: str) -> TryAgain:
    return Refused("the remedy", reason="refused", code=code)


def test_another_thing_to_mend_is_told_even_while_the_far_end_is_away(told: Told) -> None:
    line = Line("gateway")
    for code in ("token_missing", "token_missing", "account_password", "token_missing"):
        line.lost(refused(code), 60.0)
    loud_codes = [line["code"] for line in told if line["log_level"] == "warning"]
    assert loud_codes == ["token_missing", "account_password"]


def test_a_warning_with_another_code_is_a_warning_of_its_own(told: Told) -> None:
    line = Line("gateway")
    for code in ("login_limit", "login_limit", "cloud_unavailable"):
        line.warn("token not renewed", code=code)
    assert [line["code"] for line in told] == ["login_limit", "cloud_unavailable"]


def test_a_note_is_information(told: Told) -> None:
    Line("gateway", host="h").note("token in use", role="owner")
    assert [(line["log_level"], line["event"], line["host"]) for line in told] == [
        ("info", "token in use", "h")
    ]


def test_why_the_connection_is_away_stands_there_until_it_is_back() -> None:
    line = Line("gateway")
    assert line.trouble is None
    line.lost(refused("token_missing"), 1.0)
    assert line.trouble == Trouble("refused", "token_missing", "the remedy")
    line.lost(away("timeout"), 1.0)
    assert line.trouble == Trouble("timeout", "", "no connection")
    line.back(SETTLED_S)
    assert line.trouble is None


def test_a_far_end_that_comes_and_goes_is_not_back() -> None:
    line = Line("gateway")
    line.back(SETTLED_S)
    line.lost(away("closed"), 1.0)
    line.back(SETTLED_S - 0.1)
    assert line.trouble is not None


def test_a_warning_with_a_code_stands_until_it_is_mended() -> None:
    line = Line("gateway")
    line.warn("token not renewed", code="cloud_unavailable", error="it is away")
    line.warn("token not renewed", code="login_limit", error="six times")
    line.warn("unreadable events skipped", last="no code, so it is not told")
    line.warn("token ends", code="token_expiring", cause="at noon")
    assert line.standing == [
        Trouble("", "login_limit", "six times"),
        Trouble("", "token_expiring", "at noon"),
    ]
    line.mended("token not renewed", "never happened")
    assert line.standing == [Trouble("", "token_expiring", "at noon")]


def test_a_warning_may_stand_for_a_while_only_and_stands_anew_when_it_comes_again() -> None:
    now = [100.0]
    line = Line("broker", clock=lambda: now[0])
    line.warn("client id used twice", code="broker_same_client_id", stands_s=60.0)
    now[0] = 159.9
    assert len(line.standing) == 1
    now[0] = 160.0
    assert line.standing == []
    line.warn("client id used twice", code="broker_same_client_id", stands_s=60.0)
    assert len(line.standing) == 1


def test_each_topic_is_warned_of_once(told: Told) -> None:
    line = Line("broker")
    for topic in ("a", "b", "a", "b"):
        line.warn("broker refuses a topic", topic=topic)
    assert [line["topic"] for line in told] == ["a", "b"]


def test_a_line_made_before_the_level_was_changed_follows_it() -> None:
    """`set_log_level` is of no use otherwise."""
    stream = io.StringIO()
    before, root = structlog.get_config(), logging.getLogger()
    handlers, level = root.handlers, root.level
    try:
        log.configure("info", "json", stream=stream)
        line = Line("gateway")
        line.lost(away(), 1.0)
        line.lost(away(), 1.0)
        assert stream.getvalue().count("\n") == 1
        log.configure("debug", "json", stream=stream)
        line.lost(away(), 1.0)
        assert stream.getvalue().count("\n") == 2
    finally:
        structlog.configure(**before)
        root.handlers = handlers
        root.setLevel(level)
