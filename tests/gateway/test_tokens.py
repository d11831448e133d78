"""Which token is used, what is remembered of it, and what is never done; against the simulated cloud.

Time is a variable here; nothing waits.
"""

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from envoy_mqtt.errors import CloudTrouble, Refused
from envoy_mqtt.gateway.auth import Account, Cloud
from envoy_mqtt.gateway.token import Claims
from envoy_mqtt.gateway.tokens import Tokens
from envoy_mqtt.line import Line
from envoy_mqtt.simulator import identity
from envoy_mqtt.simulator.cloud import Cloud as Simulated
from envoy_mqtt.simulator.cloud import Person
from envoy_mqtt.simulator.firmware import Role
from envoy_mqtt.simulator.identity import Keys

SERIAL, OTHER = "122312345678", "122312345679"
PERSON = Person("marked.me@example.com", "marked-hunter2", serials=(SERIAL, OTHER))
START = 1_800_000_000.0
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0


class House:
    """A data folder, a cloud, and a clock that tests set."""

    def __init__(self, folder: Path, cloud: Simulated) -> None:
        self.folder = folder
        self.cloud = cloud
        self.now = START
        self.own: str | None = None
        self.account: Account | None = Account(PERSON.username, PERSON.password)

    def tokens(self, line: Line | None = None) -> Tokens:
        """As a process that has just started has them."""
        return Tokens(
            self.folder,
            lambda: self.own,
            self.account,
            Cloud(self.cloud.url, self.cloud.url),
            line or Line("gateway"),
            unix=lambda: self.now,
        )

    @property
    def cache(self) -> Path:
        return self.folder / "tokens" / f"{SERIAL}.json"

    @property
    def book(self) -> Path:
        return self.folder / "cloud.json"

    async def refusal(self) -> Refused:
        with pytest.raises(Refused) as caught:
            await self.tokens().find(SERIAL)
        return caught.value


@asynccontextmanager
async def house(folder: Path, keys: Keys, person: Person = PERSON) -> AsyncIterator[House]:
    async with Simulated(keys, person) as cloud:
        it = House(folder, cloud)
        cloud.clock = lambda: it.now
        yield it


def issued(keys: Keys, left_s: float, serial: str = SERIAL, lived_s: float = 300 * DAY) -> str:
    return identity.issue(keys, serial, Role.OWNER, START - lived_s, lifetime_s=lived_s + left_s)


async def test_the_configured_token_comes_before_the_cache_and_the_cache_before_the_cloud(
    keys: Keys, tmp_path: Path
) -> None:
    async with house(tmp_path, keys) as it:
        fetched = await it.tokens().find(SERIAL)
        again = it.tokens()
        assert (await again.find(SERIAL)).text == fetched.text
        assert again.held is not None
        assert again.held.origin == "cache"
        it.own = issued(keys, 60 * DAY)
        assert (await it.tokens().find(SERIAL)).text == it.own
        assert it.cloud.logins == 1


async def test_a_token_that_nears_its_end_is_used_until_a_better_one_is_there(
    keys: Keys, tmp_path: Path
) -> None:
    async with house(tmp_path, keys) as it:
        it.own = issued(keys, 10 * DAY)
        tokens = it.tokens()
        assert (await tokens.find(SERIAL)).text == it.own
        assert it.cloud.logins == 0, "connecting does not wait for the cloud"
        renewed = await tokens.renew()
        assert renewed.origin == "cloud"
        assert (await it.tokens().find(SERIAL)).text == renewed.token.text


async def test_an_ended_token_is_replaced_before_it_is_used_where_there_is_an_account(
    keys: Keys, tmp_path: Path
) -> None:
    async with house(tmp_path, keys) as it:
        it.own = issued(keys, -1.0)
        assert (await it.tokens().find(SERIAL)).text != it.own
        it.account = None
        with capture_logs() as logs:
            assert (await it.tokens().find(SERIAL)).text == it.own, "our clock may be wrong"
        assert [line["code"] for line in logs if "code" in line] == ["token_expired"]


async def test_a_configured_token_for_another_gateway_is_refused_or_replaced(
    keys: Keys, tmp_path: Path
) -> None:
    async with house(tmp_path, keys) as it:
        it.own = issued(keys, 60 * DAY, serial=OTHER)
        assert (await it.tokens().find(SERIAL)).claims.serial == SERIAL
        it.account = None
        refused = await it.refusal()
        assert refused.code == "token_other_serial"
        assert OTHER in str(refused)


