"""Every turn that a subscription can take at Stripe: who gets in, with which plan and quota.

The rules are those of docs/architecture.md, "Who has access". After each step all events are told
to the webhook function, and the table says what Stripe says (`Life.told`).
"""

from typing import Any

import pytest

from tests.integration.billing_stage import PROFESSIONAL, STARTER
from tests.integration.life_stage import DAY, GOOD, HOUR, REFUSED, Life, life, stage

__all__ = ["life", "stage"]
OPEN = (True, "active", "active", "starter")
DUE = (True, "active", "past_due", "starter")
SHUT = (False, "inactive", "past_due", "starter")
ENDED = (False, "cancelled", "cancelled", "starter")
WAITING = (False, "inactive", "incomplete", "starter")
SUBSCRIBED = 409


def test_a_renewals_first_hour_is_the_new_period(life: Life) -> None:
    life.buy()
    old = life.quota
    life.to_renewal(more=60)
    assert life.invoice.status == "draft"
    assert life.shown == OPEN
    assert life.quota == life.period("starter") != old


@pytest.mark.parametrize(
    ("then", "after"), [("cancel", ENDED), ("unpaid", SHUT), ("past_due", DUE)]
)
def test_what_follows_when_a_renewal_is_never_paid(
    life: Life, then: str, after: tuple[Any, ...]
) -> None:
    life.local("/_local/retries", {"days": [3, 5], "then": then})
    life.buy()
    life.renewed_with(REFUSED)
    life.to_renewal(more=2 * HOUR)
    for wait in (3, 4):
        assert life.subscription.status == "past_due"
        assert life.shown == DUE
        assert life.quota == life.period("starter")
        life.pass_time(wait * DAY)
    life.pass_time(2 * DAY)
    assert life.shown == after
    assert (life.quota is None) == (then != "past_due")
    refused = 200 if then == "cancel" else SUBSCRIBED
    assert life.stage.checkout(PROFESSIONAL)[0] == refused


def test_an_unpaid_subscription_comes_back_with_the_newest_invoice(life: Life) -> None:
    life.local("/_local/retries", {"days": [1], "then": "unpaid"})
    life.buy()
    life.renewed_with(REFUSED)
    life.to_renewal(more=2 * DAY)
    assert life.shown == SHUT
    life.stripe.invoices.pay(life.invoice.id, {"payment_method": life.card(GOOD)})
    life.told()
    assert life.shown == OPEN
    assert life.quota == life.period("starter")


def test_a_trial_without_a_card_pauses_and_is_resumed(life: Life) -> None:
    life.sold(
        default_payment_method=None,
        trial_period_days=7,
        trial_settings={"end_behavior": {"missing_payment_method": "pause"}},
    )
    assert life.shown == OPEN
    life.pass_time(7 * DAY + 60)
    assert life.subscription.status == "paused"
    assert life.shown == WAITING
    assert life.quota is None
    assert life.stage.checkout()[0] == SUBSCRIBED
    life.renewed_with(GOOD)
    life.stripe.subscriptions.resume(life.id, {"billing_cycle_anchor": "now"})
    life.told()
    assert life.shown == OPEN
    assert life.quota == life.period("starter")


@pytest.mark.parametrize("behavior", ["void", "keep_as_draft", "mark_uncollectible"])
def test_paused_collection_keeps_access(life: Life, behavior: str) -> None:
    life.buy().change(pause_collection={"behavior": behavior})
    assert life.shown == OPEN
    life.to_renewal(more=2 * HOUR)
    assert life.invoice.status in ("void", "draft", "uncollectible")
    assert life.shown == OPEN
    assert life.quota == life.period("starter")
    life.change(pause_collection="")
    life.to_renewal(more=2 * HOUR)
    assert (life.shown, life.invoice.status) == (OPEN, "paid")


