"""Every fault, as a real client meets it."""

import asyncio
import json
import time
from typing import Any

import aiohttp
import pytest
from cryptography import x509

from envoy_mqtt.simulator.faults import FAULTS
from envoy_mqtt.simulator.garbage import KINDS
from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options, Pace
from tests.simulator.client import Client, visiting

MANUAL = Options(pace=Pace.MANUAL)
# An event a millisecond: what takes seconds on a real gateway takes none here.
FAST = Options(rate_hz=1000.0)
MARK = b"data: mark\r\n\r\n"


async def until(gateway: Gateway, on: str, off: str = "") -> None:
    """Return when one fault is on and another is not."""
    active = gateway.faults
    await gateway.visits.until(lambda: (not on or on in active.active) and off not in active.active)


async def test_a_stalled_stream_is_open_and_says_nothing(keys: Keys) -> None:
    async with Gateway(FAST, keys=keys) as gateway, visiting(gateway) as client:
        await gateway.fault("stall")
        async with client.stream() as stream:
            # Until ten events have been due and swallowed.
            while gateway.faults.active["stall"].count < 10:
                await client.status("/info")
            gateway.say(MARK)
            assert await stream.readany() == MARK
            await gateway.clear("stall")
            assert (await stream.readuntil(b"\r\n\r\n")).startswith(b"data: {")


async def test_a_silent_gateway_takes_requests_and_never_answers(keys: Keys) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway, visiting(gateway) as client:
        await gateway.fault("silent", path="/ivp/meters")
        waiting = asyncio.create_task(client.status("/ivp/meters"))
        (visit,) = await gateway.visits.requested("/ivp/meters")
        assert await client.status("/info") == 200
        assert visit.status is None
        assert not waiting.done()
        waiting.cancel()
        await gateway.clear()
        assert await client.status("/ivp/meters") == 200


async def test_a_gateway_can_hang_up_before_it_answers(keys: Keys) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway, visiting(gateway) as client:
        await gateway.fault("hang_up")
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await client.status("/info")


@pytest.mark.parametrize("size", [300, 0])
async def test_a_cut_stream_ends_within_an_event_and_without_an_end(keys: Keys, size: int) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway, visiting(gateway) as client, client.stream() as stream:
        await gateway.fault("cut", bytes=size)
        assert len(await stream.readexactly(size)) == size
        with pytest.raises(aiohttp.ClientPayloadError):
            await stream.read()
        assert gateway.faults.active == {}


async def test_a_stream_can_end_in_good_order(keys: Keys) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway, visiting(gateway) as client, client.stream() as stream:
        gateway.say(MARK)
        await gateway.fault("end")
        assert await stream.read() == MARK


async def test_a_stream_can_end_with_a_reset(keys: Keys) -> None:
    async with (
        Gateway(Options(pace=Pace.MANUAL, tls=False), keys=keys) as gateway,
        visiting(gateway) as client,
        client.stream() as stream,
    ):
        await gateway.fault("reset")
        with pytest.raises(aiohttp.ClientPayloadError, match="reset by peer"):
            await stream.read()


async def test_one_event_and_then_the_end(keys: Keys) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway, visiting(gateway) as client, client.stream() as stream:
        await gateway.fault("one_event_then_close")
        body = await stream.read()
        assert json.loads(body[6:])["production"]


async def test_a_blow_that_lasts_strikes_new_streams_too(keys: Keys) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway, visiting(gateway) as client:
        await gateway.fault("one_event_then_close", seconds=1000)
        for _ in range(3):
            async with client.session.get(f"{gateway.url}/stream/meter", headers=client.headers) as answer:
                assert (await answer.read()).count(b"data: ") == 1
        await gateway.clear()
        async with client.stream() as stream:
            gateway.say(MARK)
            assert await stream.readany() == MARK


