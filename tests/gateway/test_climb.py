"""Down the ladder and up again, against simulated gateways with the real clock and short intervals."""

import asyncio
import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from envoy_mqtt.gateway.ladder import Ladder
from envoy_mqtt.gateway.ladder import Wanted as Wanting
from envoy_mqtt.gateway.plan import Wanted
from envoy_mqtt.simulator.firmware import Role
from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Battery, Layout, Options, Wiring
from tests.gateway.following import following

STREAM = "/stream/meter"
READ = "/ivp/meters/readings"
LIVE = "/ivp/livedata/status"
ENABLE = "/ivp/livedata/stream"
REPORTED = "/production.json"
METERS = "/ivp/meters"

# A house that stands still, in the sun of a June noon.
NOON = 1_750_500_000.0
STILL = {"start": NOON, "speed": 1e-6, "seed": 3}


def counted(gateway: Gateway, path: str) -> int:
    return len(gateway.visits.of(path))


# Down


async def test_an_owner_who_may_not_read_the_stream_gets_the_readings_and_no_gap(
    keys: Keys, tmp_path: Path
) -> None:
    async with (
        Gateway(Options(firmware="D7.6.175"), keys=keys) as gateway,
        following(gateway, tmp_path) as it,
    ):
        await it.read_from("readings", 3)
        assert set(it.sources) == {"readings"}
        assert it.reason.startswith(
            "This token's role, owner, may not read the stream on this firmware (401)"
        )
        assert counted(gateway, STREAM) == 2, "with the token alone, and with the cookie of the check"
        assert counted(gateway, "/auth/check_jwt") == 1
        assert it.line.reconnects == {}


@pytest.mark.parametrize("fault", ["404", "html"])
async def test_a_stream_that_is_absent_or_a_page_is_none(keys: Keys, tmp_path: Path, fault: str) -> None:
    async with Gateway(Options(), keys=keys) as gateway:
        await gateway.fault(fault, path=STREAM)
        async with following(gateway, tmp_path) as it:
            await it.read_from("readings")
            assert set(it.sources) == {"readings"}
            assert it.reason.endswith("it is asked again from time to time.")
            assert it.line.reconnects == {}


async def test_a_stream_that_ends_three_times_before_its_first_reading_is_none(
    keys: Keys, tmp_path: Path
) -> None:
    async with Gateway(Options(), keys=keys) as gateway:
        await gateway.fault("end", seconds=60.0)
        async with following(gateway, tmp_path) as it:
            await it.read_from("readings")
            assert counted(gateway, STREAM) == 3
            assert "the gateway ended the stream" in it.reason.lower()


async def test_a_stream_that_comes_and_goes_is_one_all_the_same(keys: Keys, tmp_path: Path) -> None:
    async with Gateway(Options(), keys=keys) as gateway:
        await gateway.fault("one_event_then_close", seconds=60.0)
        async with following(gateway, tmp_path) as it:
            await it.read_from("stream", 3)
            assert set(it.sources) == {"stream"}


@pytest.mark.parametrize("fault", ["404", "html", "401"])
async def test_where_meters_cannot_be_read_livedata_is(keys: Keys, tmp_path: Path, fault: str) -> None:
    """Refused at once; a page where readings should be after ten of them."""
    async with Gateway(Options(stream=False), keys=keys) as gateway:
        await gateway.fault(fault, path=READ)
        async with following(gateway, tmp_path) as it:
            await it.read_from("livedata")
            assert set(it.sources) == {"livedata"}
            assert [visit.method for visit in gateway.visits.of(ENABLE)] == ["POST"]
            assert "/stream/meter" in it.reason
            assert READ in it.reason


async def test_where_all_of_it_is_refused_the_inverters_own_figures_are_read(
    keys: Keys, tmp_path: Path
) -> None:
    options = Options(stream=False, **STILL)  # type: ignore[arg-type]
    async with Gateway(options, keys=keys) as gateway:
        await gateway.fault("404", path=f"{READ} {LIVE}")
        async with following(gateway, tmp_path) as it:
            (live,) = await it.read_from("production", 1)
            reports = gateway.source.answer("/api/v1/production/inverters", gateway.clock())
            assert reports is not None
            assert live["production_power"] == made_w(reports.body)
            assert live["net_power"] is None
            assert it.line.reconnects == {}


def made_w(reports: bytes) -> float:
    return float(sum(report["lastReportWatts"] for report in json.loads(reports)))


