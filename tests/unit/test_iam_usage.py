"""Policies compared with recorded calls."""

from typing import Any

import pytest

from localcloud.aws.iam.usage import (
    Explanation,
    Grant,
    everything,
    needless,
    refused,
    unexplained,
    ungranted,
    unused,
)

TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/groundwork-dev"
ROLE = "users-api"


def call(action: str, resource: str = TABLE, *keys: str, **more: Any) -> dict[str, Any]:
    plain = {"role": ROLE, "allowed": True, "count": 1}
    return {**plain, "action": action, "resource": resource, "keys": list(keys), **more}


def policy(*statements: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    return {ROLE: [{"Version": "2012-10-17", "Statement": list(statements)}]}


def allow(actions: Any, resources: Any = TABLE, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def test_what_was_refused() -> None:
    calls = [call("s3:GetObject", allowed=False), call("s3:PutObject")]
    assert refused(calls) == [Grant(ROLE, "s3:GetObject", TABLE)]


@pytest.mark.parametrize(
    ("statement", "granted"),
    [
        (allow("dynamodb:GetItem"), True),
        (allow("dynamodb:get*"), True),
        (allow("dynamodb:GetItem", TABLE + "/index/*"), False),
        (allow("dynamodb:PutItem"), False),
        ({**allow("dynamodb:GetItem"), "Effect": "Deny"}, False),
    ],
)
def test_what_was_done_without_a_grant(statement: dict[str, Any], granted: bool) -> None:
    expected = [] if granted else [Grant(ROLE, "dynamodb:GetItem", TABLE)]
    assert ungranted([call("dynamodb:GetItem")], policy(statement)) == expected


def test_another_role_s_policy_grants_nothing() -> None:
    calls = [call("dynamodb:GetItem", role="ai-api")]
    found = ungranted(calls, policy(allow("dynamodb:GetItem")))
    assert found == [Grant("ai-api", "dynamodb:GetItem", TABLE)]


def test_actions_nobody_used() -> None:
    granted = policy(allow(["dynamodb:GetItem", "dynamodb:PutItem"]), allow("s3:*", "arn:aws:s3:*"))
    assert unused([call("dynamodb:getitem")], granted) == [
        Grant(ROLE, "dynamodb:PutItem"),
        Grant(ROLE, "s3:*"),
    ]
    # Tried is not used, and neither is the same action elsewhere or of somebody else.
    others = [
        call("dynamodb:PutItem", allowed=False),
        call("dynamodb:PutItem", TABLE + "/index/GSI1"),
        call("dynamodb:PutItem", role="ai-api"),
    ]
    assert Grant(ROLE, "dynamodb:PutItem") in unused(others, granted)


def test_resources_nobody_used() -> None:
    granted = policy(allow(["dynamodb:Query"], [TABLE, TABLE + "/index/*"]))
    calls = [call("dynamodb:Query")]
    assert unused(calls, granted) == [Grant(ROLE, "dynamodb:Query", TABLE + "/index/*")]
    assert unused([*calls, call("dynamodb:Query", TABLE + "/index/GSI1")], granted) == []


def test_partitions_nobody_used() -> None:
    condition = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["USER#*", "CUSTOMER#*"]}}
    granted = policy(allow("dynamodb:GetItem", Condition=condition))
    found = unused([call("dynamodb:GetItem", TABLE, "USER#1", "USER#2")], granted)
    assert found == [Grant(ROLE, "dynamodb:GetItem", "partition CUSTOMER#*")]
    assert str(found[0]) == "users-api: dynamodb:GetItem on partition CUSTOMER#*"


def test_statements_about_everything() -> None:
    granted = policy(
        allow(["xray:PutTraceSegments", "dynamodb:GetItem"], "*"),
        allow("s3:GetObject", "arn:aws:s3:::bucket/*"),
        {"Effect": "Allow", "Action": "sqs:SendMessage", "NotResource": TABLE},
        {"Effect": "Allow", "NotAction": "iam:*", "Resource": TABLE},
        {**allow("s3:*", "*"), "Effect": "Deny"},
    )
    assert everything(granted) == [
        Grant(ROLE, "dynamodb:GetItem", "*"),
        Grant(ROLE, "iam:*", "*"),
        Grant(ROLE, "sqs:SendMessage", "*"),
    ]


def test_explanations_are_needed_and_enough() -> None:
    grants = [Grant(ROLE, "xray:PutTraceSegments"), Grant(ROLE, "dynamodb:Query", TABLE)]
    traces = Explanation("xray:*", because="X-Ray's daemon sends traces")
    other = Explanation("dynamodb:*", because="", role="ai-*")
    index = Explanation("dynamodb:*", because="", resource="*/index/*")
    assert unexplained(grants, [traces, other, index]) == [grants[1]]
    assert needless(grants, [traces, other, index]) == [other, index]
    assert unexplained(grants, [traces, Explanation("dynamodb:Query", because="")]) == []
