"""Lambda repairs, shown through boto3: what an alias has of its own, whatever others have."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.aws_fixtures import aws  # noqa: F401
from tests.integration.lambda_stage import Stage, stage  # noqa: F401


def refused(call: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as error:
        call()
    response = error.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_a_permission_belongs_to_its_alias(stage: Stage) -> None:  # noqa: F811
    stage.create()
    stage.alias()
    source = "arn:aws:execute-api:us-east-1:123456789012:abc/*/*"
    stage.allow(Qualifier="live", SourceArn=source)
    assert stage.policy(Qualifier="live") == [
        {
            "Sid": "api",
            "Effect": "Allow",
            "Principal": {"Service": "apigateway.amazonaws.com"},
            "Action": "lambda:InvokeFunction",
            "Resource": f"arn:aws:lambda:us-east-1:123456789012:function:{stage.name}:live",
            "Condition": {"ArnLike": {"AWS:SourceArn": source}},
        }
    ]
    assert refused(stage.policy) == ("ResourceNotFoundException", 404)
    assert refused(lambda: stage.allow(Qualifier="live")) == ("ResourceConflictException", 409)
    stage.allow()
    assert stage.policy()[0]["Resource"].endswith(f":function:{stage.name}")
    stage.client.remove_permission(FunctionName=stage.name, StatementId="api", Qualifier="live")
    assert refused(lambda: stage.policy(Qualifier="live")) == ("ResourceNotFoundException", 404)
    assert len(stage.policy()) == 1


def test_a_permission_for_an_alias_that_is_not_there_is_refused(stage: Stage) -> None:  # noqa: F811
    stage.create()
    assert refused(lambda: stage.allow(Qualifier="live")) == ("ResourceNotFoundException", 404)


def test_a_new_alias_has_nothing_of_the_old_one_of_its_name(stage: Stage) -> None:  # noqa: F811
    stage.create()
    stage.alias()
    stage.allow(Qualifier="live")
    stage.client.delete_alias(FunctionName=stage.name, Name="live")
    stage.alias()
    assert refused(lambda: stage.policy(Qualifier="live")) == ("ResourceNotFoundException", 404)


def test_failed_events_go_where_the_last_change_says(stage: Stage) -> None:  # noqa: F811
    stage.create()
    stage.alias()
    place = {"FunctionName": stage.name, "Qualifier": "live"}
    queue = "arn:aws:sqs:us-east-1:123456789012:failed"
    stage.client.put_function_event_invoke_config(**place, MaximumRetryAttempts=2)
    stage.client.put_function_event_invoke_config(
        **place, MaximumRetryAttempts=1, DestinationConfig={"OnFailure": {"Destination": queue}}
    )
    stage.client.update_function_event_invoke_config(**place, MaximumEventAgeInSeconds=60)
    found = stage.client.get_function_event_invoke_config(**place)
    assert found["FunctionArn"].endswith(f"{stage.name}:live")
    assert (found["MaximumRetryAttempts"], found["MaximumEventAgeInSeconds"]) == (1, 60)
    assert found["DestinationConfig"]["OnFailure"] == {"Destination": queue}
    latest = {"FunctionName": stage.name}
    missing = ("ResourceNotFoundException", 404)
    assert refused(lambda: stage.client.get_function_event_invoke_config(**latest)) == missing
    stage.client.delete_function_event_invoke_config(**place)
    assert refused(lambda: stage.client.get_function_event_invoke_config(**place)) == missing


def test_warm_capacity_of_an_alias(stage: Stage) -> None:  # noqa: F811
    stage.create()
    stage.alias()
    place = {"FunctionName": stage.name, "Qualifier": "live"}
    client = stage.client
    latest = {"FunctionName": stage.name, "Qualifier": "$LATEST"}
    put = client.put_provisioned_concurrency_config
    assert refused(lambda: put(**latest, ProvisionedConcurrentExecutions=2))[1] == 400
    put(**place, ProvisionedConcurrentExecutions=2)
    found = client.get_provisioned_concurrency_config(**place)
    assert (found["Status"], found["AvailableProvisionedConcurrentExecutions"]) == ("READY", 2)
    (listed,) = client.list_provisioned_concurrency_configs(FunctionName=stage.name)[
        "ProvisionedConcurrencyConfigs"
    ]
    assert listed["FunctionArn"].endswith(f"{stage.name}:live")
    client.delete_provisioned_concurrency_config(**place)
    gone = ("ProvisionedConcurrencyConfigNotFoundException", 404)
    assert refused(lambda: client.get_provisioned_concurrency_config(**place)) == gone


def test_an_address_belongs_to_its_alias(stage: Stage) -> None:  # noqa: F811
    stage.create()
    stage.alias()
    place = {"FunctionName": stage.name, "Qualifier": "live"}
    made = stage.client.create_function_url_config(
        **place, AuthType="AWS_IAM", InvokeMode="RESPONSE_STREAM"
    )
    found = stage.client.get_function_url_config(**place)
    assert found["FunctionUrl"] == made["FunctionUrl"]
    assert found["FunctionUrl"].endswith(".on.aws/")
    assert (found["AuthType"], found["InvokeMode"]) == ("AWS_IAM", "RESPONSE_STREAM")
    whole = {"FunctionName": stage.name}
    assert refused(lambda: stage.client.get_function_url_config(**whole))[1] == 404
    stage.client.delete_function_url_config(**place)
    assert refused(lambda: stage.client.get_function_url_config(**place))[1] == 404
