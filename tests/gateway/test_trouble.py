"""What each trouble with a gateway is called; the reasons are the contract's words."""

import ssl

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.http_exceptions import BadHttpMessage, BadStatusLine
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from envoy_mqtt.errors import Absent, BadAnswer, GatewayUnavailable, Refused
from envoy_mqtt.gateway.trouble import (
    FOREIGN,
    no_connection,
    of_password,
    of_role,
    of_status,
    retry_after_s,
    translate,
)

NOW = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT
OFFLINE_REASONS = {"timeout", "closed", "refused", "frozen", "bad_data", "unreachable", "starting"}


def key(host: str = "192.168.1.20") -> ConnectionKey:
    """Where aiohttp wanted to connect."""
    return ConnectionKey(
        host=host,
        port=443,
        is_ssl=True,
        ssl=True,
        proxy=None,
        proxy_auth=None,
        proxy_headers_hash=None,
        server_hostname=None,
    )


def bad_response() -> aiohttp.ClientResponseError:
    request = aiohttp.RequestInfo(
        URL("https://envoy/info"), "GET", CIMultiDictProxy(CIMultiDict()), URL("https://envoy/info")
    )
    return aiohttp.ClientResponseError(request, (), status=400, message="Expected HTTP/")


def refused() -> OSError:
    return ConnectionRefusedError(111, "Connect call failed")


FOUND = [
    (BadAnswer("/info is not XML"), "bad_data", "/info is not XML"),
    (aiohttp.ClientConnectorError(key(), refused()), "unreachable", "nothing listens at 192.168.1.20:443"),
    (aiohttp.ClientConnectorError(key(), OSError(113, "Connect")), "unreachable", "nothing is at"),
    (aiohttp.ClientConnectorError(key(), OSError(101, "Connect")), "unreachable", "no way to 192.168.1.20"),
    (aiohttp.ClientConnectorError(key(), OSError(12, "memory")), "unreachable", "no connection"),
    (aiohttp.ClientConnectorDNSError(key("gateway"), OSError(-2, "unknown")), "unreachable", "resolve"),
    (aiohttp.ClientConnectorSSLError(key(), ssl.SSLError(1, "bad")), "unreachable", "secure"),
    (aiohttp.ClientConnectorCertificateError(key(), ssl.CertificateError("x")), "unreachable", "secure"),
    (aiohttp.ServerFingerprintMismatch(b"a", b"b", "h", 443), "unreachable", "certificate"),
    (aiohttp.ConnectionTimeoutError(), "unreachable", "no connection"),
    (aiohttp.SocketTimeoutError(), "timeout", "silent"),
    (aiohttp.ServerTimeoutError(), "timeout", "silent"),
    (TimeoutError(), "timeout", "silent"),
    (aiohttp.ServerDisconnectedError(), "closed", "cut before"),
    (aiohttp.ClientPayloadError("not completed"), "closed", "cut within"),
    (aiohttp.ClientOSError(104, "reset by peer"), "closed", "reset by peer"),
    (ConnectionResetError(104, "reset by peer"), "closed", "reset by peer"),
    (BrokenPipeError(32, "broken pipe"), "closed", "broken pipe"),
    (bad_response(), "bad_data", "HTTP"),
    (BadStatusLine("garbage"), "bad_data", "HTTP"),
    (BadHttpMessage("garbage"), "bad_data", "HTTP"),
]


@pytest.mark.parametrize(("error", "reason", "words"), FOUND, ids=lambda value: type(value).__name__)
def test_each_foreign_error_has_a_reason_and_a_sentence(
    error: BaseException, reason: str, words: str
) -> None:
    assert isinstance(error, FOREIGN)
    trouble = translate(error)
    assert isinstance(trouble, GatewayUnavailable)
    assert (trouble.reason, trouble.after_s, trouble.steady_s) == (reason, 0.0, 0.0)
    assert words in str(trouble)
    assert reason in OFFLINE_REASONS


@pytest.mark.parametrize("host", ["envoy.local", "envoy-2.local"])
def test_a_local_name_that_does_not_resolve_comes_with_the_remedy(host: str) -> None:
    trouble = translate(aiohttp.ClientConnectorDNSError(key(host), OSError(-2, "unknown")))
    assert trouble.reason == "unreachable"
    assert "IP address" in str(trouble)
    assert "gateway.host" in str(trouble)


@given(st.text())
def test_whatever_the_foreign_words_are_ours_are_one_short_line(text: str) -> None:
    for error in (aiohttp.ClientOSError(text), BadAnswer(text), OSError(text)):
        said = str(translate(error))
        assert 0 < len(said) < 300
        assert "\n" not in said
        assert "\r" not in said


def test_foreign_words_without_end_are_cut() -> None:
    assert len(str(translate(OSError("word " * 10_000)))) < 300


def test_braces_in_foreign_words_are_words() -> None:
    assert "{0} {x}" in str(translate(OSError("{0} {x}")))


