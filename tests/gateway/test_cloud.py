"""What the cloud's answers mean: the bytes in, a token or a sentence out."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from envoy_mqtt.errors import CloudTrouble
from envoy_mqtt.gateway.cloud import (
    Answer,
    check_form_login,
    read_auth_token,
    read_form,
    read_login,
    read_tokens,
)

SERIAL = "122100000017"
MARK = "hunter2"


def segment(content: object) -> str:
    return urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


TOKEN = f"{segment({'alg': 'ES256'})}.{segment({'aud': SERIAL, 'exp': 1_831_536_000})}.c2ln"
PAGE = f"<!DOCTYPE html><html>{MARK}</html>"


def answer(status: int, body: object, after_s: float = 0.0) -> Answer:
    text = body if isinstance(body, str) else json.dumps(body)
    return Answer(status, text.encode(), after_s)


def refusal(read: Callable[[], object]) -> CloudTrouble:
    with pytest.raises(CloudTrouble) as caught:
        read()
    assert MARK not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value


def test_a_login_gives_the_session_whatever_else_is_missing() -> None:
    """Protocol notes, section 5.2: is_consumer and manager_token may be missing."""
    assert read_login(answer(200, {"message": "success", "session_id": "0af1" * 8})) == "0af1" * 8
    assert read_login(answer(200, {"session_id": "a-b_c.d"})) == "a-b_c.d"


@pytest.mark.parametrize(
    ("status", "body", "code", "words"),
    [
        (401, {"message": "Invalid"}, "account_password", "mend gateway.account"),
        (200, {"message": "Invalid"}, "account_password", "mend gateway.account"),
        (200, {"success": True, "isBlocked": False}, "account_second_factor", "switch it off"),
        (200, {"success": False, "isBlocked": True}, "account_locked", "unlock it"),
        (401, {"message": "Invalid", "isBlocked": True}, "account_locked", "unlock it"),
        (406, "Not Acceptable", "cloud_unavailable", "user agent"),
        (200, PAGE, "cloud_unavailable", "a web page instead of data"),
        (401, PAGE, "cloud_unavailable", "a web page instead of data"),
        (403, PAGE, "cloud_unavailable", "a web page instead of data"),
        (429, PAGE, "cloud_unavailable", "asks to wait"),
        (503, PAGE, "cloud_unavailable", "asks to wait"),
        (500, "", "cloud_unavailable", "fails (500"),
        (302, "", "cloud_unavailable", "something unknown"),
        (200, "", "cloud_unavailable", "something unknown"),
        (200, "[1]", "cloud_unavailable", "something unknown"),
        (200, {"message": MARK}, "cloud_unavailable", "something unknown"),
        (200, {"message": "success", "session_id": f"{MARK}\r\nX: y"}, "cloud_unavailable", "unknown"),
    ],
)
def test_each_refusal_of_a_login_is_a_sentence_with_its_code(
    status: int, body: object, code: str, words: str
) -> None:
    error = refusal(lambda: read_login(answer(status, body)))
    assert error.code == code
    assert words in str(error)
    assert error.reason == "refused"


@pytest.mark.parametrize(
    ("status", "body", "code", "final"),
    [
        (403, {"message": "Forbidden"}, "account_not_owner", True),
        (404, PAGE, "account_not_owner", True),
        (406, "", "cloud_unavailable", True),
        (429, "", "cloud_unavailable", True),
        (401, "", "cloud_unavailable", False),
        (503, "", "cloud_unavailable", False),
        (500, PAGE, "cloud_unavailable", False),
        (200, PAGE, "cloud_unavailable", False),
        (200, {"message": MARK}, "cloud_unavailable", False),
        (200, "", "cloud_unavailable", False),
        (200, f"{MARK}.b.c", "cloud_unavailable", False),
        (200, TOKEN.replace(".c2ln", ""), "cloud_unavailable", False),
        (
            200,
            f"{TOKEN.split('.', maxsplit=1)[0]}.{segment({'aud': SERIAL})}.c2ln",
            "cloud_unavailable",
            False,
        ),
    ],
)
def test_each_refusal_of_a_token_says_whether_a_second_road_makes_sense(
    status: int, body: object, code: str, final: bool
) -> None:
    error = refusal(lambda: read_tokens(answer(status, body), SERIAL))
    assert (error.code, error.final) == (code, final)


def test_a_token_is_the_whole_body_or_the_key_token_or_an_element_of_a_page() -> None:
    assert read_tokens(answer(200, f"{TOKEN}\n"), SERIAL).text == TOKEN
    assert read_auth_token(answer(200, {"generation_time": 1, "token": TOKEN}), SERIAL).text == TOKEN
    page = f'<p id=x>no</p><textarea name="accessToken" id="JWTToken" cols="30" >\n{TOKEN} </textarea>'
    assert read_form(answer(200, page), SERIAL).text == TOKEN


def test_entities_comments_and_other_elements_of_a_page_do_no_harm() -> None:
    escaped = TOKEN.replace(".", "&#46;").replace("e", "&#x65;")
    page = f"""<!-- <textarea id="JWTToken">a.b.c</textarea> --><textarea id=other>x.y.z</textarea>
        <TEXTAREA ID='JWTToken'>{escaped}</TEXTAREA><textarea>t.u.v</textarea>"""
    assert read_form(answer(200, page), SERIAL).text == TOKEN


def test_an_error_in_the_element_means_that_the_account_may_not() -> None:
    page = f'<textarea id="JWTToken">Error: {MARK}</textarea>'
    assert refusal(lambda: read_form(answer(200, page), SERIAL)).code == "account_not_owner"


@pytest.mark.parametrize("page", ["", PAGE, "<textarea>a.b.c</textarea>", '<textarea id="JWTToken">'])
def test_a_page_without_a_token_is_a_cloud_that_fails(page: str) -> None:
    assert refusal(lambda: read_form(answer(200, page), SERIAL)).code == "cloud_unavailable"


@pytest.mark.parametrize(
    ("status", "body", "session", "code"),
    [
        (401, PAGE, False, "account_password"),
        (403, PAGE, False, "account_password"),
        (200, '<form><input type="password"></form>', True, "account_password"),
        (200, PAGE, False, "cloud_unavailable"),
        (404, PAGE, True, "cloud_unavailable"),
        (502, PAGE, True, "cloud_unavailable"),
        (406, "", False, "cloud_unavailable"),
    ],
)
def test_the_form_refuses_with_a_status_or_by_asking_again(
    status: int, body: str, session: bool, code: str
) -> None:
    error = refusal(lambda: check_form_login(answer(status, body), session=session))
    assert error.code == code


def test_the_form_lets_in_with_a_page_or_a_redirect_and_a_cookie() -> None:
    check_form_login(answer(200, PAGE), session=True)
    check_form_login(answer(302, ""), session=True)


def test_what_the_cloud_asks_us_to_wait_is_kept() -> None:
    assert refusal(lambda: read_login(answer(503, PAGE, 7200.0))).after_s == 7200.0


READERS: list[Callable[[Answer], object]] = [
    read_login,
    lambda it: read_tokens(it, SERIAL),
    lambda it: read_auth_token(it, SERIAL),
    lambda it: read_form(it, SERIAL),
    lambda it: check_form_login(it, session=True),
]
MARKUP = st.text(st.sampled_from(list("<>![]-&;\"'=/ aid JWTToken#\n")), max_size=60).map(str.encode)


@settings(max_examples=400)
@given(
    st.sampled_from(READERS),
    st.sampled_from([200, 302, 400, 401, 403, 404, 406, 429, 500, 503]),
    st.binary(max_size=60) | MARKUP,
)
@example(READERS[3], 200, b"<![foo[")
@example(READERS[3], 200, b"<![" * 1000)
@example(READERS[0], 200, b"[" * 100_000)
@example(READERS[0], 200, b'{"session_id":' * 60_000)
def test_whatever_the_cloud_answers_it_is_an_answer_or_a_sentence(
    read: Callable[[Answer], object], status: int, body: bytes
) -> None:
    said = None
    try:
        read(Answer(status, body))
    except CloudTrouble as error:
        said = error
    assert said is None or (said.code and "\n" not in str(said))
