"""Switches that make the next calls fail, for tests: `POST /_local/faults` {"kind", "count", …}.

Kinds: `throttle`, `error` (with `code`, an exception of the service model), `timeout` (no answer
for `seconds`), `disconnect` (the connection ends without an answer), `slow` (`seconds` later), and
`stream_error` (an exception event in mid-stream; leaves other operations alone).
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from localcloud.bedrock.errors import STATUS, BedrockError

KINDS = frozenset({"throttle", "timeout", "error", "stream_error", "slow", "disconnect"})
_MESSAGES = {
    "ThrottlingException": "Too many requests, please wait before trying again.",
    "AccessDeniedException": "You don't have access to the model with the specified model ID.",
    "ModelTimeoutException": "Model has timed out in processing the request. "
    "Try your request again.",
    "ServiceUnavailableException": "Bedrock is unable to process your request.",
}


class Disconnect(Exception):
    """The connection shall end without an answer."""


@dataclass
class Fault:
    """One switch; `count` calls are left for it."""

    kind: str
    count: int
    seconds: float
    code: str


class Faults:
    """The switches of one server, used up in the order they were set."""

    def __init__(self) -> None:
        self._pending: list[Fault] = []

    def add(self, wanted: Any) -> None:
        """Raises ValueError for anything that is no fault."""
        if not isinstance(wanted, dict) or wanted.get("kind") not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(sorted(KINDS))}")
        count, seconds = wanted.get("count", 1), wanted.get("seconds", 60)
        code = wanted.get("code", "InternalServerException")
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise ValueError("count must be a whole number of 1 or more")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
            raise ValueError("seconds must be a number of 0 or more")
        if code not in STATUS:
            raise ValueError(f"code must be one of {', '.join(sorted(STATUS))}")
        self._pending.append(Fault(wanted["kind"], count, seconds, code))

    def clear(self) -> None:
        self._pending.clear()

    def listing(self) -> list[dict[str, Any]]:
        return [{"kind": fault.kind, "count": fault.count} for fault in self._pending]

    async def before_answer(self) -> None:
        """Suffer the next fault that strikes before an answer begins.

        Raises:
            BedrockError: what Bedrock would answer.
            Disconnect: the caller shall get no answer at all.
        """
        fault = self._take(lambda kind: kind != "stream_error")
        if fault is None:
            return
        if fault.kind in ("timeout", "slow"):
            await asyncio.sleep(fault.seconds)
        if fault.kind in ("timeout", "disconnect"):
            raise Disconnect
        code = {"throttle": "ThrottlingException", "error": fault.code}.get(fault.kind)
        if code:
            raise BedrockError(
                code, _MESSAGES.get(code, "The system encountered an unexpected error.")
            )

    def mid_stream(self) -> bool:
        """Whether this stream shall break."""
        return self._take(lambda kind: kind == "stream_error") is not None

    def _take(self, wanted: Any) -> Fault | None:
        for fault in self._pending:
            if wanted(fault.kind):
                fault.count -= 1
                if fault.count == 0:
                    self._pending.remove(fault)
                return fault
        return None
