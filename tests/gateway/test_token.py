"""What tokens say of themselves; none here is signed, as nobody here checks a signature."""

import json
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envoy_mqtt.errors import BadAnswer
from envoy_mqtt.gateway.token import Claims, Token, issued_token, read_claims, read_token
from envoy_mqtt.mqtt.message import iso


def segment(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def token(claims: bytes | dict[str, object], header: bytes = b'{"typ":"JWT","alg":"ES256"}') -> str:
    content = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return ".".join((segment(header), segment(content), segment(b"a signature")))


def test_an_owners_token_says_whose_it_is_and_until_when() -> None:
    """Protocol notes, section 5.1."""
    owner = token(
        {
            "aud": "122100000017",
            "iss": "Entrez",
            "enphaseUser": "owner",
            "exp": 1_731_536_000,
            "iat": 1_700_000_000,
            "jti": "7d10005d-7899-4d0d-bcb4-244f98ee156b",
            "username": "someone@example.com",
        }
    )
    assert read_claims(owner) == Claims("122100000017", "owner", 1_731_536_000.0)


def test_what_a_token_does_not_say_is_none() -> None:
    assert read_claims(token({})) == Claims(None, None, None)


def test_a_token_that_has_expired_or_is_not_valid_yet_is_read_all_the_same() -> None:
    claims = {"exp": 1, "nbf": 4_000_000_000, "iat": 4_000_000_000, "aud": "1", "iss": "anyone"}
    assert read_claims(token(claims)) == Claims("1", None, 1.0)


@pytest.mark.parametrize("aud", [None, 122100000017, ["122100000017"], {"a": 1}, True])
def test_an_audience_that_is_no_text_says_nothing(aud: object) -> None:
    assert read_claims(token({"aud": aud})).serial is None


@pytest.mark.parametrize("role", [None, 5, ["owner"], True])
def test_a_role_that_is_no_text_says_nothing(role: object) -> None:
    assert read_claims(token({"enphaseUser": role})).role is None


NO_NUMBERS = (b"null", b"true", b"false", b'"1731536000"', b"[1]", b"{}", b"NaN", b"Infinity", b"1e999")
NO_DATES = (b"1731536000000", b"1e18", b"-1e18", b"-Infinity", b"9" * 300, b"9" * 400)


@pytest.mark.parametrize("end", [*NO_NUMBERS, *NO_DATES])
def test_an_end_that_is_no_date_says_nothing(end: bytes) -> None:
    """It is written as a date in the topic `gateway`, and dates end with the year 9999."""
    assert read_claims(token(b'{"aud":"1","exp":%s}' % end)) == Claims("1", None, None)


def test_an_end_may_have_a_fraction() -> None:
    assert read_claims(token(b'{"exp":1731536000.5}')).expires == 1_731_536_000.5


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "secret",
        "a.b",
        "a.b.c",
        "....",
        "eyJ0.eyJ0.eyJ0",
        "<html>Error: not signed in</html>",
        '{"message":"Invalid"}',
        token(b""),
        token(b"[]"),
        token(b"null"),
        token(b'"text"'),
        token(b"5"),
        token(b"{"),
        token(b"\xff\xfe"),
        token(b'{"exp":1}', header=b"[]"),
        token(b'{"exp":1}', header=b"{"),
        token(b"[" * 60_000),
        token(b'{"a":' * 60_000),
        token(b'{"exp":1}', header=b"[" * 60_000),
        token(b'{"exp":%s}' % (b"9" * 5000)),
        token({}) + ".more",
        "é.é.é",
        "\ud800",
        "\x00",
    ],
    ids=lambda text: repr(text[:30]),
)
def test_what_cannot_be_read_says_nothing(text: str) -> None:
    assert read_claims(text) == Claims(None, None, None)


@pytest.mark.parametrize("signature", ["", "signature", "c2ln", "=", "é", "a.b"])
def test_the_signature_is_not_looked_at(signature: str) -> None:
    """Whether it is good the gateway decides; the claims are readable without it."""
    unsigned = token({"aud": "122100000017"}).rpartition(".")[0]
    expected = "122100000017" if "." not in signature else None
    assert read_claims(f"{unsigned}.{signature}").serial == expected


