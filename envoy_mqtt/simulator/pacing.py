"""When events leave a gateway: each pace is an endless line of beats, made from a seed alone."""

from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

from envoy_mqtt.simulator.noise import unit

# One flush of 7.0.88's buffer (protocol notes, section 1.5).
BUFFER_BYTES = 16_384
# 8.3.6086 sends at most this many events of a held line at once, within 30 ms.
BURST = 8
BURST_GAP_S = 0.03 / BURST


class Beat(NamedTuple):
    """Wait, then send one event that was sampled `age_s` ago. Seconds at 1 Hz; other rates scale them."""

    wait_s: float
    age_s: float = 0.0


def steady(seed: int) -> Iterator[Beat]:
    """Every 0.75 to 1.1 s, mostly close to the second; 1.0 s on average."""
    for n in count():
        yield Beat(1.1 - 0.35 * unit(seed, n) ** 2.5)


def bursts(seed: int) -> Iterator[Beat]:
    """Steady runs of 5 to 25 s, then silence for 3 to 13 s and what was held in a rush. Nothing is lost."""
    beats = steady(seed + 1)
    for n in count():
        for _ in range(5 + int(21 * unit(seed, 2 * n))):
            yield next(beats)
        held = 3 + int(11 * unit(seed, 2 * n + 1))
        yield Beat(float(held), held - 1.0)
        for sent in range(1, held):
            # The ninth and later ones of a long silence follow as fast as the gateway can write them.
            yield Beat(BURST_GAP_S if sent % BURST else 0.15, held - 1.0 - sent)