async def test_where_nothing_is_left_attempts_become_rare_and_tell_why(keys: Keys, tmp_path: Path) -> None:
    async with Gateway(Options(stream=False), keys=keys) as gateway:
        await gateway.fault("404", path=f"{READ} {LIVE} {REPORTED}")
        async with following(gateway, tmp_path) as it:
            await gateway.visits.requested("/info", 3)
            first, second, third = (visit.at for visit in gateway.visits.of("/info"))
            assert second - first >= 1.0
            assert third - second >= 2.0
            assert it.line.trouble is not None
            assert "404" in it.line.trouble.text
            assert counted(gateway, STREAM) <= 3


async def test_a_storage_meter_means_readings_from_the_start_and_the_stream_is_not_asked(
    keys: Keys, tmp_path: Path
) -> None:
    options = Options(battery=Battery.METERED, phases=Wiring.SPLIT)
    async with Gateway(options, keys=keys) as gateway, following(gateway, tmp_path) as it:
        await it.read_from("readings")
        assert it.reason == "The stream has no battery, so all meters are asked once a second."
        assert counted(gateway, STREAM) == 0


# How it is asked


async def test_readings_are_asked_once_a_second_one_at_a_time_whatever_else_is_slow(
    keys: Keys, tmp_path: Path
) -> None:
    """What is asked beside them takes 0.9 s each time, so a request that waited for it is not early then."""
    options = Options(stream=False, report_delay_s=0.9)
    async with Gateway(options, keys=keys) as gateway, following(gateway, tmp_path, wanted=NOSY) as it:
        await it.read_from("readings", 7)
        times = [visit.at for visit in gateway.visits.of(READ)]
        assert min(after - before for before, after in pairwise(times)) >= 0.98
        assert counted(gateway, "/home") >= 1
        assert gateway.visits.peak_connections == 1
        assert len(gateway.visits.connections) <= 2, "kept, but for the one of the stream's refusal"


NOSY = Wanted(zone=True, inverters_s=60.0)


async def test_a_stream_costs_one_connection_and_all_else_another(keys: Keys, tmp_path: Path) -> None:
    async with Gateway(Options(), keys=keys) as gateway, following(gateway, tmp_path, wanted=NOSY) as it:
        await it.read_from("stream", 4)
        asked = Counter(visit.path for visit in gateway.visits.requests)
        before = asked.pop("/info") + asked.pop(METERS) + asked.pop("/ivp/ensemble/inventory")
        assert before == 3
        assert asked.pop(STREAM) == 1
        assert asked.total() == 2, asked
        assert len(gateway.visits.connections) == 2


# livedata


async def test_livedata_that_switches_itself_off_is_switched_on_again(keys: Keys, tmp_path: Path) -> None:
    options = Options(livedata_s=3.0)
    async with (
        Gateway(options, keys=keys) as gateway,
        following(gateway, tmp_path, ladder=Ladder("livedata")) as it,
    ):
        await it.read_from("livedata", 2)
        await gateway.visits.requested(ENABLE, 1)
        times = [live["time"] for live in it.on("live")]
        assert times == sorted(set(times)), "old figures are not published again"


# Slow pages, and batteries


async def test_a_slow_page_of_the_inverters_is_asked_every_five_minutes_and_good_for_fifteen(
    keys: Keys, tmp_path: Path
) -> None:
    """The first answer is already one: what leaves with it is good as long."""
    options = Options(layout=Layout.NONE, report_delay_s=5.1)
    async with Gateway(options, keys=keys) as gateway, following(gateway, tmp_path) as it:
        await it.read_from("production", 1)
        (live,) = [message for message in it.said if message.topic.endswith("/live")]
        assert live.expiry_s == 1500
        assert live.good_until - live.arrived == pytest.approx(900.0)
        assert it.bridge.interval_s == 300.0


async def test_beside_a_stream_a_slow_page_of_the_inverters_is_asked_as_rarely(
    keys: Keys, tmp_path: Path
) -> None:
    options = Options(layout=Layout.NET, report_delay_s=5.1)
    async with Gateway(options, keys=keys) as gateway, following(gateway, tmp_path) as it:
        await it.until(lambda: any(live["production_power"] is not None for live in it.on("live")))
        await it.read_from("stream", 1)
        assert {poll.path: poll.every_s for poll in it.bridge.polls}[REPORTED] == 300.0
        assert it.on("live")[0]["production_power"] is None


async def test_a_quick_page_of_the_inverters_is_asked_every_minute(keys: Keys, tmp_path: Path) -> None:
    options = Options(layout=Layout.NONE)
    async with Gateway(options, keys=keys) as gateway, following(gateway, tmp_path) as it:
        await it.read_from("production", 1)
        (live,) = [message for message in it.said if message.topic.endswith("/live")]
        assert live.expiry_s == 300
        assert live.good_until - live.arrived == pytest.approx(180.0)


