"""`POST /stripe/checkout` while DynamoDB fails: one open session, whichever answer is lost."""

import time

import pytest

from billing.checkout import WAIT_SECONDS
from saas.aws_http import ATTEMPTS
from tests.integration.billing_stage import Stage, stage
from tests.integration.breaking import Breaker, breaker

__all__ = ["breaker", "stage"]

LOST = ("throttle", "error_before", "error_after", "disconnect_before", "disconnect_after")
# What a first checkout asks of DynamoDB, in this order.
REQUESTS = 5


@pytest.fixture
def buyer(stage: Stage) -> Stage:
    """Somebody whose session's secret is known already."""
    assert stage.status()["hasActiveSubscription"] is False
    stage.dynamodb_requests.clear()
    return stage


def test_so_many_requests_are_made(buyer: Stage) -> None:
    buyer.session_id()
    assert len(buyer.dynamodb_requests) == REQUESTS


@pytest.mark.parametrize("write", [1, 2])
def test_after_a_write_that_failed_for_good_the_next_call_needs_no_patience(
    buyer: Stage, breaker: Breaker, write: int
) -> None:
    """Binding the customer or storing the session: the lease is given back, its key kept."""
    breaker.arm("throttle", "dynamodb:TransactWriteItems", nth=write, count=ATTEMPTS)
    status, body = buyer.checkout()
    assert (status, body["code"]) == (503, "unavailable")
    assert breaker.struck() == ATTEMPTS
    began = time.monotonic()
    session_id = buyer.session_id()
    assert time.monotonic() - began < WAIT_SECONDS / 2
    assert buyer.open_sessions() == [session_id]
    everything = buyer.stripe.checkout.sessions.list({"customer": buyer.customer_id}).data
    assert [each.id for each in everything] == [session_id]


@pytest.mark.parametrize("kind", LOST)
@pytest.mark.parametrize("nth", range(1, REQUESTS + 1))
def test_one_fault_anywhere_is_not_noticed(
    buyer: Stage, breaker: Breaker, nth: int, kind: str
) -> None:
    breaker.arm(kind, "dynamodb:*", nth=nth)
    began = time.monotonic()
    session_id = buyer.session_id()
    assert time.monotonic() - began < WAIT_SECONDS / 2
    assert breaker.struck() == 1
    assert buyer.open_sessions() == [session_id]
    assert buyer.session_id() == session_id
