"""Local Bedrock through an unmodified boto3: Converse and ConverseStream."""

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from botocore.exceptions import ClientError, EventStreamError
from urllib3.exceptions import ProtocolError

from saas.plans import catalogue
from tests.integration.bedrock_server import LocalBedrock, serving

MODEL = "us.amazon.nova-lite-v1:0"
HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0"


@pytest.fixture(scope="module")
def running() -> Iterator[LocalBedrock]:
    with serving() as bedrock:
        yield bedrock


@pytest.fixture
def bedrock(running: LocalBedrock) -> LocalBedrock:
    running.reset()
    return running


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"text": text}]}


def assistant(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": [{"text": text}]}


def ask(bedrock: LocalBedrock, prompt: str = "How do I price a SaaS?", **more: Any) -> Any:
    return bedrock.client().converse(
        **{"modelId": MODEL, "messages": [user(prompt)], **more},
    )


def text_of(answer: Any) -> str:
    text: str = answer["output"]["message"]["content"][0]["text"]
    return text


def refusal(bedrock: LocalBedrock, **request: Any) -> tuple[int, str, str]:
    """Status, code and message; the SDK's own checks are off, so that the server has to refuse."""
    with pytest.raises(ClientError) as caught:
        bedrock.client(parameter_validation=False).converse(**{"modelId": MODEL, **request})
    response = caught.value.response
    status = response["ResponseMetadata"]["HTTPStatusCode"]
    return status, response["Error"]["Code"], response["Error"]["Message"]


def test_an_answer_reflects_the_prompt_and_counts_tokens(bedrock: LocalBedrock) -> None:
    answer = ask(bedrock, "How do I price a knitting subscription?")
    assert "knitting" in text_of(answer)
    assert answer["stopReason"] == "end_turn"
    usage = answer["usage"]
    size = len(text_of(answer).encode())
    assert size / 5 < usage["outputTokens"] <= size
    assert 0 < usage["inputTokens"] <= len("How do I price a knitting subscription?")
    assert usage["totalTokens"] == usage["inputTokens"] + usage["outputTokens"]
    assert answer["metrics"]["latencyMs"] > 0
    assert answer["ResponseMetadata"]["RequestId"]


def test_the_same_request_gets_the_same_answer_and_another_prompt_another(
    bedrock: LocalBedrock,
) -> None:
    first, again, other = (ask(bedrock, p) for p in ("Name my cat", "Name my cat", "Name my dog"))
    assert text_of(first) == text_of(again) != text_of(other)


@pytest.mark.parametrize(
    "prompt",
    ["Hi", "Write an e-mail", "Summarize: a. b. c.", "Give me ideas", "Python code", "?", "🦊"],
)
def test_every_kind_of_prompt_gets_an_answer(bedrock: LocalBedrock, prompt: str) -> None:
    assert len(text_of(ask(bedrock, prompt))) > 40


def test_max_tokens_cuts_the_answer(bedrock: LocalBedrock) -> None:
    answer = ask(bedrock, inferenceConfig={"maxTokens": 7, "temperature": 0.0})
    assert (answer["stopReason"], answer["usage"]["outputTokens"]) == ("max_tokens", 7)
    assert text_of(ask(bedrock)).startswith(text_of(answer))


def test_a_cut_never_splits_a_character(bedrock: LocalBedrock) -> None:
    for limit in range(1, 12):
        answer = ask(bedrock, "日本語日本語", inferenceConfig={"maxTokens": limit})
        assert answer["usage"]["outputTokens"] <= limit
        assert "\ufffd" not in text_of(answer)


def test_stop_sequences_end_the_answer(bedrock: LocalBedrock) -> None:
    word = text_of(ask(bedrock)).split()[3]
    answer = ask(bedrock, inferenceConfig={"stopSequences": [word]})
    assert answer["stopReason"] == "stop_sequence"
    assert word not in text_of(answer)


def test_system_and_earlier_turns_shape_the_answer(bedrock: LocalBedrock) -> None:
    plain = ask(bedrock)
    shaped = ask(bedrock, system=[{"text": "Always answer in rhymes"}])
    assert "Always answer in rhymes" in text_of(shaped)
    assert shaped["usage"]["inputTokens"] > plain["usage"]["inputTokens"]
    turns = [user("I sell bicycles"), assistant("Nice"), user("How do I find customers?")]
    assert "bicycles" in text_of(ask(bedrock, messages=turns))


@pytest.mark.parametrize("model", [model.id for model in catalogue().models.values()])
def test_every_model_of_the_plan_file_answers(bedrock: LocalBedrock, model: str) -> None:
    arn = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{model}"
    for name in (model, arn):
        assert f"in place of {model}" in text_of(ask(bedrock, modelId=name))


def test_base_models_answer_only_where_bedrock_offers_them_on_demand(bedrock: LocalBedrock) -> None:
    assert text_of(ask(bedrock, modelId="amazon.nova-lite-v1:0"))
    claude = HAIKU.removeprefix("us.")
    status, code, message = refusal(bedrock, modelId=claude, messages=[user("Hi")])
    assert (status, code) == (400, "ValidationException")
    assert message.startswith(f"Invocation of model ID {claude} with on-demand throughput")


@pytest.mark.parametrize(
    "model", ["gpt-4", "us.amazon.nova-lite-v9:0", "arn:aws:bedrock:us-east-1:1:model/x"]
)
def test_unknown_models_are_refused(bedrock: LocalBedrock, model: str) -> None:
    assert refusal(bedrock, modelId=model, messages=[user("Hi")]) == (
        400,
        "ValidationException",
        "The provided model identifier is invalid.",
    )


START = (
    "A conversation must start with a user message. "
    "Try again with a conversation that starts with a user message."
)
ALTERNATE = (
    "A conversation must alternate between user and assistant roles. Make sure the "
    "conversation alternates between user and assistant roles and try again."
)
BLANK = (
    "The text field in the ContentBlock object at messages.0.content.0 is blank. "
    "Add text to the text field, and try again."
)
EMPTY = (
    "The content field in the Message object at messages.0 is empty. "
    "Add a ContentBlock object to the content field and try again."
)


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        ([], START),
        ([assistant("Hi")], START),
        ([user("a"), user("b")], ALTERNATE),
        ([user("a"), assistant("b"), assistant("c")], ALTERNATE),
        ([user("")], BLANK),
        ([user(" \n\t")], BLANK),
        ([{"role": "user", "content": []}], EMPTY),
    ],
)
def test_conversations_are_checked(bedrock: LocalBedrock, messages: Any, message: str) -> None:
    assert refusal(bedrock, messages=messages) == (400, "ValidationException", message)


