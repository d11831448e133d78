"""The gateway's certificate: pinned, followed, refused; and no token to whoever shows the wrong one."""

from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from envoy_mqtt.gateway.verdict import NOT_CHECKED, RENEWED, brief
from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options
from tests.e2e.harness import bridging, eventually, listening, settings, target
from tests.mosquitto import Mosquitto
from tests.test_trust import at, pinned, shown, trust

SERIAL = Options().serial
OTHER = "122399999999"
FAST = Options(rate_hz=10.0)


def with_token(gateway: Gateway) -> list[str]:
    return [visit.path for visit in gateway.visits.requests if visit.token]


def warnings(logs: Any) -> list[str]:
    """What was warned of certificates."""
    return [line["event"] for line in logs if line["event"].startswith("certificate ")]


def refusals(logs: Any) -> list[tuple[str, str]]:
    """Reason and level of every failed attempt."""
    return [(line["reason"], line["log_level"]) for line in logs if "retry_in_s" in line]


def changed(logs: Any) -> list[Any]:
    """Every refusal of a changed certificate."""
    return [line for line in logs if line.get("reason") == "certificate_changed"]


async def test_the_first_certificate_is_pinned_and_taken_again_without_a_word(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    """At a reconnect, and after a restart of the bridge."""
    with capture_logs() as logs:
        async with Gateway(FAST, keys=keys) as gateway, listening(broker.port) as ears:
            for start in (1, 2):
                async with bridging(settings(tmp_path, **target(gateway, broker.port))):
                    streams = gateway.streams.opened
                    await gateway.streaming()
                    assert pinned(tmp_path) == {SERIAL: shown(gateway)}
                    await gateway.fault("end")
                    await gateway.visits.until(lambda n=streams: gateway.streams.opened >= n + 2)  # type: ignore[misc]
                    assert gateway.streams.opened == 2 * start
            about = (await ears.hear("/gateway"))[0].json
    assert about["certificate_sha256"] == shown(gateway)
    assert warnings(logs) == []


@pytest.mark.parametrize("expired", [False, True], ids=["renewed", "renewed and ended"])
async def test_a_renewed_certificate_is_followed_with_one_warning_and_a_new_pin(
    broker: Mosquitto, keys: Keys, tmp_path: Path, expired: bool
) -> None:
    with capture_logs() as logs:
        async with (
            Gateway(FAST, keys=keys) as gateway,
            listening(broker.port) as ears,
            bridging(settings(tmp_path, **target(gateway, broker.port))),
        ):
            await gateway.streaming()
            first = shown(gateway)
            gateway.renew_certificate(expired=expired)
            for opened in (2, 3):
                await gateway.fault("end")
                await gateway.visits.until(lambda n=opened: gateway.streams.opened == n)  # type: ignore[misc]
            assert pinned(tmp_path) == {SERIAL: shown(gateway)}
            about = (await ears.hear("/gateway", count=2))[-1].json
            assert about["certificate_sha256"] == shown(gateway) != first
    assert warnings(logs) == [RENEWED]
    (told,) = [line for line in logs if line["event"] == RENEWED]
    assert (told["serial"], told["pinned_before"], told["sha256"]) == (SERIAL, first, shown(gateway))


async def test_a_second_renewal_is_told_as_well(broker: Mosquitto, keys: Keys, tmp_path: Path) -> None:
    """A bridge runs for years, and a gateway renews its certificate every year."""
    with capture_logs() as logs:
        async with (
            Gateway(FAST, keys=keys) as gateway,
            listening(broker.port) as ears,
            bridging(settings(tmp_path, **target(gateway, broker.port))),
        ):
            for opened in (1, 2, 3):
                await gateway.visits.until(lambda n=opened: gateway.streams.opened == n)  # type: ignore[misc]
                await ears.hear("/live", count=len(ears.on("/live")) + 1)
                gateway.renew_certificate()
                await gateway.fault("end")
            await gateway.visits.until(lambda: gateway.streams.opened == 4)
    assert warnings(logs) == [RENEWED] * 3


async def test_strict_refuses_a_changed_certificate_and_no_token_leaves(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    """The next start refuses it too, in the same words, and the first use was pinned all the same."""
    with capture_logs() as logs:
        async with Gateway(FAST, keys=keys) as gateway:
            strict = settings(tmp_path, **target(gateway, broker.port), gateway__certificate="strict")
            async with bridging(strict):
                await gateway.streaming()
                first = shown(gateway)
                gateway.renew_certificate()
                gateway.visits.requests.clear()
                await gateway.fault("end")
                await eventually(lambda: len(changed(logs)) == 2)
            async with bridging(strict):
                await eventually(lambda: len(changed(logs)) == 3)
            assert with_token(gateway) == []
            assert pinned(tmp_path) == {SERIAL: first}
    assert [line["log_level"] for line in changed(logs)] == ["warning", "debug", "warning"]
    for part in (brief(first), brief(shown(gateway)), f"envoy-mqtt trust --serial {SERIAL}"):
        assert all(part in line["error"] for line in changed(logs))
    assert warnings(logs) == []


async def test_trust_ends_a_refusal_while_the_bridge_runs(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with Gateway(FAST, keys=keys) as gateway:
        strict = settings(tmp_path, **target(gateway, broker.port), gateway__certificate="strict")
        with capture_logs() as logs:
            async with bridging(strict):
                await gateway.streaming()
                gateway.renew_certificate()
                await gateway.fault("end")
                await eventually(lambda: changed(logs) != [])
                done = await trust(tmp_path, "--yes", environ=at(gateway))
                assert done.status == 0, done.err
                await gateway.visits.until(lambda: gateway.streams.opened == 2)
        assert pinned(tmp_path) == {SERIAL: shown(gateway)}


async def test_where_the_serial_is_given_an_impostor_is_not_even_asked_who_it_is(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    with capture_logs() as logs:
        async with Gateway(FAST, keys=keys) as gateway:
            keywords = {**target(gateway, broker.port), "gateway__serial": SERIAL}
            async with bridging(settings(tmp_path, **keywords, gateway__certificate="strict")):
                await gateway.streaming()
                gateway.renew_certificate()
                gateway.visits.requests.clear()
                await gateway.fault("end")
                await eventually(lambda: ("certificate_changed", "warning") in refusals(logs))
            assert not [visit for visit in gateway.visits.requests if visit.path == "/info"]


@pytest.mark.parametrize("mode", ["pin", "strict"])
async def test_another_gateways_certificate_is_refused_before_anything_is_pinned(
    broker: Mosquitto, keys: Keys, tmp_path: Path, mode: str
) -> None:
    """It says it is ours and shows a certificate of another."""
    with capture_logs() as logs:
        async with Gateway(FAST, keys=keys) as gateway:
            gateway.renew_certificate(serial=OTHER)
            async with bridging(
                settings(tmp_path, **target(gateway, broker.port, gateway__certificate=mode))
            ):
                await gateway.visits.requested("/info", 2)
            assert with_token(gateway) == []
    assert pinned(tmp_path) == {}
    assert refusals(logs)[0] == ("other_serial", "warning")


async def test_the_certificate_of_another_gateway_does_not_pass_for_a_renewal(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    with capture_logs() as logs:
        async with (
            Gateway(FAST, keys=keys) as gateway,
            bridging(settings(tmp_path, **target(gateway, broker.port))),
        ):
            await gateway.streaming()
            first = shown(gateway)
            gateway.renew_certificate(serial=OTHER)
            gateway.visits.requests.clear()
            await gateway.fault("end")
            await gateway.visits.requested("/info", 2)
            assert with_token(gateway) == []
            assert pinned(tmp_path) == {SERIAL: first}
    assert ("other_serial", "warning") in refusals(logs)
    assert warnings(logs) == []


async def test_another_gateway_at_the_address_gets_a_pin_of_its_own(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    """Where no serial is given a gateway may be replaced; what is known of the first stays known."""
    with capture_logs() as logs:
        async with (
            Gateway(FAST, keys=keys) as gateway,
            bridging(settings(tmp_path, **target(gateway, broker.port))),
        ):
            await gateway.streaming()
            first = shown(gateway)
            gateway.rename(OTHER)
            await gateway.fault("end")
            await eventually(lambda: len(pinned(tmp_path)) == 2)
            assert pinned(tmp_path) == {SERIAL: first, OTHER: shown(gateway)}
    assert warnings(logs) == []


async def test_off_looks_at_nothing_and_says_so_once(broker: Mosquitto, keys: Keys, tmp_path: Path) -> None:
    with capture_logs() as logs:
        async with Gateway(FAST, keys=keys) as gateway:
            gateway.renew_certificate(serial=OTHER)
            async with bridging(
                settings(tmp_path, **target(gateway, broker.port, gateway__certificate="off"))
            ):
                await gateway.streaming()
                gateway.renew_certificate()
                await gateway.fault("end")
                await gateway.visits.until(lambda: gateway.streams.opened == 2)
    assert pinned(tmp_path) == {}
    assert warnings(logs) == [NOT_CHECKED]


async def test_a_certificate_that_has_ended_is_as_good_as_any(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with (
        Gateway(Options(rate_hz=10.0, expired_certificate=True), keys=keys) as gateway,
        bridging(settings(tmp_path, **target(gateway, broker.port), gateway__certificate="strict")),
    ):
        await gateway.streaming()
        assert pinned(tmp_path) == {SERIAL: shown(gateway)}


async def test_a_spoilt_file_is_told_and_the_certificate_pinned_anew(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "certificates.json").write_text('{"version": 1, "certificates": {"1": "x"}}')
    with capture_logs() as logs:
        async with (
            Gateway(FAST, keys=keys) as gateway,
            bridging(settings(tmp_path, **target(gateway, broker.port))),
        ):
            await gateway.streaming()
            assert pinned(tmp_path) == {SERIAL: shown(gateway)}
    assert len([line for line in logs if line["event"].startswith("known certificates lost")]) == 1


async def test_a_pin_that_cannot_be_written_is_told_and_holds_while_we_run(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    """The disk is gone: a link to nowhere, for root writes wherever there is a folder."""
    with capture_logs() as logs:
        async with (
            Gateway(FAST, keys=keys) as gateway,
            bridging(settings(tmp_path, **target(gateway, broker.port))),
        ):
            await gateway.streaming()
            (tmp_path / "data").rename(tmp_path / "unplugged")
            (tmp_path / "data").symlink_to(tmp_path / "nowhere")
            gateway.renew_certificate()
            for opened in (2, 3):
                await gateway.fault("end")
                await gateway.visits.until(lambda n=opened: gateway.streams.opened == n)  # type: ignore[misc]
    assert warnings(logs) == [RENEWED, "certificate pinned until the end of this process only"]
    assert "chown" in next(line["error"] for line in logs if line["event"].endswith("process only"))


async def test_a_newer_versions_file_is_waited_out_while_we_run(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    """No reason to end, and none to trust whoever is there."""
    with capture_logs() as logs:
        async with (
            Gateway(FAST, keys=keys) as gateway,
            bridging(settings(tmp_path, **target(gateway, broker.port))),
        ):
            await gateway.streaming()
            (tmp_path / "data" / "certificates.json").write_text('{"version": 2}')
            gateway.visits.requests.clear()
            await gateway.fault("end")
            await eventually(lambda: ("refused", "warning") in refusals(logs))
            assert gateway.visits.requests == []
            (tmp_path / "data" / "certificates.json").unlink()
            await gateway.streaming()
    assert any("newer envoy-mqtt" in line.get("error", "") for line in logs)