@pytest.mark.parametrize("paid", [True, False])
def test_a_plan_that_waits_for_its_payment_is_not_given_yet(life: Life, paid: bool) -> None:
    life.buy().renewed_with(REFUSED)
    before = life.quota
    life.to(
        life.price("professional"),
        payment_behavior="pending_if_incomplete",
        proration_behavior="always_invoice",
    )
    assert life.subscription.pending_update
    assert life.shown == OPEN
    assert life.quota == before
    if paid:
        life.stripe.invoices.pay(life.invoice.id, {"payment_method": life.card(GOOD)})
        life.told()
        (applied,) = life.stage.events("customer.subscription.pending_update_applied")
        assert life.stage.recorded(applied) == "applied"
    else:
        life.pass_time(24 * HOUR)
    plan = "professional" if paid else "starter"
    assert life.subscription.pending_update is None
    assert life.shown == (True, "active", "active", plan)
    assert life.quota == life.period(plan)


def test_a_first_payment_that_is_missing_gives_nothing_and_lapses(life: Life) -> None:
    life.sold(default_payment_method=None, payment_behavior="default_incomplete")
    assert life.shown == WAITING
    assert life.quota is None
    assert life.stage.checkout()[0] == 200
    life.pass_time(24 * HOUR)
    assert life.subscription.status == "incomplete_expired"
    assert life.shown == ENDED
    assert life.stage.checkout()[0] == 200


@pytest.mark.parametrize("evidence", ["winning_evidence", "losing_evidence"])
def test_a_dispute_leaves_access_to_the_seller(life: Life, evidence: str) -> None:
    life.sold()
    life.stage.stripe.subscriptions.cancel(life.id)
    life.sold(default_payment_method=life.card("pm_card_createDispute"))
    dispute = life.stripe.disputes.list({"limit": 1}).data[0]
    assert life.shown == OPEN
    life.stripe.disputes.update(dispute.id, {"evidence": {"uncategorized_text": evidence}})
    life.pass_time(DAY)
    assert life.stripe.disputes.retrieve(dispute.id).status in ("won", "lost")
    assert life.shown == OPEN
    life.stripe.subscriptions.cancel(life.id)
    assert life.told().shown == ENDED


def test_a_refund_leaves_access_to_the_seller(life: Life) -> None:
    life.buy()
    charge = life.stripe.charges.list({"customer": life.stage.customer_id}).data[0]
    life.stripe.refunds.create({"charge": charge.id})
    life.told()
    assert life.stripe.charges.retrieve(charge.id).refunded
    assert life.shown == OPEN
    assert life.quota == life.period("starter")


def test_of_two_subscriptions_the_better_status_counts_then_the_younger(life: Life) -> None:
    first = life.buy().id
    life.pass_time(60)
    second = life.sold(items=[{"price": life.price("professional")}]).id
    assert life.shown == (True, "active", "active", "professional")
    life.renewed_with(REFUSED)
    life.to_renewal(more=2 * HOUR)
    assert life.subscription.status == "past_due"
    assert life.shown == OPEN
    assert life.stored.stripe_subscription_id == first
    life.stripe.subscriptions.cancel(first)
    assert life.told().shown == (True, "active", "past_due", "professional")
    life.stripe.subscriptions.cancel(second)
    assert life.told().shown == (False, "cancelled", "cancelled", "professional")


def test_other_prices_of_a_subscription_change_nothing(life: Life) -> None:
    """A metered price and one that is not ours, beside the plan and before it."""
    meter = life.stripe.billing.meters.create(
        {
            "display_name": "Pages",
            "event_name": "pages",
            "default_aggregation": {"formula": "sum"},
        }
    )
    other = life.stripe.products.create({"name": "Something else"}).id
    month = {"interval": "month"}
    used = life.stripe.prices.create(
        {
            "product": other,
            "currency": "usd",
            "unit_amount": 3,
            "recurring": {**month, "usage_type": "metered", "meter": meter.id},
        }
    ).id
    extra = life.stripe.prices.create(
        {"product": other, "currency": "usd", "unit_amount": 500, "recurring": month}
    ).id
    life.sold(items=[{"price": extra}, {"price": used}, {"price": life.price()}])
    assert life.shown == OPEN
    assert life.quota == life.period("starter")
    life.to_renewal(more=2 * HOUR)
    assert life.shown == OPEN
    assert life.quota == life.period("starter")