async def test_a_battery_without_a_meter_is_told_beside_the_stream(keys: Keys, tmp_path: Path) -> None:
    """From its own figures, in whole W, where livedata is not there."""
    options = Options(battery=Battery.UNMETERED, **STILL)  # type: ignore[arg-type]
    async with Gateway(options, keys=keys) as gateway:
        await gateway.fault("404", path=LIVE)
        async with following(gateway, tmp_path) as it:
            await it.until(lambda: any(live["storage_power"] is not None for live in it.on("live")))
            await it.until(lambda: it.on("live")[-1]["storage_state_of_charge"] is not None)
            live, phases = it.on("live")[-1], gateway.source.state(gateway.clock()).phases  # type: ignore[attr-defined]
            assert live["storage_power"] == pytest.approx(phases[0].storage_w, abs=1.0)
            assert live["consumption_power"] == pytest.approx(phases[0].load_w, abs=1.0)
            assert set(it.sources) == {"stream"}
            assert counted(gateway, LIVE) == 1


async def test_an_ac_battery_is_found_and_counts_as_one(keys: Keys, tmp_path: Path) -> None:
    options = Options(battery=Battery.AC, **STILL)  # type: ignore[arg-type]
    async with Gateway(options, keys=keys) as gateway, following(gateway, tmp_path) as it:
        await it.until(
            lambda: it.on("live")[-1:] != [] and it.on("live")[-1].get("storage_power") is not None
        )
        live, phases = it.on("live")[-1], gateway.source.state(gateway.clock()).phases  # type: ignore[attr-defined]
        assert live["storage_power"] == pytest.approx(phases[0].storage_w, abs=0.06)
        assert live["consumption_power"] == pytest.approx(phases[0].load_w, abs=0.06)
        assert set(it.sources) == {"stream"}


# Up


async def test_the_stream_is_asked_again_and_taken_without_a_gap(keys: Keys, tmp_path: Path) -> None:
    async with (
        Gateway(Options(firmware="D7.6.175"), keys=keys) as gateway,
        following(gateway, tmp_path, ladder=Ladder(again_s=2.0)) as it,
    ):
        await it.read_from("readings", 2)
        gateway.refit(Options(firmware="D7.6.175", stream_role=Role.OWNER))
        await it.read_from("stream", 2)
        assert it.reason == "The stream has every meter of this site."
        asked = counted(gateway, READ)
        await it.read_from("stream", 3)
        assert counted(gateway, READ) - asked <= 1, "for the counters alone"
        arrived = [message.arrived for message in it.said if message.topic.endswith("/live")]
        assert max(after - before for before, after in pairwise(arrived)) < 2.0
        sequence = [live["sequence"] for live in it.on("live")]
        assert sequence == list(range(1, len(sequence) + 1))
        assert it.line.reconnects == {}
        assert counted(gateway, "/info") == 1


async def test_a_stream_that_stays_refused_is_asked_ever_more_rarely_and_costs_no_reading(
    keys: Keys, tmp_path: Path
) -> None:
    async with (
        Gateway(Options(stream=False), keys=keys) as gateway,
        following(gateway, tmp_path, ladder=Ladder(again_s=1.0)) as it,
    ):
        await gateway.visits.requested(STREAM, 4)
        await it.read_from("readings", 1)
        first, second, third, fourth = (visit.at for visit in gateway.visits.of(STREAM))
        assert 1.0 <= second - first < 2.5
        assert 2.0 <= third - second < 3.5
        assert 4.0 <= fourth - third < 5.5
        arrived = [message.arrived for message in it.said if message.topic.endswith("/live")]
        assert max(after - before for before, after in pairwise(arrived)) < 2.0
        assert it.line.reconnects == {}


async def test_a_new_token_has_the_stream_asked_at_once(keys: Keys, tmp_path: Path) -> None:
    """As when someone puts an installer's into `token_file`, or the account gives one."""
    async with (
        Gateway(Options(firmware="D7.6.175"), keys=keys) as gateway,
        following(gateway, tmp_path) as it,
    ):
        await it.read_from("readings", 2)
        it.token["text"] = gateway.installer_token
        await it.read_from("stream", 2)
        assert it.on("gateway")[-1]["token_role"] == "installer"
        arrived = [message.arrived for message in it.said if message.topic.endswith("/live")]
        assert max(after - before for before, after in pairwise(arrived)) < 2.0
        assert it.line.reconnects == {}


