"""What lies outside the configuration is looked at without waiting for anybody."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from envoy_mqtt import choices
from envoy_mqtt.config import Tls
from envoy_mqtt.errors import ConfigError
from tests.certificates import make


def test_a_client_key_with_a_password_is_refused_and_nobody_is_asked_for_it(tmp_path: Path) -> None:
    certificate = make(tmp_path, "client")
    file = certificate.with_suffix(".key")
    good = Tls(enabled=True, cert_file=certificate, key_file=file)
    assert choices.tls(good) is not None
    key = serialization.load_pem_private_key(file.read_bytes(), None)
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    with pytest.raises(ConfigError, match=r"PEM lib.*the key without a password"):
        choices.tls(good)
