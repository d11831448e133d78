"""What is asked of the history, and what cannot be meant."""

import pytest

from envoy_mqtt.web.query import asked

SERIAL = "122100000017"


def test_a_gateway_and_seconds_are_asked_for_and_an_hour_where_nothing_is_said() -> None:
    assert asked({"serial": SERIAL, "seconds": "900"}) == (SERIAL, 900)
    assert asked({"serial": SERIAL}) == (SERIAL, 3600)
    assert asked({"serial": SERIAL, "seconds": "86400"}).seconds == 86_400


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({}, "serial: which gateway?"),
        ({"serial": ""}, "serial: which gateway?"),
        ({"serial": "<script>"}, "serial: a gateway's serial number is digits."),
        ({"serial": "1" * 21}, "serial: a gateway's serial number is digits."),
        ({"serial": "١٢٣"}, "serial: a gateway's serial number is digits."),
        *(
            ({"serial": SERIAL, "seconds": seconds}, "seconds: a whole number from 1 to 86400.")
            for seconds in ("", "0", "-1", "86401", "1.5", "1e3", "nan", "9" * 400, "١", " 5", "5\n")
        ),
    ],
)
def test_anything_else_is_a_sentence_that_names_the_parameter(query: dict[str, str], sentence: str) -> None:
    with pytest.raises(ValueError, match=r"^(serial|seconds): ") as refusal:
        asked(query)
    assert str(refusal.value).startswith(sentence)
