"""What one gateway of `run` tells of itself as time passes."""

from pathlib import Path
from typing import Any

from structlog.testing import capture_logs

from envoy_mqtt import health
from envoy_mqtt.bridge import Bridge
from envoy_mqtt.config import settings
from envoy_mqtt.followed import Gateway
from envoy_mqtt.gateway.auth import Cloud
from envoy_mqtt.gateway.ladder import Source, Step
from envoy_mqtt.gateway.pins import Pins
from envoy_mqtt.gateway.tokens import Tokens
from envoy_mqtt.line import Line
from envoy_mqtt.model import Identity, Instant, Kind, Meter, Site
from envoy_mqtt.mqtt.about import Access
from envoy_mqtt.mqtt.payload import Publish
from envoy_mqtt.outbox import Outbox
from tests.test_bridge import event

UNIX = 1_790_000_000.0
P, N = Kind.PRODUCTION, Kind.NET
EIDS = {P: 704643328, N: 704643584}
SITE = Site(
    Identity("122100000017", "", "D8.3.5167", True, True),
    tuple(Meter(EIDS[kind], kind, kind, True, 1, "normal", ()) for kind in (P, N)),
)


def at(steady: float) -> Instant:
    return Instant(steady, UNIX + steady)


def gateway(folder: Path, books: dict[str, Any] | None = None) -> Gateway:
    line = Line("gateway", clock=lambda: 0.0)
    cloud = Cloud("http://127.0.0.1:9", "http://127.0.0.1:9")
    bridge = Bridge(Publish(), books=books or {})
    return Gateway(
        settings.Gateway(host="127.0.0.1"),
        Tokens(folder, lambda: None, None, cloud, line),
        line,
        bridge,
        outbox=Outbox(),
        pins=Pins(folder),
    )


def counters(produced_wh: float, bought_wh: float) -> bytes:
    meters = ((EIDS[P], produced_wh), (EIDS[N], bought_wh))
    channel = '{"actEnergyDlvd": %f, "actEnergyRcvd": 5.0, "activePower": 300.0, "voltage": 230.0}'
    entries = (f'{{"eid": {eid}, "timestamp": 1, "channels": [{channel % wh}]}}' for eid, wh in meters)
    return f"[{','.join(entries)}]".encode()


def told(it: Gateway, now: Instant) -> set[str]:
    return {trouble.code for trouble in it.facts(now).standing}


async def test_a_counter_that_begins_anew_is_held_and_then_told_as_reset(tmp_path: Path) -> None:
    """Believed after 15 min: the one is gone then, and the other there."""
    it = gateway(tmp_path)
    it.bridge.identify(SITE, Access("127.0.0.1"))
    with capture_logs() as logs:
        for minute in range(20):
            now = at(60.0 * minute)
            wh = 5_000_000.0 if minute < 2 else 10.0
            list(it.bridge.answer("/ivp/meters/readings", counters(wh, 7_000_000.0), now))
            it.tick(now)
            if minute == 1:
                assert told(it, now) == set()
                assert it.facts(now).counter_resets == 0
            if minute == 10:
                assert told(it, now) == {"counter_held"}
    assert told(it, at(1200.0)) == {"counter_reset"}
    assert it.facts(at(1200.0)).counter_resets == 1
    assert [line["event"] for line in logs] == ["counter reset"]


async def test_a_silence_has_its_cause_in_health_and_in_one_line(tmp_path: Path) -> None:
    """The connection stands all the while; the timeout is 30 s."""
    it = gateway(tmp_path)
    it.bridge.identify(SITE, Access("127.0.0.1"), Step(Source.STREAM, ""))
    it.bridge.open(at(0.0))
    with capture_logs() as logs:
        for second in range(100):
            now = at(float(second))
            if not 10 <= second < 60:
                it.bridge.receive(event(power=500.0 + second), now)
            it.tick(now)
            if second == 45:
                assert health.offline_reason(it.facts(now), now.steady) == "timeout"
    assert [line["event"] for line in logs] == ["gateway silent", "gateway back"]
    assert logs[0]["error"] == "it is connected and silent"


async def test_resets_of_before_the_start_are_counted_and_not_told_again(tmp_path: Path) -> None:
    it = gateway(tmp_path, {SITE.identity.serial: {"energy": {"accounts": {}, "resets": 3}}})
    it.tick(at(0.0))
    it.bridge.identify(SITE, Access("127.0.0.1"))
    for second in range(3):
        it.tick(at(second))
    assert told(it, at(3.0)) == set()
    assert it.facts(at(3.0)).counter_resets == 3
