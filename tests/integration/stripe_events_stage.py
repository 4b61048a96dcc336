"""Everything that local Stripe announces, made to happen: one account with every type of event.

Each function brings about some types, on objects of its own; `happen` calls them all and lets time
pass, after which subscriptions and invoices are there in every status.
"""

import json
from typing import Any

from tests.integration.stripe_fixtures import DAY, HOUR, PROFESSIONAL, LocalStripe

LOST = "pm_card_chargeCustomerFail"
SECURED = "pm_card_authenticationRequired"


def happen(local: LocalStripe) -> None:
    local.control("/_local/retries", {"days": [1], "then": "unpaid"})
    catalogue(local)
    meters(local)
    discounts(local)
    checkouts(local)
    disputes(local)
    money(local)
    by_hand(local)
    portal(local)
    waiting_updates(local)
    beginnings(local)
    with_card(local, LOST)
    with_card(local, SECURED)
    pass_time(local, 10 * DAY)
    with_card(local, LOST)
    resumed(local)
    pass_time(local, 31 * DAY + 2 * HOUR)
    beginnings(local)


def pass_time(local: LocalStripe, seconds: int) -> None:
    status, _, text = local.http(
        "POST", "/_local/clock", json.dumps({"by": seconds}).encode(), seconds=60
    )
    assert status == 200, text


def catalogue(local: LocalStripe) -> None:
    v1 = local.client().v1
    product = v1.products.create({"name": "Book"})
    v1.products.update(product.id, {"description": "Of recipes"})
    v1.products.delete(product.id)
    price = v1.prices.create(
        {
            "currency": "usd",
            "unit_amount": 500,
            "recurring": {"interval": "week"},
            "product_data": {"name": "Paper"},
        }
    )
    v1.prices.update(price.id, {"nickname": "weekly"})


def meters(local: LocalStripe) -> None:
    v1 = local.client().v1.billing.meters
    aggregation: Any = {"formula": "sum"}
    meter = v1.create(
        {"display_name": "Hours", "event_name": "hours", "default_aggregation": aggregation}
    )
    v1.update(meter.id, {"display_name": "Hours used"})
    v1.deactivate(meter.id)
    v1.reactivate(meter.id)


def discounts(local: LocalStripe) -> None:
    v1 = local.client().v1
    coupon = v1.coupons.create({"percent_off": 10, "duration": "forever"})
    v1.coupons.update(coupon.id, {"name": "Ten"})
    params: Any = {"coupon": coupon.id}
    code = v1.promotion_codes.create(params)
    v1.promotion_codes.update(code.id, {"metadata": {"season": "spring"}})
    _, subscription = local.subscriber()
    reduced: Any = {"discounts": [{"promotion_code": code.id}]}
    v1.subscriptions.update(subscription.id, reduced)
    v1.subscriptions.update(subscription.id, {"discounts": ""})
    v1.coupons.delete(coupon.id)


def checkouts(local: LocalStripe) -> None:
    """Sessions that lapse, and that save a card: refused, secured, and begun before a code."""
    v1 = local.client().v1
    v1.checkout.sessions.expire(local.checkout().id)
    trial: Any = {"subscription_data": {"trial_period_days": 5}}
    secured = local.checkout(**trial)
    assert local.pay(secured.id, "4000002760003184")["status"] == "requires_action"
    assert local.pay(secured.id, "4000002760003184", authentication="complete")["session"]
    coupon = v1.coupons.create({"percent_off": 5, "duration": "once"})
    params: Any = {"coupon": coupon.id, "code": "FIVE"}
    v1.promotion_codes.create(params)
    bought: tuple[Any, ...] = (trial, {})
    for more in bought:
        session = local.checkout(allow_promotion_codes=True, **more)
        assert local.pay(session.id, "4000000000000002")["status"] == "declined"
        assert local.pay(session.id, promotionCode="FIVE")["status"] == "complete"


def disputes(local: LocalStripe) -> None:
    v1 = local.client().v1
    local.subscriber("4000000000000259")
    dispute = v1.disputes.list({"limit": 1}).data[0]
    v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})


