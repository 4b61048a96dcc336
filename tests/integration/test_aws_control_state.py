"""What Terraform stands on: repairs that fit, the state's lock, a list of what exists."""

import importlib
import json
import pkgutil
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from localcloud.aws import control
from localcloud.aws.provision import Provisioned
from localcloud.config import StackConfig
from tests.integration.aws_fixtures import LocalAws, aws, free_port, start  # noqa: F401

ROLE = "arn:aws:iam::123456789012:role/r"
READS = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
}
TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
RULE = {"Version": "2012-10-17", "Statement": [{**TRUST, "Action": "sts:AssumeRole"}]}


def test_every_repair_fits_the_installed_moto() -> None:
    """A repair refuses to be loaded when moto is not as it was; here that is seen at once."""
    found = pkgutil.walk_packages(control.__path__, f"{control.__name__}.")
    names = [module.name for module in found]
    assert len(names) > 5
    for name in names:
        importlib.import_module(name)


# The lock


def test_of_many_who_lock_the_state_one_wins(aws: LocalAws) -> None:  # noqa: F811
    """`use_lockfile` is a conditional write: PutObject with If-None-Match."""
    habitual = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    s3 = aws.client("s3", **habitual, config=Config(max_pool_connections=20))
    bucket = f"state-{uuid4().hex}"
    s3.create_bucket(Bucket=bucket)
    lock: dict[str, Any] = {"Bucket": bucket, "Key": "dev/app.tfstate.tflock"}

    def take(who: int) -> str:
        try:
            s3.put_object(**lock, Body=str(who), IfNoneMatch="*")
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return str(who)

    with ThreadPoolExecutor(16) as pool:
        for _ in range(5):
            answers = list(pool.map(take, range(16)))
            (winner,) = [answer for answer in answers if answer != "PreconditionFailed"]
            assert s3.get_object(**lock)["Body"].read() == winner.encode()
            s3.delete_object(**lock)
    stranger = aws.client("s3", **{**habitual, "aws_secret_access_key": "guessed"})
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        stranger.put_object(**lock, Body=b"x", IfNoneMatch="*")
    s3.delete_bucket(Bucket=bucket)


# What exists


def resources(config: StackConfig) -> dict[str, Any]:
    with urllib.request.urlopen(f"{config.aws_url}/_local/resources", timeout=5) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[LocalAws]:
    """A local AWS of its own, in which nothing is provisioned."""
    config = StackConfig(*[free_port() for _ in range(5)], state_dir=tmp_path, frontend_url=None)
    process = start(config, tmp_path / "aws.log")
    yield LocalAws(config, Provisioned("", "", ""), tmp_path / "aws.log")
    process.terminate()
    process.wait(5)


def test_the_list_of_resources_names_all_and_ends_empty(empty: LocalAws) -> None:
    assert resources(empty.config) == {"count": 0, "resources": {}}
    look_at_what_aws_provides(empty)
    made = Made(empty)
    found = resources(empty.config)
    assert found["resources"] == made.expected
    assert found["count"] == sum(map(len, made.expected.values()))
    made.delete()
    assert resources(empty.config) == {"count": 0, "resources": {}}
    delete_in_a_versioned_bucket(empty.client("s3"))
    assert resources(empty.config)["resources"] == {"s3/buckets": ["versioned"]}
    reset = urllib.request.Request(f"{empty.config.aws_url}/_local/reset", method="POST")
    urllib.request.urlopen(reset, timeout=5).close()
    assert resources(empty.config) == {"count": 0, "resources": {}}
    assert empty.logged() == ""


def look_at_what_aws_provides(aws: LocalAws) -> None:  # noqa: F811
    """Its own keys, policies, buses and groups are no resources of anybody."""
    assert aws.client("kms").describe_key(KeyId="alias/aws/ssm")
    assert aws.client("iam").list_policies(Scope="AWS")["Policies"]
    assert aws.client("events").list_event_buses()["EventBuses"]
    assert aws.client("scheduler").list_schedule_groups()["ScheduleGroups"]


def delete_in_a_versioned_bucket(s3: Any) -> None:
    s3.create_bucket(Bucket="versioned")
    s3.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="versioned", Key="k", Body=b"x")
    s3.delete_object(Bucket="versioned", Key="k")