@pytest.mark.parametrize(
    "error",
    [
        aiohttp.ClientPayloadError("bad chunk b'hunter2'"),
        aiohttp.ServerDisconnectedError("HTTP/1.1 200 hunter2"),
        BadStatusLine("hunter2"),
        BadHttpMessage("hunter2"),
        aiohttp.ClientError("hunter2"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_the_far_end_sent_is_not_quoted(error: BaseException) -> None:
    assert "hunter2" not in str(translate(error))


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_said_so_and_retried_slowly(status: int) -> None:
    trouble = of_status("/ivp/meters", status, "", NOW)
    assert isinstance(trouble, Refused)
    assert trouble.reason == "refused"
    assert str(status) in str(trouble)
    assert "token" in str(trouble)


@pytest.mark.parametrize("status", [204, 301, 302, 404, 429, 500, 502, 503, 504, 999])
def test_any_other_status_says_which_and_where(status: int) -> None:
    trouble = of_status("/stream/meter", status, "", NOW)
    assert isinstance(trouble, Absent if status == 404 else GatewayUnavailable)
    assert trouble.reason in OFFLINE_REASONS
    assert str(status) in str(trouble)
    assert "/stream/meter" in str(trouble)
    assert trouble.after_s == 0.0


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_gateway_that_gives_nothing_now_sends_nothing_that_cannot_be_read(status: int) -> None:
    assert of_status("/info", status, "", NOW).reason == "closed"
    assert of_status("/info", 418, "", NOW).reason == "bad_data"


@pytest.mark.parametrize("status", [401, 403])
def test_a_page_that_needs_no_token_is_refused_by_no_gateway(status: int) -> None:
    trouble = of_status("/info", status, "", NOW)
    assert isinstance(trouble, GatewayUnavailable)
    assert trouble.reason == "unreachable"
    assert f"({status})" in str(trouble)
    assert "token" not in str(trouble)


def test_what_the_gateway_asks_to_wait_is_passed_on_with_every_status() -> None:
    assert of_status("/info", 503, "30", NOW).after_s == 30.0
    assert of_status("/info", 401, "30", NOW).after_s == 30.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        (" 30 ", 30.0),
        (" " * 12 + "30", 30.0),
        ("0000000000120", 120.0),
        ("Tue, 14 Nov 2023 22:15:20 GMT", 120.0),
        ("Tue, 14 Nov 2023 22:13:20 GMT", 0.0),
        ("Tue, 14 Nov 2023 22:13:19 GMT", 0.0),
        ("Tue, 14 Nov 2023 23:15:20 +0100", 120.0),
        ("Tuesday, 14-Nov-23 22:15:20 GMT", 120.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float) -> None:
    assert retry_after_s(value, NOW) == seconds


NO_NUMBERS = (
    "",
    " ",
    "soon",
    "-5",
    "1.5",
    "1e3",
    "12a",
    "²",
    "٣",
    "+5",
    "0x10",
    "NaN",
    "inf",
    "30, 60",
    "\x00",
)
NO_DATES = (
    "Tue",
    "GMT",
    "1 2 3 4 5 6",
    "Mon, 99 Foo 20000 99:99:99 GMT",
    "Tue, 14 Nov 99999 22:15:20 GMT",
    "Tue, 14 Nov 2023 22:15:20 +9999999999",
    "Thu, 01 Jan 0001 00:00:00 +2359",
)


@pytest.mark.parametrize("value", [*NO_NUMBERS, *NO_DATES])
def test_a_retry_after_that_is_neither_is_none(value: str) -> None:
    assert retry_after_s(value, NOW) == 0.0


def test_a_retry_after_of_many_digits_is_long() -> None:
    """How long is waited at most is not decided here."""
    for digits in (10, 400, 5000):
        assert retry_after_s("9" * digits, NOW) > 600


@settings(max_examples=400)
@given(st.text(max_size=40) | st.text("0123456789 ,:+-JanFebTueGMT", max_size=40))
def test_any_header_is_a_number_of_seconds_not_below_zero(value: str) -> None:
    assert retry_after_s(value, NOW) >= 0


@pytest.mark.parametrize(
    ("error", "nobody"),
    [
        (aiohttp.ClientConnectorError(key(), refused()), True),
        (aiohttp.ClientConnectorSSLError(key(), ssl.SSLError(1, "wrong version")), True),
        (aiohttp.ConnectionTimeoutError(), True),
        (aiohttp.ClientConnectorDNSError(key(), OSError(-2, "unknown")), False),
        (aiohttp.ServerDisconnectedError(), False),
        (aiohttp.SocketTimeoutError(), False),
        (aiohttp.ServerFingerprintMismatch(b"a", b"b", "h", 443), False),
    ],
)
def test_only_where_nobody_listens_another_scheme_can_help(error: BaseException, nobody: bool) -> None:
    assert no_connection(error) is nobody


def test_a_role_that_is_too_low_is_named_with_what_to_do_where_something_helps() -> None:
    stream = of_role("/stream/meter", 401, "owner", stream=True)
    assert (stream.code, stream.reason) == ("stream_not_for_role", "refused")
    assert "role, owner, may not read the stream" in str(stream)
    assert "gateway.account.role" in str(stream)
    other = of_role("/ivp/peb", 401, None, stream=False)
    assert (other.code, other.reason) == ("gateway_refused", "refused")
    assert "role, unknown, may not read /ivp/peb (401)" in str(other)


def test_a_password_is_refused_or_was_asked_for_in_no_language() -> None:
    refused, garbled = of_password(401, understood=True), of_password(401, understood=False)
    assert {(each.code, each.reason) for each in (refused, garbled)} == {("gateway_refused", "refused")}
    assert "refuses the installer's password (401)" in str(refused)
    assert "nobody understands" in str(garbled)
