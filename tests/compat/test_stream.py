"""An event made of a reading beside events that real gateways sent (protocol notes, section 11)."""

import json
from typing import Any

import pytest

from envoy_mqtt.compat.stream import event, release
from envoy_mqtt.gateway.event import reader
from tests.compat.sites import EXPORT, IMPORT, MADE, N, P, T, site

ZEROS = {"p": 0.0, "q": 0.0, "s": 0.0, "v": 0.0, "i": 0.0, "pf": 0.0, "f": 0.0}


def phase(*values: float) -> dict[str, float]:
    return dict(zip(("p", "q", "s", "v", "i", "pf", "f"), values, strict=True))


# An Australian house on firmware 5, from the script's own README.
OLD = {
    "production": phase(351.13, 317.292, 487.004, 244.566, 1.989, 0.72, 50.0),
    "net-consumption": phase(21.397, -778.835, 865.208, 244.652, 3.539, 0.03, 50.0),
    "total-consumption": phase(372.528, -1096.126, 1352.165, 244.609, 5.528, 0.28, 50.0),
}


def whole(event: dict[str, dict[str, float]]) -> Any:
    return {name: {"ph-a": phase, "ph-b": ZEROS, "ph-c": ZEROS} for name, phase in event.items()}


def test_an_event_of_firmware_5_comes_out_as_it_went_in() -> None:
    layout = site(P, N, firmware="D5.0.62")
    said = event(reader(layout)(json.dumps(whole(OLD)).encode()), layout)
    for section, phases in whole(OLD).items():
        for name, values in phases.items():
            # The gateway adds up before it rounds, and this one gives a power factor two decimals.
            assert said[section][name] == pytest.approx(values, abs=0.0051, rel=2e-4), (section, name)


def test_keys_stand_in_the_gateways_order() -> None:
    said = event({P: (MADE,), N: (EXPORT,)}, site(P, N))
    assert list(said) == ["production", "net-consumption", "total-consumption"]
    assert [list(phases) for phases in said.values()] == [["ph-a", "ph-b", "ph-c"]] * 3
    assert list(said["production"]["ph-a"]) == ["p", "q", "s", "v", "i", "pf", "f"]


def test_phases_that_are_not_there_are_zeros() -> None:
    said = event({P: (MADE,) * 2, N: (EXPORT,) * 2}, site(P, N, phases=2))
    assert [said[section]["ph-c"] for section in said] == [ZEROS] * 3
    assert [said[section]["ph-b"]["p"] for section in said] == [2500.0, -1600.0, 900.0]


def test_from_7_3_517_on_what_is_exported_has_negative_amperes() -> None:
    net = event({P: (MADE,), N: (EXPORT,)}, site(P, N, firmware="D7.3.517"))["net-consumption"]["ph-a"]
    assert net == phase(-1600.0, -300.0, -1627.882, 232.0, -7.017, -0.983, 50.0)
    net = event({P: (MADE,), N: (EXPORT,)}, site(P, N, firmware="D7.3.466"))["net-consumption"]["ph-a"]
    assert net == phase(-1600.0, -300.0, 1627.882, 232.0, 7.017, -0.983, 50.0)


def test_the_total_is_reckoned_as_the_firmware_does() -> None:
    measured = {P: (MADE,), N: (EXPORT,)}
    newer = event(measured, site(P, N))["total-consumption"]["ph-a"]
    # 10.878 - 7.017 A at the net's 232 V; 900 W / 895.752 VA is cut to 1.
    assert newer == phase(900.0, -200.0, 895.752, 232.0, 3.861, 1.0, 50.0)
    older = event(measured, site(P, N, firmware="R4.10.35"))["total-consumption"]["ph-a"]
    assert older == phase(900.0, -400.0, 891.891, 231.0, 3.861, 1.0, 50.0)


def test_where_the_house_is_measured_the_net_is_what_is_left() -> None:
    said = event({P: (MADE,), T: (IMPORT,)}, site(P, T))
    assert said["total-consumption"]["ph-a"]["p"] == 400.0
    assert said["net-consumption"]["ph-a"]["p"] == -2100.0


def test_without_a_production_meter_the_total_is_the_net() -> None:
    said = event({N: (IMPORT,)}, site(N))
    assert said["production"]["ph-a"] == ZEROS
    assert said["total-consumption"] == said["net-consumption"]
    assert said["net-consumption"]["ph-a"]["p"] == 400.0


def test_what_nobody_measures_is_zeros() -> None:
    said = event({P: (MADE,)}, site(P))
    assert (
        said["net-consumption"] == said["total-consumption"] == dict.fromkeys(("ph-a", "ph-b", "ph-c"), ZEROS)
    )
    assert said["production"]["ph-a"]["p"] == 2500.0


def test_what_nobody_knows_is_null() -> None:
    poor = MADE._replace(reactive_power=None, voltage=None, current=None, frequency=None)
    said = event({P: (poor,)}, site(P, N))
    assert said["production"]["ph-a"]["p"] == 2500.0
    assert said["production"]["ph-a"]["v"] is None
    assert set(said["net-consumption"]["ph-a"].values()) == {None}
    assert set(said["total-consumption"]["ph-a"].values()) == {None}


@pytest.mark.parametrize(
    ("firmware", "numbers"),
    [("D8.3.5167", (8, 3, 5167)), ("R3.9.36", (3, 9, 36)), ("", ()), ("D8.x", ()), ("D8.3." + "9" * 99, ())],
)
def test_a_firmware_is_numbers_or_nothing(firmware: str, numbers: tuple[int, ...]) -> None:
    assert release(firmware) == numbers
