"""Rows of older backends: with NULL, absent or odd attributes their people can still do all."""

import uuid
from typing import Any

import pytest

from saas import accounts, aws_http
from saas.attributes import marshal
from saas.aws_http import DYNAMODB
from saas.settings import settings
from tests.integration.billing_stage import Stage, stage
from tests.integration.every_operation import SIGNED, send, session

__all__ = ["stage"]

ATTRIBUTES = ("email", "name", "createdAt", "updatedAt", "cognitoId", "id", "subscriptionStatus")
ATTRIBUTES += ("stripeCustomerId", "preferences", "barred", "checkoutFreshUntil")
SHAPES = [
    *({name: {"NULL": True}} for name in ATTRIBUTES),
    {name: {"NULL": True} for name in ATTRIBUTES},
    {"createdAt": {"N": "1769851800"}, "updatedAt": {"N": "1769851800123"}},
    {"createdAt": {"S": "yesterday"}, "email": {"L": []}, "name": {"M": {}}},
    {"name": {"N": "7"}, "preferences": {"S": "dark"}, "barred": {"BOOL": False}},
    {},
]


def _write(user_id: str, shape: dict[str, Any]) -> None:
    """Past the table's own writer, which leaves out what is None."""
    item = marshal(accounts.new_user(user_id, email="ada@example.com", name="Ada"))
    request = {"TableName": settings().table_name, "Item": item | shape}
    aws_http.client(DYNAMODB).call("PutItem", request)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "-".join(shape) or "plain")
def test_its_owner_reads_changes_and_buys(shape: dict[str, Any], stage: Stage) -> None:
    _write(stage.user_id, shape)
    for operation in SIGNED:
        answer = send(operation, cookies=session(stage.aws, stage.user_id))
        assert answer.status in (200, 403, 409), (str(operation), answer.body)
        assert answer.code in ("", "None", "subscription_required", "no_customer"), answer.body
    stage.buy()
    assert stage.user_item["stripeCustomerId"] == stage.customer_id
    assert stage.status()["hasActiveSubscription"] is True


@pytest.mark.parametrize("mark", ["blocked", "deleted"])
def test_a_tombstone_still_counts(mark: str, stage: Stage) -> None:
    user_id = f"user-{uuid.uuid4().hex}"
    _write(user_id, {"barred": {"S": mark}})
    for operation in SIGNED:
        answer = send(operation, cookies=session(stage.aws, user_id))
        assert (answer.status, answer.code) == (403, "account_disabled")
