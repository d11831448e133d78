"""(d) A thousand gateways at 1 Hz in one bridge, their events spread over the second.

The bar is one core: more than a single-threaded program can have.
"""

import time

from benchmarks.ears import listening
from benchmarks.machine import Core, cpu_s, resident_mib
from benchmarks.player import Spec
from benchmarks.receipts import Receipts
from benchmarks.report import OTHERS, Part, Row, at_most, quantile
from benchmarks.rig import UNLIMITED, bridging, playing
from tests.mosquitto import Mosquitto

GATEWAYS = 1000
WARM_UP_ROUNDS = 3


async def measure(seconds: float) -> Part:
    """So many seconds once all stream."""
    rounds = max(2, round(seconds))
    receipts = Receipts()
    with Mosquitto(UNLIMITED) as broker:
        async with (
            listening(broker.port, receipts.hear, "envoy/+/live") as ears,
            playing(Spec(gateways=GATEWAYS)) as player,
            bridging(broker.port, player.gateways) as (bridge,),
        ):
            start = time.monotonic()
            await player.streaming()
            all_stream_s = time.monotonic() - start
            await receipts.of(await player.send(WARM_UP_ROUNDS * GATEWAYS, rate_hz=GATEWAYS), ears)
            core = Core(bridge)
            before_s, start = cpu_s(bridge), time.monotonic()
            written = await player.send(rounds * GATEWAYS, rate_hz=GATEWAYS)
            used_s, took_s = cpu_s(bridge) - before_s, time.monotonic() - start
            others = core.others_percent
            delays = await receipts.of(written, ears)
            resident = resident_mib(bridge)
    ms, share = delays.ms(), used_s / took_s
    return Part(
        f"(d) {GATEWAYS} gateways at 1 Hz in one process, four topics each, for {round(took_s)} s",
        "",
        [
            Row("share of one core, %", share * 100, bar=at_most(share * 100, 100, " %")),
            Row("CPU a reading, ms", used_s / len(written) * 1e3),
            Row("write to receipt, p50, ms", quantile(ms, 0.5)),
            Row("write to receipt, p99, ms", quantile(ms, 0.99)),
            Row("events a second, as written", len(written) / took_s),
            Row("events written that did not come", delays.missing, bar=at_most(delays.missing, 0)),
            Row("resident memory, MiB", resident),
            Row(OTHERS, others),
            Row("seconds until all streamed", all_stream_s),
        ],
    )