@pytest.mark.parametrize("order", [["starter", "professional"], ["professional", "starter"]])
def test_of_two_plans_in_one_subscription_the_larger_counts(life: Life, order: list[str]) -> None:
    life.sold(items=[{"price": life.price(plan)} for plan in order])
    assert life.shown == (True, "active", "active", "professional")
    assert life.quota == life.period("professional")


def test_an_upgrade_and_a_downgrade_at_once_keep_the_period_and_what_was_used(life: Life) -> None:
    life.buy()
    _, begin, end = life.period("starter")
    life.pass_time(10 * DAY)
    life.to(life.price("professional"), proration_behavior="always_invoice")
    assert life.shown == (True, "active", "active", "professional")
    assert life.quota == ("professional", begin, end)
    life.pass_time(DAY).to(life.price())
    assert life.shown == OPEN
    assert life.quota == ("starter", begin, end)


def test_a_yearly_price_of_a_plan_counts_by_the_month(life: Life) -> None:
    life.buy()
    life.pass_time(10 * DAY)
    yearly = life.price(unit_amount=29000, recurring={"interval": "year"})
    life.to(yearly)
    plan, begin, end = life.period("starter")
    assert life.shown == OPEN
    assert end - begin >= 365 * DAY
    first = life.quota
    assert first
    assert first[:2] == (plan, begin)
    assert 28 * DAY <= first[2] - begin <= 31 * DAY
    life.pass_time(45 * DAY)
    second = life.quota
    assert second
    assert second[1] == first[2]
    life.to(life.price())
    assert life.shown == OPEN
    assert life.quota == life.period("starter")


def test_a_price_that_is_not_ours_ends_access_and_ours_brings_it_back(life: Life) -> None:
    life.buy()
    product = life.stripe.products.create({"name": "Something else"}).id
    month = {"interval": "month"}
    other = life.stripe.prices.create(
        {"product": product, "currency": "usd", "unit_amount": 2900, "recurring": month}
    ).id
    life.to(other)
    assert life.shown == ENDED
    assert life.quota is None
    life.to(life.price("professional"))
    assert life.shown == (True, "active", "active", "professional")


def test_several_of_a_plan_are_one_plan(life: Life) -> None:
    life.buy()
    life.change(items=[{"id": life.item.id, "quantity": 3}])
    assert life.shown == OPEN
    assert life.quota == life.period("starter")
    life.to_renewal(more=2 * HOUR)
    assert life.invoice.amount_paid >= 3 * 2900
    assert life.quota == life.period("starter")


def test_what_costs_nothing_is_a_plan_like_any_other(life: Life) -> None:
    coupon = life.stripe.coupons.create({"percent_off": 100, "duration": "forever"}).id
    life.sold(discounts=[{"coupon": coupon}])
    for _ in range(2):
        assert (life.shown, life.invoice.amount_due) == (OPEN, 0)
        assert life.quota == life.period("starter")
        life.to_renewal(more=2 * HOUR)


def test_a_trial_that_is_moved_ends_when_stripe_says(life: Life) -> None:
    life.sold(trial_period_days=7)
    later = life.item.current_period_end + 10 * DAY
    life.change(trial_end=later)
    assert life.subscription.status == "trialing"
    assert life.shown == OPEN
    assert int(life.stored.current_period_end.timestamp()) == later
    life.pass_time(8 * DAY)
    assert life.shown == OPEN
    life.change(trial_end="now")
    assert life.subscription.status == "active"
    assert life.shown == OPEN
    assert life.quota == life.period("starter")


def test_a_deleted_customer_ends_access_whoever_notices_first(life: Life) -> None:
    """The portal asks before the events arrive; the user may buy again at once."""
    life.buy()
    old = life.stage.customer_id
    events = len(life.stage.events())
    life.stripe.customers.delete(old)
    late = life.stage.events()[events:]
    status, body = life.stage.call("POST", "/stripe/portal")
    assert (status, body["code"]) == (409, "no_customer")
    assert life.shown == ENDED
    assert life.stage.checkout(STARTER)[0] == 200
    for event in late:
        assert life.stage.deliver(event) == 200
    assert life.shown == ENDED
    life.buy(PROFESSIONAL)
    assert life.shown == (True, "active", "active", "professional")
