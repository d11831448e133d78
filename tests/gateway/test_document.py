"""An answer's bytes against a shape, and what is said where they do not fit."""

import pytest
from pydantic_core import SchemaValidator

from envoy_mqtt.errors import BadAnswer
from envoy_mqtt.gateway.document import NUMBER, PERCENT, check, decode, entries, record, tolerant

SHAPE = SchemaValidator(record({"list": entries(record({"w": NUMBER}))}, {"soc": tolerant(PERCENT)}))


def test_what_fits_is_read_and_the_rest_left_out() -> None:
    assert decode("/x", b'{"list": [{"w": 1, "v": 2}], "soc": 5, "z": {}}', SHAPE) == {
        "list": [{"w": 1.0}],
        "soc": 5.0,
    }


def test_what_is_tolerated_is_none_where_it_does_not_fit() -> None:
    for soc in (b"", b', "soc": "unknown"', b', "soc": 101', b', "soc": NaN'):
        assert decode("/x", b'{"list": []' + soc + b"}", SHAPE)["soc"] is None


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"<html>secret</html>", "/x is not JSON"),
        (b'{"error": "secret"}', "/x answers with an error"),
        (
            b'{"list": [{"w": "secret"}]}',
            "/x is not what it should be (list.0.w: Input should be a valid number)",
        ),
        (b"{}", "/x is not what it should be (list: Field required)"),
        (b"5", "/x is not what it should be (all of it: Input should be an object)"),
    ],
)
def test_a_sentence_says_what_does_not_fit_and_quotes_nothing(body: bytes, sentence: str) -> None:
    with pytest.raises(BadAnswer) as caught:
        decode("/x", body, SHAPE)
    assert str(caught.value) == sentence


def of_length(length: int) -> bytes:
    return b'{"list": [' + b", ".join([b'{"w": 1}'] * length) + b"]}"


def test_a_list_longer_than_any_gateways_is_bad() -> None:
    assert len(decode("/x", of_length(10_000), SHAPE)["list"]) == 10_000
    with pytest.raises(BadAnswer, match="at most 10000 items"):
        decode("/x", of_length(10_001), SHAPE)


def test_a_part_is_held_against_its_shape_too() -> None:
    part = SchemaValidator(record({"w": NUMBER}))
    assert check("/x", {"w": 1.5}, part) == {"w": 1.5}
    with pytest.raises(BadAnswer, match=r"/x is not what it should be \(w: "):
        check("/x", {"w": "5"}, part)