@pytest.mark.parametrize(
    ("fault", "settings", "statuses"),
    [
        ("401", {}, [200, 401, 401, 401, 401]),
        ("401", {"path": "/stream/meter"}, [200, 200, 401, 200, 404]),
        ("404", {}, [404, 404, 404, 404, 404]),
        ("5xx", {"status": 504}, [504, 504, 504, 504, 504]),
        ("503", {"path": "/info"}, [503, 200, 200, 200, 404]),
        ("html", {}, [200, 200, 200, 200, 200]),
    ],
)
async def test_answers_that_are_not_the_true_ones(
    keys: Keys, fault: str, settings: dict[str, Any], statuses: list[int]
) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway, visiting(gateway) as client:
        await gateway.fault(fault, **settings)
        found = []
        for path in ("/info", "/ivp/meters", "/stream/meter", "/auth/check_jwt", "/nothing"):
            async with client.session.get(gateway.url + path, headers=client.headers) as answer:
                found.append(answer.status)
        assert found == statuses


async def test_a_failure_can_ask_to_be_left_alone(keys: Keys) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway, visiting(gateway) as client:
        await gateway.fault("503", retry_after=120)
        status, body, headers = await client.get("/ivp/meters")
        assert (status, headers["Retry-After"]) == (503, "120")
        assert body == b"Resource busy, please retry after 30 seconds"


async def test_html_where_json_and_events_were_asked_for(keys: Keys) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway, visiting(gateway) as client:
        await gateway.fault("html")
        for path in ("/ivp/meters", "/stream/meter"):
            status, body, headers = await client.get(path)
            assert (status, headers["Content-Type"]) == (200, "text/html")
            assert body.startswith(b"<!DOCTYPE html>")
        assert (await client.get("/info"))[1].startswith(b"<?xml")


async def test_a_gateway_that_refuses_comes_back_on_the_same_port(keys: Keys) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway, visiting(gateway) as client:
        await gateway.fault("refuse")
        with pytest.raises(aiohttp.ClientConnectorError):
            await client.status("/info")
        await gateway.clear()
        assert await client.status("/info") == 200


async def test_what_is_open_survives_a_refusal(keys: Keys) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway, visiting(gateway) as client, client.stream() as stream:
        await gateway.fault("refuse")
        gateway.say(MARK)
        assert await stream.readany() == MARK


async def test_another_gateway_at_the_old_address(keys: Keys) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway, visiting(gateway) as client:
        await gateway.fault("other_serial", serial="122311111111")
        assert b"<sn>122311111111</sn>" in (await client.get("/info"))[1]
        assert await client.status("/ivp/meters") == 401
        subject = x509.load_pem_x509_certificate(gateway.certificate_pem).subject
        assert subject.rfc4514_string() == "CN=envoy-122311111111"
        await gateway.clear()
        assert await client.status("/ivp/meters") == 200


async def test_a_new_certificate_or_one_that_ended(keys: Keys) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway:
        first = gateway.certificate_pem
        await gateway.fault("new_certificate")
        second = gateway.certificate_pem
        await gateway.fault("new_certificate", expired=1)
        ends = [
            x509.load_pem_x509_certificate(pem).not_valid_after_utc.timestamp()
            for pem in (first, second, gateway.certificate_pem)
        ]
        assert first != second
        assert ends[2] < time.time() < ends[0] <= ends[1]


async def test_sessions_can_be_lost_without_a_restart(keys: Keys) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway, visiting(gateway) as client:
        await client.get("/auth/check_jwt")
        client.token = None
        assert await client.status("/ivp/meters") == 200
        await gateway.fault("lost_sessions")
        assert await client.status("/ivp/meters") == 401


async def test_zeros_after_a_start(keys: Keys) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway, visiting(gateway) as client:
        await gateway.fault("zeros")
        assert gateway.event().count(b":0.0") == 63
        readings = json.loads((await client.get("/ivp/meters/readings"))[1])
        assert {readings[0][key] for key in ("actEnergyDlvd", "activePower", "voltage")} == {0.0}


async def restarted(client: Client, **seconds: float) -> None:
    """A restart of which one chapter takes for ever, as seen by somebody who had a session."""
    await client.get("/auth/check_jwt")
    chapters = {"away_s": 0.0, "busy_s": 0.0, "zeros_s": 0.0}
    await client.gateway.fault("reboot", **{**chapters, **seconds})


async def test_a_restarting_gateway_is_away_first(keys: Keys) -> None:
    async with Gateway(FAST, keys=keys) as gateway, visiting(gateway) as client, client.stream() as stream:
        await restarted(client, away_s=1000.0)
        with pytest.raises(aiohttp.ClientError):
            await stream.read()
        with pytest.raises(aiohttp.ClientConnectorError):
            await client.status("/info")
        await gateway.clear()
        assert await client.status("/info") == 200


