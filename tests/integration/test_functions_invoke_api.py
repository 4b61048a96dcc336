"""The Invoke API on the control port, through boto3's own Lambda client."""

import http.client
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.integration.local_gateway import RunningGateway, running_gateway, wait_until


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with running_gateway(tmp_path_factory.mktemp("invoke")) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def client(local: RunningGateway) -> Iterator[Any]:
    config = local.config
    client = boto3.client(
        "lambda",
        endpoint_url=config.control_url,
        region_name=config.region,
        aws_access_key_id=config.access_key_id,
        aws_secret_access_key=config.secret_access_key,
        config=Config(retries={"total_max_attempts": 1}),
    )
    yield client
    client.close()


def invoke(client: Any, name: str, event: Any, **options: Any) -> tuple[Any, Any]:
    answer = client.invoke(FunctionName=name, Payload=json.dumps(event).encode(), **options)
    return answer, json.loads(answer["Payload"].read() or b"null")


def test_a_result_comes_back_as_json(client: Any) -> None:
    answer, value = invoke(client, "demo-behave", {"do": "return", "value": {"ok": [1, "ä"]}})
    assert value == {"ok": [1, "ä"]}
    assert answer["StatusCode"] == 200
    assert answer["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in answer


@pytest.mark.parametrize(
    "name",
    [
        "arn:aws:lambda:us-east-1:123456789012:function:demo-behave",
        "123456789012:function:demo-behave",
        "demo-behave:$LATEST",
        "arn:aws:lambda:us-east-1:123456789012:function:demo-behave:live",
    ],
)
def test_a_function_can_be_named_by_arn_and_qualifier(client: Any, name: str) -> None:
    assert invoke(client, name, {"do": "return", "value": 1})[1] == 1


def test_an_error_is_flagged_as_unhandled(client: Any) -> None:
    answer, value = invoke(client, "demo-behave", {"do": "raise", "message": "why"})
    assert answer["FunctionError"] == "Unhandled"
    assert answer["StatusCode"] == 200
    assert set(value) == {"errorMessage", "errorType", "stackTrace", "requestId"}


def test_an_event_is_accepted_and_runs_later(local: RunningGateway, client: Any) -> None:
    answer, value = invoke(
        client, "demo-behave", {"do": "print", "line": "ran later"}, InvocationType="Event"
    )
    assert (answer["StatusCode"], value) == (202, None)
    wait_until(lambda: "demo-behave | ran later" in local.lines)


def test_a_dry_run_runs_nothing(local: RunningGateway, client: Any) -> None:
    event = {"do": "print", "line": "must not run"}
    answer, _ = invoke(client, "demo-behave", event, InvocationType="DryRun")
    assert answer["StatusCode"] == 204
    invoke(client, "demo-behave", {"do": "return", "value": 1})
    assert "demo-behave | must not run" not in local.lines


@pytest.mark.parametrize("kind", ["RequestResponse", "Event", "DryRun"])
def test_an_unknown_function_is_resource_not_found(client: Any, kind: str) -> None:
    with pytest.raises(ClientError) as caught:
        invoke(client, "no-such-function", {}, InvocationType=kind)
    error = caught.value.response["Error"]
    assert error["Code"] == "ResourceNotFoundException"
    assert error["Message"].endswith(":function:no-such-function")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_a_request_over_6_mb_is_too_large(client: Any) -> None:
    with pytest.raises(ClientError) as caught:
        invoke(client, "demo-behave", {"do": "return", "value": "x" * 6_300_000})
    assert caught.value.response["Error"]["Code"] == "RequestTooLargeException"


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example:80"}, {"Origin": "http://evil.example"}, {"Origin": "null"}],
)
def test_a_browser_may_not_call_it(local: RunningGateway, headers: dict[str, str]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", local.config.control_port, timeout=5)
    path = "/2015-03-31/functions/demo-behave/invocations"
    connection.request("POST", path, b'{"do": "print", "line": "rebound"}', headers)
    assert connection.getresponse().status == 403
    connection.close()
    assert "demo-behave | rebound" not in local.lines
