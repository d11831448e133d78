import base64

import pytest

from envoy_mqtt.simulator.digest import GARBAGE, Guard, derived_password, parameters, response
from envoy_mqtt.simulator.firmware import Role

NOW = 1_703_033_831.0
# Protocol notes, section 2: serial and the password of `installer`.
PASSWORDS = {
    "122112123456": "d525d2jh",
    "123456789012": "7edE24ed",
    "000000000000": "285A97bf",
    "202199999999": "A5d45326",
    "482525012345": "58F4fEdD",
    "900000000001": "28f84f7c",
    "100000000014": "9hbg5776",
    "100000000023": "7DabmC96",
    "100000001415": "acBf7n73",
    "100000000294": "89C7BA3f",
}
# The same section's answers, for these nonces.
NONCES = "1703033831:00000001:0a4f113b"
STREAM = "910baca6a8927a5ca9bf6a01c261e256"
INVERTERS = "9c8197a3a1a2289ae0f413eaecd0e413"


def authorization(user: str, uri: str, answer: str, *, nonce: str = "1703033831") -> str:
    return (
        f'Digest username="{user}", realm="enphaseenergy.com", nonce="{nonce}", uri="{uri}", '
        f'qop=auth, nc=00000001, cnonce="0a4f113b", response="{answer}"'
    )


@pytest.mark.parametrize("serial", PASSWORDS)
def test_the_installers_password_follows_from_the_serial(serial: str) -> None:
    assert derived_password(serial) == PASSWORDS[serial]


def test_the_users_name_is_part_of_the_derivation() -> None:
    assert derived_password("123456789012", "envoy") == "bB94445e"


def test_the_answers_are_those_of_the_notes() -> None:
    account = "installer:enphaseenergy.com:d525d2jh"
    assert response(account, "GET:/stream/meter", NONCES) == STREAM
    account = "envoy:enphaseenergy.com:123456"
    assert response(account, "GET:/api/v1/production/inverters", NONCES) == INVERTERS


def test_each_user_is_known_by_the_answer_to_a_challenge() -> None:
    guard = Guard("122112123456", epoch=True)
    guard.challenge(NOW)
    said = authorization("installer", "/stream/meter", STREAM)
    assert guard.role(said, "GET", "/stream/meter") is Role.INSTALLER
    path = "/api/v1/production/inverters"
    assert guard.role(authorization("envoy", path, INVERTERS), "GET", path) is Role.OWNER


@pytest.mark.parametrize(
    ("user", "target", "answer", "nonce", "method"),
    [
        ("installer", "/stream/meter", STREAM[:-1] + "0", "1703033831", "GET"),
        ("installer", "/stream/meter", STREAM, "1703033832", "GET"),
        ("installer", "/stream/meter", STREAM, "1703033831", "POST"),
        ("installer", "/production", STREAM, "1703033831", "GET"),
        ("envoy", "/stream/meter", STREAM, "1703033831", "GET"),
        ("somebody", "/stream/meter", STREAM, "1703033831", "GET"),
    ],
)
def test_an_answer_is_good_for_its_own_user_nonce_method_and_path_only(
    user: str, target: str, answer: str, nonce: str, method: str
) -> None:
    guard = Guard("122112123456", epoch=True)
    guard.challenge(NOW)
    assert guard.role(authorization(user, "/stream/meter", answer, nonce=nonce), method, target) is None


def test_a_nonce_nobody_was_given_is_refused() -> None:
    guard = Guard("122112123456", epoch=True)
    said = authorization("installer", "/stream/meter", STREAM)
    assert guard.role(said, "GET", "/stream/meter") is None


def test_the_nonce_is_a_time_on_firmware_3_and_twenty_bytes_from_4_on() -> None:
    assert Guard("1", epoch=True).challenge(NOW) == (
        'Digest qop="auth", realm="enphaseenergy.com", nonce="1703033831"'
    )
    guard = Guard("1", epoch=False)
    first, second = (parameters(guard.challenge(NOW))["nonce"] for _ in range(2))
    assert len(base64.b64decode(first)) == 20
    assert first != second


def test_other_schemes_have_no_parameters() -> None:
    assert parameters("Bearer abc") == parameters("") == {}


def test_the_garbage_is_four_bytes() -> None:
    assert GARBAGE.encode("latin-1") == bytes([0xD8, 0xC9, 0xC6, 0x41])
