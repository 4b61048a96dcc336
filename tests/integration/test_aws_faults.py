"""Local AWS's faults as an unmodified boto3 meets them, without and with its own retries."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from localcloud.aws.provision import provision
from tests.integration.aws_fixtures import LocalAws
from tests.integration.breaking import Breaker, breaker

__all__ = ["breaker"]

PATIENT = Config(retries={"total_max_attempts": 3, "mode": "standard"})


@pytest.fixture
def item(aws: LocalAws) -> dict[str, Any]:
    return {"pk": {"S": f"FAULT#{uuid4()}"}, "sk": {"S": "x"}}


def put(aws: LocalAws, item: dict[str, Any], **options: Any) -> None:
    aws.client("dynamodb", **options).put_item(TableName=aws.config.table_name, Item=item)


def is_stored(aws: LocalAws, item: dict[str, Any]) -> bool:
    found = aws.client("dynamodb").get_item(TableName=aws.config.table_name, Key=item)
    return "Item" in found


def refused(call: Callable[[], Any]) -> tuple[str, int, str]:
    """Code and status of what boto3 raises, and the name of the exception's class."""
    with pytest.raises(ClientError) as caught:
        call()
    answer = caught.value.response
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    return answer["Error"]["Code"], status, type(caught.value).__name__


