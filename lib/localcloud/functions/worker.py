"""One function process and the Runtime API it talks to."""

import asyncio
import contextlib
import json
import os
import secrets
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from localcloud.config import HOST
from localcloud.guard_aiohttp import HEADER_ROOM, guarded
from localcloud.ports import PROGRAMS_ONLY

from .invocation import MAX_PAYLOAD_BYTES, Invocation
from .launch import Launch
from .output import forward_lines

RUNTIME = Path(__file__).with_name("runtime.py")
INIT_SECONDS = 30.0
"""AWS gives an init phase 10 s; a laptop that compiles byte-code for the first time gets more."""
_LAST_WORDS_SECONDS = 0.5


class Worker:
    """A process that handles one invocation at a time.

    `on_change` is called whenever it may take another invocation (`idle`), or has ended (`ended`).
    """

    def __init__(self, launch: Launch, on_change: Callable[["Worker"], None]) -> None:
        self.launch = launch
        self.current: Invocation | None = None
        self.ready = False
        self.ended = False
        self.retiring = False
        self.init_error: dict[str, Any] | None = None
        self._on_change = on_change
        self._last_id: str | None = None
        self._next: asyncio.Future[Invocation] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._runner: web.ServerRunner | None = None
        # The port is open to every program here; this is known to the function process alone.
        self._secret = secrets.token_urlsafe(24)
        self._life = asyncio.create_task(self._live())

    @property
    def idle(self) -> bool:
        return self._next is not None and not self._next.done() and not self.retiring

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def assign(self, invocation: Invocation) -> None:
        """Hand over an invocation; only valid while `idle`. The function's timeout starts here."""
        if self._next is None or self._next.done():
            raise RuntimeError("this worker is not waiting for an invocation")
        self.current = invocation
        self._last_id = invocation.request_id
        self.launch.journal.follow(self.launch.spec.name, invocation)
        timeout = self.launch.spec.timeout
        self._timer = asyncio.get_running_loop().call_later(timeout, self._time_out)
        self._next.set_result(invocation)

    def retire(self) -> None:
        """End once the invocation under way is done, at once if there is none."""
        self.retiring = True
        if self.current is None:
            self.kill()

    def kill(self) -> None:
        if self._process and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def stop(self) -> None:
        """Kill the process and wait until nothing of it is left."""
        self.retiring = True
        self.kill()
        if self._process is None:
            self._life.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._life

    def _say(self, line: str) -> None:
        # Between two calls a process still writes for the one before.
        self.launch.say(line, self._last_id)

    def _time_out(self) -> None:
        if self.current:
            self.current.time_out(self.launch.spec.timeout)
            self._say(f"Task timed out after {self.launch.spec.timeout:.2f} seconds")
        self.kill()

    async def _live(self) -> None:
        try:
            address = await self._listen()
            # A pipe of our own: asyncio's waits for every holder of it before a process counts as
            # ended, and a function may leave a child behind.
            reading, writing = os.pipe()
            output = asyncio.create_task(forward_lines(reading, self._say))
            process = await self._spawn(address, writing)
            limit = asyncio.get_running_loop().call_later(INIT_SECONDS, self._init_timed_out)
            await process.wait()
            limit.cancel()
            # What a process of its own that it left behind may still write is not waited for.
            await asyncio.wait({output}, timeout=_LAST_WORDS_SECONDS)
            output.cancel()
        except OSError as error:
            self.init_error = {"errorType": "Runtime.SpawnError", "errorMessage": str(error)}
        finally:
            self._finish()
            if self._runner:
                await self._runner.cleanup()

    def _finish(self) -> None:
        self.ended = True
        if self._timer:
            self._timer.cancel()
        if self._next and not self._next.done():
            self._next.cancel()
        returncode = self._process.returncode if self._process else None
        if self.current and not self.current.result.done():
            self.current.crash(returncode)
            self._say(f"the process ended during an invocation ({returncode})")
        self.current = None
        self._on_change(self)

    def _init_timed_out(self) -> None:
        if not self.ready:
            self.init_error = {
                "errorType": "Sandbox.Timedout",
                "errorMessage": f"Init phase timed out after {INIT_SECONDS:.2f} seconds",
            }
            self.kill()

    async def _spawn(self, address: str, output: int) -> asyncio.subprocess.Process:
        stream = f"{time.strftime('%Y/%m/%d')}/[{self.launch.version}]{uuid.uuid4().hex}"
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                str(RUNTIME),
                self.launch.spec.command,
                env=self.launch.environment(address, stream),
                cwd=self.launch.code.root,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        finally:
            os.close(output)
        if self.retiring:
            self.kill()
        return self._process

    async def _listen(self) -> str:
        """Open the Runtime API on a port of its own and return `host:port/secret`.

        Runtime clients put their paths behind it; only `awslambdaric`, when it reports a failed
        import, wants a bare `host:port`, and it is not what runs here.
        """
        serve = guarded(PROGRAMS_ONLY, self._serve)
        self._runner = web.ServerRunner(
            # An invocation may think for minutes between its two requests on one connection.
            web.Server(serve, access_log=None, keepalive_timeout=3600, **HEADER_ROOM),
            handle_signals=False,
            shutdown_timeout=0,
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, 0).start()
        host, port = self._runner.addresses[0][:2]
        return f"{host}:{port}/{self._secret}"

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        _, secret, path = [*request.path.split("/", 2), "", ""][:3]
        if not secrets.compare_digest(secret.encode(), self._secret.encode()):
            return _refused(403, "Forbidden", "This Runtime API belongs to another process")
        match (request.method, path.removeprefix("2018-06-01/runtime/").split("/")):
            case ("GET", ["invocation", "next"]):
                return await self._serve_next()
            case ("POST", ["invocation", request_id, ("response" | "error") as outcome]):
                return await self._serve_outcome(request, request_id, outcome)
            case ("POST", ["init", "error"]):
                self.init_error = json.loads(await request.read())
                return _accepted()
        return _refused(404, "InvalidRequest", "No such Runtime API resource")

    async def _serve_next(self) -> web.StreamResponse:
        self.ready = True
        self.current = None
        if self.retiring:
            self.kill()
            return _refused(410, "Retired", "This process is dismissed")
        self._next = asyncio.get_running_loop().create_future()
        self._on_change(self)
        invocation = await self._next
        deadline = int((self.launch.now() + self.launch.spec.timeout) * 1000)
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(deadline),
            "Lambda-Runtime-Invoked-Function-Arn": self.launch.arn,
            "Lambda-Runtime-Trace-Id": invocation.trace_id,
        }
        if invocation.client_context:
            headers["Lambda-Runtime-Client-Context"] = invocation.client_context
        return web.Response(
            body=invocation.payload, headers=headers, content_type="application/json"
        )

    async def _serve_outcome(
        self, request: web.BaseRequest, request_id: str, outcome: str
    ) -> web.StreamResponse:
        invocation = self.current
        if invocation is None or invocation.request_id != request_id:
            return _refused(400, "InvalidRequestID", "This invocation is not under way")
        body, size = await _read_up_to(request, MAX_PAYLOAD_BYTES)
        if self._timer:
            self._timer.cancel()
        if size > MAX_PAYLOAD_BYTES:
            message = (
                f"Response payload size exceeded maximum allowed payload size "
                f"({MAX_PAYLOAD_BYTES} bytes)."
            )
            invocation.fail_with("Function.ResponseSizeTooLarge", message)
            self._say(f"[ERROR] {message}")
            return _refused(413, "RequestEntityTooLarge", message)
        (invocation.succeed if outcome == "response" else invocation.fail)(body)
        return _accepted()


async def _read_up_to(request: web.BaseRequest, limit: int) -> tuple[bytes, int]:
    """The body as far as `limit`, and its whole size in bytes."""
    kept, size = bytearray(), 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
        if size <= limit:
            kept += chunk
    return bytes(kept), size


def _accepted() -> web.Response:
    return web.json_response({"status": "OK"}, status=202)


def _refused(status: int, error_type: str, message: str) -> web.Response:
    return web.json_response({"errorType": error_type, "errorMessage": message}, status=status)
