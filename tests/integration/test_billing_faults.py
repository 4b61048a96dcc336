"""Billing under faults that local Stripe has on purpose: one checkout, one truth in the end."""

from collections.abc import Iterator
from typing import Any

import pytest

from billing import customers, reconcile, store
from billing.stripe_errors import StripeUnavailable
from saas import accounts
from saas.table import table
from tests.factories import LambdaContext
from tests.integration.billing_stage import STARTER, Stage, stage
from tests.integration.convergence_faults import WEBHOOK_FAULTS
from tests.integration.stripe_fixtures import until
from tests.integration.webhook_wire import Wire, local, wire

__all__ = ["stage", "wire"]
CUSTOMER, SESSION = "POST /v1/customers", "POST /v1/checkout/sessions"
SETTLED = {"succeeded", "failed"}
REFUSALS = ("throttle", "error_before", "disconnect_after")


def arm(stage: Stage, kind: str, **settings: Any) -> None:
    local(stage, "/_local/faults", {"kind": kind, **settings})


@pytest.fixture(autouse=True)
def harmless(stage: Stage) -> Iterator[None]:
    yield
    local(stage, "/_local/faults", method="DELETE")


def stamped(stage: Stage) -> list[str]:
    """Everything at Stripe that says it is our user."""
    everyone = stage.stripe.customers.list({"limit": 100}).auto_paging_iter()
    stamps = [(each.id, each.metadata.to_dict()) for each in everyone]
    return [number for number, stamp in stamps if stamp.get("userId") == stage.user_id]


@pytest.mark.parametrize("call", [CUSTOMER, SESSION])
@pytest.mark.parametrize(
    "kind", ["disconnect_before", "disconnect_after", "lock_timeout", "unavailable"]
)
def test_a_checkout_survives_what_may_be_repeated(stage: Stage, kind: str, call: str) -> None:
    arm(stage, kind, on=call, count=2)
    status, body = stage.checkout()
    assert status == 200, body
    assert local(stage, "/_local/faults")["spent"][0]["struck"] == 2
    assert stamped(stage) == [stage.customer_id]
    assert stage.open_sessions() == [body["data"]["sessionId"]]


@pytest.mark.parametrize("kind", ["throttle", "error_before", "error_after"])
def test_a_checkout_that_may_not_be_repeated_succeeds_when_asked_again(
    stage: Stage, kind: str
) -> None:
    """After an error that follows the write there are two sessions: the lost one is expired."""
    arm(stage, kind, on=SESSION)
    status, body = stage.checkout()
    assert (status, body["code"]) == (503, "billing_unavailable")
    status, body = stage.checkout()
    assert status == 200, body
    assert stamped(stage) == [stage.customer_id]
    assert stage.open_sessions() == [body["data"]["sessionId"]]
    everything = stage.stripe.checkout.sessions.list({"customer": stage.customer_id}).data
    lost = ["expired"] if kind == "error_after" else []
    assert sorted(each.status for each in everything) == [*lost, "open"]


def test_a_customer_whose_answer_was_lost_to_a_500_is_made_anew(stage: Stage) -> None:
    """Its key answers 500 for a day, and nothing tells which customer it was."""
    arm(stage, "error_after", on=CUSTOMER)
    assert stage.checkout()[0] == 503
    assert stage.user_item["customerGeneration"] == 1
    assert stage.pay(stage.session_id()) == "complete"
    assert stage.status()["hasActiveSubscription"] is True
    assert stage.customer_id in stamped(stage)
    assert len(stamped(stage)) == 2


def test_callers_that_share_a_spent_key_move_on_once(stage: Stage) -> None:
    arm(stage, "error_before", on=CUSTOMER)
    with pytest.raises(StripeUnavailable):
        customers.ensure(accounts.ensure(stage.identity(), None))
    for _ in range(2):
        store.next_generation(stage.user_id, 0)
    assert stage.user_item["customerGeneration"] == 1
    store.next_generation(stage.user_id, 1)
    assert stage.user_item["customerGeneration"] == 2
    store.next_generation("nobody", 0)
    assert table().get(accounts.key("nobody")) is None


def attempts(stage: Stage, wire: Wire) -> list[dict[str, Any]]:
    """All attempts at telling us of this user, once each of its events has come to its end."""

    def deliveries() -> list[dict[str, Any]]:
        events = local(stage, f"/_local/events?customer={stage.customer_id}")
        mine = [each for event in events for each in event["deliveries"]]
        found = [each for each in mine if each["endpoint"] == wire.id]
        return found if {each["state"] for each in found} <= SETTLED else []

    found: list[dict[str, Any]] = until(deliveries, 20)
    return [attempt for each in found for attempt in each["attempts"]]


@pytest.mark.parametrize(
    "fault", WEBHOOK_FAULTS, ids=lambda fault: "_".join(map(str, fault.values()))
)
def test_every_fault_of_webhooks_ends_in_the_same_state(
    stage: Stage, wire: Wire, fault: dict[str, Any]
) -> None:
    """Paid, then cancelled; what never arrived is found by reconcile."""
    arm(stage, part="webhooks", count=None, **fault)
    assert stage.pay(stage.session_id()) == "complete"
    first = attempts(stage, wire)
    assert fault["kind"] in {attempt["fault"] for attempt in first}
    settle(stage, fault)
    bought = stage.entitlement
    assert bought
    assert (bought.stripe_status, bought.plan_id) == ("active", "starter")
    assert stage.user_item["subscriptionStatus"] == "active"

    stage.stripe.subscriptions.cancel(bought.stripe_subscription_id)
    assert len(attempts(stage, wire)) > len(first)
    settle(stage, fault)
    ended = stage.entitlement
    assert ended
    assert (ended.stripe_status, ended.plan_id) == ("canceled", "starter")
    assert stage.user_item["subscriptionStatus"] == "cancelled"
    assert stage.session_id(STARTER)  # and may buy again
    refused = 400 in wire.statuses
    assert refused == (fault["kind"] in ("corrupt_signature", "old_timestamp"))
    assert 500 not in wire.statuses


@pytest.mark.parametrize("seed", [1, 2])
def test_faults_of_both_sides_at_once_end_in_the_same_state(
    stage: Stage, wire: Wire, seed: int
) -> None:
    """Stripe refuses to be asked while its events come twice, late, in disorder and spoilt."""
    session = stage.session_id()
    for number, fault in enumerate(each for each in WEBHOOK_FAULTS if each["kind"] != "drop"):
        chance = {"count": None, "probability": 0.3, "seed": 10 * seed + number}
        arm(stage, part="webhooks", **fault, **chance)
    for kind in REFUSALS:
        arm(stage, kind, on="GET /v1/subscriptions", count=2)
    assert stage.pay(session) == "complete"
    told = attempts(stage, wire)
    assert len({attempt["fault"] for attempt in told} - {None}) > 1
    spent = local(stage, "/_local/faults")["spent"][: len(REFUSALS)]
    assert {each["kind"] for each in spent} == set(REFUSALS)
    bought = stage.entitlement
    assert bought
    assert bought.stripe_status == "active"
    stage.stripe.subscriptions.cancel(bought.stripe_subscription_id)
    attempts(stage, wire)
    assert stage.entitlement
    assert stage.entitlement.stripe_status == "canceled"
    assert stage.user_item["subscriptionStatus"] == "cancelled"


def settle(stage: Stage, fault: dict[str, Any]) -> None:
    """Let reconcile find what was lost for good; anything else needs none."""
    if fault["kind"] == "drop":
        reconcile.reconcile({}, LambdaContext(remaining_ms=300_000))