def calls_of(aws: LocalAws, item: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    """One call of each service that functions use, by its name."""
    dynamodb, s3 = aws.client("dynamodb"), aws.client("s3")
    table, bucket = aws.config.table_name, aws.config.uploads_bucket
    client_id = aws.provisioned.user_pool_client_id
    sign_in = {"USERNAME": "nobody@example.com", "PASSWORD": "Wrong-1234"}
    return {
        "dynamodb:PutItem": lambda: dynamodb.put_item(TableName=table, Item=item),
        "dynamodb:TransactWriteItems": lambda: dynamodb.transact_write_items(
            TransactItems=[{"Put": {"TableName": table, "Item": item}}]
        ),
        "dynamodb:DescribeTable": lambda: dynamodb.describe_table(TableName=table),
        "s3:PutObject": lambda: s3.put_object(Bucket=bucket, Key="fault/a=b", Body=b"1"),
        "s3:ListObjectsV2": lambda: s3.list_objects_v2(Bucket=bucket, Prefix="fault/"),
        "ssm:GetParameter": lambda: aws.client("ssm").get_parameter(
            Name=aws.config.session_secret_name, WithDecryption=True
        ),
        "cognito-idp:InitiateAuth": lambda: aws.client("cognito-idp").initiate_auth(
            ClientId=client_id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=sign_in
        ),
        "lambda:Invoke": lambda: aws.client("lambda").invoke(FunctionName="nobody"),
        "sqs:ListQueues": lambda: aws.client("sqs").list_queues(),
        "sns:ListTopics": lambda: aws.client("sns").list_topics(),
        "sts:GetCallerIdentity": lambda: aws.client("sts").get_caller_identity(),
        "iam:ListRoles": lambda: aws.client("iam").list_roles(),
        "secretsmanager:ListSecrets": lambda: aws.client("secretsmanager").list_secrets(),
        "kms:ListKeys": lambda: aws.client("kms").list_keys(),
    }


THROTTLED = {
    "dynamodb:PutItem": ("ProvisionedThroughputExceededException", 400),
    "dynamodb:TransactWriteItems": ("ProvisionedThroughputExceededException", 400),
    "dynamodb:DescribeTable": ("ThrottlingException", 400),
    "s3:PutObject": ("SlowDown", 503),
    "s3:ListObjectsV2": ("SlowDown", 503),
    "ssm:GetParameter": ("ThrottlingException", 400),
    "cognito-idp:InitiateAuth": ("TooManyRequestsException", 400),
    "lambda:Invoke": ("TooManyRequestsException", 429),
    "sqs:ListQueues": ("RequestThrottled", 400),
    "sns:ListTopics": ("Throttled", 429),
    "sts:GetCallerIdentity": ("Throttling", 400),
    "iam:ListRoles": ("Throttling", 400),
    "secretsmanager:ListSecrets": ("ThrottlingException", 400),
    "kms:ListKeys": ("ThrottlingException", 400),
}
FAILED = {
    "dynamodb:PutItem": "InternalServerError",
    "dynamodb:TransactWriteItems": "InternalServerError",
    "dynamodb:DescribeTable": "InternalServerError",
    "s3:PutObject": "InternalError",
    "s3:ListObjectsV2": "InternalError",
    "ssm:GetParameter": "InternalServerError",
    "cognito-idp:InitiateAuth": "InternalErrorException",
    "lambda:Invoke": "ServiceException",
    "sqs:ListQueues": "InternalFailure",
    "sns:ListTopics": "InternalError",
    "sts:GetCallerIdentity": "InternalFailure",
    "iam:ListRoles": "ServiceFailure",
    "secretsmanager:ListSecrets": "InternalServiceError",
    "kms:ListKeys": "KMSInternalException",
}


@pytest.mark.parametrize("call", THROTTLED)
def test_each_service_throttles_in_its_own_words(
    aws: LocalAws, breaker: Breaker, item: dict[str, Any], call: str
) -> None:
    breaker.arm("throttle", call)
    assert refused(calls_of(aws, item)[call])[:2] == THROTTLED[call]
    assert [each["struck"] for each in breaker.shown()["spent"][:1]] == [1]
    assert breaker.shown()["armed"] == []


@pytest.mark.parametrize("call", FAILED)
def test_each_service_fails_in_its_own_words(
    aws: LocalAws, breaker: Breaker, item: dict[str, Any], call: str
) -> None:
    breaker.arm("error_before", call)
    assert refused(calls_of(aws, item)[call])[:2] == (FAILED[call], 500)
    assert not is_stored(aws, item)


@pytest.mark.parametrize(
    ("kind", "call", "name"),
    [
        ("throttle", "dynamodb:PutItem", "ProvisionedThroughputExceededException"),
        ("throttle", "cognito-idp:InitiateAuth", "TooManyRequestsException"),
        ("throttle", "lambda:Invoke", "TooManyRequestsException"),
        ("throttle", "sqs:ListQueues", "RequestThrottled"),
        ("throttle", "sns:ListTopics", "ThrottledException"),
        ("error_before", "ssm:GetParameter", "InternalServerError"),
        ("error_before", "iam:ListRoles", "ServiceFailureException"),
        ("conflict", "dynamodb:PutItem", "TransactionConflictException"),
        ("conflict", "dynamodb:TransactWriteItems", "TransactionCanceledException"),
    ],
)
def test_boto3_raises_the_services_own_class(  # noqa: PLR0917 - its parameters are the table's
    aws: LocalAws, breaker: Breaker, item: dict[str, Any], kind: str, call: str, name: str
) -> None:
    breaker.arm(kind, call)
    assert refused(calls_of(aws, item)[call])[2] == name


@pytest.mark.parametrize("kind", ["throttle", "error_before", "disconnect_before"])
def test_boto3s_own_retries_get_past_two_faults(
    aws: LocalAws, breaker: Breaker, item: dict[str, Any], kind: str
) -> None:
    breaker.arm(kind, "dynamodb:PutItem", count=2)
    put(aws, item, config=PATIENT)
    assert is_stored(aws, item)
    assert breaker.shown()["spent"][0]["struck"] == 2


def test_s3_is_retried_too(aws: LocalAws, breaker: Breaker) -> None:
    breaker.arm("throttle", "s3:PutObject")
    breaker.arm("error_before", "s3:PutObject")
    s3, bucket = aws.client("s3", config=PATIENT), aws.config.uploads_bucket
    s3.put_object(Bucket=bucket, Key="fault/retried", Body=b"kept")
    assert s3.get_object(Bucket=bucket, Key="fault/retried")["Body"].read() == b"kept"


def test_a_write_may_have_happened_though_the_answer_is_an_error(
    aws: LocalAws, breaker: Breaker, item: dict[str, Any]
) -> None:
    breaker.arm("error_after", "dynamodb:PutItem")
    assert refused(lambda: put(aws, item))[:2] == ("InternalServerError", 500)
    assert is_stored(aws, item)


@pytest.mark.parametrize(
    ("kind", "stored"), [("disconnect_before", False), ("disconnect_after", True)]
)
def test_a_connection_may_end_without_an_answer(
    aws: LocalAws, breaker: Breaker, item: dict[str, Any], kind: str, *, stored: bool
) -> None:
    breaker.arm(kind, "dynamodb:PutItem")
    before = aws.logged()
    with pytest.raises(ConnectionClosedError):
        put(aws, item)
    assert is_stored(aws, item) is stored
    assert aws.logged() == before


def test_latency_is_still_an_answer(aws: LocalAws, breaker: Breaker, item: dict[str, Any]) -> None:
    breaker.arm("latency", "dynamodb:PutItem", seconds=0.3)
    started = time.perf_counter()
    put(aws, item)
    assert time.perf_counter() - started > 0.3
    assert is_stored(aws, item)


def test_a_cancelled_transaction_says_why(aws: LocalAws, breaker: Breaker) -> None:
    breaker.arm("conflict", "dynamodb:TransactWriteItems")
    dynamodb, table = aws.client("dynamodb", config=PATIENT), aws.config.table_name
    items = [{"pk": {"S": f"FAULT#{uuid4()}"}, "sk": {"S": "x"}} for _ in range(2)]
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as caught:
        dynamodb.transact_write_items(
            TransactItems=[{"Put": {"TableName": table, "Item": each}} for each in items]
        )
    assert [each["Code"] for each in caught.value.response["CancellationReasons"]] == [
        "TransactionConflict",
        "None",
    ]
    assert str(caught.value).endswith("specific reasons [TransactionConflict, None]")
    assert [is_stored(aws, each) for each in items] == [False, False]


def test_a_written_transaction_conflicts_no_more(
    aws: LocalAws, breaker: Breaker, item: dict[str, Any]
) -> None:
    put = {"Put": {"TableName": aws.config.table_name, "Item": item}}
    request = {"TransactItems": [put], "ClientRequestToken": str(uuid4())}
    dynamodb = aws.client("dynamodb")
    dynamodb.transact_write_items(**request)
    breaker.arm("conflict")
    dynamodb.transact_write_items(**request)
    assert breaker.shown()["armed"][0]["seen"] == 0


def test_a_conflict_strikes_nothing_that_cannot_conflict(aws: LocalAws, breaker: Breaker) -> None:
    breaker.arm("conflict")
    assert aws.client("dynamodb").describe_table(TableName=aws.config.table_name)
    assert breaker.shown()["armed"][0]["seen"] == 0


@pytest.mark.parametrize("body", [b'{"ClientRequestToken": ', b'["ClientRequestToken"]', b"{}"])
def test_what_is_no_transaction_is_refused_as_without_a_fault(
    aws: LocalAws, breaker: Breaker, body: bytes
) -> None:
    breaker.arm("conflict")
    target = {"X-Amz-Target": "DynamoDB_20120810.TransactWriteItems"}
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(urllib.request.Request(aws.config.aws_url, body, target))
    with caught.value:
        assert caught.value.code == 400
    assert breaker.shown()["armed"][0]["seen"] == 0


def test_an_error_may_be_any_that_the_service_knows(
    aws: LocalAws, breaker: Breaker, item: dict[str, Any]
) -> None:
    breaker.arm("error_before", "dynamodb:*", code="RequestLimitExceeded", status=400)
    assert refused(lambda: put(aws, item)) == ("RequestLimitExceeded", 400, "RequestLimitExceeded")
    breaker.arm("throttle", "dynamodb:*", code="ThrottlingException")
    assert refused(lambda: put(aws, item)) == ("ThrottlingException", 400, "ThrottlingException")


def test_the_nth_call_of_one_operation_fails(
    aws: LocalAws, breaker: Breaker, item: dict[str, Any]
) -> None:
    breaker.arm("error_before", "dynamodb:PutItem", nth=3)
    put(aws, item)
    put(aws, item)
    assert is_stored(aws, item)
    assert refused(lambda: put(aws, item))[1] == 500
    put(aws, item)


def test_what_the_local_cloud_asks_itself_is_left_alone(aws: LocalAws, breaker: Breaker) -> None:
    breaker.arm("error_before", count=None)
    assert provision(aws.config) == aws.provisioned
    assert breaker.shown()["armed"][0]["seen"] == 0


def test_a_browser_may_read_why_its_upload_failed(aws: LocalAws, breaker: Breaker) -> None:
    origin = f"http://localhost:{aws.config.gateway_port}"
    address = aws.client("s3").generate_presigned_url(
        "put_object", Params={"Bucket": aws.config.uploads_bucket, "Key": "fault/up"}
    )
    breaker.arm("throttle", "s3:*")
    request = urllib.request.Request(address, b"1", {"Origin": origin}, method="PUT")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=5)
    with caught.value as answer:
        assert answer.code == 503
        assert answer.headers["Access-Control-Allow-Origin"] == origin


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"kind": "magic"}, "kind must be one of conflict, disconnect_after,"),
        ({"kind": "error_before", "code": "not a code"}, "code must be the code of an error"),
        ({"kind": "error_before", "status": 200}, "status must be a whole number from 400 to 599."),
        ({"kind": "latency", "code": "X"}, "latency knows no code;"),
    ],
)
def test_what_is_no_fault_is_refused(
    aws: LocalAws, breaker: Breaker, wanted: dict[str, Any], words: str
) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        breaker.ask("POST", wanted)
    with caught.value as answer:
        assert answer.code == 400
        assert json.load(answer)["message"].startswith(words)
    assert breaker.shown()["armed"] == []