async def test_neither_token_nor_account_is_a_sentence_with_both_remedies(keys: Keys, tmp_path: Path) -> None:
    async with house(tmp_path, keys) as it:
        it.account = None
        refused = await it.refusal()
        assert refused.code == "token_missing"
        assert "gateway.token_file" in str(refused)
        assert "gateway.account" in str(refused)


async def test_the_cache_is_bound_to_gateway_account_and_role(keys: Keys, tmp_path: Path) -> None:
    neighbour = Person("other@example.com", "pw", serials=(SERIAL,))
    async with Simulated(keys, PERSON, neighbour, clock=lambda: START) as cloud:
        it = House(tmp_path, cloud)
        await it.tokens().find(SERIAL)
        for account in (
            Account("other@example.com", "pw"),
            Account(PERSON.username, PERSON.password, "installer"),
        ):
            it.account = account
            with capture_logs() as logs:
                await it.tokens().find(SERIAL)
            assert [line["event"] for line in logs][:1] == ["token cache ignored"]
        assert cloud.logins == 3
        content = json.loads(it.cache.read_text()) | {"serial": OTHER}
        it.cache.with_name(f"{OTHER}.json").write_text(json.dumps(content))
        assert (await it.tokens().find(OTHER)).claims.serial == OTHER


@pytest.mark.parametrize("raw", [b"", b"{", b"null", b'{"version":1}', b'{"version":2}'])
async def test_a_cache_that_cannot_be_read_is_ignored_and_said(
    keys: Keys, tmp_path: Path, raw: bytes
) -> None:
    async with house(tmp_path, keys) as it:
        it.cache.parent.mkdir()
        it.cache.write_bytes(raw)
        with capture_logs() as logs:
            await it.tokens().find(SERIAL)
        assert [line["event"] for line in logs].count("token cache ignored") == 1
        assert it.cloud.logins == 1


async def test_cache_and_count_are_their_owners_alone_and_name_no_account(keys: Keys, tmp_path: Path) -> None:
    async with house(tmp_path / "data", keys) as it:
        await it.tokens().find(SERIAL)
        for path in it.folder.rglob("*"):
            wanted = 0o700 if path.is_dir() else 0o600
            assert stat.S_IMODE(path.stat().st_mode) == wanted, path
            assert path.is_dir() or b"marked" not in path.read_bytes()


async def test_a_machine_that_does_not_know_the_date_asks_nobody_and_uses_what_it_has(
    keys: Keys, tmp_path: Path
) -> None:
    async with house(tmp_path, keys) as it:
        it.now = 5_000.0
        assert (await it.refusal()).code == "clock"
        assert (it.cloud.logins, it.book.exists()) == (0, False)
        it.now = START
        fetched = await it.tokens().find(SERIAL)
        it.now = 5_000.0
        assert (await it.tokens().find(SERIAL)).text == fetched.text


async def test_after_a_refusal_the_cloud_is_left_alone_for_15_minutes_across_restarts(
    keys: Keys, tmp_path: Path
) -> None:
    async with house(tmp_path, keys) as it:
        it.cloud.refuse("login", "password")
        assert (await it.refusal()).code == "account_password"
        it.cloud.clear()
        it.now += 15 * MINUTE - 1
        refused = await it.refusal()
        assert refused.code == "account_password", "what is wrong is still said"
        assert "asked again at" in str(refused)
        assert it.cloud.logins == 1
        it.now += 1
        await it.tokens().find(SERIAL)
        assert it.cloud.logins == 2


async def test_the_seventh_login_of_a_day_is_not_made(keys: Keys, tmp_path: Path) -> None:
    async with house(tmp_path, keys) as it:
        for _ in range(6):
            it.cache.unlink(missing_ok=True)
            await it.tokens().find(SERIAL)
        it.cache.unlink()
        refused = await it.refusal()
        assert refused.code == "login_limit"
        assert it.cloud.logins == 6
        it.now += DAY
        await it.tokens().find(SERIAL)


async def test_the_accounts_of_two_gateways_have_counts_of_their_own(keys: Keys, tmp_path: Path) -> None:
    async with house(tmp_path, keys) as it:
        it.account = Account("other@example.com", "wrong")
        assert (await it.refusal()).code == "account_password"
        it.account = Account(f" {PERSON.username.upper()}", "wrong")
        assert (await it.refusal()).code == "account_password"
        it.account = Account(PERSON.username, PERSON.password)
        assert (await it.refusal()).code == "account_password", "the same account, however it is written"
        assert it.cloud.logins == 2


