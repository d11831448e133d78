"""(a) From a gateway's write of an event to a subscriber's receipt of the message, once a second.

Two gateways of one kind, half a second apart: the bridge follows one, the shell pipe the other. The
bridge publishes what it publishes by default, four topics a reading; what is timed is `live`. The pipe
passes the event on as it is, in one topic with QoS 0: as little as can be done.
"""

from benchmarks.ears import listening
from benchmarks.machine import Core, cpu_s
from benchmarks.player import Spec
from benchmarks.receipts import Delays, Receipts
from benchmarks.report import OTHERS, Part, Row, at_least, at_most, quantile
from benchmarks.rig import bridging, piping, playing
from tests.mosquitto import Mosquitto

# The bar: the whole bridge may take half as long again as three programs that understand nothing.
TIMES = 1.5
WARM_UP = 3


async def measure(seconds: float) -> Part:
    """Once a second for so many seconds."""
    events = max(2, round(seconds))
    receipts = Receipts()
    with Mosquitto() as broker:
        async with (
            listening(broker.port, receipts.hear, "envoy/+/live", "shell/+/live") as ears,
            playing(Spec(gateways=2)) as player,
            bridging(broker.port, player.gateways[:1]) as (bridge,),
            piping(broker.port, player.gateways[1]) as pipe,
        ):
            await player.streaming()
            await receipts.of(await player.send(2 * WARM_UP, rate_hz=2), ears)
            core = Core(bridge, *pipe)
            ours_s, shell_s = cpu_s(bridge), cpu_s(*pipe)
            delays = await receipts.of(await player.send(2 * events, rate_hz=2), ears)
            cpu = Row(
                "CPU a reading, ms",
                (cpu_s(bridge) - ours_s) / events * 1e3,
                (cpu_s(*pipe) - shell_s) / events * 1e3,
            )
            others = Row(OTHERS, core.others_percent)
        return _part(delays, [cpu, others], events, *(each.serial for each in player.gateways))


def _part(delays: Delays, rest: list[Row], events: int, our_serial: str, shell_serial: str) -> Part:
    ours, shell = delays.ms(our_serial), delays.ms(shell_serial)
    p50 = Row("write to receipt, p50, ms", quantile(ours, 0.5), quantile(shell, 0.5))
    assert p50.ratio is not None
    return Part(
        "(a) Latency and CPU at 1 Hz; the bridge sends four topics a reading, the pipe one",
        "shell pipe",
        [
            p50._replace(bar=at_most(p50.ratio, TIMES, " × the pipe")),
            Row("write to receipt, p99, ms", quantile(ours, 0.99), quantile(shell, 0.99)),
            Row("events that came", len(ours), len(shell), at_least(len(ours), events)),
            *rest,
        ],
    )
