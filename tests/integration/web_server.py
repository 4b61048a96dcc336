"""An aiohttp application on loopback, served from a thread of its own."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aiohttp import web

from tests.integration.local_gateway import free_socket


@dataclass(frozen=True)
class Serving:
    """Where it answers, and the loop that its handlers run on."""

    url: str
    loop: asyncio.AbstractEventLoop


@contextmanager
def serving(make: Callable[[], web.Application]) -> Iterator[Serving]:
    """Serve the application that `make` builds on that loop."""
    loop, listener = asyncio.new_event_loop(), free_socket()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start() -> web.AppRunner:
        runner = web.AppRunner(make(), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.SockSite(runner, listener).start()
        return runner

    try:
        runner = asyncio.run_coroutine_threadsafe(start(), loop).result(5)
        yield Serving(f"http://127.0.0.1:{listener.getsockname()[1]}", loop)
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(5)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()
