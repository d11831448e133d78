"""Digest authentication, held against the vectors of the protocol notes, section 2, and of the RFC."""

from typing import Any

import pytest
from aiohttp import DigestAuthMiddleware
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from envoy_mqtt.gateway.digest import Challenge, Signer, authorization, password, read_challenge

EPOCH = b'Digest qop="auth", realm="enphaseenergy.com", nonce="1703033831"'
BASE64 = b'Digest qop="auth", realm="enphaseenergy.com", nonce="Kz8MZRV4a9h25Ea4+ikZbKDannY="'


@pytest.mark.parametrize(
    ("serial", "user", "expected"),
    [
        ("122112123456", "installer", "d525d2jh"),
        ("123456789012", "installer", "7edE24ed"),
        ("000000000000", "installer", "285A97bf"),
        ("202199999999", "installer", "A5d45326"),
        ("482525012345", "installer", "58F4fEdD"),
        ("900000000001", "installer", "28f84f7c"),
        ("100000000014", "installer", "9hbg5776"),
        ("100000000023", "installer", "7DabmC96"),
        ("100000001415", "installer", "acBf7n73"),
        ("100000000294", "installer", "89C7BA3f"),
        ("123456789012", "envoy", "bB94445e"),
    ],
)
def test_the_password_follows_from_the_serial_number(serial: str, user: str, expected: str) -> None:
    assert password(serial, user) == expected


@pytest.mark.parametrize(
    ("header", "nonce"), [(EPOCH, "1703033831"), (BASE64, "Kz8MZRV4a9h25Ea4+ikZbKDannY=")]
)
def test_both_forms_of_nonce_are_understood(header: bytes, nonce: str) -> None:
    assert read_challenge(header) == Challenge("enphaseenergy.com", nonce, qop=True)


@pytest.mark.parametrize(
    ("user", "secret", "path", "expected"),
    [
        ("installer", "d525d2jh", "/stream/meter", "910baca6a8927a5ca9bf6a01c261e256"),
        ("envoy", "123456", "/api/v1/production/inverters", "9c8197a3a1a2289ae0f413eaecd0e413"),
    ],
)
def test_the_response_is_that_of_the_notes(user: str, secret: str, path: str, expected: str) -> None:
    challenge = Challenge("enphaseenergy.com", "1703033831", qop=True)
    said = authorization(challenge, user, secret, f"GET:{path}", count=1, cnonce="0a4f113b")
    assert said == (
        f'Digest username="{user}", realm="enphaseenergy.com", nonce="1703033831", uri="{path}", '
        f'response="{expected}", qop=auth, nc=00000001, cnonce="0a4f113b"'
    )


def test_the_response_is_that_of_the_rfc() -> None:
    """RFC 2617, section 3.5."""
    challenge = read_challenge(
        b'Digest realm="testrealm@host.com", qop="auth,auth-int", '
        b'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    )
    assert challenge is not None
    said = authorization(
        challenge, "Mufasa", "Circle Of Life", "GET:/dir/index.html", count=1, cnonce="0a4f113b"
    )
    assert 'response="6629fae49393a05397450978507c4ef1"' in said
    assert 'opaque="5ccc069c403ebaf9f0171e9517f40e41"' in said


async def test_a_form_without_qop_is_answered_as_an_independent_client_does() -> None:
    header = 'Digest realm="x", nonce="n", algorithm=MD5'
    signer = Signer("122112123456")
    assert signer.understands([header.encode()])
    theirs = DigestAuthMiddleware("installer", "d525d2jh")
    theirs._challenge = {"realm": "x", "nonce": "n"}
    expected = await theirs._encode("GET", URL("http://envoy/stream/meter"), b"")
    assert signer.sign("GET", "/stream/meter", "c") == expected


def test_a_nonce_is_used_again_and_each_time_counted() -> None:
    signer = Signer("122112123456")
    assert signer.sign("GET", "/a", "c") is None
    assert signer.understands([EPOCH])
    said = [signer.sign("GET", "/a", "c") or "" for _ in range(2)]
    assert ["nc=00000001" in said[0], "nc=00000002" in said[1]] == [True, True]
    assert signer.understands([BASE64])
    assert "nc=00000001" in (signer.sign("GET", "/a", "c") or "")


def test_of_several_challenges_the_one_that_can_be_met_is_taken() -> None:
    signer = Signer("122112123456")
    assert signer.understands([b'Basic realm="x"', b'Digest nonce="n", algorithm=SHA-256', EPOCH])
    assert 'nonce="1703033831"' in (signer.sign("GET", "/", "c") or "")


@pytest.mark.parametrize(
    "header",
    [
        b"\xd8\xc9\xc6A",
        b"",
        b"Digest",
        b"Digest nonce=",
        b'Digest nonce=""',
        b'Basic realm="enphaseenergy.com"',
        b'Digest nonce="n", qop="auth-int"',
        b'Digest nonce="n", algorithm=MD5-sess',
        b'Digest nonce="\xff"',
        b'Digest nonce="a\\"b"',
        b'Digest nonce="n\r\nX: y"',
    ],
)
def test_what_cannot_be_met_is_no_challenge(header: bytes) -> None:
    assert read_challenge(header) is None


def test_a_challenge_that_cannot_be_met_ends_the_one_before() -> None:
    signer = Signer("122112123456")
    assert signer.understands([EPOCH])
    assert not signer.understands([b"\xd8\xc9\xc6A"])
    assert signer.sign("GET", "/", "c") is None


noise = st.one_of(
    st.binary(max_size=64), st.sampled_from([b"Digest ", b"nonce=", b'"', b",", b"qop=", EPOCH])
)


@given(header=st.lists(noise, max_size=8).map(b"".join), serial=st.text(max_size=20))
def test_no_bytes_crash_it_and_what_is_said_back_is_one_line(header: bytes, serial: str) -> None:
    signer = Signer(serial)
    said: Any = signer.sign("GET", "/", "c") if signer.understands([header]) else None
    assert said is None or (said.isascii() and said.isprintable())
