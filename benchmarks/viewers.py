"""(f) The page: what a hundred who look at it cost the bridge, and what it costs while nobody does.

Three times without viewers and with a hundred, one after the other in one bridge, and one more among them who
stops reading. Then two bridges at once, half a second apart, one with its web server and one without.
"""

import asyncio
from statistics import median

from benchmarks.ears import listening
from benchmarks.machine import Core, cpu_s, resident_mib
from benchmarks.player import Spec
from benchmarks.receipts import Receipts
from benchmarks.report import OTHERS, Part, Row, at_least, at_most, quantile
from benchmarks.rig import bridging, playing, viewing
from tests.e2e.harness import free_port
from tests.mosquitto import Mosquitto

ROUNDS = 3
VIEWERS = 100
RATE_HZ = 50.0
WARM_UP = 100

MOST_TIMES = 2.0
MOST_MIB = 20.0
MOST_IDLE_MIB = 10.0
MOST_IDLE_TIMES = 1.05

# Frames leave a moment after the broker's messages.
MOMENT_S = 1.0


async def measure(seconds: float) -> Part:
    """Six times so many seconds with and without viewers, and then as long at 1 Hz."""
    return Part(
        f"(f) {VIEWERS} viewers of the page at {RATE_HZ:g} readings a second, and none at one",
        "no viewer",
        [*await _crowd(seconds), *await _idle(2 * ROUNDS * seconds)],
    )


async def _crowd(seconds: float) -> list[Row]:
    receipts, port = Receipts(), free_port()
    alone, together, used, missing, taken = [], [], [], 0, []
    with Mosquitto() as broker:
        async with (
            listening(broker.port, receipts.hear, "envoy/+/live") as ears,
            playing(Spec()) as player,
            bridging(broker.port, player.gateways, web=f"port = {port}") as (bridge,),
        ):

            async def timed(events: int) -> list[float]:
                nonlocal missing
                start_s = cpu_s(bridge)
                delays = await receipts.of(await player.send(events, RATE_HZ), ears)
                used.append((cpu_s(bridge) - start_s) / events * 1e3)
                missing += delays.missing
                return delays.ms()

            events = max(50, round(seconds * RATE_HZ))
            await player.streaming()
            await timed(WARM_UP)
            before, most, core = resident_mib(bridge), 0.0, Core(bridge)
            used.clear()
            for _ in range(ROUNDS):
                alone.append(quantile(await timed(events), 0.5))
                async with viewing(port, VIEWERS) as readings:
                    together.append(quantile(await timed(events), 0.5))
                    await asyncio.sleep(MOMENT_S)
                    most = max(most, resident_mib(bridge))
                taken.append(min(readings))
            others = core.others_percent
    ratio, more = median(together) / median(alone), most - before
    return [
        Row(
            "write to receipt, p50, ms",
            median(together),
            median(alone),
            at_most(ratio, MOST_TIMES, " × without"),
        ),
        Row("the worst of three", max(together), max(alone)),
        Row("CPU a reading, ms", median(used[1::2]), median(used[::2])),
        Row("resident memory, MiB", most, before),
        Row("more with viewers", more, bar=at_most(more, MOST_MIB)),
        Row("events that did not come", missing, bar=at_most(missing, 0)),
        Row("readings, who got fewest of 100 viewers", min(taken), bar=at_least(min(taken), events)),
        Row(OTHERS, others),
    ]


async def _idle(seconds: float) -> list[Row]:
    """At 1 Hz, with nobody looking: two bridges at once, with and without a web server."""
    receipts, events = Receipts(), max(2, round(seconds))
    with Mosquitto() as broker:
        async with (
            listening(broker.port, receipts.hear, "envoy/+/live") as ears,
            playing(Spec(gateways=2)) as player,
            bridging(broker.port, player.gateways[:1]) as (with_it,),
            bridging(broker.port, player.gateways[1:], web="enabled = false") as (without,),
        ):
            await player.streaming()
            await receipts.of(await player.send(10, rate_hz=2), ears)
            ours_s, other_s = cpu_s(with_it), cpu_s(without)
            await receipts.of(await player.send(2 * events, rate_hz=2), ears)
            ours_s, other_s = cpu_s(with_it) - ours_s, cpu_s(without) - other_s
            ours_mib, other_mib = resident_mib(with_it), resident_mib(without)
    more = ours_mib - other_mib
    return [
        Row(
            "1 Hz, nobody looks: CPU a second, ms",
            ours_s / events * 1e3,
            other_s / events * 1e3,
            at_most(ours_s / other_s, MOST_IDLE_TIMES, " × without web server"),
        ),
        Row("1 Hz, nobody looks: resident memory, MiB", ours_mib, other_mib),
        Row("more with web server and history", more, bar=at_most(more, MOST_IDLE_MIB)),
    ]
