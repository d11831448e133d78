"""Which scheme comes when, and who wants a token."""

import pytest

from envoy_mqtt.gateway.road import Road, wants_token
from envoy_mqtt.model import Identity


def test_https_comes_first_and_http_after_it() -> None:
    assert Road().schemes(secure=False) == ("https", "http")


def test_what_led_to_the_gateway_comes_first_the_next_time() -> None:
    road = Road()
    road.arrived("http")
    assert road.schemes(secure=False) == ("http", "https")
    road.arrived("https")
    assert road.schemes(secure=False) == ("https", "http")


def test_where_nothing_leads_anywhere_they_take_turns() -> None:
    """From the second attempt on a gateway that is away gets one connection an attempt."""
    road = Road()
    tried = []
    for _ in range(4):
        tried.append(road.schemes(secure=False))
        road.missed()
    assert tried == [("https", "http"), ("https",), ("http",), ("https",)]


def test_after_an_update_of_its_firmware_a_gateway_is_found_again() -> None:
    """It had HTTP only and has HTTPS only from now on."""
    road = Road()
    road.arrived("http")
    assert "https" in road.schemes(secure=False)
    road.missed()
    assert road.schemes(secure=False) == ("https",)
    road.arrived("https")
    assert road.schemes(secure=False) == ("https", "http")


def test_once_plain_http_is_out_of_the_question_it_is_never_tried() -> None:
    road = Road()
    for _ in range(3):
        assert road.schemes(secure=True) == ("https",)
        road.missed()
    road.arrived("http")
    assert road.schemes(secure=True) == ("https",)


@pytest.mark.parametrize(
    ("firmware", "web_tokens", "wanted"),
    [
        ("R3.9.36", False, False),
        ("R4.10.35", False, False),
        ("D5.0.62", False, False),
        ("D6.99", False, False),
        ("D7.0.88", True, True),
        ("D7.0.88", False, True),
        ("D8.3.6086", True, True),
        ("D10.1", False, True),
        ("8", False, True),
        ("D5.0.62", True, True),
        ("", False, True),
        ("unknown", False, True),
        ("D5x", False, True),
    ],
)
def test_tokens_are_for_firmware_7_and_who_says_so(firmware: str, web_tokens: bool, wanted: bool) -> None:
    """What cannot be read counts as new: a password that cannot be meant is not tried."""
    assert wants_token(Identity("1", "", firmware, web_tokens=web_tokens)) is wanted
