"""Converse: what a request asks for, and the answer with its usage, whole or as stream events."""

import re
from dataclasses import dataclass
from typing import Any

from localcloud.bedrock import constraints, eventstream, tokens
from localcloud.bedrock.answers import Turn, compose
from localcloud.bedrock.errors import BedrockError, invalid
from localcloud.bedrock.models import ChatModel, chat_model

DEFAULT_MAX_TOKENS = 4_096
_PIECE = re.compile(r"\S+\s*|\s+")


@dataclass(frozen=True)
class Reply:
    """An answer: text, why it ended, and tokens of both sides."""

    text: str
    stop_reason: str
    input_tokens: int
    output_tokens: int

    @property
    def usage(self) -> dict[str, int]:
        """The service model's `TokenUsage`."""
        return {
            "inputTokens": self.input_tokens,
            "outputTokens": self.output_tokens,
            "totalTokens": self.input_tokens + self.output_tokens,
            "cacheReadInputTokens": 0,
            "cacheWriteInputTokens": 0,
        }


def reply_to(model_id: str, body: Any) -> Reply:
    """Answer a Converse or ConverseStream body.

    Raises:
        BedrockError: as Bedrock refuses it.
    """
    constraints.check("Converse", body)
    model = chat_model(model_id)
    messages: list[dict[str, Any]] = body.get("messages") or []
    _check_conversation(messages)
    config = body.get("inferenceConfig") or {}
    _check_inference(model, config)
    texts = [_text_of(message, f"messages.{index}") for index, message in enumerate(messages)]
    system = _system(body.get("system") or [])
    input_tokens = tokens.count(system) + sum(tokens.count(text) for text in texts)
    if input_tokens > model.context_tokens:
        raise invalid("Input is too long for requested model.")
    asked = [
        text for message, text in zip(messages, texts, strict=True) if message["role"] == "user"
    ]
    answer = compose(Turn(asked[-1], asked[-2] if len(asked) > 1 else "", system), model.id)
    return _bounded(answer, input_tokens, config)


def whole(reply: Reply, latency_ms: int) -> dict[str, Any]:
    """The body of a Converse answer."""
    return {
        "output": {"message": {"role": "assistant", "content": [{"text": reply.text}]}},
        "stopReason": reply.stop_reason,
        "usage": reply.usage,
        "metrics": {"latencyMs": latency_ms},
    }


def opening() -> bytes:
    return eventstream.event("messageStart", {"role": "assistant"})


def pieces(reply: Reply) -> list[bytes]:
    """The deltas of a streamed answer, a few words each."""
    words = _PIECE.findall(reply.text)
    chunks = ["".join(words[start : start + 3]) for start in range(0, len(words), 3)]
    return [
        eventstream.event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": chunk}})
        for chunk in chunks
    ]


def closing(reply: Reply, latency_ms: int) -> list[bytes]:
    """What follows the last delta: stop of block and message, then usage and metrics."""
    return [
        eventstream.event("contentBlockStop", {"contentBlockIndex": 0}),
        eventstream.event("messageStop", {"stopReason": reply.stop_reason}),
        eventstream.event("metadata", {"usage": reply.usage, "metrics": {"latencyMs": latency_ms}}),
    ]


def _check_conversation(messages: list[dict[str, Any]]) -> None:
    if not messages or messages[0]["role"] != "user":
        raise invalid(
            "A conversation must start with a user message. "
            "Try again with a conversation that starts with a user message."
        )
    for index, message in enumerate(messages):
        if not message["content"]:
            raise invalid(
                f"The content field in the Message object at messages.{index} is empty. "
                "Add a ContentBlock object to the content field and try again."
            )
        if index and message["role"] == messages[index - 1]["role"]:
            raise invalid(
                "A conversation must alternate between user and assistant roles. Make sure the "
                "conversation alternates between user and assistant roles and try again."
            )


def _check_inference(model: ChatModel, config: dict[str, Any]) -> None:
    if config.get("maxTokens", 1) > model.max_output_tokens:
        raise invalid(
            "The maximum tokens you requested exceeds the model limit of "
            f"{model.max_output_tokens}. Try again with a maximum tokens value that is lower than "
            f"{model.max_output_tokens}."
        )
    both = config.get("temperature") is not None and config.get("topP") is not None
    if both and model.temperature_excludes_top_p:
        raise invalid(
            "The model returned the following errors: `temperature` and `top_p` cannot both be "
            "specified for this model. Please use only one."
        )


def _text_of(message: dict[str, Any], path: str) -> str:
    texts = []
    for index, block in enumerate(message["content"]):
        if "text" not in block:
            raise BedrockError(
                "NotImplementedException",
                f"Local Bedrock understands text only; {path}.content.{index} is something else.",
            )
        if not block["text"].strip():
            raise invalid(
                f"The text field in the ContentBlock object at {path}.content.{index} is blank. "
                "Add text to the text field, and try again."
            )
        texts.append(block["text"])
    return "\n".join(texts)


def _system(blocks: list[dict[str, Any]]) -> str:
    for index, block in enumerate(blocks):
        if "text" in block and not block["text"].strip():
            raise invalid(
                f"The text field in the SystemContentBlock object at system.{index} is blank. "
                "Add text to the text field, and try again."
            )
    return "\n".join(block["text"] for block in blocks if "text" in block)


def _bounded(answer: str, input_tokens: int, config: dict[str, Any]) -> Reply:
    """The answer as far as `maxTokens` and `stopSequences` let it go."""
    stop_reason = "end_turn"
    ends = [found for s in config.get("stopSequences") or [] if (found := answer.find(s)) >= 0]
    if ends:
        answer, stop_reason = answer[: min(ends)], "stop_sequence"
    limit = config.get("maxTokens") or DEFAULT_MAX_TOKENS
    if tokens.count(answer) > limit:
        answer, stop_reason = tokens.cut(answer, limit), "max_tokens"
    return Reply(answer, stop_reason, input_tokens, tokens.count(answer))
