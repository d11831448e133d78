"""What the arrivals of events tell."""

import pytest

from envoy_mqtt.diagnosis.findings import Level
from envoy_mqtt.diagnosis.pacing import Flow, judge_flow

STEADY = tuple(float(n) for n in range(1, 20))


def test_a_steady_stream_is_well() -> None:
    flow = Flow(20.0, STEADY)
    assert (flow.rate_hz, flow.longest_silence_s, flow.bursts) == (0.95, 1.0, 0)
    (found,) = judge_flow(flow)
    assert found.level is Level.OK
    assert found.text == "19 events in 20 s (0.95 a second), longest silence 1.0 s, 0 bursts"


def test_readings_held_back_and_sent_at_once_are_bursts_and_well() -> None:
    """Three silences of 6 s with six events each, as 8.3.6086 does."""
    arrivals = tuple(start + n * 0.005 for start in (6.0, 12.0, 18.0) for n in range(6))
    flow = Flow(20.0, arrivals)
    assert flow.bursts == 3
    assert flow.longest_silence_s == pytest.approx(6.0)
    (found,) = judge_flow(flow)
    assert found.level is Level.OK
    assert "holds readings back" in found.text


def test_silence_at_the_end_counts_and_silence_throughout_is_bad() -> None:
    assert Flow(20.0, (1.0, 2.0)).longest_silence_s == 18.0
    assert Flow(20.0, ()).longest_silence_s == 20.0
    (found,) = judge_flow(Flow(20.0, ()))
    assert (found.level, found.text) == (Level.BAD, "it is open and silent for 20 s")


def test_few_events_unreadable_ones_and_an_early_end_are_warnings() -> None:
    (few,) = judge_flow(Flow(20.0, STEADY[:9]))
    assert few.level is Level.WARNING
    well, ended, unreadable = judge_flow(Flow(20.0, STEADY, 3, "no number", "the gateway closed it"))
    assert [each.level for each in (well, ended, unreadable)] == [Level.OK, Level.WARNING, Level.WARNING]
    assert "the gateway closed it" in ended.text
    assert unreadable.text.startswith("3 events could not be read (no number)")


def test_a_stream_that_ended_at_once_has_no_rate() -> None:
    assert Flow(0.0, ()).rate_hz == 0.0
