from envoy_mqtt.simulator.firmware import Role
from envoy_mqtt.simulator.sessions import Sessions, Visitor, bearer, set_cookie

# A token here is its role and its id in words; anything else is no token.
TOKENS = {"owner": (Role.OWNER, "1"), "installer": (Role.INSTALLER, "2")}


def made() -> Sessions:
    return Sessions(lambda token, _: TOKENS.get(token))


def opened(sessions: Sessions, unix: float) -> str:
    visitor = sessions.by_token("owner", unix, fresh_cookie=True)
    assert visitor is not None
    assert visitor.cookie is not None
    return visitor.cookie


def test_a_token_lets_in_with_its_role_and_opens_a_session_where_asked() -> None:
    sessions = made()
    assert sessions.by_token("installer", 0.0, fresh_cookie=False) == Visitor(Role.INSTALLER)
    assert len(sessions) == 0
    assert sessions.by_cookie(opened(sessions, 0.0), 0.0) == Visitor(Role.OWNER)
    assert len(sessions) == 1


def test_a_session_ends_ten_minutes_after_its_last_use() -> None:
    sessions = made()
    cookie = opened(sessions, 0.0)
    assert sessions.by_cookie(cookie, 599.0)
    assert sessions.by_cookie(cookie, 1199.0)
    assert sessions.by_cookie(cookie, 1800.0) is None
    assert len(sessions) == 0


def test_a_restart_forgets_sessions_and_not_tokens() -> None:
    sessions = made()
    cookie = opened(sessions, 0.0)
    sessions.forget()
    assert sessions.by_cookie(cookie, 1.0) is None
    assert sessions.by_token("owner", 1.0, fresh_cookie=False)


def test_a_revoked_token_takes_its_sessions_along() -> None:
    sessions = made()
    cookie = opened(sessions, 0.0)
    sessions.revoke("1")
    assert sessions.by_cookie(cookie, 1.0) is None
    assert sessions.by_token("owner", 1.0, fresh_cookie=True) is None
    assert sessions.by_token("installer", 1.0, fresh_cookie=True)


def test_the_better_of_cookie_and_token_decides() -> None:
    sessions = made()
    cookie = opened(sessions, 0.0)
    least = Role.PROVISIONER
    assert sessions.admit(cookie, None, Role.OWNER, 1.0, fresh_cookie=False) == Visitor(Role.OWNER)
    assert sessions.admit(cookie, "owner", least, 1.0, fresh_cookie=False) is None
    assert sessions.admit(cookie, "installer", least, 1.0, fresh_cookie=False) == Visitor(Role.INSTALLER)
    assert sessions.admit("unknown", "nonsense", Role.OWNER, 1.0, fresh_cookie=False) is None


def test_the_cookie_is_set_as_the_gateways_set_it() -> None:
    assert set_cookie(Visitor(Role.OWNER)) == {}
    assert set_cookie(Visitor(Role.OWNER, "abc")) == {"Set-Cookie": "sessionId=abc; Secure; HttpOnly; path=/"}


def test_only_the_bearer_scheme_carries_a_token() -> None:
    assert bearer("Bearer abc") == "abc"
    assert bearer("bearer  abc ") == "abc"
    assert bearer("Digest abc") is None
    assert bearer("") is None
