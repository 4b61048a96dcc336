"""A stage for tests of permissions: roles with policies, and clients with their credentials."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import requests

from tests.integration.aws_fixtures import LocalAws

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def allow(actions: str | list[str], resources: str | list[str], **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def deny(actions: str | list[str], resources: str | list[str], **more: Any) -> dict[str, Any]:
    return {**allow(actions, resources, **more), "Effect": "Deny"}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@dataclass(frozen=True)
class Role:
    """A role, and the session in which a function of it would run."""

    aws: LocalAws
    name: str
    keys: dict[str, str]

    @classmethod
    def made(cls, aws: LocalAws, *statements: dict[str, Any], **options: str) -> "Role":
        """A role with one inline policy, assumed by Lambda."""
        name = f"role-{uuid4().hex[:8]}"
        iam = aws.client("iam")
        created = iam.create_role(
            RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST), **options
        )
        if statements:
            iam.put_role_policy(
                RoleName=name, PolicyName="function", PolicyDocument=document(*statements)
            )
        asked = {
            "role_arn": created["Role"]["Arn"],
            "service": "lambda.amazonaws.com",
            "session_name": "session",
        }
        answer = requests.post(f"{aws.config.aws_url}/_local/assume", json=asked, timeout=5)
        return cls(aws, name, answer.json())

    def replace_policy(self, *statements: dict[str, Any]) -> None:
        self.aws.client("iam").put_role_policy(
            RoleName=self.name, PolicyName="function", PolicyDocument=document(*statements)
        )

    def client(self, service: str, **overrides: Any) -> Any:
        return self.aws.client(service, **{**self.credentials, **overrides})

    @property
    def credentials(self) -> dict[str, str]:
        """As boto3 calls them."""
        return {
            "aws_access_key_id": self.keys["AccessKeyId"],
            "aws_secret_access_key": self.keys["SecretAccessKey"],
            "aws_session_token": self.keys["SessionToken"],
        }

    @property
    def environment(self) -> dict[str, str]:
        """As Lambda gives them to a function."""
        return {name.upper(): value for name, value in self.credentials.items()}

    def calls(self) -> list[tuple[str, str, bool, int]]:
        """What was recorded of it: action, resource, allowed, count."""
        url = f"{self.aws.config.aws_url}/_local/iam/calls"
        return [
            (call["action"], call["resource"], call["allowed"], call["count"])
            for call in requests.get(url, timeout=5).json()["calls"]
            if call["role"] == self.name
        ]


def arn(aws: LocalAws, service: str, resource: str) -> str:
    return f"arn:aws:{service}:{aws.config.region}:{aws.config.account_id}:{resource}"


def table_arn(aws: LocalAws) -> str:
    return arn(aws, "dynamodb", f"table/{aws.config.table_name}")


def leading(*keys: str) -> dict[str, Any]:
    return {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(keys)}}