@settings(max_examples=300)
@given(st.text(max_size=60) | st.text("ab.eyJ0_-=", max_size=40))
def test_random_text_raises_nothing(text: str) -> None:
    read_claims(text)


@settings(max_examples=300)
@given(
    st.dictionaries(
        st.sampled_from(["aud", "exp", "enphaseUser", "iat", "nbf", "iss", "sub", "jti", "x"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just([1]),
    )
)
def test_random_claims_are_read_and_can_be_told(claims: dict[str, object]) -> None:
    expires = read_claims(token(claims)).expires
    assert expires is None or iso(expires).endswith("Z")


# When it has to be renewed. 1_800_000_000 is in January 2027.

NOW = 1_800_000_000.0
DAY, HOUR = 86_400.0, 3600.0


def living(role: object, left_s: float, lived_s: float) -> Token:
    claims = {"aud": "1", "enphaseUser": role, "exp": int(NOW + left_s), "iat": int(NOW - lived_s)}
    return read_token(token(claims))


@pytest.mark.parametrize(
    ("role", "left_s", "lived_s", "due"),
    [
        ("owner", 31 * DAY, 334 * DAY, False),
        ("owner", 30 * DAY, 335 * DAY, True),
        ("owner", -1.0, 366 * DAY, True),
        ("installer", HOUR + 1, 11 * HOUR, False),
        ("installer", HOUR, 11 * HOUR, True),
        (None, 31 * DAY, 334 * DAY, False),
        (None, 30 * DAY, 335 * DAY, True),
        ("owner", 6 * DAY, 1 * DAY, False),  # a token of a week: not before half its life
        ("owner", 3 * DAY, 4 * DAY, True),
    ],
)
def test_a_token_is_renewed_ahead_of_its_end(role: object, left_s: float, lived_s: float, due: bool) -> None:
    """Owner 30 days, installer an hour (protocol notes, section 5.6), and never before half its life."""
    assert living(role, left_s, lived_s).due(NOW) is due


def test_a_token_without_an_end_is_never_renewed() -> None:
    eternal = read_token(token({"aud": "1"}))
    assert not eternal.due(NOW)
    assert not eternal.ended(NOW)


def test_a_machine_that_does_not_know_the_date_renews_nothing() -> None:
    old = read_token(token({"exp": 1, "iat": 0}))
    for unix in (0.0, 5_000.0, 1_704_067_199.0):
        assert not old.due(unix)
        assert not old.ended(unix)
    assert old.due(1_704_067_200.0)
    assert old.ended(1_704_067_200.0)


def test_a_token_fits_its_gateway_and_one_that_names_none_fits_all() -> None:
    assert living("owner", DAY, DAY).fits("1")
    assert not living("owner", DAY, DAY).fits("2")
    assert read_token(token({"aud": "un-commissioned"})).fits("2")


def test_the_text_of_a_token_is_not_in_its_repr() -> None:
    it = living("owner", DAY, DAY)
    assert it.text.split(".")[1] not in repr(it)


# What the cloud issues


def test_an_issued_token_is_taken_without_the_white_space_around_it() -> None:
    text = token({"aud": "122100000017", "exp": 1_831_536_000})
    assert issued_token(f"\n{text}\r\n", "122100000017").text == text


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "it is no token"),
        ("a.b", "it is no token"),
        ("a.b.c.d", "it is no token"),
        ("a..c", "it is no token"),
        ("<html>a.b.c</html>", "it is no token"),
        ("a.b.c", "not a JWT"),
        (token({"aud": "122100000017"}), "without an end"),
        (token({"aud": "122100000025", "exp": 1_831_536_000}), "for 122100000025 and not for 122100000017"),
        (token({"exp": 1_831_536_000}), "for no gateway"),
        (token({"aud": "un-commissioned", "exp": 1_831_536_000}), "for no gateway"),
    ],
    ids=lambda it: it[:20],
)
def test_what_was_issued_and_is_no_token_for_this_gateway_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(BadAnswer, match=sentence):
        issued_token(text, "122100000017")
