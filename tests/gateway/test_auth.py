"""The roads to a token, against the simulated cloud."""

from typing import Any

import pytest

from envoy_mqtt.errors import CloudTrouble
from envoy_mqtt.gateway.auth import Account, Cloud, fetch
from envoy_mqtt.gateway.token import Token
from envoy_mqtt.simulator.cloud import Cloud as Simulated
from envoy_mqtt.simulator.cloud import Person
from envoy_mqtt.simulator.firmware import Role
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.refusals import TROUBLES
from tests.e2e.harness import free_port

SERIAL = "122312345678"
MARKS = ("marked.me@example.com", "marked-hunter2")
PERSON = Person(*MARKS)


async def ask(cloud: Simulated, role: str = "owner", **other: Any) -> Token:
    account = Account(**{"username": MARKS[0], "password": MARKS[1], "role": role} | other)
    return await fetch(Cloud(cloud.url, cloud.url), account, SERIAL)


async def refusal(cloud: Simulated, role: str = "owner", **other: Any) -> CloudTrouble:
    with pytest.raises(CloudTrouble) as caught:
        await ask(cloud, role, **other)
    said = f"{caught.value!r} {caught.value.__cause__!r}"
    assert [mark for mark in (*MARKS, *cloud.sessions) if mark in said] == []
    return caught.value


def walked(cloud: Simulated) -> list[str]:
    return [visit.path for visit in cloud.visits.requests]


async def test_road_a_is_a_login_and_a_token(keys: Keys) -> None:
    async with Simulated(keys, PERSON) as cloud:
        token = await ask(cloud)
        assert walked(cloud) == ["/login/login.json", "/tokens"]
        assert cloud.asked == [
            {"user[email]": MARKS[0], "user[password]": MARKS[1]},
            {"session_id": cloud.sessions[0], "serial_num": SERIAL, "username": MARKS[0]},
        ]
        (agent,) = cloud.user_agents
    assert (token.claims.serial, token.claims.role) == (SERIAL, "owner")
    assert agent.startswith("envoy-mqtt/")


FAILURES = ("refused", "broken", "resting", "page", "message", "garbage", "empty", "flood", "redirect", "cut")


@pytest.mark.parametrize("failure", FAILURES)
async def test_road_b_is_taken_when_the_second_step_of_a_fails(keys: Keys, failure: str) -> None:
    async with Simulated(keys, PERSON) as cloud:
        cloud.refuse("tokens", failure)
        token = await ask(cloud)
        assert walked(cloud) == ["/login/login.json", "/tokens", "/entrez-auth-token"]
        assert cloud.visits.requests[-1].cookie
    assert token.claims.role == "owner"


@pytest.mark.parametrize("failure", ["not_owner", "not_found", "user_agent", "busy"])
async def test_road_b_is_not_taken_where_the_answer_is_definite(keys: Keys, failure: str) -> None:
    async with Simulated(keys, PERSON) as cloud:
        cloud.refuse("tokens", failure)
        await refusal(cloud)
        assert walked(cloud) == ["/login/login.json", "/tokens"]


@pytest.mark.parametrize("failure", TROUBLES)
async def test_a_login_that_fails_is_one_request_whatever_the_answer(keys: Keys, failure: str) -> None:
    """No second road with credentials that were refused, and no redirect is followed with a password."""
    async with Simulated(keys, PERSON) as cloud:
        cloud.refuse("login", failure)
        await refusal(cloud)
        assert walked(cloud) == ["/login/login.json"]


async def test_when_both_roads_fail_the_first_is_told_unless_the_second_is_definite(keys: Keys) -> None:
    async with Simulated(keys, PERSON) as cloud:
        cloud.refuse("tokens", "broken")
        cloud.refuse("auth", "sign_in")
        assert "500 at /tokens" in str(await refusal(cloud))
        cloud.refuse("auth", "not_owner")
        assert (await refusal(cloud)).code == "account_not_owner"


async def test_road_c_gives_an_installers_token(keys: Keys) -> None:
    async with Simulated(keys, PERSON) as cloud:
        token = await ask(cloud, "installer")
        assert walked(cloud) == ["/login", "/entrez_tokens"]
        assert cloud.asked == [
            {"username": MARKS[0], "password": MARKS[1], "authFlow": "entrezSession"},
            {"serialNum": SERIAL},
        ]
    assert (token.claims.serial, token.claims.role) == (SERIAL, "installer")


@pytest.mark.parametrize("role", ["owner", "installer"])
async def test_a_wrong_password_and_a_strange_serial_have_their_codes_on_every_road(
    keys: Keys, role: str
) -> None:
    stranger = Person(*MARKS, serials=("122399999999",), form_role=Role.INSTALLER)
    async with Simulated(keys, stranger) as cloud:
        assert (await refusal(cloud, role, password="marked-other")).code == "account_password"
        assert (await refusal(cloud, role)).code == "account_not_owner"


async def test_what_the_cloud_asks_us_to_wait_reaches_who_asked(keys: Keys) -> None:
    async with Simulated(keys, PERSON) as cloud:
        for failure in ("busy", "resting"):
            cloud.refuse("login", failure)
            assert (await refusal(cloud)).after_s == 7200.0


async def test_a_cloud_that_is_away_is_a_sentence() -> None:
    away = Cloud(f"http://127.0.0.1:{free_port()}", "http://127.0.0.1:1")
    with pytest.raises(CloudTrouble, match="cannot be reached") as caught:
        await fetch(away, Account(*MARKS), SERIAL)
    assert caught.value.code == "cloud_unavailable"


def test_an_account_hides_what_is_secret() -> None:
    assert [mark for mark in MARKS if mark in repr(Account(*MARKS))] == []
