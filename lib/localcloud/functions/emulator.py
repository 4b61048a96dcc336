"""One function in a container, behind AWS's Runtime Interface Emulator.

The emulator answers `POST /2015-03-31/functions/function/invocations`: 200 with the result, or with
the error and its type in the header `Error-Type`; 400 `Runtime.Unavailable` while all workers are
busy or being replaced; 502 and nothing when the runtime could not be started. Containers begin,
end and restart by themselves: a refused connection means "not yet", a broken one that a call died.
"""

import asyncio
import contextlib
import json
import time

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
)

from .invocation import Invocation, ThrottledError
from .launch import Log
from .manifest import FunctionSpec
from .pool import MAX_QUEUED
from .worker import INIT_SECONDS

PATH = "/2015-03-31/functions/function/invocations"
_ERROR_TYPE = "Error-Type"
_UNAVAILABLE = "Runtime.Unavailable"
_ERROR_MEMBERS = {"errorType", "errorMessage", "requestId", "stackTrace", "cause"}
_PAUSE_SECONDS = 0.05
_ENDING_SECONDS = 1.0
"""An emulator whose runtime is gone still takes calls while it ends, and loses them."""
_GRACE_SECONDS = 1.0
"""The emulator knows the timeout, too, and answers in its own words when it can."""


class NotTakenError(Exception):
    """The emulator has not begun this call, and may be asked again."""


class Emulator:
    """One function's emulator: its queue, its calls under way, the meaning of its answers."""

    def __init__(self, spec: FunctionSpec, address: str, concurrency: int, log: Log) -> None:
        self.spec = spec
        self._url = f"http://{address}{PATH}"
        self._workers = asyncio.Semaphore(max(concurrency, 1))
        self._log = log
        self._waiting = 0
        self._ending_until = 0.0
        self._begun: set[str] = set()

    def admit(self) -> None:
        """Count a call in. Raises ThrottledError when too many wait already."""
        if self._waiting >= MAX_QUEUED:
            raise ThrottledError
        self._waiting += 1

    def leave(self) -> None:
        self._waiting -= 1

    def has_begun(self, invocation: Invocation) -> bool:
        return invocation.request_id in self._begun

    async def call(self, client: ClientSession, invocation: Invocation) -> None:
        """Make one call, as soon as a worker is free, and finish `invocation` by its outcome."""
        async with self._workers:
            deadline = time.monotonic() + INIT_SECONDS
            try:
                while not await self._try(client, invocation, deadline):
                    await asyncio.sleep(_PAUSE_SECONDS)
            finally:
                self._begun.discard(invocation.request_id)

    async def _try(self, client: ClientSession, invocation: Invocation, deadline: float) -> bool:
        """Whether the call is finished; False when the emulator did not take it."""
        if time.monotonic() < self._ending_until:
            return False
        self._begun.add(invocation.request_id)
        try:
            await self._post(client, invocation)
        except NotTakenError as reason:
            self._begun.discard(invocation.request_id)
            if time.monotonic() < deadline:
                return False
            invocation.fail_with("Sandbox.Unavailable", f"{self.spec.name}: {reason}")
            self._log(f"{self.spec.name} | no emulator took the call: {reason}")
        except TimeoutError:
            invocation.time_out(self.spec.timeout)
            self._log(f"{self.spec.name} | Task timed out after {self.spec.timeout:.2f} seconds")
        except ClientError as error:
            # The container went while it had the call, which must not be made twice.
            self._ending_until = time.monotonic() + _ENDING_SECONDS
            invocation.fail_with(
                "Runtime.ExitError",
                f"RequestId: {invocation.request_id} Error: the container ended during the call",
            )
            self._log(f"{self.spec.name} | the container ended during a call ({error!r})")
        return True

    async def _post(self, client: ClientSession, invocation: Invocation) -> None:
        headers = {"Content-Type": "application/json"}
        if invocation.client_context is not None:
            headers["X-Amz-Client-Context"] = _encoded(invocation.client_context)
        limit = ClientTimeout(total=self.spec.timeout + _GRACE_SECONDS, sock_connect=2)
        try:
            async with client.post(
                self._url, data=invocation.payload, headers=headers, timeout=limit
            ) as answer:
                self._finish(invocation, answer, await answer.read())
        except (ClientConnectorError, ConnectionTimeoutError) as error:
            raise NotTakenError("it does not answer") from error

    def _finish(self, invocation: Invocation, answer: ClientResponse, body: bytes) -> None:
        kind = answer.headers.get(_ERROR_TYPE)
        if answer.status == 400 and kind == _UNAVAILABLE:
            raise NotTakenError("no worker is free")
        if answer.status >= 300 or kind or _is_error(body):
            invocation.fail(self._error(invocation, kind, answer.status, body))
        else:
            invocation.succeed(body)

    def _error(self, invocation: Invocation, kind: str | None, status: int, body: bytes) -> bytes:
        """The error as Lambda would show it; the emulator leaves out what it does not know."""
        found: object = None
        with contextlib.suppress(ValueError):
            found = json.loads(body)
        error = found if isinstance(found, dict) else {}
        text = "" if error else body.decode(errors="replace").strip()
        kind = kind or ("Runtime.InitError" if status == 502 else "Runtime.Unknown")
        if kind == "Runtime.ExitError" and "errorMessage" not in error:
            # The emulator's own words for the end of its runtime; a worker's end has a message.
            self._ending_until = time.monotonic() + _ENDING_SECONDS
        message = text or f"RequestId: {invocation.request_id} Error: {kind}"
        return json.dumps({"errorType": kind, "errorMessage": message, **error}).encode()


def _is_error(body: bytes) -> bool:
    """Whether an answer without the header is an error: the emulator's one-call mode sends none."""
    if not body.startswith(b"{") or b'"errorType"' not in body:
        return False
    with contextlib.suppress(ValueError):
        return {"errorType", "errorMessage"} <= set(json.loads(body)) <= _ERROR_MEMBERS
    return False


def _encoded(context: str) -> str:
    import base64

    return base64.b64encode(context.encode()).decode()
