import pytest

from envoy_mqtt.errors import ConfigError
from envoy_mqtt.simulator.trouble import Fault

FAULT = Fault("Something.", {"seconds_more": 2.0, "path": ""})


def test_settings_that_are_not_given_are_the_defaults() -> None:
    assert FAULT.checked("it", {}) == {"seconds_more": 2.0, "path": ""}
    assert FAULT.checked("it", {"seconds_more": 3, "path": "/info"}) == {"seconds_more": 3.0, "path": "/info"}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"colour": "red"}, "it: there is no setting 'colour'; there are: seconds_more, path."),
        ({"path": 1.0}, "it: path is 1.0; a text is needed."),
        ({"seconds_more": "2"}, "it: seconds_more is '2'; a number from 0 to 1e9 is needed."),
        ({"seconds_more": float("nan")}, "it: seconds_more is nan; a number from 0 to 1e9 is needed."),
        ({"seconds_more": -1}, "it: seconds_more is -1; a number from 0 to 1e9 is needed."),
    ],
)
def test_a_setting_of_another_name_or_type_is_refused_in_one_sentence(
    given: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        FAULT.checked("it", given)
    assert str(raised.value) == sentence
