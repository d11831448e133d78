"""Names that a browser may know the web server by."""

import pytest

from envoy_mqtt.web.hosts import allowed

OURS = ("solar.example.com", "pi.fritz.box")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:8099",
        "192.168.1.5:80",
        "[::1]",
        "[fe80::1]:8099",
        "localhost",
        "LocalHost:8099",
        "homeassistant:8099",
        "envoy-mqtt.local",
        "envoy-mqtt.local.:8099",
        "Solar.Example.COM",
        "pi.fritz.box:8099",
    ],
)
def test_what_no_foreign_page_can_take_for_its_name_is_allowed(host: str) -> None:
    assert allowed(host, OURS)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example:8099",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "solar.example.com.evil.example",
        "evil.solar.example.com",
        "example.com",
        "192.168.1",
        "192.168.1.300",
        "[evil.example]",
        "[::1",
        "localhost:8099:1",
        "localhost@evil.example",
        "localhost/evil",
        "localhost evil.example",
        "local\n",
    ],
)
def test_everything_else_is_refused(host: str) -> None:
    assert not allowed(host, OURS)