class Made:
    """One resource of each kind that lies differently in moto; `expected` is how it is listed."""

    def __init__(self, aws: LocalAws) -> None:  # noqa: F811
        self.expected: dict[str, list[str]] = {}
        self._deletions: list[Callable[[], Any]] = []
        self._function(aws.client("iam"), aws.client("lambda"))
        self._api(aws.client("apigatewayv2"))
        self._pool(aws.client("cognito-idp"))
        self._secrets(aws.client("kms"), aws.client("ssm"), aws.client("secretsmanager"))
        self._schedules(aws.client("scheduler"), aws.client("events"))
        self._watch(aws.client("logs"), aws.client("budgets"))
        self._store(aws.client("s3"), aws.client("ecr"))

    def delete(self) -> None:
        for delete in reversed(self._deletions):
            delete()

    def _add(self, kind: str, name: str, delete: Any = None, **arguments: Any) -> None:
        self.expected.setdefault(kind, []).append(name)
        if delete:
            self._deletions.append(lambda: delete(**arguments))

    def _function(self, iam: Any, client: Any) -> None:
        role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(RULE))["Role"]
        self._add("iam/roles", "r", iam.delete_role, RoleName="r")
        inline = {"RoleName": "r", "PolicyName": "p"}
        iam.put_role_policy(**inline, PolicyDocument=json.dumps(READS))
        self._add("iam/role_policies", "r/p", iam.delete_role_policy, **inline)
        code = {"ImageUri": f"registry.example/users@sha256:{'1' * 64}"}
        client.create_function(
            FunctionName="f", Role=role["Arn"], PackageType="Image", Code=code, Publish=True
        )
        self._add("lambda/functions", "f", client.delete_function, FunctionName="f")
        self._add("lambda/versions", "f:1")
        client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
        self._add("lambda/aliases", "f:live")
        client.add_permission(
            FunctionName="f",
            Qualifier="live",
            StatementId="s",
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
        )
        self._add("lambda/permissions", "f:live/s")

    def _api(self, client: Any) -> None:
        api = client.create_api(Name="a", ProtocolType="HTTP")["ApiId"]
        self._add("apigatewayv2/apis", api, client.delete_api, ApiId=api)
        client.create_stage(ApiId=api, StageName="backend")
        self._add("apigatewayv2/stages", f"{api}/backend")

    def _pool(self, client: Any) -> None:
        pool = client.create_user_pool(PoolName="p")["UserPool"]["Id"]
        self._add("cognito-idp/user_pools", pool, client.delete_user_pool, UserPoolId=pool)
        answer = client.create_user_pool_client(UserPoolId=pool, ClientName="c")
        self._add("cognito-idp/clients", f"{pool}/{answer['UserPoolClient']['ClientId']}")

    def _secrets(self, kms: Any, ssm: Any, secrets: Any) -> None:
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        deletion = {"KeyId": key, "PendingWindowInDays": 7}
        self._add("kms/keys", key, kms.schedule_key_deletion, **deletion)
        kms.create_alias(AliasName="alias/k", TargetKeyId=key)
        self._add("kms/aliases", "alias/k", kms.delete_alias, AliasName="alias/k")
        ssm.put_parameter(Name="/p/q", Value="v", Type="SecureString")
        self._add("ssm/parameters", "/p/q", ssm.delete_parameter, Name="/p/q")
        secrets.create_secret(Name="s", SecretString="v")
        self._add("secretsmanager/secrets", "s", secrets.delete_secret, SecretId="s")

    def _schedules(self, scheduler: Any, events: Any) -> None:
        target = {"Arn": "arn:aws:lambda:us-east-1:123456789012:function:f", "RoleArn": ROLE}
        scheduler.create_schedule(
            Name="s",
            ScheduleExpression="rate(1 hour)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target=target,
        )
        self._add("scheduler/schedules", "default/s", scheduler.delete_schedule, Name="s")
        events.put_rule(Name="r", ScheduleExpression="rate(1 hour)")
        self._add("events/rules", "default/r", events.delete_rule, Name="r")
        events.put_targets(Rule="r", Targets=[{"Id": "t", "Arn": target["Arn"]}])
        self._add("events/targets", "r/t", events.remove_targets, Rule="r", Ids=["t"])

    def _watch(self, logs: Any, budgets: Any) -> None:
        logs.create_log_group(logGroupName="g")
        self._add("logs/groups", "g", logs.delete_log_group, logGroupName="g")
        place = {"logGroupName": "g", "filterName": "f"}
        metric = {"metricName": "m", "metricNamespace": "n", "metricValue": "1"}
        logs.put_metric_filter(**place, filterPattern="x", metricTransformations=[metric])
        self._add("logs/filters", "f", logs.delete_metric_filter, **place)
        account, limit = {"AccountId": "123456789012"}, {"Amount": "1", "Unit": "USD"}
        budget = {"BudgetName": "b", "BudgetType": "COST", "TimeUnit": "MONTHLY"}
        budgets.create_budget(**account, Budget={**budget, "BudgetLimit": limit})
        self._add("budgets/budgets", "b", budgets.delete_budget, **account, BudgetName="b")

    def _store(self, s3: Any, ecr: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        self._add("s3/buckets", "bucket", s3.delete_bucket, Bucket="bucket")
        s3.put_object(Bucket="bucket", Key="k", Body=b"x")
        self._add("s3/objects", "bucket/k", s3.delete_object, Bucket="bucket", Key="k")
        ecr.create_repository(repositoryName="er")
        self._add("ecr/repositories", "er", ecr.delete_repository, repositoryName="er", force=True)