@pytest.mark.parametrize(
    ("config", "constraint"),
    [
        ({"temperature": 1.5}, "Value '1.5' at 'inferenceConfig.temperature' failed"),
        ({"temperature": -0.1}, "Value '-0.1' at 'inferenceConfig.temperature' failed"),
        ({"topP": 2}, "Value '2' at 'inferenceConfig.topP' failed"),
        ({"maxTokens": 0}, "must have value greater than or equal to 1"),
        ({"maxTokens": 1_000_000}, "The maximum tokens you requested exceeds the model limit"),
    ],
)
def test_inference_limits(bedrock: LocalBedrock, config: Any, constraint: str) -> None:
    status, code, message = refusal(bedrock, messages=[user("Hi")], inferenceConfig=config)
    assert (status, code) == (400, "ValidationException")
    assert constraint in message


def test_all_violations_are_named_at_once(bedrock: LocalBedrock) -> None:
    _, _, message = refusal(
        bedrock,
        messages=[{"role": "robot", "content": [{"text": "Hi"}]}],
        inferenceConfig={"maxTokens": 0},
    )
    assert message.startswith("2 validation errors detected: ")
    assert (
        "'messages.1.member.role' failed to satisfy constraint: Member must satisfy enum" in message
    )


def test_claude_takes_temperature_or_top_p(bedrock: LocalBedrock) -> None:
    both = {"temperature": 0.5, "topP": 0.5}
    assert ask(bedrock, inferenceConfig=both)["stopReason"] == "end_turn"
    _, code, message = refusal(bedrock, modelId=HAIKU, messages=[user("Hi")], inferenceConfig=both)
    assert code == "ValidationException"
    assert "`temperature` and `top_p` cannot both be specified" in message