async def test_a_restarting_gateway_is_busy_then(keys: Keys) -> None:
    async with Gateway(FAST, keys=keys) as gateway, visiting(gateway) as client:
        await restarted(client, busy_s=1000.0)
        await until(gateway, "503", "refuse")
        assert await client.status("/info") == 503
        await gateway.clear()
        assert list(gateway.faults.active) == []


async def test_a_restarted_gateway_shows_zeros_and_has_lost_its_sessions(keys: Keys) -> None:
    async with Gateway(FAST, keys=keys) as gateway, visiting(gateway) as client:
        await restarted(client, zeros_s=1000.0)
        await until(gateway, "zeros", "503")
        token, client.token = client.token, None
        assert await client.status("/ivp/meters") == 401
        client.token = token
        assert await client.status("/ivp/meters") == 200
        assert gateway.event().count(b":0.0") == 63


async def test_a_restart_ends_by_itself(keys: Keys) -> None:
    async with Gateway(FAST, keys=keys) as gateway, visiting(gateway) as client:
        await restarted(client)
        await until(gateway, "", "reboot")
        assert gateway.faults.active == {}
        assert await client.status("/ivp/meters") == 200
        assert gateway.event().count(b":0.0") < 63


async def test_a_share_of_the_events_is_garbage_and_the_rest_is_not(keys: Keys) -> None:
    async with Gateway(FAST, keys=keys) as gateway, visiting(gateway) as client:
        await gateway.fault("garbage", share=0.3, kind="empty object")
        async with client.stream() as stream:
            events = [await stream.readuntil(b"\r\n\r\n") for _ in range(200)]
    # 60 of 200 are expected; four standard deviations are 26.
    assert 34 < events.count(b"data: {}\r\n\r\n") < 86
    assert sum(1 for event in events if b"total-consumption" in event) == 200 - events.count(
        b"data: {}\r\n\r\n"
    )


async def test_every_kind_of_garbage_has_its_turn(keys: Keys) -> None:
    gateway = Gateway(MANUAL, keys=keys)
    await gateway.fault("garbage", share=1)
    event = gateway.event()
    made = {b"".join(gateway.faults.shape(event)) for _ in range(600)}
    assert made == {make(event) for make in KINDS.values()}


@pytest.mark.parametrize("size", [0, 1, 7, 1000])
async def test_chopped_events_are_whole_when_put_together(keys: Keys, size: int) -> None:
    async with Gateway(FAST, keys=keys) as gateway, visiting(gateway) as client:
        await gateway.fault("chop", size=size)
        async with client.stream() as stream:
            chunk, whole = await stream.readchunk()
            if size < 700:
                assert (whole, len(chunk)) == (True, size or len(chunk))
                assert len(chunk) < 100
            body = chunk + await stream.readuntil(b"\r\n\r\n") + await stream.readuntil(b"\r\n\r\n")
            assert json.loads(body[6:].partition(b"\r\n")[0])["net-consumption"]


async def test_a_slow_gateway_sends_the_same_a_byte_at_a_time(keys: Keys) -> None:
    async with Gateway(MANUAL, keys=keys, clock=lambda: 1e9) as gateway, visiting(gateway) as client:
        _, quick, _ = await client.get("/ivp/meters")
        await gateway.fault("slow", delay_s=0.01, pause_s=0.0001)
        status, slow, headers = await client.get("/ivp/meters")
        assert (status, slow, headers["Content-Length"]) == (200, quick, str(len(quick)))


async def test_faults_can_be_had_together(keys: Keys) -> None:
    async with Gateway(FAST, keys=keys) as gateway, visiting(gateway) as client:
        await gateway.fault("chop", size=5)
        await gateway.fault("garbage", share=1, kind="array")
        async with client.stream() as stream:
            assert await stream.readuntil(b"\r\n\r\n") == b"data: [1,2,3]\r\n\r\n"


def test_every_fault_has_a_sentence() -> None:
    assert all(fault.text.endswith(".") for fault in FAULTS.values())


