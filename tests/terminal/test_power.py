"""Powers in numbers; what they look like in a picture is tested there."""

from envoy_mqtt.terminal.power import sentence, watts


def test_an_unknown_net_has_no_sentence() -> None:
    assert sentence({}) == sentence({"net_power": None}) == sentence({"net_power": "5"}) == ""


def test_powers_are_watts_and_then_kilowatts() -> None:
    told = [watts(each) for each in (None, -0.4, -3.4, 999.4, 999.6, -12_345.0)]
    assert told == ["–", "0 W", "-3 W", "999 W", "1.00 kW", "-12.35 kW"]
