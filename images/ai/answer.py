"""A model's answer, read tolerantly: whatever the provider sent, what is usable of it is used.

Source: "Converse", response syntax, and `TokenUsage`, in the Amazon Bedrock API reference.
"""

import re
from dataclasses import dataclass
from typing import Any, Literal

FinishReason = Literal["stop", "length", "filtered", "guardrail"]

# No model reads or writes as much in one call.
MAX_COUNT = 100_000_000
_FINISH: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "content_filtered": "filtered",
    "guardrail_intervened": "guardrail",
}
_REASON = re.compile(r"[a-z_]{1,64}")
OTHER = "other"


class Unreadable(Exception):
    """An answer with neither text nor usage."""


@dataclass(frozen=True)
class Answer:
    """A model's answer; `input_tokens` exclude those read from or written to a cache.

    The counts mean something only if it is `metered`.
    """

    text: str
    stop_reason: str
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    metered: bool = True

    def finish_reason(self, max_tokens: int) -> FinishReason:
        """Why it ends where it ends; an answer as long as was allowed is taken for a cut one."""
        known = finish_reason(self.stop_reason)
        if known is not None:
            return known
        return "length" if self.output_tokens >= max_tokens else "stop"


def finish_reason(stop_reason: str) -> FinishReason | None:
    """The provider's reason in our words; None for one that we do not know."""
    return _FINISH.get(stop_reason)


def read(raw: Any) -> Answer:
    """The answer in the body of a Converse response, which may be any JSON.

    Raises:
        Unreadable: it holds neither text nor usage.
    """
    text, usage = _text(raw), _usage(_member(raw, "usage"))
    if usage is None and not text:
        raise Unreadable
    reason = _member(raw, "stopReason")
    known = isinstance(reason, str) and _REASON.fullmatch(reason)
    counts = usage or (0, 0, 0, 0)
    return Answer(text, reason if known else OTHER, *counts, metered=usage is not None)


def _text(raw: Any) -> str:
    blocks = _member(_member(_member(raw, "output"), "message"), "content")
    found = [_member(block, "text") for block in blocks] if isinstance(blocks, list) else []
    text = "".join(each for each in found if isinstance(each, str))
    # An answer cut within an emoji may end in half a surrogate pair, which no UTF-8 can hold.
    return text.encode("utf-8", "replace").decode()


def _usage(raw: Any) -> tuple[int, int, int, int] | None:
    """Input, output, read from and written to a cache; None unless all that is told is a count."""
    counts = [
        _member(raw, "inputTokens"),
        _member(raw, "outputTokens"),
        _absent_as_zero(_member(raw, "cacheReadInputTokens")),
        _absent_as_zero(_member(raw, "cacheWriteInputTokens")),
    ]
    if not all(type(count) is int and 0 <= count <= MAX_COUNT for count in counts):
        return None
    return counts[0], counts[1], counts[2], counts[3]


def _absent_as_zero(value: Any) -> Any:
    return 0 if value is None else value


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None
