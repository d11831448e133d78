"""What a gateway and its cloud sign with: a self-signed certificate and ES256 tokens.

The only module that imports `cryptography`, which `envoy-mqtt run` never needs; without it, importing the
simulator ends in one sentence that says what to install.
"""

import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from uuid import uuid4

import jwt

from envoy_mqtt.errors import ConfigError
from envoy_mqtt.simulator.firmware import Role

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
except ModuleNotFoundError as missing:
    raise ConfigError(
        "The simulator needs one more package: pip install 'envoy-mqtt[simulator]'."
    ) from missing

# Protocol notes, section 5.1: exp - iat, and the key id of every token seen.
OWNER_TOKEN_S = 31_536_000
INSTALLER_TOKEN_S = 43_200
KEY_ID = "7d10005d-7899-4d0d-bcb4-244f98ee156b"
CERTIFICATE_DAYS = 365  # section 6
# The only suite a gateway was seen to choose; it speaks TLS 1.2 and no ALPN (section 6).
CIPHER = "ECDHE-RSA-AES256-GCM-SHA384"


class Keys:
    """An RSA key for certificates and an elliptic one for tokens, made when first used.

    Making the first takes a tenth of a second or more: many simulated gateways share one `Keys`.
    """

    @cached_property
    def certificate(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @cached_property
    def token(self) -> ec.EllipticCurvePrivateKey:
        return ec.generate_private_key(ec.SECP256R1())

    @cached_property
    def certificate_pem(self) -> bytes:
        return self.certificate.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


def certificate(keys: Keys, serial: str, unix: float, *, expired: bool = False) -> bytes:
    """A gateway's certificate as PEM: subject and issuer `CN=envoy-SERIAL`, 365 days, no CA (section 6).

    `expired` ended yesterday, as on a gateway nobody updated for a year.
    """
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"envoy-{serial}")])
    end = datetime.fromtimestamp(int(unix), UTC) + timedelta(days=-1 if expired else CERTIFICATE_DAYS - 30)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(keys.certificate.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - timedelta(days=CERTIFICATE_DAYS))
        .not_valid_after(end)
        .sign(keys.certificate, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM)


def tls_context() -> ssl.SSLContext:
    """A gateway's side of TLS: 1.2 only, one suite, no ALPN; `install` gives it a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHER)
    return context


def install(context: ssl.SSLContext, keys: Keys, certificate_pem: bytes) -> None:
    """Use this certificate from the next handshake on; open connections keep theirs."""
    # OpenSSL's Python face reads files only.
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        Path(file.name).write_bytes(keys.certificate_pem + certificate_pem)
        context.load_cert_chain(file.name)


def issue(
    keys: Keys,
    serial: str,
    role: Role,
    unix: float,
    *,
    lifetime_s: float | None = None,
    username: str | None = None,
) -> str:
    """A token as the cloud issues it at `unix`; a negative lifetime makes one that has already ended."""
    installer = role >= Role.PROVISIONER
    if lifetime_s is None:
        lifetime_s = INSTALLER_TOKEN_S if installer else OWNER_TOKEN_S
    claims = {
        "aud": serial,
        "iss": "Entrez",
        "enphaseUser": "installer" if installer else "owner",
        "exp": int(unix + lifetime_s),
        "iat": int(unix),
        "jti": str(uuid4()),
        "username": username or ("installer@example.com" if installer else "owner@example.com"),
    }
    return jwt.encode(claims, keys.token, algorithm="ES256", headers={"kid": KEY_ID})


def verify(keys: Keys, token: str, serial: str, unix: float) -> tuple[Role, str] | None:
    """The role and the id of a token that this gateway accepts; None for any that it does not.

    The gateway's own order: signature, end, audience (section 5.1).
    """
    try:
        claims = jwt.decode(
            token,
            keys.token.public_key(),
            algorithms=["ES256"],
            options={"verify_exp": False, "verify_aud": False, "verify_iat": False},
        )
    except jwt.InvalidTokenError:
        return None
    if claims.get("aud") != serial or claims.get("exp", 0) <= unix:
        return None
    role = Role.INSTALLER if claims.get("enphaseUser") == "installer" else Role.OWNER
    return role, str(claims.get("jti"))
