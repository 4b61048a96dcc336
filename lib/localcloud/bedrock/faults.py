"""How local Bedrock fails on purpose; `localcloud.faults` says whom a fault strikes.

A call's name is its operation and model, such as `Converse us.amazon.nova-lite-v1:0`.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from localcloud.bedrock import eventstream
from localcloud.bedrock.errors import STATUS, BedrockError
from localcloud.faults import Faults, Kind, Setting, one_of, seconds, whole

PART = "bedrock"
# Members of `ConverseStreamOutput` in the service model that are exceptions.
STREAM_CODES = (
    "InternalServerException",
    "ModelStreamErrorException",
    "ServiceUnavailableException",
    "ThrottlingException",
    "ValidationException",
)
_AFTER = Setting(
    None,
    lambda value: value is None or whole(0, 0).allows(value),
    f"{whole(0, 0).must}, or null for half of the answer",
)
BEFORE_ANSWER = {
    "throttle": Kind("ThrottlingException, status 429."),
    "error": Kind(
        "The exception `code` of the service model.",
        {"code": one_of("InternalServerException", STATUS)},
    ),
    "slow": Kind("The first byte comes `seconds` later.", {"seconds": seconds(60)}),
    "timeout": Kind(
        "Nothing comes for `seconds`, then the connection ends.", {"seconds": seconds(60)}
    ),
    "disconnect": Kind("The connection ends without an answer."),
}
MID_STREAM = {
    "stream_error": Kind(
        "A stream ends with the exception `code` `after` so many deltas.",
        {"code": one_of("ModelStreamErrorException", STREAM_CODES), "after": _AFTER},
    ),
    "stream_disconnect": Kind(
        "A stream's connection ends `after` so many deltas.", {"after": _AFTER}
    ),
}
# What `odd` makes of an answer, from the body that would have been sent.
SHAPES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no_usage": lambda body: {**body, "usage": None},
    "null_counts": lambda body: {**body, "usage": dict.fromkeys(body["usage"])},
    "no_text": lambda body: {**body, "output": {"message": {"role": "assistant", "content": []}}},
    "filtered": lambda body: SHAPES["no_text"](body) | {"stopReason": "content_filtered"},
    "guardrail": lambda body: {**body, "stopReason": "guardrail_intervened"},
    "error": lambda _: {"message": "The system encountered an unexpected error."},
    "empty": lambda _: None,
}
BILLED = {
    "lost": Kind("The model works, and the connection ends without its answer."),
    "odd": Kind(
        "The model works, and status 200 comes with a body of this `shape`.",
        {"shape": one_of("no_usage", SHAPES)},
    ),
}
KINDS = BEFORE_ANSWER | MID_STREAM | BILLED
_MESSAGES = {
    "ThrottlingException": "Too many requests, please wait before trying again.",
    "AccessDeniedException": "You don't have access to the model with the specified model ID.",
    "ModelStreamErrorException": "The model stream ended unexpectedly. Try your request again.",
    "ModelTimeoutException": "Model has timed out in processing the request. "
    "Try your request again.",
    "ServiceUnavailableException": "Bedrock is unable to process your request.",
}


class Disconnect(Exception):
    """The connection shall end without an answer."""


def cut_off(request: web.Request) -> None:
    """End the connection at once."""
    if request.transport is not None:
        request.transport.abort()


@dataclass(frozen=True)
class StreamBreak:
    """A stream ends after `after` deltas: with an exception, or (no `code`) without a word."""

    after: int
    code: str | None

    async def end(self, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        """The end, when the deltas are sent."""
        if self.code is None:
            cut_off(request)
        else:
            member = self.code[0].lower() + self.code[1:]
            await response.write(eventstream.exception(member, message_of(self.code)))
        return response


def message_of(code: str) -> str:
    return _MESSAGES.get(code, "The system encountered an unexpected error.")


async def before_answer(faults: Faults, call: str) -> None:
    """Suffer the fault that strikes this call before its answer begins.

    Raises:
        BedrockError: what Bedrock would answer.
        Disconnect: the caller shall get no answer at all.
    """
    fault = faults.strike(PART, call, BEFORE_ANSWER)
    if fault is None:
        return
    if fault.kind in ("timeout", "slow"):
        await asyncio.sleep(fault.settings["seconds"])
    if fault.kind in ("timeout", "disconnect"):
        raise Disconnect
    if fault.kind in ("throttle", "error"):
        code = fault.settings.get("code", "ThrottlingException")
        raise BedrockError(code, message_of(code))


def after_answer(faults: Faults, call: str, body: dict[str, Any]) -> Any:
    """What is sent of a whole answer that the model gave, and bills; None: no body.

    Raises:
        Disconnect: the caller shall get no answer at all.
    """
    fault = faults.strike(PART, call, BILLED)
    if fault is None:
        return body
    if fault.kind == "lost":
        raise Disconnect
    return SHAPES[fault.settings["shape"]](body)


def stream_break(faults: Faults, call: str, deltas: int) -> StreamBreak | None:
    """Where this stream of so many deltas shall break; None: nowhere."""
    fault = faults.strike(PART, call, MID_STREAM)
    if fault is None:
        return None
    after = fault.settings["after"]
    return StreamBreak(
        deltas // 2 if after is None else min(after, deltas), fault.settings.get("code")
    )
