"""The broker's findings from what was tried there."""

from typing import Any

import pytest

from envoy_mqtt.diagnosis.broker import Running, Trial, Tried, diagnose
from envoy_mqtt.diagnosis.findings import Finding, Level
from envoy_mqtt.diagnosis.reach import Port, Reached

WELL = Trial(
    Reached("broker.lan", ("10.0.0.2",), ports=(Port(1883),)),
    prefix="homeassistant",
    protocol="5",
    published=Tried("envoy/bridge/x", received=True),
    retained=True,
    removed=True,
    discovery=Tried("homeassistant/device/x/config", received=True),
    birth="online",
)


def of(trial: Trial, check: str) -> Finding:
    return next(each for each in diagnose(trial) if each.check == check)


def test_a_broker_that_is_well_has_no_fault() -> None:
    found = diagnose(WELL)
    assert [(each.check, each.level.value) for each in found] == [
        ("name", "ok"),
        ("port", "ok"),
        ("login", "ok"),
        ("publish", "ok"),
        ("retained", "ok"),
        ("discovery", "ok"),
        ("home assistant", "info"),
        ("bridge", "info"),
    ]
    assert {each.about for each in found} == {"broker broker.lan"}


@pytest.mark.parametrize(
    ("kind", "words"), [("login", "mqtt.password"), ("tls", "ca_file"), ("silent", "TLS"), ("", "own log")]
)
def test_each_refusal_has_its_remedy_and_the_rest_was_not_tried(kind: str, words: str) -> None:
    found = diagnose(Trial(WELL.reached, trouble="it refuses us", kind=kind))
    assert [each.level for each in found[:3]] == [Level.OK, Level.OK, Level.BAD]
    assert words in found[2].remedy
    assert {(each.level, each.text) for each in found[3:]} == {(Level.SKIPPED, "it does not take us")}


def test_in_a_container_localhost_is_the_container() -> None:
    away = Trial(Reached("localhost", ("127.0.0.1",), ports=(Port(1883, "refused"),)), in_container=True)
    assert "container itself" in of(away, "port").remedy
    assert "container" not in of(away._replace(in_container=False), "port").remedy


@pytest.mark.parametrize(
    ("changes", "check", "level", "words"),
    [
        ({"published": Tried("t", "not authorized")}, "publish", Level.BAD, "t is refused (not authorized)"),
        ({"published": Tried("t")}, "publish", Level.WARNING, "did not come back"),
        ({"published": Tried("t"), "protocol": "3.1.1"}, "publish", Level.BAD, "did not come back"),
        ({"discovery": Tried("t", "not authorized")}, "discovery", Level.BAD, "is refused"),
        ({"discovery": Tried("t"), "protocol": "3.1.1"}, "discovery", Level.WARNING, "did not come back"),
        ({"retained": False}, "retained", Level.BAD, "does not keep"),
        ({"removed": False}, "retained", Level.WARNING, "removed"),
        ({"prefix": "", "discovery": None}, "discovery", Level.INFO, "switched off"),
        ({"prefix": ""}, "home assistant", Level.INFO, "switched off"),
        ({"birth": None}, "home assistant", Level.INFO, "not kept"),
    ],
)
def test_each_permission_is_a_finding(changes: dict[str, Any], check: str, level: Level, words: str) -> None:
    found = of(WELL._replace(**changes), check)
    assert found.level is level
    assert words in found.text
    assert bool(found.remedy) == (level in (Level.BAD, Level.WARNING))


def test_the_acls_remedy_names_the_topics() -> None:
    assert "envoy/#" in of(WELL._replace(published=Tried("t", "no")), "publish").remedy
    assert "homeassistant/#" in of(WELL._replace(discovery=Tried("t", "no")), "discovery").remedy


def test_what_a_running_bridge_says_is_wrong_is_told() -> None:
    problems = [{"code": "disk", "text": "the disk is full", "remedy": "make room"}, {"text": "x"}, {}, 1]
    running = Running(ours=True, answer={"problems": problems})
    told = [each for each in diagnose(WELL._replace(running=running)) if each.check == "bridge"]
    assert [(each.level, each.text, each.remedy) for each in told[1:]] == [
        (Level.WARNING, "it says: the disk is full", "make room"),
        (Level.WARNING, "it says: x", "see its log"),
    ]
    running = Running(ours=True, answer={"problems": {"a": 1}})
    assert len([each for each in diagnose(WELL._replace(running=running)) if each.check == "bridge"]) == 1


@pytest.mark.parametrize(
    ("running", "level", "words"),
    [
        (Running(ours=True, version="0.1.0", host="pi", answer={}), Level.OK, "on pi, version 0.1.0"),
        (Running(ours=True), Level.WARNING, "does not answer"),
        (Running(ours=False, answer={}), Level.WARNING, "not this installation's"),
    ],
)
def test_a_running_bridge_is_told(running: Running, level: Level, words: str) -> None:
    found = of(WELL._replace(running=running), "bridge")
    assert found.level is level
    assert words in found.text