def money(local: LocalStripe) -> None:
    v1 = local.client().v1
    customer, subscription = local.subscriber()
    method = str(subscription.default_payment_method)
    v1.payment_methods.update(method, {"billing_details": {"name": "Ada"}})
    charge = v1.charges.list({"customer": customer.id}).data[0]
    refund = v1.refunds.create({"charge": charge.id, "amount": 100})
    v1.refunds.update(refund.id, {"metadata": {"why": "late"}})
    v1.subscriptions.cancel(subscription.id)
    v1.payment_methods.detach(method)
    v1.customers.delete(customer.id)


def by_hand(local: LocalStripe) -> None:
    """Invoices that were made by the API, one for each way in which they end."""
    v1 = local.client().v1
    customer = v1.customers.create({"email": "hand@example.com"})
    item: Any = {"customer": customer.id, "amount": 700, "currency": "usd"}
    v1.invoice_items.delete(v1.invoice_items.create(item).id)
    sent: Any = {
        "customer": customer.id,
        "collection_method": "send_invoice",
        "days_until_due": 30,
    }
    made = []
    for _ in range(5):
        invoice = v1.invoices.create(sent)
        for amount in (700, 300):
            line: Any = {**item, "amount": amount, "invoice": invoice.id}
            v1.invoice_items.create(line)
        made.append(invoice.id)
    deleted, voided, written_off, owed, _ = made
    v1.invoices.finalize_invoice(owed)
    v1.invoices.update(deleted, {"description": "Soon gone"})
    v1.invoices.delete(deleted)
    v1.invoices.send_invoice(voided)
    v1.invoices.void_invoice(voided)
    v1.invoices.finalize_invoice(written_off)
    v1.invoices.mark_uncollectible(written_off)


def portal(local: LocalStripe) -> None:
    v1 = local.client().v1
    features: Any = {"invoice_history": {"enabled": True}}
    made = v1.billing_portal.configurations.create({"features": features})
    v1.billing_portal.configurations.update(made.id, {"active": False})
    customer = v1.customers.create()
    v1.billing_portal.sessions.create({"customer": customer.id})


def waiting_updates(local: LocalStripe) -> None:
    """Two upgrades that wait for a payment: one gets it, one does not."""
    v1 = local.client().v1
    for pays in (True, False):
        subscription = with_card(local, LOST)
        item = {"id": subscription["items"].data[0].id, "price": local.price(PROFESSIONAL)}
        change: Any = {
            "items": [item],
            "payment_behavior": "pending_if_incomplete",
            "proration_behavior": "always_invoice",
        }
        waiting = v1.subscriptions.update(subscription.id, change)
        good = v1.payment_methods.attach("pm_card_visa", {"customer": str(waiting.customer)})
        if pays:
            v1.invoices.pay(str(waiting.latest_invoice), {"payment_method": good.id})
        v1.subscriptions.update(subscription.id, {"default_payment_method": good.id})


def with_card(local: LocalStripe, card: str) -> Any:
    """A subscription whose renewals will meet this card."""
    v1 = local.client().v1
    customer, subscription = local.subscriber()
    method = v1.payment_methods.attach(card, {"customer": customer.id})
    return v1.subscriptions.update(subscription.id, {"default_payment_method": method.id})


def beginnings(local: LocalStripe) -> None:
    """Subscriptions that have not begun: in a trial without a card, and not paid."""
    v1 = local.client().v1
    price: Any = [{"price": local.price()}]
    paused: Any = {"end_behavior": {"missing_payment_method": "pause"}}
    customer = v1.customers.create({"email": "begin@example.com"})
    v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": price,
            "trial_period_days": 7,
            "trial_settings": paused,
            "metadata": {"story": "trial"},
        }
    )
    v1.subscriptions.create(
        {"customer": customer.id, "items": price, "payment_behavior": "default_incomplete"}
    )


def resumed(local: LocalStripe) -> None:
    """The paused one goes on, and another pauses in its place."""
    v1 = local.client().v1
    (subscription,) = v1.subscriptions.list({"status": "paused"}).data
    method = v1.payment_methods.attach("pm_card_visa", {"customer": str(subscription.customer)})
    v1.subscriptions.update(subscription.id, {"default_payment_method": method.id})
    v1.subscriptions.resume(subscription.id)
    beginnings(local)
