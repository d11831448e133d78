"""The bridge against everything a gateway can do, through a real broker."""

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from structlog.testing import capture_logs

from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Layout, Options, Pace, Wiring
from tests.e2e.harness import Ears, bridging, listening, settings, target
from tests.mosquitto import Mosquitto


def numbered(event: bytes, number: int) -> bytes:
    """An event of its own: the first active power in it, production's on phase a, becomes `number`."""
    head, _, tail = event.partition(b'"p":')
    return head + b'"p":%d.0,' % number + tail.partition(b",")[2]


def numbers(ears: Ears) -> list[float]:
    return [each.json["production_power"] for each in ears.on("/live")]


async def test_every_reading_of_a_burst_leaves_once_and_in_order(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    """Also where the burst is cut inside events, numbers and line ends."""
    options = Options(pace=Pace.MANUAL)
    async with (
        Gateway(options, keys=keys) as gateway,
        listening(broker.port) as ears,
        bridging(settings(tmp_path, **target(gateway, broker.port))),
    ):
        await gateway.streaming()
        burst = b"".join(numbered(gateway.event(), 1000 + n) for n in range(23))
        gateway.say(burst)
        await ears.hear("/live", count=23)
        gateway.say(burst, cuts=range(1, len(burst), 37))
        heard = await ears.hear("/live", count=46)
        await ears.hear("/consumption", count=46)

    assert numbers(ears) == [1000.0 + n for n in range(23)] * 2
    assert [each.json["sequence"] for each in heard] == list(range(1, 47))
    times = [each.json["time"] for each in heard]
    assert times == sorted(times)
    for quantity in ("production", "net", "consumption"):
        assert [each.json["time"] for each in ears.on(f"/{quantity}")] == times


async def test_a_line_of_a_megabyte_costs_one_event_and_the_connection_goes_on(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    options = Options(pace=Pace.MANUAL)
    async with (
        Gateway(options, keys=keys) as gateway,
        listening(broker.port) as ears,
        bridging(settings(tmp_path, **target(gateway, broker.port))) as app,
    ):
        await gateway.streaming()
        gateway.say(numbered(gateway.event(), 1))
        gateway.say(b"data: " + b"x" * 1_000_000 + b"\r\n\r\n")
        gateway.say(numbered(gateway.event(), 2))
        await ears.hear("/live", count=2)
        assert dict(app.gateways[0].bridge.skipped) == {"too_long": 1}
        assert gateway.streams.opened == 1
    assert numbers(ears) == [1, 2]


async def test_unreadable_events_are_skipped_with_one_warning(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    options = Options(pace=Pace.MANUAL)
    with capture_logs() as logs:
        async with (
            Gateway(options, keys=keys) as gateway,
            listening(broker.port) as ears,
            bridging(settings(tmp_path, **target(gateway, broker.port))) as app,
        ):
            await gateway.streaming()
            for n in range(10):
                gateway.say(
                    numbered(gateway.event(), n) + b'data: {"production":null}\r\n\r\ndata: <html>\r\n\r\n'
                )
            await ears.hear("/live", count=10)
            assert app.gateways[0].bridge.skipped.total() == 20
    assert numbers(ears) == list(range(10))
    assert len([line for line in logs if line["event"] == "unreadable events skipped"]) == 1


async def test_what_is_published_follows_the_meters_and_not_the_stream(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    """The simulator fills what is not fitted with noise, as gateways do."""
    expected = {
        ("production+net", "single-three"): {"production", "net", "consumption"},
        ("production+net", "three"): {"production", "net", "consumption"},
        ("production+total", "split"): {"production", "net", "consumption"},
        ("production", "single"): {"production"},
        ("net", "three"): {"production", "net", "consumption"},
        ("none", "single"): {"production"},
    }

    async def published(layout: str, wiring: str, serial: int) -> set[str]:
        options = Options(serial=str(serial), layout=Layout(layout), phases=Wiring(wiring), rate_hz=10.0)
        folder = tmp_path / str(serial)
        async with (
            Gateway(options, keys=keys) as gateway,
            listening(broker.port, f"envoy/{serial}/#") as ears,
            bridging(settings(folder, **target(gateway, broker.port), mqtt__client_id=f"b{serial}")),
        ):
            # Of inverters alone there is a reading a minute.
            live = (await ears.hear("/live", count=1 if layout == "none" else 3))[-1].json
            await ears.hear("/availability", b"online")
            phases = {"split": 2, "three": 3}.get(wiring, 1) if layout != "none" else 1
            assert ("production_l1_power" in live) == (phases > 1)
            assert (f"production_l{phases + 1}_power") not in live
            assert live["production_power"] is not None or layout == "net", "inverters say it a little later"
            return {each.topic.rpartition("/")[2] for each in ears.heard} - {"energy", "state"}

    heard = await asyncio.gather(*(published(*kind, 122300000000 + n) for n, kind in enumerate(expected)))
    always = {"availability", "gateway", "live"}
    assert dict(zip(expected, heard, strict=True)) == {
        kind: quantities | always for kind, quantities in expected.items()
    }


class Trouble(NamedTuple):
    """A fault and its settings, and the reasons the log tells: what someone has to mend is told as well."""

    fault: str
    settings: dict[str, Any] = {}  # noqa: RUF012  a constant
    reasons: tuple[str, ...] = ("closed",)
    longest_s: float = 30.0

    @property
    def story(self) -> list[str]:
        return ["gateway connected", *self.reasons, "gateway back"]


# Faults of requests show once the stream has ended.
OF_REQUESTS = {"refuse", "401", "404", "5xx", "503", "html"}

TROUBLES = (
    Trouble("cut"),
    Trouble("end"),
    Trouble("reset"),
    Trouble("one_event_then_close", {"seconds": 5.0}),
    Trouble("refuse", {"seconds": 3.0}),
    Trouble("401", {"seconds": 4.0}, ("closed", "refused")),
    Trouble("404", {"seconds": 4.0}),
    Trouble("5xx", {"seconds": 4.0}),
    Trouble("503", {"seconds": 4.0, "retry_after": 3.0}),
    Trouble("html", {"seconds": 4.0}),
    Trouble("stall", {"seconds": 31.0}, ("timeout",), longest_s=90.0),
    # Every night at 23:00: it accepts connections and answers nothing (protocol notes, section 7).
    Trouble("outage", {"seconds": 33.0}, ("timeout",), longest_s=150.0),
)


async def survive(
    trouble: Trouble, broker: Mosquitto, keys: Keys, folder: Path, *, number: int, logs: list[Any]
) -> None:
    options = Options(serial=str(122400000000 + number), rate_hz=10.0)

    def told(gateway: Gateway) -> list[Any]:
        return [line for line in logs if line.get("host") == f"127.0.0.1:{gateway.port}"]

    async with (
        Gateway(options, keys=keys) as gateway,
        listening(broker.port, f"envoy/{gateway.serial}/#") as ears,
        bridging(settings(folder, **target(gateway, broker.port), mqtt__client_id=f"b{number}")),
        asyncio.timeout(trouble.longest_s),
    ):
        await ears.hear("/live", count=5)
        await gateway.fault(trouble.fault, **trouble.settings)
        if trouble.fault in OF_REQUESTS:
            await gateway.fault("end")
        opened, at_once = gateway.streams.opened, [1]

        def opened_again() -> bool:
            at_once.append(len(gateway.streams))
            return gateway.streams.opened > opened

        await gateway.visits.until(opened_again)
        await ears.until(lambda _: any(line["event"] == "gateway back" for line in told(gateway)))
        assert gateway.visits.peak_connections <= 2
        assert max(at_once) == 1
        attempts = [visit.at for visit in gateway.visits.of("/info")]
        assert all(after - earlier >= 1.0 for earlier, after in pairwise(attempts)), attempts


async def test_after_every_trouble_the_readings_come_back_gently(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    """All at once, each with a gateway and a bridge of its own; one line when lost, one when back."""
    with capture_logs() as logs:
        async with asyncio.TaskGroup() as group:
            for number, trouble in enumerate(TROUBLES):
                group.create_task(
                    survive(trouble, broker, keys, tmp_path / trouble.fault, number=number, logs=logs),
                    name=trouble.fault,
                )
    stories = {trouble.fault: story(logs, 122400000000 + n) for n, trouble in enumerate(TROUBLES)}
    assert stories == {trouble.fault: trouble.story for trouble in TROUBLES}


def story(logs: Any, serial: int) -> list[str]:
    """What the log told of one gateway, as reason or event."""
    lines = [line for line in logs if line["event"].startswith("gateway ") and line["log_level"] != "debug"]
    hosts = {line["host"] for line in lines if line.get("serial") == str(serial)}
    return [line.get("reason", line["event"]) for line in lines if line["host"] in hosts]


async def test_retry_after_is_honoured(broker: Mosquitto, keys: Keys, tmp_path: Path) -> None:
    async with (
        Gateway(Options(rate_hz=10.0), keys=keys) as gateway,
        listening(broker.port) as ears,
        bridging(settings(tmp_path, **target(gateway, broker.port))),
    ):
        await ears.hear("/live")
        await gateway.fault("503", retry_after=4.0, path="/stream/meter")
        await gateway.fault("end")
        await gateway.visits.until(lambda: gateway.visits.requests[-1].status == 503)
        refused = gateway.visits.requests[-1]
        await gateway.clear()
        again = (await gateway.visits.requested("/stream/meter", 3))[2]
        assert again.at - refused.at >= 4.0


async def test_one_gateway_in_trouble_disturbs_no_other(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    """One hangs, one refuses, one floods; the fourth is as quick as if it were alone."""
    names = ("hangs", "refuses", "floods", "well")
    paces = {"floods": Pace.FLOOD, "well": Pace.MANUAL}
    gateways = [
        Gateway(Options(serial=str(122500000000 + n), pace=paces.get(name, Pace.STEADY)), keys=keys)
        for n, name in enumerate(names)
    ]
    async with gateways[0], gateways[1], gateways[2], gateways[3] as well:
        await gateways[0].fault("silent")
        await gateways[1].fault("refuse")
        environ = {f"ENVOY_GATEWAYS__{n}__HOST": f"127.0.0.1:{each.port}" for n, each in enumerate(gateways)}
        environ |= {f"ENVOY_GATEWAYS__{n}__TOKEN": each.owner_token for n, each in enumerate(gateways)}
        configuration = settings(tmp_path, environ=environ, mqtt__host="127.0.0.1", mqtt__port=broker.port)
        async with listening(broker.port, f"envoy/{well.serial}/live") as ears, bridging(configuration):
            await well.streaming()
            delays = []
            for n in range(20):
                said = asyncio.get_running_loop().time()
                well.say(numbered(well.event(), n))
                await ears.hear("/live", count=n + 1)
                delays.append(asyncio.get_running_loop().time() - said)
    assert numbers(ears) == list(range(20))
    # Alone it takes a few ms; the simulator's flood shares this process, hence the distance to the bound.
    assert sorted(delays)[10] < 0.5, delays


async def test_another_serial_at_the_address_is_refused_where_one_is_given(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    with capture_logs() as logs:
        async with (
            Gateway(Options(rate_hz=10.0), keys=keys) as gateway,
            bridging(settings(tmp_path, **target(gateway, broker.port), gateway__serial="999999999999")),
        ):
            await gateway.visits.requested("/info", 2)
            assert [visit.path for visit in gateway.visits.requests if visit.token] == []
    (told,) = [
        line for line in logs if line["event"] == "gateway not reached" and line["log_level"] != "debug"
    ]
    assert told["reason"] == "other_serial"
    assert "gateway.serial" in told["error"]


async def test_a_gateway_that_closes_instead_of_answering_is_asked_once_a_second_at_most(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    """HTTP clients like to ask again at once when a connection closes before the answer."""
    async with Gateway(Options(), keys=keys) as gateway:
        await gateway.fault("hang_up")
        async with bridging(settings(tmp_path, **target(gateway, broker.port))):
            await gateway.visits.requested("/info", 3)
        connections = list(gateway.visits.connections)
    assert all(after - before >= 1.0 for before, after in pairwise(connections)), connections


async def test_a_gateway_that_says_only_who_it_is_is_offline(
    broker: Mosquitto, keys: Keys, tmp_path: Path
) -> None:
    async with Gateway(Options(), keys=keys) as gateway, listening(broker.port) as ears:
        await gateway.fault("401")
        async with bridging(settings(tmp_path, **target(gateway, broker.port))):
            await ears.hear("/availability", b"offline")
            assert not ears.on("/live")
