"""Roles are assumed by the services that they trust, and by nobody else."""

import json
from typing import Any
from uuid import uuid4

import boto3
import pytest
import requests

from tests.integration.aws_fixtures import LocalAws


def trust(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def by_service(service: str, **more: Any) -> str:
    return trust(
        {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sts:AssumeRole",
            **more,
        }
    )


def role(aws: LocalAws, document: str, path: str = "/") -> str:
    created = aws.client("iam").create_role(
        RoleName=f"role-{uuid4().hex[:8]}", AssumeRolePolicyDocument=document, Path=path
    )
    return str(created["Role"]["Arn"])


def assume(aws: LocalAws, role_arn: str, **more: str) -> requests.Response:
    asked = {"role_arn": role_arn, "service": "lambda.amazonaws.com", "session_name": "users-api"}
    return requests.post(f"{aws.config.aws_url}/_local/assume", json=asked | more, timeout=5)


def test_a_trusted_service_gets_the_role_s_credentials(aws: LocalAws) -> None:
    arn = role(aws, by_service("lambda.amazonaws.com"), path="/functions/")
    answer = assume(aws, arn)
    assert answer.status_code == 200
    given = answer.json()
    assert set(given) == {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"}
    sts = boto3.Session().client(
        "sts",
        endpoint_url=aws.config.aws_url,
        region_name=aws.config.region,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    name = arn.rpartition("/")[2]
    session = f"arn:aws:sts::{aws.config.account_id}:assumed-role/{name}/users-api"
    assert sts.get_caller_identity()["Arn"] == session


@pytest.mark.parametrize(
    "document",
    [
        by_service("scheduler.amazonaws.com"),
        trust(
            {
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
                "Action": "sts:AssumeRole",
            }
        ),
        by_service("lambda.amazonaws.com", Effect="Deny"),
        by_service("lambda.amazonaws.com", Action="sts:TagSession"),
        by_service("lambda.amazonaws.com").replace(
            '"Statement": [',
            '"Statement": [{"Effect": "Deny", "NotPrincipal": {"Service": "lambda.amazonaws.com"}, '
            '"Action": "sts:AssumeRole"}, ',
        ),
        by_service(
            "lambda.amazonaws.com",
            Condition={"StringEquals": {"aws:SourceAccount": "210987654321"}},
        ),
        by_service("lambda.amazonaws.com", Condition={"DateLessThan": {"aws:CurrentTime": "2099"}}),
    ],
    ids=[
        "another service",
        "an account",
        "a deny",
        "another action",
        "element",
        "condition",
        "unknown",
    ],
)
def test_an_untrusted_service_is_refused(aws: LocalAws, document: str) -> None:
    answer = assume(aws, role(aws, document))
    assert answer.status_code == 403
    assert "the role's trust policy does not allow it" in answer.json()["message"]


def test_conditions_on_the_source_are_checked(aws: LocalAws) -> None:
    function = "arn:aws:lambda:us-east-1:123456789012:function:groundwork-dev-users-api"
    arn = role(
        aws,
        by_service(
            "lambda.amazonaws.com",
            Condition={
                "StringEquals": {"aws:SourceAccount": aws.config.account_id},
                "ArnLike": {"aws:SourceArn": "arn:aws:lambda:*:*:function:groundwork-dev-*"},
            },
        ),
    )
    assert assume(aws, arn, source_arn=function).status_code == 200
    assert assume(aws, arn, source_arn=function.replace("dev", "prod")).status_code == 403
    assert assume(aws, arn).status_code == 403


def test_mistakes_are_answered_in_sentences(aws: LocalAws) -> None:
    nobody = f"arn:aws:iam::{aws.config.account_id}:role/nobody"
    missing = assume(aws, nobody)
    assert (missing.status_code, missing.json()) == (
        404,
        {"message": f"There is no role {nobody}."},
    )
    url = f"{aws.config.aws_url}/_local/assume"
    lacking = requests.post(url, json={"role_arn": nobody}, timeout=5)
    assert lacking.status_code == 400
    assert lacking.json()["message"] == "The body lacks a text 'service'."
    assert requests.post(url, data=b"[", timeout=5).status_code == 400
    from_page = requests.post(url, json={}, headers={"Origin": "http://evil.example"}, timeout=5)
    assert from_page.status_code == 403
