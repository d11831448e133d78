"""Who is answered, and who is taken for a proxy."""

import pytest

from envoy_mqtt.web.clients import Clients

INGRESS = "172.30.32.2"


@pytest.mark.parametrize("client", ["192.168.1.10", "203.0.113.9", "2001:db8::1", "127.0.0.1", None])
def test_with_nobody_named_everybody_is_answered(client: str | None) -> None:
    assert Clients((), ()).admits(client)


@pytest.mark.parametrize(
    ("client", "admitted"),
    [
        (INGRESS, True),
        ("172.30.32.3", False),
        ("172.30.32.20", False),
        ("::ffff:172.30.32.2", True),
        ("::ffff:172.30.32.3", False),
        ("192.168.1.77", True),
        ("192.168.2.1", False),
        ("fe80::1%eth0", True),
        ("2001:db8::1", False),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        (None, False),
    ],
)
def test_with_some_named_only_they_and_this_machine_are(client: str | None, admitted: bool) -> None:
    assert Clients([INGRESS, "192.168.1.0/24", "fe80::/10"], ()).admits(client) is admitted


@pytest.mark.parametrize(
    ("host", "itself"),
    [
        ("127.0.0.1", True),
        ("0.0.0.0", True),
        ("::", True),
        ("::1", True),
        ("192.168.1.5", True),
        ("192.168.2.5", False),
        ("localhost", False),
    ],
)
def test_this_machine_is_answered_where_it_listens_at_an_address_that_is(host: str, itself: bool) -> None:
    assert Clients(["192.168.1.0/24"], ()).admits_itself(host) is itself
    assert Clients((), ()).admits_itself(host)


def test_only_who_is_named_is_a_proxy_and_this_machine_is_none() -> None:
    clients = Clients((), [INGRESS, "10.0.0.0/8"])
    trusted = [
        each for each in (INGRESS, "10.1.2.3", "127.0.0.1", "172.30.32.1", None) if clients.trusts(each)
    ]
    assert trusted == [INGRESS, "10.1.2.3"]