@pytest.mark.parametrize(
    "metadata",
    [{f"k{n}": "v" for n in range(17)}, {"k": "v" * 257}, {"k": "na(me)"}, {"": "v"}, {}],
)
def test_request_metadata_has_limits(bedrock: LocalBedrock, metadata: Any) -> None:
    status, code, message = refusal(bedrock, messages=[user("Hi")], requestMetadata=metadata)
    assert (status, code) == (400, "ValidationException")
    assert "requestMetadata" in message


def test_calls_are_recorded_without_their_texts(bedrock: LocalBedrock) -> None:
    ask(bedrock, "A secret plan", requestMetadata={"callId": "call-1"})
    (call,) = bedrock.calls()
    assert (call["operation"], call["model"]) == ("Converse", MODEL)
    assert call["requestMetadata"] == {"callId": "call-1"}
    assert call["usage"]["inputTokens"] > 0
    assert "secret" not in str(call)
    bedrock.reset()
    assert bedrock.calls() == []


def streamed(bedrock: LocalBedrock, prompt: str, **more: Any) -> list[dict[str, Any]]:
    answer = bedrock.client().converse_stream(
        **{"modelId": MODEL, "messages": [user(prompt)], **more}
    )
    assert answer["ResponseMetadata"]["HTTPHeaders"]["content-type"].startswith(
        "application/vnd.amazon.eventstream"
    )
    with closing(answer["stream"]) as stream:
        return list(stream)


def test_a_stream_carries_the_same_answer_in_pieces(bedrock: LocalBedrock) -> None:
    events = streamed(bedrock, "Compare 🍎 with 🍐", inferenceConfig={"maxTokens": 500})
    names = [next(iter(event)) for event in events]
    deltas = [event["contentBlockDelta"] for event in events if "contentBlockDelta" in event]
    assert names[0] == "messageStart"
    assert names[-3:] == ["contentBlockStop", "messageStop", "metadata"]
    assert names[1:-3] == ["contentBlockDelta"] * len(deltas)
    assert len(deltas) > 5
    whole = ask(bedrock, "Compare 🍎 with 🍐", inferenceConfig={"maxTokens": 500})
    assert "".join(delta["delta"]["text"] for delta in deltas) == text_of(whole)
    assert events[-2]["messageStop"]["stopReason"] == "end_turn"
    assert events[-1]["metadata"]["usage"] == whole["usage"]
    assert events[-1]["metadata"]["metrics"]["latencyMs"] > 0


def test_pieces_arrive_over_time(bedrock: LocalBedrock) -> None:
    stream = bedrock.client().converse_stream(modelId=MODEL, messages=[user("Explain rain")])
    with closing(stream["stream"]) as events:
        arrivals = [time.perf_counter() for _ in events]
    assert arrivals[-1] - arrivals[0] > 0.05


def test_a_stream_refuses_before_it_begins(bedrock: LocalBedrock) -> None:
    with pytest.raises(ClientError, match="must start with a user message"):
        streamed(bedrock, "", messages=[])


def test_a_stream_may_break(bedrock: LocalBedrock) -> None:
    bedrock.fault("stream_error")
    with pytest.raises(EventStreamError, match="modelStreamErrorException"):
        streamed(bedrock, "Explain rain")
    assert len(streamed(bedrock, "Explain rain")) > 5


def deltas_before_the_end(bedrock: LocalBedrock, ending: type[Exception]) -> int:
    stream = bedrock.client().converse_stream(modelId=MODEL, messages=[user("Explain rain")])
    seen: list[Any] = []
    with closing(stream["stream"]) as events, pytest.raises(ending):
        seen.extend(events)
    return sum("contentBlockDelta" in event for event in seen)


@pytest.mark.parametrize("after", [0, 3])
def test_a_stream_may_break_after_some_deltas(bedrock: LocalBedrock, after: int) -> None:
    bedrock.fault("stream_error", after=after, code="ThrottlingException")
    assert deltas_before_the_end(bedrock, EventStreamError) == after
    assert bedrock.calls() == []


def test_a_streams_connection_may_be_lost(bedrock: LocalBedrock) -> None:
    bedrock.fault("stream_disconnect", after=2)
    assert deltas_before_the_end(bedrock, ProtocolError) == 2
    assert bedrock.calls() == []
