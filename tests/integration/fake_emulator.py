"""Answers as AWS's Runtime Interface Emulator does (recorded from it), as each event asks."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from localcloud.functions.emulator import PATH

TIMED_OUT = b'{"errorType":"Sandbox.Timedout","errorMessage":"Task timed out after 3.00 seconds"}'
RAISED = b'{"errorMessage": "boom", "errorType": "ValueError", "requestId": "1", "stackTrace": []}'

# Status, body and the value of `Error-Type`.
CANNED: dict[str, tuple[int, bytes, str | None]] = {
    "raise": (200, RAISED, "Runtime.Unknown"),
    "raise in one-call mode": (200, RAISED, None),
    "time out": (200, TIMED_OUT, "Sandbox.Timedout"),
    "exit": (200, b'{"errorType":"Runtime.ExitError"}', "Runtime.ExitError"),
    "fail to start": (502, b"", None),
}


@dataclass
class FakeEmulator:
    """`events` are those it took; `refusals` is how many calls it still answers as too busy."""

    refusals: int = 0
    events: list[Any] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    refused: int = 0
    at_once: int = 0
    most_at_once: int = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if self.refusals:
            self.refusals -= 1
            self.refused += 1
            return _said(400, b'{"errorType":"Runtime.Unavailable"}', "Runtime.Unavailable")
        self.headers.append(dict(request.headers))
        event = await request.json()
        self.events.append(event)
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            return await self._outcome(request, event)
        finally:
            self.at_once -= 1

    async def _outcome(self, request: web.Request, event: dict[str, Any]) -> web.StreamResponse:
        wanted = json.loads(event["body"])["do"] if "body" in event else event["do"]
        if wanted in CANNED:
            return _said(*CANNED[wanted])
        match wanted:
            case "vanish":
                assert request.transport
                request.transport.close()
            case "sleep":
                await asyncio.sleep(event["seconds"])
            case "hang":
                await asyncio.sleep(60)
        answer = event["value"] if wanted == "return" else {"took": event}
        return _said(200, json.dumps(answer).encode())


def _said(status: int, body: bytes, error_type: str | None = None) -> web.Response:
    headers = {"Error-Type": error_type} if error_type else {}
    return web.Response(status=status, body=body, headers=headers)


class Listener:
    """Serves a fake on a port, perhaps later than its callers expect."""

    def __init__(self, fake: FakeEmulator, port: int) -> None:
        self._fake = fake
        self._port = port
        self._runner: web.AppRunner | None = None

    async def open(self) -> None:
        app = web.Application()
        app.add_routes([web.post(PATH, self._fake.answer)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()

    async def close(self) -> None:
        if self._runner:
            await self._runner.cleanup()


@contextmanager
def listening(running: Any, fake: FakeEmulator, port: int) -> Iterator[FakeEmulator]:
    """The fake on a port, served by the loop of a running gateway."""
    listener = Listener(fake, port)
    running.run(listener.open())
    try:
        yield fake
    finally:
        running.run(listener.close())
