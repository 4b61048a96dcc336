"""A model's answer is read, whatever JSON it is: no text is lost, and only counts are usage."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai import answer, bedrock
from ai.answer import Answer, Unreadable
from saas.aws_http import AwsUnreadable
from saas.plans import catalogue

USAGE = {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}


def body(text: Any = "Hello", reason: Any = "end_turn", usage: Any = USAGE) -> dict[str, Any]:
    return {
        "output": {"message": {"role": "assistant", "content": [{"text": text}]}},
        "stopReason": reason,
        "usage": usage,
    }


def test_half_a_surrogate_pair_does_not_break_an_answer() -> None:
    raw = body("Hi \ud83e", "max_tokens")
    raw["output"]["message"]["content"].append({"reasoningContent": {}})
    assert answer.read(raw) == Answer("Hi ?", "max_tokens", 1, 2, 0, 0)


@pytest.mark.parametrize(
    "usage",
    [
        None,
        [],
        "3",
        {},
        {"inputTokens": 1},
        {"inputTokens": None, "outputTokens": None},
        *(
            {"inputTokens": 1, "outputTokens": wrong}
            for wrong in ("2", 2.0, -1, True, [2], {}, float("nan"), 10**9, 10**400)
        ),
        {**USAGE, "cacheReadInputTokens": "many"},
        {**USAGE, "cacheWriteInputTokens": -5},
    ],
)
def test_what_is_no_usage_leaves_the_text(usage: Any) -> None:
    found = answer.read(body(usage=usage))
    assert (found.text, found.metered) == ("Hello", False)


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        (USAGE, (1, 2, 0, 0)),
        ({"inputTokens": 0, "outputTokens": 0}, (0, 0, 0, 0)),
        ({**USAGE, "cacheReadInputTokens": None, "cacheWriteInputTokens": 4}, (1, 2, 0, 4)),
    ],
)
def test_usage(usage: Any, counts: tuple[int, ...]) -> None:
    assert answer.read(body(usage=usage)) == Answer("Hello", "end_turn", *counts)


@pytest.mark.parametrize(
    ("reason", "output_tokens", "finish"),
    [
        ("end_turn", 10, "stop"),
        ("stop_sequence", 1, "stop"),
        ("max_tokens", 10, "length"),
        ("model_context_window_exceeded", 5, "length"),
        ("content_filtered", 5, "filtered"),
        ("guardrail_intervened", 5, "guardrail"),
        ("something_new", 5, "stop"),
        ("something_new", 10, "length"),
        (None, 10, "length"),
        (7, 3, "stop"),
        ("x" * 100_000, 3, "stop"),
        ({"a": 1}, 3, "stop"),
    ],
)
def test_why_an_answer_ends(reason: Any, output_tokens: int, finish: str) -> None:
    found = answer.read(body(reason=reason, usage={**USAGE, "outputTokens": output_tokens}))
    assert found.finish_reason(10) == finish
    assert len(found.stop_reason) <= 64


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)
NAMES = st.sampled_from(
    ["output", "message", "content", "text", "usage", "stopReason", "inputTokens", "outputTokens"]
)
SHAPED = st.recursive(
    JSON,
    lambda inner: st.dictionaries(NAMES, inner, max_size=4) | st.lists(inner, max_size=3),
    max_leaves=20,
)
COUNTS = JSON | st.integers(0, 5_000)


@settings(deadline=None)
@given(st.one_of(JSON, SHAPED))
def test_any_json_is_an_answer_or_unreadable(raw: Any) -> None:
    try:
        found = answer.read(raw)
    except Unreadable:
        return
    assert found.metered or found.text
    found.text.encode()
    assert found.finish_reason(10) in ("stop", "length", "filtered", "guardrail")


@settings(deadline=None)
@given(st.lists(st.text() | JSON, min_size=1), st.dictionaries(NAMES, COUNTS), JSON, st.booleans())
def test_text_that_is_there_is_never_lost(
    texts: list[Any], usage: Any, reason: Any, told: bool
) -> None:
    """Among blocks of any kind, beside any usage; and what counts as usage are counts."""
    raw = body(reason=reason, usage=usage)
    raw["output"]["message"]["content"] = [{"text": text} for text in texts] + texts
    if not told:
        del raw["usage"]
    loose = [text["text"] for text in texts if isinstance(text, dict) and "text" in text]
    spoken = [text for text in [*texts, *loose] if isinstance(text, str)]
    wanted = "".join(spoken).encode("utf-8", "replace").decode()
    try:
        found = answer.read(raw)
    except Unreadable:
        assert not wanted
        return
    assert found.text == wanted
    counts = [found.input_tokens, found.output_tokens]
    if found.metered:
        assert counts == [usage["inputTokens"], usage["outputTokens"]]
        assert all(type(count) is int and count >= 0 for count in counts)


class Provider:
    """A client that gets this answer, or fails so."""

    def __init__(self, result: Any) -> None:
        self.result = result

    def post(self, *_: Any, **__: Any) -> Any:
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


@pytest.mark.parametrize(
    "result",
    [
        {},
        {"message": "Internal error", "__type": "InternalServerException"},
        {"output": None, "usage": None},
        {"output": {"message": {"content": []}}, "stopReason": "end_turn"},
        AwsUnreadable("malformed answer"),
    ],
)
def test_an_unexpected_success_may_have_been_billed(
    monkeypatch: pytest.MonkeyPatch, result: Any
) -> None:
    monkeypatch.setattr(bedrock, "client", lambda _: Provider(result))
    with pytest.raises(bedrock.Unanswered) as caught:
        bedrock.converse(
            catalogue().models["fast"],
            "Hi",
            max_tokens=10,
            temperature=0,
            metadata={},
            deadline=1e12,
        )
    assert caught.value.reason == "unreadable"


def test_answers_survive_the_wire() -> None:
    raw = json.loads(json.dumps(body("Grüße 🦊")))
    assert answer.read(raw).text == "Grüße 🦊"
