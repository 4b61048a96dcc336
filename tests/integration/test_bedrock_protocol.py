"""Local Bedrock below the SDK: authentication, JSON, faults, embeddings."""

import http.client
import json
import math
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from tests.integration.bedrock_server import LocalBedrock, serving

MODEL = "us.amazon.nova-lite-v1:0"
TITAN = "amazon.titan-embed-text-v2:0"
PATH = "/model/us.amazon.nova-lite-v1%3A0/converse"
AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=AKIAGROUNDWORKLOCAL0/20260101/us-east-1/bedrock/aws4_request, "
    "SignedHeaders=host;x-amz-date, Signature=" + "0" * 64
)
HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}


@pytest.fixture(scope="module")
def running() -> Iterator[LocalBedrock]:
    with serving() as bedrock:
        yield bedrock


@pytest.fixture
def bedrock(running: LocalBedrock) -> LocalBedrock:
    running.reset()
    return running


def post(
    bedrock: LocalBedrock, body: bytes, *, authorization: str = AUTHORIZATION, path: str = PATH
) -> tuple[int, str, str]:
    """Status, error type (or an empty string) and message of a raw request."""
    connection = http.client.HTTPConnection(bedrock.url.removeprefix("http://"), timeout=5)
    headers = {"Authorization": authorization} if authorization else {}
    connection.request("POST", path, body, headers)
    answer = connection.getresponse()
    content = json.loads(answer.read())
    connection.close()
    code = (answer.getheader("x-amzn-errortype") or "").split(":")[0]
    return answer.status, code, content.get("message", "")


def converse(bedrock: LocalBedrock, **options: Any) -> Any:
    return bedrock.client(**options).converse(modelId=MODEL, **HELLO)


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        ("", "MissingAuthenticationTokenException"),
        ("Bearer abc", "UnrecognizedClientException"),
        ("AWS4-HMAC-SHA256 Credential=a/b", "IncompleteSignatureException"),
        (AUTHORIZATION.replace("0" * 64, "zz"), "UnrecognizedClientException"),
        (AUTHORIZATION.replace("AKIA", "?"), "UnrecognizedClientException"),
        (AUTHORIZATION.replace("/bedrock/", "/s3/"), "IncompleteSignatureException"),
    ],
)
def test_requests_must_be_signed(bedrock: LocalBedrock, authorization: str, code: str) -> None:
    status, found, _ = post(bedrock, json.dumps(HELLO).encode(), authorization=authorization)
    assert (status, found) == (403, code)
    assert bedrock.calls() == []


def test_a_signed_request_is_answered(bedrock: LocalBedrock) -> None:
    assert post(bedrock, json.dumps(HELLO).encode())[0] == 200


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff",
        b"[]",
        b'"text"',
        b'{"messages": "Hi"}',
        b'{"messages": [1]}',
        b'{"messages": {}}',
        b'{"messages": [{"role": 5, "content": []}]}',
        b'{"messages": [], "inferenceConfig": {"maxTokens": "5"}}',
        b'{"messages": [], "inferenceConfig": {"maxTokens": 1.5}}',
    ],
)
def test_bodies_that_cannot_be_read(bedrock: LocalBedrock, body: bytes) -> None:
    status, code, message = post(bedrock, body)
    assert (status, code) == (400, "SerializationException")
    assert message


def test_other_operations_are_no_empty_success(bedrock: LocalBedrock) -> None:
    path = PATH.replace("converse", "count-tokens")
    assert post(bedrock, b"{}", path=path)[:2] == (404, "UnknownOperationException")


def test_throttling_ends_after_its_count(bedrock: LocalBedrock) -> None:
    bedrock.fault("throttle", count=2)
    for _ in range(2):
        with pytest.raises(ClientError) as caught:
            converse(bedrock)
        assert caught.value.response["Error"]["Code"] == "ThrottlingException"
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert converse(bedrock)["stopReason"] == "end_turn"


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("InternalServerException", 500),
        ("ServiceUnavailableException", 503),
        ("ModelTimeoutException", 408),
        ("ModelErrorException", 424),
        ("AccessDeniedException", 403),
    ],
)
def test_errors_have_the_service_models_status(
    bedrock: LocalBedrock, code: str, status: int
) -> None:
    bedrock.fault("error", code=code)
    client = bedrock.client()
    with pytest.raises(getattr(client.exceptions, code)) as caught:
        client.converse(modelId=MODEL, **HELLO)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_a_timeout_keeps_the_client_waiting(bedrock: LocalBedrock) -> None:
    bedrock.fault("timeout", seconds=3)
    with pytest.raises(ReadTimeoutError):
        converse(bedrock, read_timeout=0.2)
    assert bedrock.calls() == []


def test_a_connection_may_be_lost(bedrock: LocalBedrock) -> None:
    bedrock.fault("disconnect")
    with pytest.raises(ConnectionClosedError):
        converse(bedrock)


