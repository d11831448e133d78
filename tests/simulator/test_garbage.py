import json

from envoy_mqtt.simulator.garbage import KINDS, garbage_events
from envoy_mqtt.simulator.house import House
from envoy_mqtt.simulator.options import Options
from envoy_mqtt.simulator.wire import Style, event, sample

EVENT = event(sample(House().at(1e9), Style.of(Options())))
MADE = dict(garbage_events(EVENT))


def test_every_kind_ends_with_a_blank_line_so_that_the_next_event_is_heard() -> None:
    assert list(MADE) == list(KINDS)
    assert all(made.endswith(b"\r\n\r\n") for made in MADE.values())


def test_no_kind_is_the_good_event() -> None:
    assert all(EVENT not in made for made in MADE.values())


def test_kinds_that_are_json_are_json_and_wrong() -> None:
    number = json.loads(MADE["number as string"][6:])
    assert number["production"]["ph-a"]["p"] == "447.973"
    assert json.loads(MADE["null phase"][6:])["production"]["ph-a"] is None
    assert json.loads(MADE["null section"][6:])["total-consumption"] is None
    assert "total-consumption" not in json.loads(MADE["missing section"][6:])
    assert list(json.loads(MADE["missing phase"][6:])["production"]) == ["ph-b", "ph-c"]
    assert json.loads(MADE["null number"][6:])["production"]["ph-a"]["p"] is None


def test_the_big_ones_are_big() -> None:
    assert len(MADE["megabyte line"]) > 1_000_000
    assert MADE["60000 brackets"].count(b"[") == 60_000
    assert b"9" * 400 in MADE["400 digits"]
    assert b'"p":1e999,' in MADE["1e999"]
    assert b'"p":NaN,' in MADE["nan"]
