import asyncio
import socket
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from envoy_mqtt.simulator.gateway import Gateway
from envoy_mqtt.simulator.identity import Keys
from envoy_mqtt.simulator.options import Options, Pace
from envoy_mqtt.simulator.streams import cut_at, in_steps
from tests.simulator.client import visiting

QUIET = Options(pace=Pace.MANUAL, tls=False)


@given(st.binary(max_size=60), st.lists(st.integers(-5, 70)))
def test_however_data_is_cut_nothing_is_lost_and_no_piece_is_empty(data: bytes, cuts: list[int]) -> None:
    pieces = cut_at(data, cuts)
    assert b"".join(pieces) == data
    assert all(pieces)
    assert len(pieces) == len({0, len(data), *(cut for cut in cuts if 0 < cut < len(data))}) - 1


@given(st.binary(max_size=60), st.lists(st.integers(1, 9), min_size=1))
def test_steps_have_their_sizes_and_lose_nothing(data: bytes, sizes: list[int]) -> None:
    pieces = in_steps(data, sizes)
    assert b"".join(pieces) == data
    assert all(len(piece) == sizes[turn % len(sizes)] for turn, (piece, _) in enumerate(pairwise(pieces)))


async def test_what_is_said_reaches_every_open_stream_in_the_chunks_it_was_cut_into(keys: Keys) -> None:
    async with Gateway(QUIET, keys=keys) as gateway, visiting(gateway) as client:
        async with client.stream() as one, client.stream() as other:
            await gateway.streaming(2)
            assert gateway.say(b"data: {}\r\n\r\n", [3, 9]) == 2
            for stream in (one, other):
                assert [await stream.readchunk() for _ in range(3)] == [
                    (b"dat", True),
                    (b"a: {}\r", True),
                    (b"\n\r\n", True),
                ]
        await gateway.quiet()
        assert gateway.say(b"data: {}\r\n\r\n") == 0


async def test_chunks_are_not_held_back_by_the_system(keys: Keys) -> None:
    async with Gateway(QUIET, keys=keys) as gateway, visiting(gateway) as client, client.stream():
        (stream,) = gateway.streams
        connection = stream._transport.get_extra_info("socket")
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


async def test_a_client_that_stopped_reading_is_given_up_in_the_end(keys: Keys) -> None:
    async with Gateway(QUIET, keys=keys) as gateway, visiting(gateway) as client, client.stream():
        (stream,) = gateway.streams
        while not stream._transport.is_closing():
            stream.write(b"x" * 4_000_000)
        await gateway.quiet()


async def test_an_old_http_client_gets_the_events_without_chunks(keys: Keys) -> None:
    options = Options(pace=Pace.MANUAL, tls=False, tokens=False)
    async with Gateway(options, keys=keys) as gateway:
        reader, writer = await asyncio.open_connection(gateway.host, gateway.port)
        writer.write(b"GET /stream/meter HTTP/1.0\r\n\r\n")
        await gateway.streaming()
        gateway.say(b"data: {}\r\n\r\n")
        await gateway.fault("end")
        answer = await reader.read()
        assert b"chunked" not in answer
        assert answer.endswith(b"\r\n\r\ndata: {}\r\n\r\n")
        writer.close()
        await writer.wait_closed()
