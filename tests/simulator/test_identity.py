import asyncio
import ssl
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography import x509

from envoy_mqtt.simulator import identity
from envoy_mqtt.simulator.firmware import Role
from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from tests.simulator.client import trusting

NOW = 1_751_371_200.0
SERIAL = "122312345678"


def test_a_certificate_names_the_gateway_as_subject_and_issuer_for_a_year(keys: Keys) -> None:
    made = x509.load_pem_x509_certificate(identity.certificate(keys, SERIAL, NOW))
    assert made.subject.rfc4514_string() == made.issuer.rfc4514_string() == f"CN=envoy-{SERIAL}"
    assert made.not_valid_after_utc - made.not_valid_before_utc == timedelta(days=365)
    assert made.not_valid_before_utc < datetime.fromtimestamp(NOW, UTC) < made.not_valid_after_utc
    assert not list(made.extensions)


def test_a_certificate_can_be_past_its_year(keys: Keys) -> None:
    made = x509.load_pem_x509_certificate(identity.certificate(keys, SERIAL, NOW, expired=True))
    assert made.not_valid_after_utc < datetime.fromtimestamp(NOW, UTC)


async def test_the_handshake_is_tls_1_2_with_the_one_suite_and_no_alpn(keys: Keys) -> None:
    context = trusting()
    context.set_alpn_protocols(["h2", "http/1.1"])
    async with Gateway(keys=keys) as gateway:
        _, writer = await asyncio.open_connection(gateway.host, gateway.port, ssl=context)
        tls: ssl.SSLObject = writer.get_extra_info("ssl_object")
        assert tls.version() == "TLSv1.2"
        assert (tls.cipher() or ("",))[0] == "ECDHE-RSA-AES256-GCM-SHA384"
        assert tls.selected_alpn_protocol() is None
        assert tls.getpeercert(binary_form=True) == ssl.PEM_cert_to_DER_cert(gateway.certificate_pem.decode())
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    ("role", "user", "lifetime_s"), [(Role.OWNER, "owner", 31_536_000), (Role.INSTALLER, "installer", 43_200)]
)
def test_a_token_looks_like_those_of_the_cloud(keys: Keys, role: Role, user: str, lifetime_s: int) -> None:
    token = identity.issue(keys, SERIAL, role, NOW)
    assert jwt.get_unverified_header(token) == {
        "kid": "7d10005d-7899-4d0d-bcb4-244f98ee156b",
        "typ": "JWT",
        "alg": "ES256",
    }
    claims = jwt.decode(token, options={"verify_signature": False})
    assert sorted(claims) == ["aud", "enphaseUser", "exp", "iat", "iss", "jti", "username"]
    assert (claims["aud"], claims["iss"], claims["enphaseUser"]) == (SERIAL, "Entrez", user)
    assert claims["exp"] - claims["iat"] == lifetime_s


def test_a_gateway_accepts_its_own_tokens_until_they_end(keys: Keys) -> None:
    token = identity.issue(keys, SERIAL, Role.INSTALLER, NOW)
    found = identity.verify(keys, token, SERIAL, NOW + 43_199.0)
    assert found is not None
    assert found[0] is Role.INSTALLER
    assert identity.verify(keys, token, SERIAL, NOW + 43_200.0) is None


def test_a_gateway_accepts_no_other_token(keys: Keys) -> None:
    strange = identity.issue(Keys(), SERIAL, Role.OWNER, NOW)
    unsigned = jwt.encode({"aud": SERIAL, "exp": NOW + 1000}, "", algorithm="none")
    ended = identity.issue(keys, SERIAL, Role.OWNER, NOW, lifetime_s=-1.0)
    for token in (strange, unsigned, ended, "", "a.b.c", "é"):
        assert identity.verify(keys, token, SERIAL, NOW) is None
    assert identity.verify(keys, identity.issue(keys, "1", Role.OWNER, NOW), SERIAL, NOW) is None


def test_without_cryptography_one_sentence_says_what_to_install() -> None:
    script = (
        "import sys; sys.modules['cryptography'] = None\n"
        "from envoy_mqtt.errors import ConfigError\n"
        "try:\n    import envoy_mqtt.simulator.gateway\n"
        "except ConfigError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "The simulator needs one more package: pip install 'envoy-mqtt[simulator]'.\n"
