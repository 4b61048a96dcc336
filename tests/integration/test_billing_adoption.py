"""Adoption in the function: old rows are not believed, and payers are bound as an operator says."""

import uuid
from typing import Any

import pytest

from billing import reconcile, store
from saas import accounts
from saas.table import Put, Update, table
from tests.factories import LambdaContext
from tests.integration.billing_stage import CARD, Stage, failing, stage

__all__ = ["stage"]


def old_user(user_id: str, **more: Any) -> None:
    """A user's item as the earlier backend wrote it, status as anybody could set it."""
    table().write(
        Put(
            {
                "pk": f"USER#{user_id}",
                "sk": f"USER#{user_id}",
                "gsi1pk": f"EMAIL#{user_id}@example.com",
                "gsi1sk": f"USER#{user_id}",
                "id": user_id,
                "email": f"{user_id}@example.com",
                "name": "Ada",
                "cognitoId": user_id,
                "createdAt": "2025-01-31T09:30:00.000Z",
                "updatedAt": "2025-01-31T09:30:00.000Z",
                "subscriptionStatus": "active",
                **more,
            }
        )
    )


def forged_row(user_id: str) -> None:
    """A subscription that was never bought, as the earlier backend would have stored it."""
    table().write(
        Put(
            {
                "pk": f"USER#{user_id}",
                "sk": f"SUBSCRIPTION#{user_id}",
                "gsi1pk": "STRIPE#sub_forged",
                "gsi1sk": f"SUBSCRIPTION#{user_id}",
                "id": "sub_forged",
                "userId": user_id,
                "stripeSubscriptionId": "sub_forged",
                "stripeCustomerId": "cus_forged",
                "status": "active",
                "stripeStatus": "active",
                "planId": "enterprise",
                "currentPeriodStart": "2025-01-31T09:30:00.000Z",
                "currentPeriodEnd": "2099-01-31T09:30:00.000Z",
                "createdAt": "2025-01-31T09:30:00.000Z",
                "updatedAt": "2025-01-31T09:30:00.000Z",
            }
        )
    )


def old_payer(stage: Stage, **metadata: str) -> tuple[str, str]:
    """Customer and subscription of somebody who paid the earlier backend, as nobody in particular.

    It stamped the session alone, with `anonymous`.
    """
    customer = stage.stripe.customers.create({"email": "ada@example.com", "metadata": metadata})
    [price] = stage.stripe.prices.list({"lookup_keys": ["groundwork_starter_monthly"]}).data
    session = stage.stripe.checkout.sessions.create(
        {
            "mode": "subscription",
            "customer": customer.id,
            "success_url": "https://old.example.com",
            "line_items": [{"price": price.id, "quantity": 1}],
            "metadata": {"userId": "anonymous"},
        }
    )
    assert stage.pay(session.id, CARD) == "complete"
    paid = stage.stripe.checkout.sessions.retrieve(session.id)
    return customer.id, paid.subscription


def adopt(*pairs: tuple[str, str], remaining_ms: int = 300_000) -> list[dict[str, Any]]:
    asked = [{"customerId": customer, "userId": user} for customer, user in pairs]
    answer = reconcile.reconcile({"adopt": asked}, LambdaContext(remaining_ms=remaining_ms))
    results: list[dict[str, Any]] = answer["results"]
    return results


def outcome(customer: str, user: str) -> str:
    [result] = adopt((customer, user))
    assert (result["customerId"], result["userId"]) == (customer, user)
    assert result["active"] is (result["outcome"] == "bound")
    return str(result["outcome"])


def test_a_forged_row_gives_no_access_until_somebody_paid(stage: Stage) -> None:
    old_user(stage.user_id, stripeCustomerId="cus_forged", subscriptionId="sub_forged")
    forged_row(stage.user_id)
    assert stage.status() == {"subscriptionStatus": "inactive", "hasActiveSubscription": False}
    customer, subscription = old_payer(stage)
    assert outcome(customer, stage.user_id) == "bound"
    status = stage.status()
    assert (status["hasActiveSubscription"], status["subscription"]["planId"]) == (True, "starter")
    assert status["subscription"]["stripeSubscriptionId"] == subscription


def test_binding_stamps_customer_and_subscription(stage: Stage) -> None:
    old_user(stage.user_id)
    customer, subscription = old_payer(stage, note="ours to keep")
    assert outcome(customer, stage.user_id) == "bound"
    stamp = {"userId": stage.user_id, "env": "local", "app": "groundwork"}
    assert stage.stripe.subscriptions.retrieve(subscription).metadata.to_dict() == stamp
    kept = stage.stripe.customers.retrieve(customer).metadata.to_dict()
    assert kept == {**stamp, "note": "ours to keep"}
    assert store.bound_user(customer) == stage.user_id == stage.user_item["id"]
    stage.stripe.subscriptions.cancel(subscription)
    [event] = stage.events("customer.subscription.deleted")
    assert stage.deliver(event) == 200
    assert stage.status()["hasActiveSubscription"] is False


