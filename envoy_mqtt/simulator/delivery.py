"""How a whole answer leaves: at once, in chunks, byte by byte, or as bytes no server would send."""

import asyncio
from contextlib import suppress

from aiohttp import web

from envoy_mqtt.simulator import headers
from envoy_mqtt.simulator.pages import Answer
from envoy_mqtt.simulator.streams import in_steps


async def deliver(
    request: web.Request, answer: Answer, head: dict[str, str], pause_s: float
) -> web.StreamResponse:
    """Send an answer under this head, with a pause after each piece where one is wanted."""
    if not "".join(head.values()).isascii():
        return await _blurt(request, headers.raw(answer, head))
    if not pause_s and not answer.chunked:
        return web.Response(status=answer.status, body=answer.body, headers=head)
    response = web.StreamResponse(status=answer.status, headers=head)
    if answer.chunked and request.version >= (1, 1):
        response.enable_chunked_encoding()
    else:
        response.content_length = len(answer.body)
    # The client has gone: aiohttp sees it too, when it ends the answer.
    with suppress(ConnectionError):
        await response.prepare(request)
        for piece in in_steps(answer.body, [1 + len(answer.body) // 4096]):
            await response.write(piece)
            await asyncio.sleep(pause_s)
    return response


async def _blurt(request: web.Request, data: bytes) -> web.StreamResponse:
    """Send an answer byte for byte and close: aiohttp would encode its headers as UTF-8."""
    if request.transport is not None:
        request.transport.write(data)
        request.transport.close()
    # Cancelled when the connection has closed.
    return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]
