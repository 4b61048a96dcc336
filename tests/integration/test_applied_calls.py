"""Cognito, schedules and SDKs call functions of an applied stack only where they are permitted."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests

from localcloud.config import StackConfig
from tests.integration.applied_stage import NAME, World, local_aws, serving, world
from tests.integration.local_gateway import RunningGateway, wait_until

EMAIL, PASSWORD = "ada@example.com", "Correct-horse-7"


@pytest.fixture(scope="module")
def aws_config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackConfig]:
    with local_aws(tmp_path_factory.mktemp("applied")) as config:
        yield config


@pytest.fixture
def stage(aws_config: StackConfig, tmp_path: Path) -> Iterator[World]:
    with world(aws_config, tmp_path) as made:
        made.api()
        yield made


def invoke(stage: World, name: str, event: Any, **options: Any) -> dict[str, Any]:
    """A function invoked by the SDK, on the port where the gateway serves Lambda's Invoke API."""
    client = boto3.client(
        "lambda",
        endpoint_url=stage.config.control_url,
        region_name=stage.config.region,
        aws_access_key_id=stage.config.access_key_id,
        aws_secret_access_key=stage.config.secret_access_key,
    )
    found: dict[str, Any] = client.invoke(FunctionName=name, Payload=json.dumps(event), **options)
    client.close()
    return found


def fire(stage: World, name: str) -> requests.Response:
    url = f"{stage.config.site_url}/_local/applied/schedules/{name}"
    return requests.post(url, timeout=20)


# Cognito


def pool_of(stage: World, trigger: str) -> tuple[str, str]:
    """ARN of a pool whose post-confirmation trigger is the function, and a client of it."""
    cognito = stage.client("cognito-idp")
    pool = cognito.create_user_pool(
        PoolName=NAME,
        UsernameAttributes=["email"],
        AutoVerifiedAttributes=["email"],
        LambdaConfig={"PostConfirmation": trigger},
    )["UserPool"]
    client = cognito.create_user_pool_client(UserPoolId=pool["Id"], ClientName="web")
    return pool["Arn"], client["UserPoolClient"]["ClientId"]


def confirm(stage: World, client_id: str) -> None:
    cognito = stage.client("cognito-idp")
    cognito.sign_up(
        ClientId=client_id,
        Username=EMAIL,
        Password=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": EMAIL}],
    )
    mail = requests.get(f"{stage.config.aws_url}/_local/mail", timeout=10).json()[0]
    cognito.confirm_sign_up(ClientId=client_id, Username=EMAIL, ConfirmationCode=mail["code"])


def test_cognito_calls_its_trigger_when_it_may(stage: World) -> None:
    alias = stage.function("trigger", "demo.handler.trigger", stage.role("trigger-role"))
    pool_arn, client_id = pool_of(stage, alias)
    stage.permit(alias, "cognito-idp", pool_arn, sid="cognito")
    with serving(stage) as gateway:
        confirm(stage, client_id)
        assert any("PostConfirmation_ConfirmSignUp" in line for line in gateway.lines)


@pytest.mark.parametrize("permitted", ["nobody", "another pool", "another service"])
def test_without_its_permission_cognito_confirms_nobody(stage: World, permitted: str) -> None:
    alias = stage.function("trigger", "demo.handler.trigger", stage.role("trigger-role"))
    pool_arn, client_id = pool_of(stage, alias)
    if permitted == "another pool":
        stage.permit(alias, "cognito-idp", f"{pool_arn}x")
    if permitted == "another service":
        stage.permit(alias, "apigateway", pool_arn)
    with serving(stage):
        cognito = stage.client("cognito-idp")
        with pytest.raises(cognito.exceptions.UnexpectedLambdaException, match="not authorized"):
            confirm(stage, client_id)


def test_tokens_name_the_issuer_that_terraform_computes(stage: World) -> None:
    pool_id = stage.client("cognito-idp").create_user_pool(PoolName=NAME)["UserPool"]["Id"]
    found = requests.get(
        f"{stage.config.aws_url}/{pool_id}/.well-known/openid-configuration", timeout=10
    ).json()
    assert found["issuer"] == f"https://cognito-idp.us-east-1.amazonaws.com/{pool_id}"
    keys = requests.get(found["jwks_uri"], timeout=10).json()["keys"]
    assert [key["kty"] for key in keys] == ["RSA"]


# Schedules


def schedule(stage: World, target: str, role: str, **settings: Any) -> None:
    stage.client("scheduler").create_schedule(
        Name="tick",
        ScheduleExpression="rate(15 minutes)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": target, "RoleArn": role, **settings},
    )


def test_a_schedule_calls_its_function_with_its_role(stage: World) -> None:
    alias = stage.function("tick", "demo.handler.behave", stage.role("tick-role"))
    role = stage.role("scheduler-role", "scheduler", {"lambda:InvokeFunction": alias})
    schedule(stage, alias, role, Input=json.dumps({"do": "print", "line": "ticked"}))
    with serving(stage) as gateway:
        assert fire(stage, "tick").status_code == 202
        wait_until(lambda: any(line.endswith("| ticked") for line in gateway.lines))
        assert fire(stage, "tock").status_code == 404


