"""STS and users: who may assume a role, and what sessions, groups and tokens give."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ClientError

from localcloud.aws.iam.callers import Caller
from localcloud.aws.iam.evaluation import Policies
from localcloud.aws.iam.gate import BadKey, Gate
from localcloud.aws.iam.refusals import Kind
from tests.integration.aws_fixtures import LocalAws
from tests.integration.iam_stage import Role, allow


def code(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return str(refused.value.response["Error"]["Code"])


def trusted(aws: LocalAws, principal: dict[str, str], **more: Any) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}
    created = aws.client("iam").create_role(
        RoleName=f"role-{uuid4().hex[:8]}",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    return str(created["Role"]["Arn"])


def test_sts_looks_at_the_trust_policy(aws: LocalAws) -> None:
    account = aws.config.account_id
    assume = aws.client("sts").assume_role
    ours = trusted(aws, {"AWS": f"arn:aws:iam::{account}:root"})
    assert assume(RoleArn=ours, RoleSessionName="session")["AssumedRoleUser"]["Arn"].endswith(
        "/session"
    )
    theirs = trusted(aws, {"AWS": "arn:aws:iam::210987654321:root"})
    external = {"StringEquals": {"sts:ExternalId": "secret"}}
    guarded = trusted(aws, {"AWS": account}, Condition=external)
    nobody = f"arn:aws:iam::{account}:role/nobody"
    for refused in (theirs, guarded, nobody):
        assert code(assume, RoleArn=refused, RoleSessionName="session") == "AccessDenied"
    assume(RoleArn=guarded, RoleSessionName="session", ExternalId="secret")


def test_a_role_assumes_another_with_both_sides_agreeing(aws: LocalAws) -> None:
    target = trusted(aws, {"AWS": aws.config.account_id})
    role = Role.made(aws, allow("sts:AssumeRole", target))
    role.client("sts").assume_role(RoleArn=target, RoleSessionName="session")
    role.replace_policy(allow("sts:AssumeRole", f"{target}-other"))
    assert code(role.client("sts").assume_role, RoleArn=target, RoleSessionName="session") == (
        "AccessDenied"
    )


def test_a_session_policy_narrows_the_session(aws: LocalAws) -> None:
    target = trusted(aws, {"AWS": aws.config.account_id})
    name = target.rpartition("/")[2]
    statements = [allow("dynamodb:*", "*")]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    aws.client("iam").put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy)
    narrow = {"Version": "2012-10-17", "Statement": [allow("dynamodb:ListTables", "*")]}
    assume = aws.client("sts").assume_role
    given = assume(RoleArn=target, RoleSessionName="session", Policy=json.dumps(narrow))[
        "Credentials"
    ]
    session = Role(aws, name, given).client("dynamodb")
    session.list_tables()
    assert code(session.describe_table, TableName="t") == "AccessDeniedException"
    broken = {"RoleArn": target, "RoleSessionName": "session", "Policy": "{}"}
    assert code(assume, **broken) == "MalformedPolicyDocument"


@pytest.mark.parametrize(
    ("sub", "allowed"),
    [
        ("repo:acme/groundwork:environment:prod", True),
        ("repo:acme/groundwork:environment:dev", False),
        ("repo:evil/groundwork:environment:prod", False),
    ],
)
def test_a_pipeline_s_token_is_compared_with_the_trust_policy(
    aws: LocalAws, sub: str, allowed: bool
) -> None:
    issuer = "token.actions.githubusercontent.com"
    wanted = {f"{issuer}:aud": "sts.amazonaws.com"}
    wanted[f"{issuer}:sub"] = "repo:acme/groundwork:environment:prod"
    target = trusted(
        aws,
        {"Federated": f"arn:aws:iam::{aws.config.account_id}:oidc-provider/{issuer}"},
        Action="sts:AssumeRoleWithWebIdentity",
        Condition={"StringEquals": wanted},
    )
    claims = {"iss": f"https://{issuer}", "aud": "sts.amazonaws.com", "sub": sub}
    token = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "RS256"}, claims, {})
    )
    assume = aws.client("sts").assume_role_with_web_identity
    given = {"RoleArn": target, "RoleSessionName": "ci", "WebIdentityToken": token}
    if allowed:
        assert assume(**given)["Credentials"]["AccessKeyId"].startswith("ASIA")
    else:
        assert code(assume, **given) == "AccessDenied"


def test_a_user_has_the_policies_of_the_groups_as_well(aws: LocalAws) -> None:
    iam, name = aws.client("iam"), f"user-{uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name="us-east-1")
    look = session.client("dynamodb", endpoint_url=aws.config.aws_url).list_tables
    assert code(look) == "AccessDeniedException"
    iam.create_group(GroupName=name)
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow("dynamodb:List*", "*")]})
    iam.put_group_policy(GroupName=name, PolicyName="p", PolicyDocument=policy)
    iam.add_user_to_group(GroupName=name, UserName=name)
    look()


def test_a_session_ends() -> None:
    now, gate = datetime.now(UTC), Gate("AKIAGROUNDWORKLOCAL0")

    def identified(expires: datetime, token: str) -> Caller | Kind | None:
        caller = Caller("r", "a", "a", "1", Policies(()), "token", expires)
        with patch.object(gate.callers, "find", lambda _key: caller):
            try:
                return gate.identified("ASIA0", token)
            except BadKey as error:
                return error.kind

    assert identified(now, "token") is Kind.EXPIRED
    assert identified(now, "other") is Kind.INVALID
    found = identified(now + timedelta(minutes=1), "token")
    assert isinstance(found, Caller)


def test_a_key_that_was_made_here_and_forgotten_is_no_administrator_s(aws: LocalAws) -> None:
    iam, name = aws.client("iam"), f"user-{uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
    iam.delete_access_key(UserName=name, AccessKeyId=key)
    session = f"ASIA{Role.made(aws).keys['AccessKeyId'][4:12]}AAAAAAAA"
    for forgotten in (key, session):
        look = aws.client("dynamodb", aws_access_key_id=forgotten).list_tables
        assert code(look) == "UnrecognizedClientException"
    aws.client("dynamodb", aws_access_key_id="ASIASOMEBODYELSE0000").list_tables()
