"""One Lambda function of a test, deployed as Terraform's provider deploys it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from tests.integration.aws_fixtures import LocalAws, aws  # noqa: F401

FIRST, SECOND = (f"sha256:{character * 64}" for character in "12")


@dataclass(frozen=True)
class Stage:
    """One function of its own name, version 1 of which the alias `live` leads to."""

    aws: LocalAws
    client: Any
    name: str
    role: str

    @property
    def repository(self) -> str:
        config = self.aws.config
        return f"{config.account_id}.dkr.ecr.{config.region}.amazonaws.com/{self.name}/users"

    def create(self, digest: str = FIRST, **settings: Any) -> Any:
        return self.client.create_function(
            FunctionName=self.name,
            Role=self.role,
            PackageType="Image",
            Code={"ImageUri": f"{self.repository}@{digest}"},
            ImageConfig={"Command": ["users.handler.api"]},
            **{"Publish": True, "Timeout": 10, "Environment": {"Variables": {"A": "1"}}} | settings,
        )

    def alias(self, version: str = "1") -> None:
        self.client.create_alias(FunctionName=self.name, Name="live", FunctionVersion=version)

    def get(self, qualifier: str) -> Any:
        return self.client.get_function(FunctionName=self.name, Qualifier=qualifier)

    def deploy(self, digest: str, **settings: Any) -> str:
        """What the provider does: configuration, code, version."""
        if settings:
            self.client.update_function_configuration(FunctionName=self.name, **settings)
        uri = f"{self.repository}@{digest}"
        self.client.update_function_code(FunctionName=self.name, ImageUri=uri)
        version: str = self.client.publish_version(FunctionName=self.name)["Version"]
        return version

    def allow(self, statement: str = "api", **more: Any) -> Any:
        return self.client.add_permission(
            FunctionName=self.name,
            StatementId=statement,
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            **more,
        )

    def policy(self, **qualifier: str) -> list[dict[str, Any]]:
        answer = self.client.get_policy(FunctionName=self.name, **qualifier)
        statements: list[dict[str, Any]] = json.loads(answer["Policy"])["Statement"]
        return statements


@pytest.fixture
def stage(aws: LocalAws) -> Iterator[Stage]:  # noqa: F811
    name, iam, client = f"fn-{uuid4().hex[:12]}", aws.client("iam"), aws.client("lambda")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
    document = {"Version": "2012-10-17", "Statement": [{**trust, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))
    yield Stage(aws, client, name, role["Role"]["Arn"])
    if any(f["FunctionName"] == name for f in client.list_functions()["Functions"]):
        client.delete_function(FunctionName=name)
    iam.delete_role(RoleName=name)
