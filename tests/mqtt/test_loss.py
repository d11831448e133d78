"""Why a connection to the broker ended, in words; a real one is in `tests/e2e/test_broker_tls.py`."""

import ssl

import aiomqtt

from envoy_mqtt.mqtt.loss import SILENT, first, said


def wrapped(cause: BaseException) -> aiomqtt.MqttError:
    """As aiomqtt hands on what it met."""
    error = aiomqtt.MqttError(str(cause))
    error.__context__ = cause
    return error


def test_only_the_cause_of_a_lost_connection_says_why() -> None:
    lost = aiomqtt.MqttError("Disconnected during message iteration")
    lost.__cause__ = aiomqtt.MqttError("Session taken over")
    assert said(lost) == "Session taken over"
    assert said(aiomqtt.MqttError("Connection refused")) == "Connection refused"


def test_the_number_of_a_system_s_error_is_left_out() -> None:
    assert said(aiomqtt.MqttError("[Errno 111] Connection refused")) == "Connection refused"
    assert said(aiomqtt.MqttError("[Errno -2] Name or service not known")) == "Name or service not known"


def test_a_broker_that_hangs_is_silent_whatever_timed_out() -> None:
    assert said(aiomqtt.MqttError("Operation timed out")) == SILENT


def test_trouble_with_tls_is_said_without_the_names_of_openssl() -> None:
    refused = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] x (_ssl.c:1006)")
    refused.verify_message = "IP address mismatch, certificate is not valid for '127.0.0.1'."
    told = "its certificate is refused: IP address mismatch, certificate is not valid for '127.0.0.1'"
    assert said(wrapped(refused)) == told
    other = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)")
    other.reason = "WRONG_VERSION_NUMBER"
    assert said(wrapped(other)) == "no secure connection: wrong version number"
    assert said(wrapped(ssl.SSLError("Nameless"))) == "no secure connection: ('nameless',)"


def test_of_several_errors_the_first_counts() -> None:
    one, two = OSError("one"), OSError("two")
    assert first(ExceptionGroup("", [ExceptionGroup("", [one]), two])) is one


def test_a_connection_that_ends_without_a_word_is_told_in_words_of_ours() -> None:
    lost = aiomqtt.MqttError("Disconnected during message iteration")
    lost.__cause__ = aiomqtt.MqttError("[code:128] Unspecified error")
    assert said(lost) == "the connection ended without a word"
