"""The lever `/_local/faults`, and what it takes to suffer a fault of the connection."""

import asyncio
from contextlib import suppress

from aiohttp import web

from localcloud.stripe.app_keys import ACCOUNT, STOPPING


async def handle(request: web.Request) -> web.Response:
    """`POST` arms a [fault](#faults), `GET` shows what is armed and what was spent, `DELETE`
    disarms all, or those of `?part=`, or the one of `?id=`.
    """
    faults = request.app[ACCOUNT].faults
    body = await request.read()
    status, answer = faults.answer(request.method, request.rel_url.raw_query_string, body)
    return web.json_response(answer, status=status)


async def pause(request: web.Request, seconds: float) -> None:
    """Let a request wait, but not the server's end."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await request.app[STOPPING].wait()


def cut_off(request: web.Request) -> None:
    """End the connection at once."""
    if request.transport is not None:
        request.transport.abort()
