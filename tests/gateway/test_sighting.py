"""What a gateway announces, from its records."""

from envoy_mqtt.gateway.sighting import Sighting, as_host, merge, rank, read_sighting

# The TXT record of the protocol notes, section 6.
TXT = {b"serialnum": b"122312345678", b"protovers": b"8.3.4041", b"txtvers": b"1"}


def test_serial_number_and_firmware_are_the_txt_records() -> None:
    sighting = read_sighting("envoy-2._enphase-envoy._tcp.local.", TXT, ["192.168.1.20"])
    assert sighting == Sighting("envoy-2", "122312345678", "8.3.4041", ("192.168.1.20",))


def test_an_announcement_that_tells_nothing_is_a_sighting_all_the_same() -> None:
    assert read_sighting("envoy.x", {}, ["10.0.0.1"]) == Sighting("envoy", "", "", ("10.0.0.1",))
    assert read_sighting("envoy.x", {b"serialnum": None}, ["10.0.0.1"]).serial == ""


def test_what_a_terminal_would_obey_does_not_come_through() -> None:
    evil = read_sighting(
        "e\x1b[2J.x", {b"serialnum": b"\x1b[2J", b"protovers": b"8\x1b[2J\xff"}, ["10.0.0.1"]
    )
    assert evil.serial == ""
    assert (evil.name, evil.firmware) == ("e?[2J", "8?[2J\ufffd")


def test_ipv4_comes_first_and_what_holds_on_one_cable_last() -> None:
    addresses = ["fe80::1%eth0", "169.254.3.4", "fd00::2", "192.168.1.20", "169.254.3.4", "10.0.0.1"]
    assert rank(addresses) == ("10.0.0.1", "192.168.1.20", "fd00::2", "169.254.3.4", "fe80::1%eth0")


def test_a_gateway_that_announces_itself_twice_is_one() -> None:
    """On cable and Wi-Fi; another gateway without a serial number stays another."""
    cable = Sighting("envoy", "122312345678", "", ("169.254.3.4", "10.0.0.1"))
    wifi = Sighting("envoy-2", "122312345678", "8.3.4041", ("10.0.1.1",))
    other = Sighting("envoy-3", "", "", ("10.0.2.1",))
    both = Sighting("envoy", "122312345678", "8.3.4041", ("10.0.0.1", "10.0.1.1", "169.254.3.4"))
    assert merge([cable, wifi, other]) == [both, other]


def test_an_ipv6_address_goes_into_brackets() -> None:
    assert [as_host(each) for each in ("fe80::1%eth0", "10.0.0.1")] == ["[fe80::1%eth0]", "10.0.0.1"]
