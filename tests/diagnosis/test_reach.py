"""Names and ports."""

import pytest

from envoy_mqtt.diagnosis.findings import Level
from envoy_mqtt.diagnosis.reach import Port, Reached, judge_name, judge_ports


def test_a_name_is_told_with_its_addresses_and_an_address_alone() -> None:
    (named,) = judge_name(Reached("box.lan", ("192.168.1.20", "fd00::2")), "mqtt.host", in_container=False)
    assert (named.level, named.text) == (Level.OK, "box.lan is 192.168.1.20, fd00::2")
    (bare,) = judge_name(Reached("192.168.1.20", ("192.168.1.20",)), "mqtt.host", in_container=False)
    assert bare.text == "192.168.1.20"


@pytest.mark.parametrize(
    ("name", "in_container", "words"),
    [
        ("envoy.local", True, "in a container with a bridged network: set gateway.host to its IP address"),
        ("envoy.local", False, "multicast DNS on this machine and this network: set gateway.host"),
        ("box.lan", True, "set gateway.host to its IP address"),
    ],
)
def test_a_name_that_does_not_resolve_has_its_remedy(name: str, in_container: bool, words: str) -> None:
    unknown = Reached(name, error="Name or service not known")
    (found,) = judge_name(unknown, "gateway.host", in_container=in_container)
    assert found.level is Level.BAD
    assert found.text == f"{name} does not resolve (Name or service not known)"
    assert words in found.remedy
    assert ("container" in found.remedy) == (name == "envoy.local" and in_container)


def test_one_open_port_is_enough_and_each_is_told() -> None:
    (found,) = judge_ports(Reached("x", ("x",), ports=(Port(443), Port(80, "refused"))), "mend it")
    assert (found.level, found.text) == (Level.OK, "443 open; 80 refused")
    (found,) = judge_ports(Reached("x", ("x",), ports=(Port(443, "does not answer"),)), "mend it")
    assert (found.level, found.remedy) == (Level.BAD, "mend it")
    assert list(judge_ports(Reached("x"), "mend it")) == []
