"""What a user sees of the ladder: the source in `live`, its reason in `gateway`, and health's problems that
come and go with their causes; through a real broker.
"""

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from envoy_mqtt.simulator.cloud import Cloud, Person
from envoy_mqtt.simulator.firmware import Role
from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys, issue
from envoy_mqtt.simulator.options import Layout, Options, Wiring
from envoy_mqtt.simulator.trouble import Value
from tests.e2e.harness import PATIENCE_S, Ears, addresses, bridging, listening, settings, target
from tests.mosquitto import Mosquitto

PERSON = Person()
DAY_S = 86_400.0


def problems(ears: Ears) -> dict[str, Any]:
    """Health's problems as last told, by code."""
    told = ears.on("/bridge/health")
    return {problem["code"]: problem for problem in told[-1].json["problems"]} if told else {}


def codes(ears: Ears) -> set[str]:
    return set(problems(ears))


def well(ears: Ears) -> bool:
    told = ears.on("/bridge/health")
    return bool(told) and told[-1].json["status"] == "ok" and told[-1].json["gateways"] != {}


def sources(ears: Ears) -> list[str]:
    return [each.json["source"] for each in ears.on("/live")]


async def test_a_stream_that_owners_may_not_read_is_told_until_an_installers_token_lies_in_the_file(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    """On 7.6.175: readings meanwhile, and no gap when the better token comes."""
    file = tmp_path / "jwt"
    async with Gateway(Options(firmware="D7.6.175"), keys=keys) as gateway, listening(broker.port) as ears:
        file.write_text(gateway.owner_token)
        async with bridging(
            settings(tmp_path, **addresses(gateway, broker.port, gateway__token_file=str(file)))
        ):
            await ears.until(lambda it: codes(it) == {"stream_not_for_role"})
            told, table = problems(ears)["stream_not_for_role"], ears.on("/bridge/health")[-1].json
            about = ears.on("/gateway")[-1].json
            file.write_text(gateway.installer_token)
            await ears.until(lambda it: sources(it)[-1:] == ["stream"] and well(it))
    assert (told["serial"], table["status"]) == (gateway.serial, "degraded")
    assert "this token's role, owner, may not read the stream on this firmware (401)" in told["text"]
    assert "installer's token may read the stream" in told["remedy"]
    assert (about["source"], about["token_role"]) == ("readings", "owner")
    assert table["gateways"][gateway.serial]["source_reason"] == about["source_reason"]
    later = ears.on("/gateway")[-1].json
    assert (later["source"], later["token_role"]) == ("stream", "installer")
    assert later["source_reason"] == "The stream has every meter of this site."
    arrived = [each.at for each in ears.on("/live")]
    assert max(after - before for before, after in pairwise(arrived)) < 3.0
    sequence = [each.json["sequence"] for each in ears.on("/live")]
    assert sequence == list(range(1, len(sequence) + 1))
    assert [each.payload for each in ears.on("/availability")] == [b"offline", b"online", b"offline"]


async def test_reconnect_starts_at_the_top_of_the_ladder(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with (
        Gateway(Options(stream=False), keys=keys) as gateway,
        listening(broker.port) as ears,
        bridging(settings(tmp_path, **target(gateway, broker.port))) as app,
    ):
        await ears.until(lambda it: sources(it)[-1:] == ["readings"])
        gateway.refit(Options())
        app.gateways[0].reconnect()
        await ears.until(lambda it: sources(it)[-1:] == ["stream"])


async def test_a_total_that_is_the_net_is_told_in_health_and_in_the_reason(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    options = Options(
        firmware="D8.3.5433",
        layout=Layout.PRODUCTION_TOTAL,
        phases=Wiring.SPLIT,
        total_is_net=True,
        start=1_750_500_000.0,
        speed=1e-6,
        seed=3,
    )
    async with (
        Gateway(options, keys=keys) as gateway,
        listening(broker.port) as ears,
        bridging(settings(tmp_path, **target(gateway, broker.port))),
    ):
        await ears.until(lambda it: codes(it) == {"meter_total_is_net"})
        await ears.until(lambda it: "8.3.5433" in it.on("/gateway")[-1].json["source_reason"])
        phases = gateway.source.state(gateway.clock()).phases  # type: ignore[attr-defined]
        live = ears.on("/live")[-1].json
    made = sum(phase.production_w for phase in phases)
    used = sum(phase.load_w for phase in phases)
    assert live["consumption_power"] == pytest.approx(used, abs=0.06)
    assert live["net_power"] == pytest.approx(used - made, abs=0.06)


async def test_a_counter_that_steps_back_is_told_while_it_does(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    more = {"energy__interval_s": 5}
    async with (
        Gateway(Options(), keys=keys) as gateway,
        listening(broker.port) as ears,
        bridging(settings(tmp_path, **target(gateway, broker.port, **more))),
    ):
        await ears.hear("/energy")
        await gateway.fault("counters_back", wh=1_000.0)
        await ears.until(lambda it: codes(it) == {"counter_held"})
        assert "production" in problems(ears)["counter_held"]["text"]
        await gateway.clear()
        await ears.until(well)
    assert {each.json["resets"] for each in ears.on("/energy")} == {0}


class Refusal(NamedTuple):
    """What the cloud says at a step, and the contract's code for it."""

    step: str
    trouble: str
    code: str


REFUSALS = (
    Refusal("login", "password", "account_password"),
    Refusal("login", "second_factor", "account_second_factor"),
    Refusal("login", "locked", "account_locked"),
    Refusal("tokens", "not_owner", "account_not_owner"),
    Refusal("login", "resting", "cloud_unavailable"),
)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda it: it.code)
async def test_why_the_cloud_gives_no_token_stands_in_health_until_there_is_one(
    broker: Mosquitto, keys: Keys, tmp_path: Path, refusal: Refusal
) -> None:
    file = tmp_path / "jwt"
    async with (
        Gateway(Options(), keys=keys) as gateway,
        Cloud(keys, PERSON) as cloud,
        listening(broker.port) as ears,
    ):
        cloud.refuse(refusal.step, refusal.trouble)
        account = {
            "gateway__account__username": PERSON.username,
            "gateway__account__password": PERSON.password,
            "cloud__login_url": cloud.url,
            "cloud__token_url": cloud.url,
            "gateway__token_file": str(file),
        }
        async with bridging(settings(tmp_path, **addresses(gateway, broker.port, **account))):
            await ears.until(lambda it: codes(it) == {refusal.code})
            told = problems(ears)[refusal.code]
            assert told["serial"] == gateway.serial
            assert told["remedy"]
            file.write_text(gateway.owner_token)
            await ears.until(well)


async def test_the_end_of_a_token_is_told_in_time_and_gone_with_the_next(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    """Nobody can renew it but who configured it; the readings go on throughout."""
    file = tmp_path / "jwt"
    async with (
        Gateway(Options(), keys=keys) as gateway,
        listening(broker.port) as ears,
        bridging(settings(tmp_path, **addresses(gateway, broker.port, gateway__token_file=str(file)))),
    ):
        await ears.until(lambda it: codes(it) == {"token_missing"})
        began = gateway.clock() - 300 * DAY_S
        ending = issue(keys, gateway.serial, Role.OWNER, began, lifetime_s=329 * DAY_S)
        file.write_text(ending)
        await ears.until(lambda it: codes(it) == {"token_expiring"})
        file.write_text(gateway.owner_token)
        await ears.until(well)
        assert gateway.streams.opened == 1
    assert ears.on("/gateway")[-1].json["token_expires"] > ears.on("/gateway")[0].json["token_expires"]


async def test_another_gateway_at_the_address_is_told_while_it_is_there(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with Gateway(Options(), keys=keys) as gateway, listening(broker.port) as ears:
        known = {"gateway__token": gateway.owner_token, "gateway__serial": gateway.serial}
        async with bridging(settings(tmp_path, **addresses(gateway, broker.port, **known))):
            await ears.until(well)
            await gateway.fault("other_serial")
            await gateway.fault("end")
            await ears.until(lambda it: "gateway_other_serial" in codes(it))
            await gateway.clear()
            await ears.until(lambda it: "gateway_other_serial" not in codes(it))


async def test_a_renewed_certificate_is_told_although_it_is_followed(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with (
        Gateway(Options(), keys=keys) as gateway,
        listening(broker.port) as ears,
        bridging(settings(tmp_path, **target(gateway, broker.port))),
    ):
        await ears.until(well)
        await gateway.fault("new_certificate")
        await gateway.fault("end")
        await ears.until(lambda it: codes(it) == {"certificate_changed"})
        assert sources(ears)


# However it fails, it is asked gently: 1, 2, 4 … seconds apart.

FAILURES: dict[str, dict[str, Value]] = {
    "401": {},
    "5xx": {},
    "503": {},
    "html": {},
    "404": {},
    "hang_up": {},
    "redirect": {},
    "other_serial": {},
    "one_event_then_close": {"seconds": 60.0},
}


@pytest.mark.parametrize("fault", FAILURES)
async def test_attempts_become_rarer_however_it_fails(
    broker: Mosquitto, keys: Keys, tmp_path: Path, fault: str
) -> None:
    async with Gateway(Options(), keys=keys) as gateway:
        known = {"gateway__token": gateway.owner_token, "gateway__serial": gateway.serial}
        if fault == "404":  # all but who it is: else it is no gateway
            await gateway.fault(fault, path="/ivp/meters /ivp/livedata/status /production.json")
        else:
            await gateway.fault(fault, **FAILURES[fault])  # type: ignore[arg-type]
        async with bridging(settings(tmp_path, **addresses(gateway, broker.port, **known))):
            async with asyncio.timeout(PATIENCE_S):
                await gateway.visits.until(lambda: len(starts(gateway)) >= 3)
        first, second, third = starts(gateway)[:3]
        assert second - first >= 1.0
        assert third - second >= 2.0
        assert len(gateway.visits.connections) <= 6, "at most two in an attempt"


def starts(gateway: Gateway) -> list[float]:
    """When attempts began: of a connection that is hung up on nothing else is seen."""
    return [visit.at for visit in gateway.visits.of("/info")] or gateway.visits.connections
