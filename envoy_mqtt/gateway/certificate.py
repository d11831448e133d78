"""The common name and the end of a gateway's certificate. Pure: DER bytes in, values out.

Gateways sign their certificates themselves, with `CN=envoy-SERIAL` as subject and issuer, and renew
them about once a year (protocol notes, section 6). Nothing vouches for such a certificate, so Python's
own reader, which only parses verified ones, gives nothing; what is needed of X.509 is this little.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

SEQUENCE, SET, OID, CONTEXT_0 = 0x30, 0x31, 0x06, 0xA0
COMMON_NAME = b"\x55\x04\x03"  # 2.5.4.3

# The subject is the sixth field of a certificate, after version, serial number, algorithm, issuer and
# validity; the version is optional (RFC 5280, section 4.1).
VALIDITY, SUBJECT = 4, 5

# UTCTime, whose years are two digits, and GeneralizedTime (RFC 5280, section 4.1.2.5).
FORMATS = {0x17: "%y%m%d%H%M%SZ", 0x18: "%Y%m%d%H%M%SZ"}


def common_name(certificate: bytes) -> str | None:
    """The subject's common name, `None` where there is none or the bytes are no certificate."""
    try:
        for _, attributes in _read(_field(certificate, SUBJECT)):
            for _, attribute in _read(attributes):
                (_, kind), (_, value) = _read(attribute)
                if kind == COMMON_NAME:
                    return value.decode()
    except (ValueError, IndexError):
        return None
    return None


def ends(certificate: bytes) -> float | None:
    """Until when it is good in Unix seconds, `None` where that cannot be read."""
    try:
        _, (kind, value) = _read(_field(certificate, VALIDITY))
        return datetime.strptime(value.decode(), FORMATS[kind]).replace(tzinfo=UTC).timestamp()
    except (ValueError, IndexError, KeyError):
        return None


def _field(certificate: bytes, number: int) -> bytes:
    """The content of one of a certificate's fields."""
    (_, body), *_ = _read(certificate)
    (_, to_be_signed), *_ = _read(body)
    fields = list(_read(to_be_signed))
    if fields[0][0] != CONTEXT_0:
        fields.insert(0, (CONTEXT_0, b""))
    return fields[number][1]


def _read(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each element that stands in `der`, one after another (X.690, section 8.1)."""
    at = 0
    while at < len(der):
        tag, length, at = der[at], der[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(der[at : at + size]), at + size
        if at + length > len(der):
            raise ValueError("cut short")
        yield tag, der[at : at + length]
        at += length