async def test_a_garbled_challenge_is_four_bytes_nobody_can_read(keys: Keys) -> None:
    async with Gateway(Options(firmware="R3.9.36"), keys=keys) as gateway:
        await gateway.fault("garbled_challenge")
        reader, writer = await asyncio.open_connection(gateway.host, gateway.port)
        writer.write(b"GET /stream/meter HTTP/1.1\r\nHost: envoy\r\n\r\n")
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        assert head.startswith(b"HTTP/1.1 401 ")
        assert b"\r\nWWW-Authenticate: \xd8\xc9\xc6\x41\r\n" in head
        assert json.loads(body) == {
            "status": 401,
            "error": "",
            "info": "Authentication required",
            "moreInfo": "",
        }
        async with visiting(gateway) as client:
            assert await client.status("/info") == 200


async def test_a_redirect_names_the_same_path_over_https_or_what_it_is_told(keys: Keys) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway, visiting(gateway) as client:

        async def location(path: str) -> tuple[int, str | None]:
            answer = await client.session.get(
                gateway.url + path, headers=client.headers, allow_redirects=False
            )
            return answer.status, answer.headers.get("Location")

        await gateway.fault("redirect", path="/ivp/meters")
        assert await location("/ivp/meters") == (301, f"{gateway.url}/ivp/meters")
        assert await location("/info") == (200, None)
        await gateway.fault("redirect", location="https://localhost/")
        assert await location("/info") == (301, "https://localhost/")


async def test_revoked_tokens_are_refused_everywhere_and_new_ones_are_good(keys: Keys) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway, visiting(gateway) as client:
        assert await client.status("/auth/check_jwt") == 200
        await gateway.fault("revoked_tokens")
        assert [await client.status(path) for path in ("/auth/check_jwt", "/ivp/meters")] == [401, 401]
        client.token = gateway.owner_token
        assert [await client.status(path) for path in ("/auth/check_jwt", "/ivp/meters")] == [200, 200]


class Clock:
    """Unix time that moves when told."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


async def test_an_outage_answers_nothing_and_says_nothing(keys: Keys) -> None:
    async with Gateway(FAST, keys=keys) as gateway, visiting(gateway) as client, client.stream() as stream:
        await gateway.fault("outage")
        waiting = asyncio.create_task(client.status("/info"))
        (visit,) = await gateway.visits.requested("/info")
        gateway.say(MARK)
        while await stream.readuntil(b"\r\n\r\n") != MARK:
            pass
        # Until ten events have been due and swallowed.
        while gateway.faults.active["outage"].count < 10:
            gateway.say(MARK)
            assert await stream.readuntil(b"\r\n\r\n") == MARK
        assert (visit.status, waiting.done()) == (None, False)
        waiting.cancel()


# 22:59:59 to 23:10:00 in a house an hour east.
@pytest.mark.parametrize(("after_s", "out"), [(-1.0, False), (0.0, True), (599.0, True), (600.0, False)])
async def test_at_eleven_at_night_there_is_one_for_ten_minutes(keys: Keys, after_s: float, out: bool) -> None:
    options = Options(pace=Pace.MANUAL, nightly_outage=True, utc_offset_s=3600.0)
    clock = Clock(1_751_320_800.0 + after_s)
    async with Gateway(options, keys=keys, clock=clock) as gateway:
        assert ("outage" in gateway.faults.active) is out
    async with Gateway(Options(pace=Pace.MANUAL), keys=keys, clock=clock) as gateway:
        assert gateway.faults.active == {}


async def test_a_late_answer_is_the_true_one(keys: Keys) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway, visiting(gateway) as client:
        await gateway.fault("late", path="/ivp/meters", delay_s=0.05)
        began = time.monotonic()
        assert json.loads((await client.get("/ivp/meters"))[1])[0]["eid"] == 704643328
        assert time.monotonic() - began >= 0.05


async def test_a_fault_of_answers_can_be_about_several_paths(keys: Keys) -> None:
    async with Gateway(MANUAL, keys=keys) as gateway, visiting(gateway) as client:
        await gateway.fault("401", path="/stream/meter /ivp/meters/readings")
        paths = ("/stream/meter", "/ivp/meters/readings", "/ivp/meters")
        assert [await client.status(path) for path in paths] == [401, 401, 200]
