import pytest

from envoy_mqtt.errors import ConfigError
from envoy_mqtt.simulator.firmware import Absent, Firmware, Generation, Role


def test_the_letter_is_dropped_and_numbers_are_compared_as_numbers() -> None:
    assert Firmware.parse("D8.3.5167").number == (8, 3, 5167)
    assert Firmware.parse("R4.10.35").number > Firmware.parse("M4.2.33").number


@pytest.mark.parametrize("text", ["", "D", "8", "D8.3.x", "8.3.5167; rm", "D8.3.5167.1.2"])
def test_what_is_no_firmware_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a firmware like"):
        Firmware.parse(text)


# Protocol notes, section 1.4: the change sits between these two.
@pytest.mark.parametrize(("text", "generation"), [("D7.3.466", Generation.OLD), ("D7.3.517", Generation.NEW)])
def test_the_arithmetic_changes_between_7_3_466_and_7_3_517(text: str, generation: Generation) -> None:
    assert Firmware.parse(text).generation is generation


# Section 1.6.
@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("D5.0.62", Role.INSTALLER),
        ("D7.0.88", Role.OWNER),
        ("D7.6.175", Role.PROVISIONER),
        ("D8.2.127", Role.PROVISIONER),
        ("D8.3.5167", Role.OWNER),
        ("D8.3.6086", Role.OWNER),
    ],
)
def test_who_may_read_the_stream(text: str, role: Role) -> None:
    assert Firmware.parse(text).stream_role is role


# Section 1.3.
@pytest.mark.parametrize(
    ("text", "split", "net_fitted", "absent"),
    [
        ("D7.0.88", False, True, Absent.ZEROS),
        ("D5.0.62", False, False, Absent.NOISE),
        ("R4.10.35", True, True, Absent.ZEROS),
        ("D8.2.127", True, True, Absent.ZEROS),
        ("D8.3.6086", True, True, Absent.FREQUENCY),
        ("D8.3.6086", False, True, Absent.ZEROS),
    ],
)
def test_what_is_shown_of_phases_that_are_not_there(
    text: str, split: bool, net_fitted: bool, absent: Absent
) -> None:
    assert Firmware.parse(text).absent(split=split, net_fitted=net_fitted) is absent


def test_the_other_turning_points() -> None:
    old, middle, new = (Firmware.parse(text) for text in ("D8.2.4286", "D8.3.5167", "D8.3.6086"))
    assert (old.pf_decimals, middle.pf_decimals, new.pf_decimals) == (2, 2, 3)
    assert (old.info_content_type, middle.info_content_type) == (True, False)
    assert (old.fixed_decimals, middle.fixed_decimals) == (True, False)
    assert (old.unknown_meter, middle.unknown_meter) == (False, True)
    assert (middle.lists_every_meter, new.lists_every_meter) == (False, True)
    assert (middle.login_page, new.login_page) == ("/home", "/login.html")
    assert (middle.cookie_every_time, new.cookie_every_time) == (False, True)
    assert not Firmware.parse("D5.0.62").has_tokens
    assert not Firmware.parse("D5.0.62").keeps_alive
    assert [Firmware.parse(text).epoch_nonce for text in ("D3.18.10", "R4.10.35")] == [True, False]
