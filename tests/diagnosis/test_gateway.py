"""One gateway's findings from what was seen of it, worked out by hand."""

from typing import Any

import pytest

from envoy_mqtt.diagnosis.broker import Running
from envoy_mqtt.diagnosis.findings import Finding, Level
from envoy_mqtt.diagnosis.gateway import diagnose
from envoy_mqtt.diagnosis.reach import Port, Reached
from envoy_mqtt.diagnosis.seen import Seen, Trouble
from envoy_mqtt.model import Meter, Site
from tests.diagnosis.gateways import (
    METERS,
    NOTHING,
    NOW,
    OPEN,
    OTHER,
    SERIAL,
    STORAGE,
    WELL,
    WHO,
    of,
)


def test_a_gateway_that_is_well_is_ok_throughout() -> None:
    found = diagnose(WELL)
    assert {each.level for each in found} == {Level.OK}
    assert {each.about for each in found} == {f"gateway {SERIAL} at 10.0.0.5"}
    names = "name ports certificate identity clock token access meters topics source stream"
    assert " ".join(each.check for each in found) == names


def test_no_secret_is_in_any_finding() -> None:
    troubled = WELL._replace(token_trouble=Trouble("no"), site=None)
    assert "marked" not in f"{diagnose(WELL)}{diagnose(troubled)}"


@pytest.mark.parametrize(
    ("seen", "because"),
    [
        (Seen(host="e.local", now=NOW, reached=Reached("e.local", error="no")), "its name does not resolve"),
        (
            NOTHING._replace(reached=OPEN._replace(ports=(Port(443, "refused"),))),
            "no port takes a connection",
        ),
        (NOTHING._replace(identity_trouble=Trouble("it is silent", "timeout")), "it did not say who it is"),
    ],
)
def test_what_comes_after_an_obstacle_was_not_tried_because_of_it(seen: Seen, because: str) -> None:
    found = diagnose(seen)
    assert len([each for each in found if each.level is Level.BAD]) == 1
    assert (found[-1].check, found[-1].level, found[-1].text) == ("stream", Level.SKIPPED, because)


def test_a_gateway_that_is_not_there_is_called_by_its_address_alone() -> None:
    assert {each.about for each in diagnose(NOTHING)} == {"gateway at 10.0.0.5"}


def test_a_stream_that_this_role_may_not_read_is_a_warning_and_readings_are_the_source() -> None:
    seen = WELL._replace(
        stream_trouble=Trouble("its role may not", "stream_not_for_role", absent=True), flow=None
    )
    assert of(seen, "stream").level is Level.WARNING
    assert of(seen, "source").text == "readings: Its role may not; it is asked again from time to time."


@pytest.mark.parametrize(
    ("wanted", "meters", "source", "stream"),
    [
        ("auto", METERS, "stream", Level.OK),
        ("auto", METERS[1:], "stream", Level.OK),
        ("auto", (*METERS, STORAGE), "readings", Level.SKIPPED),
        ("auto", (), "production", Level.SKIPPED),
        ("stream", (*METERS, STORAGE), "stream", Level.OK),
        ("livedata", METERS, "livedata", Level.SKIPPED),
    ],
)
def test_the_source_is_the_ladders_and_the_stream_is_opened_for_it_alone(
    wanted: Any, meters: tuple[Meter, ...], source: str, stream: Level
) -> None:
    seen = WELL._replace(wanted=wanted, site=Site(WHO, meters))
    assert of(seen, "source").text.startswith(f"{source}: ")
    assert of(seen, "stream").level is stream


def test_a_stream_that_fails_is_bad() -> None:
    seen = WELL._replace(stream_trouble=Trouble("it was cut"), flow=None)
    assert (of(seen, "stream").level, of(seen, "stream").text) == (Level.BAD, "it was cut")


def running(told: object, **more: Any) -> Running:
    return Running(ours=True, serials=(SERIAL,), answer={"gateways": {SERIAL: told}}, **more)


ANSWER = {
    "health": {"fresh": True, "rate_hz": 0.98, "longest_silence_s": 7.5, "bursts": 12, "stalls": None},
    "gateway": {"source": "readings", "source_reason": "There is a battery."},
}


def test_a_running_bridge_is_believed_about_its_readings() -> None:
    seen = WELL._replace(flow=None, running=running(ANSWER))
    assert seen.occupied
    assert of(seen, "source").text == "readings: There is a battery."
    assert of(seen, "stream") == Finding(
        "stream",
        Level.OK,
        "as the running bridge sees it: 0.98 readings a second, 7.5 s longest silence, 12 bursts",
        about=f"gateway {SERIAL} at 10.0.0.5",
    )


def test_a_running_bridge_without_readings_is_bad() -> None:
    seen = WELL._replace(flow=None, running=running({"health": {"fresh": False, "offline_reason": "frozen"}}))
    assert of(seen, "stream").level is Level.BAD
    assert "(frozen)" in of(seen, "stream").text


@pytest.mark.parametrize("told", [{}, {"health": None, "gateway": 1}, {"health": {"rate_hz": "x"}}])
def test_an_answer_with_less_than_expected_is_an_answer(told: object) -> None:
    seen = WELL._replace(flow=None, running=running(told))
    assert of(seen, "stream").text == "as the running bridge sees it: no figures"
    assert of(seen, "source").text.startswith("stream: ")


@pytest.mark.parametrize("told", [None, [], "x"])
def test_a_bridge_that_tells_nothing_keeps_its_stream_to_itself(told: object) -> None:
    seen = WELL._replace(flow=None, running=running(told))
    assert seen.occupied
    assert of(seen, "stream").level is Level.SKIPPED


def test_a_bridge_that_reads_other_gateways_is_no_reason_to_leave_this_one_alone() -> None:
    elsewhere = Running(ours=True, serials=(OTHER,), hosts=("10.0.0.6",))
    assert not WELL._replace(running=elsewhere).occupied
    assert WELL._replace(running=elsewhere._replace(hosts=("10.0.0.5",))).occupied
    assert WELL._replace(running=Running(ours=True)).occupied, "it has not met its gateways yet"
