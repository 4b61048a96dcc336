"""What local AWS lacks is refused at once, since clients repeat a 500 for minutes."""

import time
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.integration.aws_fixtures import LocalAws, aws  # noqa: F401

ROLE = "arn:aws:iam::123456789012:role/r"
GAPS = {"UnknownOperationException", "InvalidAction"}


@pytest.mark.parametrize(
    ("service", "action", "arguments"),
    [
        ("cloudfront", "list_cache_policies", {}),
        ("route53", "list_cidr_collections", {}),
        ("sqs", "list_message_move_tasks", {"SourceArn": ROLE}),
        ("cloudwatch", "list_metric_streams", {}),
        ("budgets", "describe_budget_actions_for_account", {"AccountId": "123456789012"}),
        ("apigatewayv2", "export_api", {"ApiId": "a", "OutputType": "JSON", "Specification": "x"}),
        ("lambda", "get_account_settings", {}),
        ("workmail", "list_organizations", {}),
    ],
)
def test_what_is_missing_is_refused_at_once_in_the_service_s_protocol(
    aws: LocalAws,  # noqa: F811
    service: str,
    action: str,
    arguments: dict[str, Any],
) -> None:
    """A service that is reached for the first time, too; a 500 would be repeated for minutes."""
    client = aws.client(service, config=Config(retries={"total_max_attempts": 3}))
    started = time.monotonic()
    with pytest.raises(ClientError) as refused:
        getattr(client, action)(**arguments)
    assert 400 <= refused.value.response["ResponseMetadata"]["HTTPStatusCode"] < 500
    assert refused.value.response["Error"]["Code"] in GAPS
    assert time.monotonic() - started < 5


def test_a_failure_of_moto_is_not_repeated(aws: LocalAws) -> None:  # noqa: F811
    """Moto's X-Ray answers 500 to a trace that is no object; clients would try again for long."""
    client = aws.client("xray", config=Config(retries={"total_max_attempts": 3}))
    with pytest.raises(ClientError, match="LocalFailure") as refused:
        client.put_trace_segments(TraceSegmentDocuments=["[]"])
    metadata = refused.value.response["ResponseMetadata"]
    assert (metadata["HTTPStatusCode"], metadata["RetryAttempts"]) == (400, 0)
