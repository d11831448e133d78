"""The journal at a real broker that is away, slow, restarted, or refuses it."""

import json
import signal
from functools import partial
from pathlib import Path

from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options
from tests.e2e.harness import Ears, Heard, Process, bridging, eventually, listening, settings, target
from tests.mosquitto import Mosquitto

RATE_HZ = 20.0

journaled = partial(target, journal__enabled=True)


def numbers(ears: Ears) -> list[int]:
    return [each.json["sequence"] for each in ears.on("/journal")]


def caught_up(ears: Ears, least: int = 1) -> bool:
    """So many, and the last one that `live` told is among them."""
    live = [each.json["sequence"] for each in ears.on("/live")]
    return len(numbers(ears)) >= least and bool(live) and live[-1] - numbers(ears)[-1] < RATE_HZ


async def test_the_journal_is_live_again_with_every_reading_and_never_retained(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with (
        Gateway(Options(rate_hz=RATE_HZ), keys=keys) as gateway,
        listening(broker.port) as ears,
        bridging(settings(tmp_path, **journaled(gateway, broker.port))),
    ):
        heard = await ears.hear("/journal", count=30)
        assert numbers(ears)[:30] == list(range(1, 31))
        live = {each.json["sequence"]: each.payload for each in ears.on("/live")}
        assert all(each.payload == live[each.json["sequence"]] for each in heard)
        async with listening(broker.port, "envoy/+/journal") as later:
            assert not (await later.hear("/journal"))[0].retain


async def test_without_it_there_is_nothing_of_it(broker: Mosquitto, keys: Keys, tmp_path: Path) -> None:
    async with (
        Gateway(Options(rate_hz=RATE_HZ), keys=keys) as gateway,
        listening(broker.port) as ears,
        bridging(settings(tmp_path, **journaled(gateway, broker.port, journal__enabled=False))),
    ):
        await ears.hear("/live", count=30)
        (health, *_) = await ears.hear("/bridge/health")
    assert ears.on("/journal") == []
    assert not (tmp_path / "data" / "journal").exists()
    told = health.json["broker"]
    assert [told[key] for key in ("journal_depth", "journal_bytes", "journal_lost")] == [None] * 3


async def test_what_was_read_while_the_broker_was_away_comes_after_its_return(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    """All of it, once and in order, and `live` does not wait for it."""
    broker.stop()
    async with (
        Gateway(Options(rate_hz=RATE_HZ), keys=keys) as gateway,
        bridging(settings(tmp_path, **journaled(gateway, broker.port))) as app,
    ):
        await eventually(lambda: app.gateways[0].bridge.readings > 60)
        broker.start()
        async with listening(broker.port) as ears:
            await ears.until(lambda it: caught_up(it, 61))
            assert numbers(ears) == list(range(numbers(ears)[0], numbers(ears)[-1] + 1))
            first_live = ears.on("/live")[0].json["sequence"]
            assert first_live > numbers(ears)[0]
            facts = app.publisher.facts().journal
            assert facts is not None
            assert (facts.depth < RATE_HZ, facts.lost) == (True, 0)


async def test_a_broker_that_freezes_and_dies_gets_every_reading(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    """What it had acknowledged and not yet handed on died with it: only what it had not is the bridge's."""
    async with (
        Gateway(Options(rate_hz=RATE_HZ), keys=keys) as gateway,
        bridging(settings(tmp_path, **journaled(gateway, broker.port))) as app,
    ):
        heard: list[Heard] = []
        for _ in range(2):  # a third time would look as if another client had our name
            async with listening(broker.port) as ears:
                await ears.hear("/journal", count=20)
                broker.freeze()
                readings = app.gateways[0].bridge.readings
                await eventually(lambda before=readings: app.gateways[0].bridge.readings > before + 10)  # type: ignore[misc]
                broker.kill()
            heard += ears.on("/journal")
            broker.start()
        async with listening(broker.port) as ears:
            await ears.until(lambda it: caught_up(it, 20))
            heard += ears.on("/journal")
    told = [each.json["sequence"] for each in heard]
    assert list(dict.fromkeys(told)) == sorted(set(told))
    assert not any("gap" in each.json for each in heard)


async def test_live_stays_quick_while_a_long_journal_leaves(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    broker.stop()
    async with (
        Gateway(Options(rate_hz=200.0), keys=keys) as gateway,
        bridging(settings(tmp_path, **journaled(gateway, broker.port))) as app,
    ):
        await eventually(lambda: app.gateways[0].bridge.readings > 600)
        broker.start()
        async with listening(broker.port) as ears:
            await ears.hear("/journal", count=600)
            late = [each for each in ears.on("/live") if not each.retain]
            assert len(late) > 20
        median_ms, _ = app.publisher.latency.percentiles_ms
        assert median_ms is not None
        assert median_ms < 100


async def test_numbers_go_on_after_an_orderly_end_and_nothing_comes_twice(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with Gateway(Options(rate_hz=RATE_HZ), keys=keys) as gateway, listening(broker.port) as ears:
        for lives in range(3):
            before = len(numbers(ears))
            async with Process(tmp_path, **journaled(gateway, broker.port, log__format="json")) as process:
                await ears.until(lambda _, before=before: len(numbers(ears)) > before + 20)  # type: ignore[misc]
                status, seconds = await process.stop(signal.SIGTERM)
                assert (status, seconds < 5) == (0, True), lives
        heard = [each.json for each in ears.on("/journal")]
        live = [each.json["sequence"] for each in ears.on("/live") if not each.retain]
    assert [each["sequence"] for each in heard] == list(range(1, len(heard) + 1))
    assert live == sorted(set(live))


async def test_a_journal_that_the_broker_refuses_waits_and_is_told_of(keys: Keys, tmp_path: Path) -> None:
    acl = tmp_path / "acl"
    acl.write_text("topic readwrite envoy/bridge/#\ntopic readwrite envoy/+/live\n")
    with Mosquitto(f"acl_file {acl}") as broker:
        async with (
            Gateway(Options(rate_hz=RATE_HZ), keys=keys) as gateway,
            listening(broker.port) as ears,
            bridging(settings(tmp_path, **journaled(gateway, broker.port))) as app,
        ):
            await ears.hear("/live", count=30)
            topic = f"envoy/{Options().serial}/journal"
            await eventually(lambda: topic in app.publisher.facts().refused_topics)
            facts = app.publisher.facts().journal
            assert facts is not None
            assert (facts.depth >= 20, facts.lost) == (True, 0)


async def test_a_journal_that_cannot_be_written_is_a_problem_and_live_goes_on(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "journal").write_text("in the way")
    async with (
        Gateway(Options(rate_hz=RATE_HZ), keys=keys) as gateway,
        listening(broker.port) as ears,
        bridging(settings(tmp_path, **journaled(gateway, broker.port))),
    ):
        await ears.hear("/live", count=30)
        await ears.until(lambda it: b'"disk"' in b"".join(each.payload for each in it.on("/bridge/health")))
        await ears.hear("/journal", count=20)
        (tmp_path / "data" / "journal").unlink()
        await ears.until(lambda it: json.loads(it.on("/bridge/health")[-1].payload)["problems"] == [])
