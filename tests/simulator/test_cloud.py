"""The simulated cloud, as the protocol notes (section 5) tell of the real one."""

import aiohttp
import pytest

from envoy_mqtt.simulator.cloud import STEPS, Cloud, Person
from envoy_mqtt.simulator.firmware import Role
from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys, verify
from envoy_mqtt.simulator.refusals import TROUBLES

PERSON = Person("me@example.com", "pw", serials=("122312345678",))
LOGIN = {"user[email]": "me@example.com", "user[password]": "pw"}


def client() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))


async def test_a_login_answers_with_a_session_that_is_a_cookie_too(keys: Keys) -> None:
    async with Cloud(keys, PERSON) as cloud, client() as http:
        answer = await http.post(f"{cloud.url}/login/login.json", data=LOGIN)
        said = await answer.json()
        assert said["message"] == "success"
        assert len(said["session_id"]) == 32
        assert answer.cookies["_enlighten_4_session"].value == said["session_id"]
        assert "enlighten_manager_token_production" in answer.cookies


async def test_its_tokens_are_good_at_a_gateway_with_the_same_keys(keys: Keys) -> None:
    async with Cloud(keys, PERSON) as cloud, Gateway(keys=keys) as gateway, client() as http:
        said = await (await http.post(f"{cloud.url}/login/login.json", data=LOGIN)).json()
        wanted = {
            "session_id": said["session_id"],
            "serial_num": gateway.serial,
            "username": "me@example.com",
        }
        text = (await (await http.post(f"{cloud.url}/tokens", json=wanted)).text()).strip()
        url = f"{cloud.url}/entrez-auth-token?serial_num={gateway.serial}"
        second = (await (await http.get(url)).json())["token"]
        for token in (text, second):
            found = verify(keys, token, gateway.serial, gateway.clock())
            assert found is not None
            assert found[0] is Role.OWNER


async def test_its_form_gives_an_installers_token_in_a_page(keys: Keys) -> None:
    async with Cloud(keys, PERSON) as cloud, client() as http:
        form = {"username": "me@example.com", "password": "pw"}
        answer = await http.post(f"{cloud.url}/login", data=form)
        assert "SESSION" in answer.cookies
        page = await (
            await http.post(f"{cloud.url}/entrez_tokens", data={"serialNum": "122312345678"})
        ).text()
        assert '<textarea name="accessToken" id="JWTToken"' in page


async def test_without_a_session_it_gives_nothing(keys: Keys) -> None:
    async with Cloud(keys, PERSON) as cloud, client() as http:
        wanted = {"session_id": "0" * 32, "serial_num": "122312345678", "username": "me@example.com"}
        assert (await http.post(f"{cloud.url}/tokens", json=wanted)).status == 401
        assert "sign in" in await (await http.get(f"{cloud.url}/entrez-auth-token?serial_num=1")).text()
        page = await (await http.post(f"{cloud.url}/entrez_tokens", data={"serialNum": "1"})).text()
        assert "password" in page
        assert (await http.get(f"{cloud.url}/anything")).status == 404


async def test_wrong_passwords_and_strange_serials_are_refused(keys: Keys) -> None:
    async with Cloud(keys, PERSON) as cloud, client() as http:
        answer = await http.post(f"{cloud.url}/login/login.json", data=LOGIN | {"user[password]": "x"})
        assert (answer.status, await answer.json()) == (401, {"message": "Invalid"})
        said = await (await http.post(f"{cloud.url}/login/login.json", data=LOGIN)).json()
        wanted = {"session_id": said["session_id"], "serial_num": "1", "username": "me@example.com"}
        assert (await http.post(f"{cloud.url}/tokens", json=wanted)).status == 403
        assert cloud.logins == 2


@pytest.mark.parametrize("path", STEPS)
@pytest.mark.parametrize("trouble", [name for name in TROUBLES if name != "cut"])
async def test_every_step_plays_every_trouble(keys: Keys, path: str, trouble: str) -> None:
    async with Cloud(keys, PERSON) as cloud, client() as http:
        cloud.refuse(STEPS[path], trouble)
        answer = await http.post(f"{cloud.url}{path}", allow_redirects=False)
        wanted = TROUBLES[trouble]
        assert (answer.status, await answer.text()) == (wanted.status, wanted.body)
        (visit,) = cloud.visits.requests
        assert (visit.path, visit.status) == (path, wanted.status)


async def test_a_trouble_is_over_when_it_is_cleared(keys: Keys) -> None:
    async with Cloud(keys, PERSON) as cloud, client() as http:
        cloud.refuse("login", "resting")
        assert (await http.post(f"{cloud.url}/login/login.json", data=LOGIN)).status == 503
        cloud.clear()
        assert (await http.post(f"{cloud.url}/login/login.json", data=LOGIN)).status == 200


async def test_it_can_cut_the_connection(keys: Keys) -> None:
    async with Cloud(keys, PERSON) as cloud, client() as http:
        cloud.refuse("login", "cut")
        with pytest.raises(aiohttp.ClientError):
            await http.post(f"{cloud.url}/login/login.json", data=LOGIN)