async def test_readings_that_come_back_are_taken_from_livedata(keys: Keys, tmp_path: Path) -> None:
    async with Gateway(Options(stream=False), keys=keys) as gateway:
        await gateway.fault("404", path=READ)
        async with following(gateway, tmp_path, ladder=Ladder(again_s=3.0)) as it:
            await it.read_from("livedata", 1)
            await gateway.clear()
            await it.read_from("readings", 2)
            assert it.line.reconnects == {}


# What changes while it is read


async def test_meters_that_change_while_they_are_read_are_followed(keys: Keys, tmp_path: Path) -> None:
    """A storage transformer is fitted: from the stream to readings, and storage has its keys."""
    options = Options(phases=Wiring.SPLIT)
    fitted = Options(phases=Wiring.SPLIT, battery=Battery.METERED)
    async with (
        Gateway(options, keys=keys) as gateway,
        following(gateway, tmp_path, wanted=Wanted(meters_s=2.0)) as it,
    ):
        (before,) = await it.read_from("stream", 1)
        gateway.refit(fitted)
        after = (await it.read_from("readings", 1))[-1]
        assert "storage_power" not in before
        assert after["storage_l2_power"] is not None


async def test_phases_that_change_while_the_stream_is_read_change_the_keys_and_not_the_stream(
    keys: Keys, tmp_path: Path
) -> None:
    async with (
        Gateway(Options(), keys=keys) as gateway,
        following(gateway, tmp_path, wanted=Wanted(meters_s=2.0)) as it,
    ):
        (before,) = await it.read_from("stream", 1)
        assert "net_l3_power" not in before
        gateway.refit(Options(phases=Wiring.THREE))
        await it.until(lambda: "net_l3_power" in it.on("live")[-1])
        await it.read_from("stream", 1)
        assert it.on("live")[-1]["net_l3_power"] is not None
        assert counted(gateway, STREAM) == 1


async def test_transformers_that_are_fitted_while_only_inverters_are_read_bring_the_stream(
    keys: Keys, tmp_path: Path
) -> None:
    async with (
        Gateway(Options(layout=Layout.NONE), keys=keys) as gateway,
        following(gateway, tmp_path, wanted=Wanted(meters_s=2.0)) as it,
    ):
        await it.read_from("production", 1)
        gateway.refit(Options())
        await it.read_from("stream", 2)


async def test_another_gateway_at_the_address_is_asked_from_the_top_of_the_ladder(
    keys: Keys, tmp_path: Path
) -> None:
    """The same token as far as anyone can tell, and a stream that the one before did not have."""
    async with (
        Gateway(Options(tokens=False, stream=False), keys=keys) as gateway,
        following(gateway, tmp_path, token="what.nobody.reads") as it,
    ):
        await it.read_from("readings", 1)
        gateway.refit(Options(tokens=False))
        await gateway.fault("other_serial")
        gateway.hang_up()
        await it.read_from("stream", 1)
        assert it.on("gateway")[-1]["serial"] == "122399999999"


# A gateway that has just started


async def survive(keys: Keys, folder: Path, options: Options, wanted: Wanting, source: str) -> None:
    async with (
        Gateway(options, keys=keys) as gateway,
        following(gateway, folder, ladder=Ladder(wanted)) as it,
    ):
        await it.read_from(source, 2)
        await gateway.fault("reboot", away_s=1.2, busy_s=0.5, zeros_s=12.5)
        await gateway.visits.until(lambda: "zeros" in gateway.faults.active)
        before = len(it.on("live"))
        await it.until(lambda: len(it.on("live")) >= before + 3)
        assert set(it.sources) == {source}
        assert all(live["net_power"] for live in it.on("live"))
        assert it.bridge.skipped["asleep"] > 1


async def test_a_reboot_is_followed_and_no_zero_is_ever_published(keys: Keys, tmp_path: Path) -> None:
    """Refused, busy, old cookies refused, zeros for longer than garbage is borne: the same source again."""
    battery = Options(serial="122300000002", battery=Battery.METERED)
    with capture_logs() as logs:
        async with asyncio.TaskGroup() as group:
            group.create_task(survive(keys, tmp_path / "1", Options(), "auto", "stream"))
            group.create_task(survive(keys, tmp_path / "2", battery, "auto", "readings"))
            group.create_task(survive(keys, tmp_path / "3", Options(), "livedata", "livedata"))
    warnings = [line["event"] for line in logs if line["log_level"] == "warning"]
    assert Counter(warnings) == {"gateway lost": 3, "unreadable events skipped": 3}