async def test_a_count_that_cannot_be_read_is_kept_aside_and_counts_as_used_up(
    keys: Keys, tmp_path: Path
) -> None:
    async with house(tmp_path, keys) as it:
        it.book.write_bytes(b'{"version":1,"accounts":{"x":')
        assert (await it.refusal()).code == "login_limit"
        written = it.book.stat().st_mtime_ns
        assert (await it.refusal()).code == "login_limit"
        assert it.book.stat().st_mtime_ns == written, "waiting wears out no memory card"
        it.account = Account("other@example.com", "pw")
        assert (await it.refusal()).code == "login_limit", "nobody knows whose logins are lost"
        it.account = Account(PERSON.username, PERSON.password)
        assert it.cloud.logins == 0
        assert (tmp_path / "cloud.json.broken").exists()
        it.now += DAY
        await it.tokens().find(SERIAL)


async def test_the_count_of_a_newer_version_is_refused_in_a_sentence(keys: Keys, tmp_path: Path) -> None:
    async with house(tmp_path, keys) as it:
        it.book.write_text('{"version":2}')
        assert "newer envoy-mqtt" in str(await it.refusal())
        assert it.cloud.logins == 0


async def test_where_logins_cannot_be_counted_there_are_none(keys: Keys, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    async with house(tmp_path / "file", keys) as it:
        refused = await it.refusal()
        assert refused.code == "disk"
        assert "chown" in str(refused)
        assert it.cloud.logins == 0


async def test_a_process_that_dies_while_it_asks_has_counted(keys: Keys, tmp_path: Path) -> None:
    async with house(tmp_path, keys) as it:
        it.cloud.delay_s = 3600.0
        asking = asyncio.create_task(it.tokens().find(SERIAL))
        await it.cloud.visits.requested("/login/login.json")
        asking.cancel()
        await asyncio.wait([asking])
        it.cloud.delay_s = 0.0
        refused = await it.refusal()
        assert refused.code == "cloud_unavailable"
        assert "cut off" in str(refused)
        assert it.cloud.logins == 1


async def test_gateways_that_want_a_token_at_once_are_served_one_at_a_time(
    keys: Keys, tmp_path: Path
) -> None:
    async with house(tmp_path, keys) as it:
        async with asyncio.TaskGroup() as group:
            for serial in (SERIAL, OTHER, SERIAL, SERIAL):
                group.create_task(it.tokens().find(serial))
        assert it.cloud.peak == 1
        assert it.cloud.logins == 2, "who waited looks into the cache first"


async def test_a_refused_token_of_the_account_is_replaced_once(keys: Keys, tmp_path: Path) -> None:
    async with house(tmp_path, keys) as it:
        tokens = it.tokens()
        first = await tokens.find(SERIAL)
        tokens.refused()
        second = await tokens.find(SERIAL)
        assert second.text != first.text
        tokens.refused()
        assert (await tokens.find(SERIAL)).text == second.text
        tokens.accepted()
        tokens.refused()
        assert (await tokens.find(SERIAL)).text != second.text
        assert it.cloud.logins == 3


async def test_a_refused_token_is_used_on_while_the_cloud_gives_no_other(keys: Keys, tmp_path: Path) -> None:
    """Gateways refuse good tokens for a moment after they start."""
    async with house(tmp_path, keys) as it:
        tokens = it.tokens()
        first = await tokens.find(SERIAL)
        tokens.refused()
        it.cloud.refuse("login", "resting")
        assert (await tokens.find(SERIAL)).text == first.text
        assert (await tokens.find(SERIAL)).text == first.text
        assert it.cloud.logins == 2


async def test_a_configured_token_that_is_refused_is_not_replaced(keys: Keys, tmp_path: Path) -> None:
    async with house(tmp_path, keys) as it:
        it.own = issued(keys, 60 * DAY)
        tokens = it.tokens()
        await tokens.find(SERIAL)
        tokens.refused()
        assert (await tokens.find(SERIAL)).text == it.own
        assert it.cloud.logins == 0


async def test_a_cloud_that_issues_tokens_about_to_end_is_not_asked_again_at_once(
    keys: Keys, tmp_path: Path
) -> None:
    async with house(tmp_path, keys) as it:
        it.cloud.lifetime_s = 0.0
        await it.tokens().find(SERIAL)
        with pytest.raises(CloudTrouble, match="about to end"):
            await it.tokens().find(SERIAL)
        assert it.cloud.logins == 1


async def test_a_configured_token_that_cannot_be_read_is_the_gateways_to_judge_and_is_not_shown(
    keys: Keys, tmp_path: Path
) -> None:
    async with house(tmp_path, keys) as it:
        it.own = "marked.but.wrong"
        with capture_logs() as logs:
            token = await it.tokens().find(SERIAL)
        assert (token.text, token.claims) == (it.own, Claims(None, None, None))
        assert it.cloud.logins == 0
        assert "marked" not in str(logs)


@pytest.mark.parametrize("text", ["marked.but.wrong", "a.b", "", 5, None])
async def test_a_cached_token_that_cannot_be_read_is_never_shown_to_a_gateway(
    keys: Keys, tmp_path: Path, text: object
) -> None:
    async with house(tmp_path, keys) as it:
        fetched = await it.tokens().find(SERIAL)
        it.cache.write_text(json.dumps(json.loads(it.cache.read_text()) | {"token": text}))
        with capture_logs() as logs:
            assert (await it.tokens().find(SERIAL)).claims == fetched.claims
        assert [line["event"] for line in logs][:1] == ["token cache ignored"]
        assert it.cloud.logins == 2


async def test_a_token_that_nobody_here_can_renew_is_warned_of_in_time(keys: Keys, tmp_path: Path) -> None:
    async with house(tmp_path, keys) as it:
        it.account = None
        it.own = issued(keys, 29 * DAY)
        tokens = it.tokens()
        with capture_logs() as logs:
            await tokens.find(SERIAL)
            renewing = asyncio.create_task(tokens.renewing(lambda _: None))
            await asyncio.sleep(0)
            renewing.cancel()
        assert [line["code"] for line in logs if line["event"] == "token ends"] == ["token_expiring"]


async def test_a_token_that_ends_stands_in_health_until_there_is_another(keys: Keys, tmp_path: Path) -> None:
    async with house(tmp_path, keys) as it:
        it.account = None
        it.own = issued(keys, 29 * DAY)
        line = Line("gateway")
        tokens = it.tokens(line)
        renewing = asyncio.create_task(tokens.renewing(lambda _: None))
        await tokens.find(SERIAL)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert [trouble.code for trouble in line.standing] == ["token_expiring"]
        it.own = issued(keys, 300 * DAY)
        await tokens.find(SERIAL)
        assert line.standing == []
        renewing.cancel()


async def test_what_keeps_the_cloud_from_giving_a_token_stands_in_health_until_it_gives_one(
    keys: Keys, tmp_path: Path
) -> None:
    async with house(tmp_path, keys) as it:
        line = Line("gateway")
        tokens = it.tokens(line)
        await tokens.find(SERIAL)
        tokens._not_renewed(CloudTrouble("it is away", code="cloud_unavailable"))
        assert [trouble.code for trouble in line.standing] == ["cloud_unavailable"]
        await tokens.find(SERIAL)
        assert line.standing == []


async def test_logins_are_counted_for_a_day(keys: Keys, tmp_path: Path) -> None:
    async with house(tmp_path, keys) as it:
        assert it.tokens().logins_today == 0
        tokens = it.tokens()
        await tokens.find(SERIAL)
        assert tokens.logins_today == 1
        it.now += DAY - 1
        assert it.tokens().logins_today == 1
        it.now += 1
        assert it.tokens().logins_today == 0


async def test_without_an_account_there_are_no_logins(keys: Keys, tmp_path: Path) -> None:
    async with house(tmp_path, keys) as it:
        it.account = None
        assert it.tokens().logins_today == 0


async def test_a_token_that_is_configured_while_another_is_in_use_is_taken_within_a_second_or_two(
    keys: Keys, tmp_path: Path
) -> None:
    async with house(tmp_path, keys) as it:
        it.account, it.own = None, issued(keys, 300 * DAY)
        tokens, told = it.tokens(), asyncio.Queue[str]()
        await tokens.find(SERIAL)
        renewing = asyncio.create_task(tokens.renewing(lambda token: told.put_nowait(token.text)))
        for own in (issued(keys, 301 * DAY), issued(keys, 302 * DAY)):
            it.own = own
            async with asyncio.timeout(10):
                assert await told.get() == own
        renewing.cancel()


async def test_a_token_of_another_gateway_that_is_configured_meanwhile_is_told_and_not_used(
    keys: Keys, tmp_path: Path
) -> None:
    async with house(tmp_path, keys) as it:
        it.account, it.own = None, issued(keys, 300 * DAY)
        line, used = Line("gateway"), it.own
        tokens = it.tokens(line)
        await tokens.find(SERIAL)
        renewing = asyncio.create_task(tokens.renewing(lambda _: None))
        it.own = issued(keys, 300 * DAY, serial=OTHER)
        async with asyncio.timeout(10):
            while not line.standing:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert [trouble.code for trouble in line.standing] == ["token_other_serial"]
        assert tokens.held is not None
        assert tokens.held.token.text == used
        renewing.cancel()
