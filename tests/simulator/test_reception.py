import pytest

from envoy_mqtt.simulator.firmware import Role
from envoy_mqtt.simulator.installation import Installation
from envoy_mqtt.simulator.options import Options
from envoy_mqtt.simulator.reception import Ask, Reception

NOW = 1_751_371_200.0


def reception(**settings: object) -> Reception:
    options = Options(**settings)  # type: ignore[arg-type]
    return Reception(options, Installation(options, NOW), lambda token, _: (Role[token], token))


def status(at: Reception, target: str, *, token: str = "OWNER") -> int:
    return at.answer(Ask(target, None, token), NOW).status


def test_a_query_and_a_final_slash_make_no_difference() -> None:
    at = reception()
    assert Ask("/stream/meter/?x=1", None, None).streams
    assert [status(at, target) for target in ("/ivp/meters?x=1", "/stream/meter/", "/ivp/meters/")] == [
        200,
        200,
        404,
    ]


@pytest.mark.parametrize(("role", "expected"), [("OWNER", 401), ("PROVISIONER", 200), ("INSTALLER", 200)])
def test_the_least_role_of_the_stream_counts_and_there_is_no_403(role: str, expected: int) -> None:
    assert status(reception(firmware="D7.6.175"), "/stream/meter", token=role) == expected


def test_the_head_of_a_stream_has_no_body() -> None:
    answer = reception().answer(Ask("/stream/meter", None, "OWNER"), NOW)
    assert (answer.body, answer.headers) == (b"", {"Content-Type": "text/event-stream"})


def test_firmware_before_7_asks_for_little_and_knows_json_only() -> None:
    at = reception(firmware="D5.0.62")
    assert at.answer(Ask("/ivp/meters", None, None), NOW).status == 200
    assert at.answer(Ask("/nothing", None, None), NOW).body == b'{ "error" : "404 - Not Found" }'


def test_under_another_serial_the_documents_name_it() -> None:
    at = reception(serial="122300000001")
    at.serial = "122300000002"
    body = at.answer(Ask("/info", None, None), NOW).body
    assert b"<sn>122300000002</sn>" in body
    assert b"122300000001" not in body
