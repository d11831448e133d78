"""Certificates made with `cryptography`, whole, cut and made up."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from envoy_mqtt.gateway.certificate import common_name, ends

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
Attributes = list[tuple[x509.ObjectIdentifier, str]]

GATEWAY = "envoy-122100000017"
START = datetime(2023, 7, 6, 7, 23, 48, tzinfo=UTC)


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    """A key as gateways have them."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def ec_key() -> ec.EllipticCurvePrivateKey:
    """A key as later firmwares may have them."""
    return ec.generate_private_key(ec.SECP256R1())


def made(key: Key, subject: Attributes, issuer: Attributes | None = None, *, days: int = 365) -> bytes:
    """The DER bytes of a self-signed certificate."""
    names = [
        x509.Name([x509.NameAttribute(oid, text) for oid, text in attributes])
        for attributes in (subject, subject if issuer is None else issuer)
    ]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(names[0])
        .issuer_name(names[1])
        .public_key(key.public_key())
        .serial_number(0x7FFF_FFFF_FFFF_FFFF)
        .not_valid_before(START)
        .not_valid_after(START + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("envoy.local")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(Encoding.DER)


def test_a_gateways_certificate_has_its_serial_number_in_its_name(rsa_key: rsa.RSAPrivateKey) -> None:
    assert common_name(made(rsa_key, [(NameOID.COMMON_NAME, GATEWAY)])) == GATEWAY


@pytest.mark.parametrize(
    ("days", "unix"),
    [(365, 1720164228.0), (40 * 365, 2950068228.0)],  # date -u -d '2023-07-06T07:23:48Z + 365 days' +%s
    ids=["two digits of the year", "four digits, from 2050 on"],
)
def test_its_end_is_told_in_unix_seconds(ec_key: ec.EllipticCurvePrivateKey, days: int, unix: float) -> None:
    assert ends(made(ec_key, [(NameOID.COMMON_NAME, GATEWAY)], days=days)) == unix


def test_the_kind_of_key_does_not_matter(ec_key: ec.EllipticCurvePrivateKey) -> None:
    assert common_name(made(ec_key, [(NameOID.COMMON_NAME, GATEWAY)])) == GATEWAY


def test_the_common_name_is_found_among_others(ec_key: ec.EllipticCurvePrivateKey) -> None:
    subject = [
        (NameOID.COUNTRY_NAME, "US"),
        (NameOID.ORGANIZATION_NAME, "Enphase"),
        (NameOID.COMMON_NAME, GATEWAY),
        (NameOID.SERIAL_NUMBER, "9"),
    ]
    assert common_name(made(ec_key, subject)) == GATEWAY


def test_the_issuers_name_is_not_the_subjects(ec_key: ec.EllipticCurvePrivateKey) -> None:
    issuer = [(NameOID.COMMON_NAME, "somebody else")]
    assert common_name(made(ec_key, [(NameOID.COMMON_NAME, GATEWAY)], issuer)) == GATEWAY
    assert common_name(made(ec_key, [(NameOID.ORGANIZATION_NAME, "x")], issuer)) is None


def test_a_certificate_without_a_name_has_none(ec_key: ec.EllipticCurvePrivateKey) -> None:
    assert common_name(made(ec_key, [])) is None
    assert common_name(made(ec_key, [(NameOID.ORGANIZATION_NAME, GATEWAY)])) is None


def test_a_name_may_have_any_letters(ec_key: ec.EllipticCurvePrivateKey) -> None:
    assert common_name(made(ec_key, [(NameOID.COMMON_NAME, "Zähler ☀")])) == "Zähler ☀"


@pytest.mark.parametrize("certificate", [b"", b"\x30", b"\x30\x00", b"\x30\x80", b"\x00" * 64, b"-----BEGIN"])
def test_what_is_no_certificate_has_no_name(certificate: bytes) -> None:
    assert common_name(certificate) is None


def test_a_certificate_cut_anywhere_has_no_name(
    rsa_key: rsa.RSAPrivateKey, ec_key: ec.EllipticCurvePrivateKey
) -> None:
    for key in (rsa_key, ec_key):
        whole = made(key, [(NameOID.COMMON_NAME, GATEWAY)])
        for length in range(len(whole)):
            assert common_name(whole[:length]) is None


def test_a_certificate_with_one_wrong_byte_anywhere_raises_nothing(
    ec_key: ec.EllipticCurvePrivateKey,
) -> None:
    whole = made(ec_key, [(NameOID.COMMON_NAME, GATEWAY)])
    for place in range(len(whole)):
        for wrong in (0x00, 0x30, 0x7F, 0x80, 0x84, 0xFF):
            name = common_name(whole[:place] + bytes([wrong]) + whole[place + 1 :])
            assert name is None or isinstance(name, str)


# A certificate by hand, as X.690 writes it: tag, length, content.


def der(tag: int, *contents: bytes) -> bytes:
    content = b"".join(contents)
    if len(content) < 128:
        return bytes([tag, len(content)]) + content
    size = len(content).to_bytes(3)
    return bytes([tag, 0x83]) + size + content


def by_hand(name: Callable[[], bytes], *, version: bool = True) -> bytes:
    attribute = der(0x30, der(0x06, b"\x55\x04\x03"), name())
    to_be_signed = der(
        0x30,
        der(0xA0, der(0x02, b"\x02")) if version else b"",
        der(0x02, b"\x05"),
        der(0x30),
        der(0x30),
        der(0x30),
        der(0x30, der(0x31, attribute)),
        der(0x30),
    )
    return der(0x30, to_be_signed, der(0x30), der(0x03, b"\x00"))


def test_a_certificate_of_the_first_version_says_no_version() -> None:
    for version in (True, False):
        assert common_name(by_hand(lambda: der(0x0C, b"envoy-1"), version=version)) == "envoy-1"


def test_a_long_name_has_a_long_length() -> None:
    assert common_name(by_hand(lambda: der(0x0C, b"x" * 70_000))) == "x" * 70_000


def test_a_name_that_is_no_text_is_none() -> None:
    assert common_name(by_hand(lambda: der(0x0C, b"\xff\xfe"))) is None


@settings(max_examples=500)
@given(st.binary(max_size=200))
def test_random_bytes_raise_nothing(certificate: bytes) -> None:
    name = common_name(certificate)
    assert name is None or isinstance(name, str)
    assert ends(certificate) is None


@settings(max_examples=200)
@given(st.recursive(st.binary(max_size=6), lambda inner: st.lists(inner, max_size=8), max_leaves=20))
def test_random_structures_raise_nothing(structure: object) -> None:
    def packed(part: object) -> bytes:
        return der(0x30, *map(packed, part)) if isinstance(part, list) else der(0x06, bytes(part))  # type: ignore[call-overload]

    name = common_name(packed(structure))
    assert name is None or isinstance(name, str)
