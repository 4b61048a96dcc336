"""One call of a function and how it may end, in the words of AWS Lambda."""

import asyncio
import json
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime

MAX_PAYLOAD_BYTES = 6_291_556
"""Largest synchronous request or response (AWS: 6 MB plus the room the service itself leaves)."""


@dataclass(frozen=True)
class Result:
    """`payload` is JSON; `error` is the value of `X-Amz-Function-Error`, None after a success."""

    payload: bytes
    request_id: str
    error: str | None = None


class ThrottledError(Exception):
    """Too many calls are waiting for this function already."""


@dataclass
class Invocation:
    payload: bytes
    client_context: str | None = None
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    trace_id: str = field(
        default_factory=lambda: f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]};Sampled=0"
    )
    queued_at: float = field(default_factory=time.monotonic)
    result: "asyncio.Future[Result]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def succeed(self, payload: bytes) -> None:
        self._finish(Result(payload, self.request_id))

    def fail(self, payload: bytes) -> None:
        self._finish(Result(payload, self.request_id, "Unhandled"))

    def fail_with(self, error_type: str, message: str) -> None:
        self.fail(json.dumps({"errorType": error_type, "errorMessage": message}).encode())

    def time_out(self, seconds: float) -> None:
        self.fail_with(
            "Sandbox.Timedout",
            f"{_now()} {self.request_id} Task timed out after {seconds:.2f} seconds",
        )

    def crash(self, returncode: int | None) -> None:
        code = returncode or 0
        how = f"signal: {-code}" if code < 0 else f"exit status {code}"
        self.fail_with(
            "Runtime.ExitError",
            f"RequestId: {self.request_id} Error: Runtime exited with error: {how}",
        )

    def _finish(self, result: Result) -> None:
        if not self.result.done():
            self.result.set_result(result)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
