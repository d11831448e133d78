import pytest

from envoy_mqtt.errors import ConfigError
from envoy_mqtt.simulator.firmware import Role
from envoy_mqtt.simulator.options import Layout, Options, Wiring


def test_the_european_single_phase_is_mode_three_and_count_one() -> None:
    assert [(wiring.mode, wiring.number) for wiring in Wiring] == [
        ("single", 1),
        ("three", 1),
        ("split", 2),
        ("three", 3),
    ]


def test_a_layout_knows_which_transformers_are_fitted() -> None:
    fitted = {layout.value: (layout.production, layout.consumption, layout.total) for layout in Layout}
    assert fitted == {
        "production+net": (True, True, False),
        "production+total": (True, True, True),
        "production": (True, False, False),
        "net": (False, True, False),
        "none": (False, False, False),
    }


def test_what_the_firmware_decides_can_be_decided_otherwise() -> None:
    assert Options(firmware="D7.6.175").role_for_stream is Role.PROVISIONER
    assert Options(firmware="D7.6.175", stream_role=Role.OWNER).role_for_stream is Role.OWNER
    assert Options(firmware="D8.3.5289").fresh_cookies
    assert not Options(firmware="D8.3.5289", cookie_every_time=False).fresh_cookies


def test_every_mistake_is_named_with_its_key() -> None:
    with pytest.raises(ConfigError) as raised:
        Options(serial="envoy.local", rate_hz=0.0, speed=-1.0)
    assert [mistake.split(":")[0] for mistake in raised.value.mistakes] == ["serial", "rate_hz", "speed"]
    with pytest.raises(ConfigError, match="firmware"):
        Options(firmware="new")