def test_it_may_be_repeated(stage: Stage) -> None:
    """A call that was cut off after the binding is completed by the next."""
    old_user(stage.user_id)
    customer, subscription = old_payer(stage)
    stage.before = lambda method, path: (
        failing(503) if (method, path) == ("POST", f"/v1/customers/{customer}") else None
    )
    assert outcome(customer, stage.user_id) == "billing_unavailable"
    assert store.bound_user(customer) == stage.user_id
    stage.before = None
    assert outcome(customer, stage.user_id) == "bound"
    assert outcome(customer, stage.user_id) == "bound"
    stamped = stage.stripe.subscriptions.retrieve(subscription).metadata
    assert stamped["userId"] == stage.user_id


def test_nobody_is_bound_twice(stage: Stage) -> None:
    thief = f"thief-{uuid.uuid4().hex}"
    old_user(stage.user_id)
    old_user(thief)
    customer, _ = old_payer(stage)
    other, _ = old_payer(stage)
    assert outcome(customer, stage.user_id) == "bound"
    assert outcome(customer, thief) == "customer_taken"
    assert outcome(other, stage.user_id) == "user_has_another_customer"
    assert store.bound_user(customer) == stage.user_id
    assert store.bound_user(other) is None
    assert "stripeCustomerId" not in (table().get(accounts.key(thief)) or {})


def test_a_pair_that_makes_no_sense_changes_nothing(stage: Stage) -> None:
    old_user(stage.user_id)
    customer, subscription = old_payer(stage)
    foreign, _ = old_payer(stage, app="groundwork", env="prod")
    bare = stage.stripe.customers.create({}).id
    assert outcome(customer, f"nobody-{uuid.uuid4().hex}") == "unknown_user"
    assert outcome("cus_missing", stage.user_id) == "unknown_customer"
    assert outcome(bare, stage.user_id) == "no_live_subscription"
    assert outcome(foreign, stage.user_id) == "foreign_customer"
    stage.stripe.subscriptions.cancel(subscription)
    assert outcome(customer, stage.user_id) == "no_live_subscription"
    assert "stripeCustomerId" not in stage.user_item
    assert [store.bound_user(each) for each in (customer, foreign, bare)] == [None] * 3


def test_anonymous_is_nobody_even_where_an_item_says_otherwise(stage: Stage) -> None:
    old_user("anonymous")
    customer, _ = old_payer(stage)
    assert outcome(customer, "anonymous") == "unknown_user"


def test_a_disabled_account_is_not_bound(stage: Stage) -> None:
    old_user(stage.user_id, barred="blocked")
    customer, _ = old_payer(stage)
    assert outcome(customer, stage.user_id) == "account_disabled"
    assert store.bound_user(customer) is None


def test_an_item_that_claims_another_id_binds_its_own_user(stage: Stage) -> None:
    """The earlier backend let a body choose the `id` of the item that it wrote."""
    victim = f"victim-{uuid.uuid4().hex}"
    old_user(victim)
    old_user(stage.user_id, id=victim)
    customer, _ = old_payer(stage)
    assert outcome(customer, stage.user_id) == "bound"
    assert store.bound_user(customer) == stage.user_id
    assert "stripeCustomerId" not in (table().get(accounts.key(victim)) or {})


def test_one_refusal_does_not_stop_the_others_and_time_does(stage: Stage) -> None:
    old_user(stage.user_id)
    customer, _ = old_payer(stage)
    results = adopt(("cus_missing", stage.user_id), (customer, stage.user_id))
    assert [each["outcome"] for each in results] == ["unknown_customer", "bound"]
    [late] = adopt((customer, stage.user_id), remaining_ms=20_000)
    assert (late["outcome"], late["active"]) == ("not_tried", False)


def test_a_user_made_barred_meanwhile_is_reported(stage: Stage) -> None:
    old_user(stage.user_id)
    customer, _ = old_payer(stage)

    def bar(method: str, path: str) -> None:
        if (method, path) == ("GET", "/v1/subscriptions"):
            table().write(Update(accounts.key(stage.user_id), set={"barred": "deleted"}))

    stage.after = bar
    assert outcome(customer, stage.user_id) == "account_disabled"


@pytest.mark.parametrize(
    "asked",
    ["cus_1", [1], [{}], [{"customerId": "cus_1"}], [{"customerId": "", "userId": "u"}]],
)
def test_what_is_no_list_of_pairs_is_refused(stage: Stage, asked: Any) -> None:
    with pytest.raises(ValueError, match="pair"):
        reconcile.reconcile({"adopt": asked}, LambdaContext())