def test_slowness_is_still_an_answer(bedrock: LocalBedrock) -> None:
    bedrock.fault("slow", seconds=0.3)
    started = time.perf_counter()
    assert converse(bedrock)["stopReason"] == "end_turn"
    assert time.perf_counter() - started > 0.3


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"kind": "magic"},
        {"kind": "error", "code": "Nope"},
        {"kind": "slow", "seconds": "1"},
        {"kind": "throttle", "count": 0},
    ],
)
def test_unknown_faults_are_refused(bedrock: LocalBedrock, fault: Any) -> None:
    connection = http.client.HTTPConnection(bedrock.url.removeprefix("http://"), timeout=5)
    connection.request("POST", "/_local/faults", json.dumps(fault))
    assert connection.getresponse().status == 400
    connection.close()
    assert bedrock.control("faults")["armed"] == []


def test_a_fault_may_be_for_one_operation_and_model_alone(bedrock: LocalBedrock) -> None:
    bedrock.fault("throttle", on=f"InvokeModel {TITAN}", nth=2)
    bedrock.fault("error", on="Converse *", count=None)
    assert embed(bedrock, "first")["embedding"]
    with pytest.raises(ClientError, match="InternalServerException"):
        converse(bedrock)
    with pytest.raises(ClientError, match="ThrottlingException"):
        embed(bedrock, "second")
    shown = bedrock.control("faults")
    assert [(each["kind"], each["struck"]) for each in shown["armed"]] == [("error", 1)]
    assert [(each["kind"], each["seen"]) for each in shown["spent"]] == [("throttle", 2)]
    bedrock.reset()
    assert bedrock.control("faults") == {"armed": [], "spent": []}


def embed(bedrock: LocalBedrock, text: str, **options: Any) -> dict[str, Any]:
    body = json.dumps({"inputText": text, **options})
    answer = bedrock.client().invoke_model(modelId=TITAN, body=body)
    assert answer["contentType"] == "application/json"
    content: dict[str, Any] = json.loads(answer["body"].read())
    return content


def cosine(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("dimensions", [256, 512, 1024])
def test_embeddings_are_deterministic_unit_vectors(bedrock: LocalBedrock, dimensions: int) -> None:
    first = embed(bedrock, "Refunds within 30 days", dimensions=dimensions, normalize=True)
    assert len(first["embedding"]) == dimensions
    assert math.isclose(cosine(first["embedding"], first["embedding"]), 1)
    assert first == embed(bedrock, "Refunds within 30 days", dimensions=dimensions)
    assert first["embeddingsByType"] == {"float": first["embedding"]}
    assert 0 < first["inputTextTokenCount"] <= len("Refunds within 30 days")


def test_similar_texts_lie_closer(bedrock: LocalBedrock) -> None:
    question, match, other = (
        embed(bedrock, text)["embedding"]
        for text in (
            "How do I get a refund for my order?",
            "Refunds: an order can be refunded within 30 days.",
            "The office in Lisbon opens at nine in the morning.",
        )
    )
    assert cosine(question, match) > cosine(question, other) + 0.15


def test_embeddings_unnormalized_and_binary(bedrock: LocalBedrock) -> None:
    raw = embed(bedrock, "one two three", normalize=False, embeddingTypes=["float", "binary"])
    assert cosine(raw["embedding"], raw["embedding"]) > 1.5
    assert raw["embeddingsByType"]["binary"] == [int(value > 0) for value in raw["embedding"]]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "required key [inputText] not found"),
        ({"inputText": ""}, "expected minLength: 1, actual: 0"),
        ({"inputText": 5}, "expected type: String"),
        ({"inputText": "a", "dimensions": 300}, "300 is not a valid enum value"),
        ({"inputText": "a", "normalize": 1}, "expected type: Boolean"),
        ({"inputText": "a", "extra": 1}, "extraneous key [extra] is not permitted"),
        ({"inputText": "a" * 50_001}, "maxLength"),
        ({"inputText": "a" * 40_000}, "Too many input tokens. Max input tokens: 8192"),
    ],
)
def test_embedding_requests_are_checked(bedrock: LocalBedrock, body: Any, words: str) -> None:
    with pytest.raises(ClientError) as caught:
        bedrock.client().invoke_model(modelId=TITAN, body=json.dumps(body))
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert words in caught.value.response["Error"]["Message"]


def test_chat_and_embedding_models_are_told_apart(bedrock: LocalBedrock) -> None:
    client = bedrock.client()
    with pytest.raises(client.exceptions.ValidationException, match="supported text or chat model"):
        client.converse(modelId=TITAN, **HELLO)
    with pytest.raises(client.exceptions.ValidationException, match="embeddings only"):
        client.invoke_model(modelId=MODEL, body="{}")
    with pytest.raises(client.exceptions.ValidationException, match="identifier is invalid"):
        client.invoke_model(modelId="nope", body="{}")
