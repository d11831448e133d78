"""How one open stream is fed: beat by beat, 16 KB at a time, or as fast as it is read."""

import asyncio
from collections.abc import Callable
from itertools import cycle

from aiohttp import web

from envoy_mqtt.simulator.options import Options, Pace
from envoy_mqtt.simulator.pacing import BUFFER_BYTES, bursts, steady
from envoy_mqtt.simulator.streams import Stream
from envoy_mqtt.simulator.switches import Switches

BEATS = {Pace.STEADY: steady, Pace.BUFFER: steady, Pace.BURSTS: bursts}
FLOOD_EVENTS = 64

# The event sampled so many seconds ago.
Event = Callable[[float], bytes]


async def play(
    stream: Stream, response: web.StreamResponse, options: Options, event: Event, faults: Switches
) -> None:
    """Feed a stream until it ends, at the pace the options say, through whatever faults are on."""
    if options.pace is Pace.MANUAL:
        await asyncio.wait((stream.ended,))
    elif options.pace is Pace.FLOOD:
        await _flood(stream, response, event, faults)
    else:
        await _beat(stream, options, event, faults)


async def _beat(stream: Stream, options: Options, event: Event, faults: Switches) -> None:
    held = bytearray()
    for beat in BEATS[options.pace](stream.number + options.chance):
        await asyncio.wait((stream.ended,), timeout=beat.wait_s / options.rate_hz)
        if stream.ended.done():
            return
        pieces = faults.shape(event(beat.age_s / options.rate_hz))
        if options.pace is Pace.BUFFER:
            held += b"".join(pieces)
            # Whole buffers only: the last event of each is cut where the buffer was full.
            pieces = []
            while len(held) >= BUFFER_BYTES:
                pieces.append(bytes(held[:BUFFER_BYTES]))
                del held[:BUFFER_BYTES]
        await _send(stream, pieces, faults)


async def _send(stream: Stream, pieces: list[bytes], faults: Switches) -> None:
    """One piece at a time, with a turn of the loop after each, so that they arrive as they were cut."""
    if len(pieces) == 1:
        stream.write(pieces[0])
        return
    for piece in pieces:
        stream.write(piece)
        await asyncio.sleep(faults.pause_s)


async def _flood(stream: Stream, response: web.StreamResponse, event: Event, faults: Switches) -> None:
    """Events made in advance, over and over; `response.write` waits where the client does not keep up."""
    events = [event(float(age_s)) for age_s in range(FLOOD_EVENTS, 0, -1)]
    block = b"".join(events)
    for one in cycle(events):
        if stream.ended.done():
            return
        if faults.active:
            await _send(stream, faults.shape(one), faults)
            await asyncio.sleep(0.001)
        else:
            await response.write(block)
            await asyncio.sleep(0)
