"""What Terraform would make, made with the SDK in a local AWS of its own, and a gateway for it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import boto3
import requests

from localcloud.applied.gateway import AppliedGateway
from localcloud.config import StackConfig
from localcloud.process import free_ports
from tests.integration import aws_fixtures
from tests.integration.local_gateway import RunningGateway, make_config, running_gateway

NAME = "demo-dev"
DIGEST = "sha256:" + "1" * 64


@dataclass
class World:
    """A local AWS; every method makes one thing in it and returns its name or ARN."""

    config: StackConfig
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = boto3.client(
                service,
                endpoint_url=self.config.aws_url,
                region_name=self.config.region,
                aws_access_key_id=self.config.access_key_id,
                aws_secret_access_key=self.config.secret_access_key,
            )
        return self._clients[service]

    def role(self, name: str, service: str = "lambda", allow: dict[str, str] | None = None) -> str:
        """A role that a service may assume; `allow` maps actions to resources."""
        trust = [
            {
                "Effect": "Allow",
                "Principal": {"Service": f"{service}.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ]
        made = self.client("iam").create_role(
            RoleName=name, AssumeRolePolicyDocument=_document(trust)
        )
        granted = [
            {"Effect": "Allow", "Action": action, "Resource": resource}
            for action, resource in (allow or {}).items()
        ]
        if granted:
            self.client("iam").put_role_policy(
                RoleName=name, PolicyName="inline", PolicyDocument=_document(granted)
            )
        arn: str = made["Role"]["Arn"]
        return arn

    def function(self, key: str, command: str, role: str, **settings: Any) -> str:
        """A published function with the alias `live`; returns the alias's ARN."""
        name = f"{NAME}-{key}"
        values: dict[str, Any] = {
            "Timeout": 5,
            "MemorySize": 256,
            "Environment": {"Variables": {"TABLE_NAME": "demo-table"}},
            **settings,
        }
        made = self.client("lambda").create_function(
            FunctionName=name,
            PackageType="Image",
            Code={"ImageUri": f"registry.example/demo@{DIGEST}"},
            ImageConfig={"Command": [command]},
            Role=role,
            Publish=True,
            **values,
        )
        alias = self.client("lambda").create_alias(
            FunctionName=name, Name="live", FunctionVersion=made["Version"]
        )
        arn: str = alias["AliasArn"]
        return arn

    def permit(self, alias_arn: str, service: str, source_arn: str, sid: str = "api") -> None:
        function, _, qualifier = alias_arn.rpartition(":")
        self.client("lambda").add_permission(
            FunctionName=function,
            Qualifier=qualifier,
            StatementId=sid,
            Action="lambda:InvokeFunction",
            Principal=f"{service}.amazonaws.com",
            SourceArn=source_arn,
        )

    def forbid(self, alias_arn: str, sid: str = "api") -> None:
        function, _, qualifier = alias_arn.rpartition(":")
        self.client("lambda").remove_permission(
            FunctionName=function, Qualifier=qualifier, StatementId=sid
        )

    def api(self, stage: str = "backend", **settings: Any) -> str:
        made = self.client("apigatewayv2").create_api(Name=NAME, ProtocolType="HTTP", **settings)
        self.client("apigatewayv2").create_stage(ApiId=made["ApiId"], StageName=stage)
        identifier: str = made["ApiId"]
        return identifier

    def route(self, api_id: str, key: str, alias_arn: str, **settings: Any) -> str:
        """A route with an integration of its own; returns the route's id."""
        uri = (
            f"arn:aws:apigateway:{self.config.region}:lambda:path/2015-03-31/functions/"
            f"{alias_arn}/invocations"
        )
        values = {"PayloadFormatVersion": "2.0", "TimeoutInMillis": 10000, **settings}
        gateway = self.client("apigatewayv2")
        integration = gateway.create_integration(
            ApiId=api_id, IntegrationType="AWS_PROXY", IntegrationUri=uri, **values
        )
        route = gateway.create_route(
            ApiId=api_id, RouteKey=key, Target=f"integrations/{integration['IntegrationId']}"
        )
        identifier: str = route["RouteId"]
        return identifier

    def execute_arn(self, api_id: str, path: str = "backend/*") -> str:
        return f"arn:aws:execute-api:{self.config.region}:{self.config.account_id}:{api_id}/{path}"

    def has_code(self, folder: Path, digest: str = DIGEST) -> None:
        """Let a digest stand for the code in a folder."""
        path = self.config.state_dir / "code.json"
        known = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps({**known, digest: str(folder)}))

    def refresh(self) -> None:
        answer = requests.post(f"{self.config.site_url}/_local/applied/refresh", timeout=20)
        assert answer.status_code == 200, answer.text


@contextmanager
def local_aws(folder: Path) -> Iterator[StackConfig]:
    """A local AWS that issues tokens as an applied stack's does."""
    config = make_config(folder, applied=NAME)
    process = aws_fixtures.start(config, folder / "aws.log")
    try:
        yield config
    finally:
        process.terminate()
        process.wait(5)


@contextmanager
def world(config: StackConfig, tmp_path: Path) -> Iterator[World]:
    """That local AWS, emptied, with a site's port and a state folder of this test's own."""
    requests.post(f"{config.aws_url}/_local/reset", timeout=20).raise_for_status()
    # Local AWS calls triggers on the control port that it was started with, so that one stays.
    made = World(replace(config, gateway_port=free_ports(1)[0], state_dir=tmp_path))
    yield made
    for client in made._clients.values():
        client.close()


@contextmanager
def serving(stage: World) -> Iterator[RunningGateway]:
    """The gateway for it, with the small functions of `local_gateway` as the image's code."""
    stage.has_code(stage.config.state_dir)
    with running_gateway(
        stage.config.state_dir, config=stage.config, kind=AppliedGateway
    ) as gateway:
        yield gateway


def _document(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
