"""Least privilege, by use: what roles may do is compared with what they do."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
import requests

from localcloud.aws.iam.usage import (
    Explanation,
    everything,
    needless,
    refused,
    unexplained,
    ungranted,
    unused,
)
from tests.e2e.customer import CARD_ACCEPTED, eventually
from tests.e2e.journey import Journey
from tests.infra.stack import PREFIX, LocalAccount

RECONCILE = f"{PREFIX}-billing-reconcile"

# Granted, and used by nothing that can be tried here. What is no longer needed has to go.
EXPLAINED = [
    Explanation("logs:*", because="Lambda itself writes a function's log, as the function's role"),
    Explanation(
        "sqs:SendMessage",
        role=f"{PREFIX}-scheduler",
        because="Scheduler keeps a call that Lambda did not take; here Lambda takes them all",
    ),
    Explanation(
        "bedrock:InvokeModel",
        resource="*:us-west-1::foundation-model/*",
        because="a profile of the US hands calls on to us-west-1 when it is called from there",
    ),
    Explanation(
        "dynamodb:PutItem",
        role=RECONCILE,
        resource="partition CUSTOMER#*",
        because="make adopt-stripe binds customers of an earlier backend; see test_adoption.py",
    ),
]


@pytest.fixture(scope="module")
def record(applied: LocalAccount) -> dict[str, Any]:
    """Everything that roles did since there are any, after each function did all that it can.

    The record is not emptied first: functions that run already keep the secrets they have read.
    """
    applied.journey()
    endpoints = applied.endpoints()
    _see_and_change_a_profile(endpoints)
    _ask_every_model(endpoints)
    _lose_a_customer(applied, endpoints)
    _fail_for_good(applied, endpoints)
    url = f"{applied.config.aws_url}/_local/iam/calls"
    found: dict[str, Any] = requests.get(url, timeout=10).json()
    return found


@pytest.fixture(scope="module")
def policies(applied: LocalAccount) -> dict[str, list[dict[str, Any]]]:
    """The policy documents of the environment's roles, as they were applied."""
    iam = applied.client("iam")
    return {
        role["RoleName"]: [*_inline(iam, role["RoleName"]), *_attached(iam, role["RoleName"])]
        for page in iam.get_paginator("list_roles").paginate()
        for role in page["Roles"]
        if role["RoleName"].startswith(f"{PREFIX}-")
    }


def test_nothing_that_functions_need_is_refused(record: dict[str, Any]) -> None:
    assert refused(record["calls"]) == []
    assert record["gaps"] == [], "lib/localcloud/aws/iam does not model this"


def test_every_function_was_put_to_use(record: dict[str, Any], policies: dict[str, Any]) -> None:
    assert {call["role"] for call in record["calls"]} == set(policies)


def test_nothing_was_done_that_is_not_granted(
    record: dict[str, Any], policies: dict[str, Any]
) -> None:
    assert ungranted(record["calls"], policies) == []


def test_what_is_granted_is_used_or_explained(
    record: dict[str, Any], policies: dict[str, Any]
) -> None:
    found = unused(record["calls"], policies)
    left = unexplained(found, EXPLAINED)
    assert left == [], "take it away, use it above, or explain it: " + ", ".join(map(str, left))
    assert needless(found, EXPLAINED) == [], "used meanwhile, or no longer granted"


def test_nothing_is_granted_on_everything(policies: dict[str, Any]) -> None:
    assert everything(policies) == []


# What the journey leaves out


def _visitor(endpoints: dict[str, Any]) -> Journey:
    """Somebody whom the site's own sign-in let in, so that no trigger has made the user."""
    visitor = Journey(endpoints)
    visitor.user_id = str(uuid.uuid4())
    visitor.site.post(
        f"{endpoints['site']}/_local/session",
        json={"sub": visitor.user_id, "email": visitor.email, "name": "Grace"},
        timeout=30,
    ).raise_for_status()
    assert visitor.get("/users/me")["data"]["id"] == visitor.user_id
    return visitor


def _see_and_change_a_profile(endpoints: dict[str, Any]) -> None:
    visitor = _visitor(endpoints)
    changed = requests.patch(
        visitor.url("/users/me"),
        json={"name": "Rear Admiral"},
        headers={"Origin": endpoints["site"]},
        cookies=visitor.cookies(),
        timeout=30,
    )
    assert changed.json()["data"]["name"] == "Rear Admiral", changed.text


def _ask_every_model(endpoints: dict[str, Any]) -> None:
    visitor = _visitor(endpoints)
    opened = visitor.post("/stripe/checkout", {"priceId": "price_professional_monthly"})
    visitor.session_id = opened["data"]["sessionId"]
    assert visitor.card(CARD_ACCEPTED)["status"] == "complete"
    assert visitor.status()["hasActiveSubscription"] is True
    for model in ("fast", "balanced", "best"):
        answer = visitor.post("/ai/generate", {"prompt": "Hello", "model": model})
        assert answer["data"]["model"] == model


def _lose_a_customer(applied: LocalAccount, endpoints: dict[str, Any]) -> None:
    """A customer without a subscription is deleted in Stripe: once the webhook learns of it, and
    once, as if no webhook had, the reconciliation.
    """
    visitor = _visitor(endpoints)
    visitor.open_checkout()
    customer = visitor.customer()
    visitor.stripe.v1.customers.delete(customer)

    def key() -> str:
        events = visitor.stripe.v1.events.list({"limit": 100, "types": ["customer.deleted"]})
        (event,) = [each for each in events.data if each.data.object["id"] == customer]
        return f"EVENT#{event.id}"

    event = key()
    eventually(lambda: bool(visitor.rows(event)), "the webhook did not record the deletion")
    visitor.table.delete_item(Key={"pk": event, "sk": event})
    applied.fire(RECONCILE).raise_for_status()
    eventually(lambda: bool(visitor.rows(event)), "reconcile did not find the deletion")


def _fail_for_good(applied: LocalAccount, endpoints: dict[str, Any]) -> None:
    """A call that nobody waits for fails three times, and is kept in the failure queue."""
    config = applied.config
    functions = boto3.client(
        "lambda",
        endpoint_url=endpoints["lambda"],
        region_name=config.region,
        aws_access_key_id=config.access_key_id,
        aws_secret_access_key=config.secret_access_key,
    )
    payload = json.dumps({"adopt": "nobody"})
    functions.invoke(FunctionName=f"{RECONCILE}:live", InvocationType="Event", Payload=payload)
    functions.close()
    sqs = applied.client("sqs")
    (queue,) = sqs.list_queues(QueueNamePrefix=RECONCILE)["QueueUrls"]

    def kept() -> bool:
        found = sqs.receive_message(QueueUrl=queue).get("Messages", [])
        for message in found:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return any("nobody" in message["Body"] for message in found)

    eventually(kept, "the failed call was not kept")


def _inline(iam: Any, role: str) -> Iterator[dict[str, Any]]:
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        yield iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]


def _attached(iam: Any, role: str) -> Iterator[dict[str, Any]]:
    for policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        arn = policy["PolicyArn"]
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        yield iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