def test_a_schedule_without_an_input_sends_the_event_of_its_service(stage: World) -> None:
    alias = stage.function("tick", "demo.handler.trigger", stage.role("tick-role"))
    role = stage.role("scheduler-role", "scheduler", {"lambda:InvokeFunction": alias})
    schedule(stage, alias, role)
    with serving(stage) as gateway:
        fire(stage, "tick")
        wait_until(lambda: any('"aws.scheduler"' in line for line in gateway.lines))


@pytest.mark.parametrize(
    ("service", "allowed", "reason"),
    [
        ("scheduler", {}, "no identity-based policy"),
        ("scheduler", {"lambda:InvokeFunction": "{function}"}, "no identity-based policy"),
        ("events", {"lambda:InvokeFunction": "{alias}"}, "trust policy"),
    ],
)
def test_a_schedule_whose_role_may_not_call_is_refused(
    stage: World, service: str, allowed: dict[str, str], reason: str
) -> None:
    alias = stage.function("tick", "demo.handler.behave", stage.role("tick-role"))
    names = {"alias": alias, "function": alias.rpartition(":")[0]}
    granted = {action: resource.format(**names) for action, resource in allowed.items()}
    schedule(stage, alias, stage.role("scheduler-role", service, granted))
    with serving(stage):
        refused = fire(stage, "tick")
    assert refused.status_code == 403
    assert reason in refused.json()["message"]


@pytest.mark.parametrize("permitted", [True, False])
def test_a_rule_calls_its_function_when_the_functions_policy_admits_it(
    stage: World, permitted: bool
) -> None:
    alias = stage.function("tick", "demo.handler.behave", stage.role("tick-role"))
    events = stage.client("events")
    rule = events.put_rule(Name="tick", ScheduleExpression="rate(1 hour)")["RuleArn"]
    payload = json.dumps({"do": "print", "line": "ticked"})
    events.put_targets(Rule="tick", Targets=[{"Id": "1", "Arn": alias, "Input": payload}])
    if permitted:
        stage.permit(alias, "events", rule)
    with serving(stage) as gateway:
        assert fire(stage, "tick").status_code == (202 if permitted else 403)
        if permitted:
            wait_until(lambda: any(line.endswith("| ticked") for line in gateway.lines))


# Asynchronous calls


def failing(stage: World, **allow: str) -> tuple[str, str]:
    """A function that keeps failed calls in a queue, and the queue's address."""
    sqs = stage.client("sqs")
    url = sqs.create_queue(QueueName="failed")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    granted = {action.replace("_", ":"): queue["QueueArn"] for action in allow}
    role = stage.role("failing-role", allow=granted)
    alias = stage.function("failing", "demo.handler.behave", role)
    stage.client("lambda").put_function_event_invoke_config(
        FunctionName=alias.split(":")[6],
        Qualifier="live",
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": queue["QueueArn"]}},
    )
    return alias, url


def test_a_call_that_keeps_failing_is_kept_in_the_queue(stage: World) -> None:
    alias, url = failing(stage, sqs_SendMessage="yes")
    event = {"do": "raise", "message": "boom"}
    with serving(stage) as gateway:
        answer = invoke(stage, alias, event, InvocationType="Event")
        assert answer["StatusCode"] == 202
        record = json.loads(received(stage, url, gateway)[0]["Body"])
    assert record["requestPayload"] == event
    assert record["requestContext"]["functionArn"] == alias
    assert record["requestContext"]["approximateInvokeCount"] == 2
    assert record["responsePayload"]["errorMessage"] == "boom"
    assert record["responseContext"]["functionError"] == "Unhandled"


def test_a_role_that_may_not_write_to_the_queue_loses_the_call(stage: World) -> None:
    alias, url = failing(stage)
    with serving(stage) as gateway:
        invoke(stage, alias, {"do": "raise", "message": "boom"}, InvocationType="Event")
        wait_until(lambda: any("could not be kept" in line for line in gateway.lines))
        assert any("sqs:sendmessage" in line.lower() for line in gateway.lines)
    assert stage.client("sqs").receive_message(QueueUrl=url).get("Messages", []) == []


def received(stage: World, url: str, gateway: RunningGateway) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def arrived() -> bool:
        found.extend(stage.client("sqs").receive_message(QueueUrl=url).get("Messages", []))
        return bool(found)

    wait_until(arrived)
    return found


# SDKs


def test_a_function_is_invoked_by_name_alias_or_arn(stage: World) -> None:
    alias = stage.function("describe", "demo.handler.describe", stage.role("describe-role"))
    function = alias.rpartition(":")[0]
    with serving(stage):
        by_name = invoke(stage, f"{NAME}-describe", {})
        by_alias = invoke(stage, f"{NAME}-describe", {}, Qualifier="live")
        by_arn = invoke(stage, alias, {})
        found = [json.load(answer["Payload"])["arn"] for answer in (by_name, by_alias, by_arn)]
    assert found == [function, alias, alias]
