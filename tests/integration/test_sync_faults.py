"""The way to access while DynamoDB fails: status, webhook and portal, whichever answer is lost."""

from typing import Any

import pytest

from tests.integration.billing_stage import Stage, stage
from tests.integration.breaking import Breaker, breaker

__all__ = ["breaker", "stage"]

LOST = ("throttle", "error_before", "error_after", "disconnect_before", "disconnect_after")
# What each asks of DynamoDB.
LOOK, WEBHOOK = 5, 3


@pytest.fixture
def paid(stage: Stage) -> Stage:
    """Somebody who has paid, of which nothing here knows yet."""
    assert stage.pay(stage.session_id()) == "complete"
    return stage


def test_so_many_requests_are_made_by_a_look(paid: Stage) -> None:
    paid.dynamodb_requests.clear()
    assert paid.status()["hasActiveSubscription"] is True
    assert len(paid.dynamodb_requests) == LOOK


def test_so_many_requests_are_made_by_a_webhook(paid: Stage) -> None:
    event: Any = paid.events("customer.subscription.created")[-1]
    paid.dynamodb_requests.clear()
    assert paid.deliver(event) == 200
    assert len(paid.dynamodb_requests) == WEBHOOK


@pytest.mark.parametrize("kind", LOST)
@pytest.mark.parametrize("nth", range(1, LOOK + 1))
def test_the_first_look_after_paying_opens_the_gate(
    paid: Stage, breaker: Breaker, nth: int, kind: str
) -> None:
    breaker.arm(kind, "dynamodb:*", nth=nth)
    assert paid.status()["hasActiveSubscription"] is True
    assert breaker.struck() == 1
    breaker.disarm()
    assert paid.entitlement is not None
    assert paid.entitlement.stripe_status == "active"


@pytest.mark.parametrize("kind", LOST)
@pytest.mark.parametrize("nth", range(1, WEBHOOK + 1))
def test_a_webhook_is_taken_and_recorded(
    paid: Stage, breaker: Breaker, nth: int, kind: str
) -> None:
    event: Any = paid.events("customer.subscription.created")[-1]
    breaker.arm(kind, "dynamodb:*", nth=nth)
    assert paid.deliver(event) == 200
    assert breaker.struck() == 1
    breaker.disarm()
    assert paid.recorded(event) is not None
    assert paid.entitlement is not None
    assert paid.entitlement.stripe_status == "active"
    assert paid.deliver(event) == 200


@pytest.mark.parametrize("kind", ["throttle", "error_after"])
def test_a_webhook_that_cannot_be_stored_is_refused_and_taken_later(
    paid: Stage, breaker: Breaker, kind: str
) -> None:
    event: Any = paid.events("customer.subscription.created")[-1]
    breaker.arm(kind, "dynamodb:*", count=None)
    assert paid.deliver(event) == 503
    breaker.disarm()
    assert paid.deliver(event) == 200
    assert paid.recorded(event) is not None
