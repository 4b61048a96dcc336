"""Every object has the fields that stripe-python's own classes declare, no more and no less."""

from typing import Any

import pytest
import stripe

from tests.integration.stripe_fixtures import (
    BASIL,
    ENDIVE,
    PROFESSIONAL,
    LocalStripe,
    fresh,
    local,
)
from tests.integration.stripe_shapes import class_of, differences, objects

__all__ = ["fresh", "local"]


def disputed(local: LocalStripe) -> dict[str, str]:
    """An inquiry that was given up and a chargeback that was won."""
    disputes = local.client().v1.disputes
    for card in ("4000000000000259", "4000000000001976"):
        local.subscriber(card)
    inquiry, chargeback = disputes.list({"limit": 2}).data
    disputes.update(chargeback.id, {"evidence": {"uncategorized_text": "winning_evidence"}})
    disputes.close(inquiry.id)
    return {"dispute": "disputes?expand[]=data.charge"}


def by_hand(local: LocalStripe) -> dict[str, str]:
    """Invoices and items that the API made, one of them written off."""
    client = local.client()
    customer, subscription = local.subscriber()
    invoice = client.v1.invoices.create({"customer": customer.id})

    def add(**more: Any) -> None:
        params: Any = {"customer": customer.id, "amount": 700, "currency": "usd", **more}
        client.v1.invoice_items.create(params)

    add(subscription=subscription.id)
    add(invoice=invoice.id)
    late = client.v1.invoices.create(
        {"customer": customer.id, "collection_method": "send_invoice", "days_until_due": 3}
    )
    add(invoice=late.id)
    client.v1.invoices.send_invoice(late.id)
    client.v1.invoices.mark_uncollectible(late.id)
    products: Any = {"products": [client.v1.products.list({"limit": 1}).data[0].id]}
    coupon = client.v1.coupons.create({"percent_off": 5, "applies_to": products})
    return {
        "coupon of products": f"coupons/{coupon.id}?expand[]=applies_to",
        "invoice made by hand": f"invoices/{invoice.id}",
        "invoice written off": f"invoices/{late.id}",
        "invoiceitem made by hand": f"invoiceitems?customer={customer.id}",
    }


@pytest.fixture(scope="module")
def everything(local: LocalStripe) -> dict[str, str]:
    """An account in which every kind of object exists; its path by kind (and situation)."""
    client = local.client()
    customer, subscription = local.subscriber()
    client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    _, changed = local.subscriber()
    item: Any = {"id": changed["items"].data[0].id, "price": local.price(PROFESSIONAL)}
    upgraded = client.v1.subscriptions.update(
        changed.id, {"items": [item], "proration_behavior": "always_invoice"}
    )
    client.v1.customers.update(customer.id, {"balance": -500})
    declined = client.v1.customers.create({"email": "x@example.com"})
    local.pay(local.checkout(declined.id).id, "4000000000000002")
    trial = local.checkout(declined.id, subscription_data={"trial_period_days": 3})
    local.pay(trial.id)
    invoice = client.v1.invoices.retrieve(subscription.latest_invoice, {"expand": ["payments"]})
    portal = client.v1.billing_portal.sessions.create({"customer": customer.id})
    assert portal.object == "billing_portal.session"
    intents = client.v1.payment_intents.list({"customer": customer.id}).data
    coupon = client.v1.coupons.create({"percent_off": 12.5, "duration": "forever"})
    code: Any = {"coupon": coupon.id}
    promotion = client.v1.promotion_codes.create(code)
    anew: Any = {
        "billing_cycle_anchor": "now",
        "discounts": [{"promotion_code": promotion.id}],
    }
    client.v1.subscriptions.update(changed.id, anew)
    kept = client.v1.charges.list({"customer": changed.customer}).data[-1]
    client.v1.refunds.create({"charge": kept.id, "amount": 100})
    meter = client.v1.billing.meters.create(
        {
            "display_name": "Tokens",
            "event_name": "tokens",
            "default_aggregation": {"formula": "sum"},
        }
    )
    minutes = "start_time=0&end_time=60"
    tiers = [{"up_to": 5, "unit_amount": 2}, {"up_to": "inf", "unit_amount_decimal": "0.5"}]
    tiered: Any = {
        "currency": "usd",
        "recurring": {"interval": "month", "usage_type": "metered", "meter": meter.id},
        "product_data": {"name": "Tokens"},
        "billing_scheme": "tiered",
        "tiers_mode": "graduated",
        "tiers": tiers,
    }
    metered = client.v1.prices.create(tiered)
    used: Any = {"customer": customer.id, "items": [{"price": metered.id}]}
    usage = client.v1.subscriptions.create(used)
    return {
        **disputed(local),
        **by_hand(local),
        "billing.meter": "billing/meters",
        "billing.meter_event_summary": (
            f"billing/meters/{meter.id}/event_summaries?customer={customer.id}&{minutes}"
        ),
        "price metered": f"prices/{metered.id}?expand[]=tiers",
        "subscription metered": f"subscriptions/{usage.id}?expand[]=items.data.plan.tiers",
        "subscription_item metered": f"subscription_items/{usage['items'].data[0].id}",
        "invoice of usage": f"invoices/{usage.latest_invoice}",
        "charge refunded": f"charges/{kept.id}?expand[]=refunds",
        "refund": f"refunds?charge={kept.id}",
        "coupon": f"coupons/{coupon.id}",
        "promotion_code": "promotion_codes",
        "discount": f"subscriptions/{changed.id}?expand[]=discounts&expand[]=latest_invoice",
        "customer": f"customers/{customer.id}?expand[]=subscriptions",
        "customer_balance_transaction": f"customers/{customer.id}/balance_transactions",
        "subscription": f"subscriptions/{subscription.id}",
        "subscription trial": f"subscriptions?customer={declined.id}",
        "subscription_item": f"subscription_items/{subscription['items'].data[0].id}",
        "invoice": f"invoices/{invoice.id}?expand[]=payments&expand[]=confirmation_secret",
        "invoice of prorations": f"invoices/{upgraded.latest_invoice}",
        "invoiceitem": f"invoiceitems?customer={changed.customer}",
        "invoice_payment": f"invoice_payments/{invoice.payments.data[0].id}",  # type: ignore[union-attr]
        "payment_method": f"payment_methods/{subscription.default_payment_method}",
        "payment_intent": f"payment_intents/{intents[0].id}",
        "payment_intent declined": f"payment_intents?customer={declined.id}",
        "setup_intent": f"setup_intents?customer={declined.id}",
        "charge": f"charges/{intents[0].latest_charge}",
        "charge failed": "charges?limit=20",
        "price": "prices?expand[]=data.product",
        "product": "products",
        "checkout.session": "checkout/sessions?expand[]=data.line_items&limit=20",
        "event": "events?limit=100",
        "webhook_endpoint": "webhook_endpoints",
        "account": "account",
        "billing_portal.configuration": "billing_portal/configurations",
    }


@pytest.mark.parametrize("version", [BASIL, ENDIVE])
def test_fields_are_those_of_the_sdk(
    local: LocalStripe, everything: dict[str, str], version: str
) -> None:
    wrong = set()
    for path in everything.values():
        found = objects(local, path, version)
        assert found, path
        for each in found:
            if each["object"] != "event":
                wrong |= set(differences(each, class_of(each), each["object"], version))
            else:  # its object is shown as the account's own version has it
                wrong |= set(differences(each, class_of(each), each["object"], BASIL))
                shown = each["data"]["object"]
                wrong |= set(differences(shown, class_of(shown), each["type"], BASIL))
    assert sorted(wrong) == []


def test_the_portal_session_too(local: LocalStripe) -> None:
    for version in (BASIL, ENDIVE):
        client = local.client(version)
        customer = client.v1.customers.create()
        made = client.v1.billing_portal.sessions.create({"customer": customer.id}).to_dict()
        cls = stripe.billing_portal.Session
        assert sorted(differences(made, cls, "portal", version)) == []


def test_meter_events_too(local: LocalStripe) -> None:
    for version in (BASIL, ENDIVE):
        client = local.client(version)
        name = f"calls-{version}"
        client.v1.billing.meters.create(
            {
                "display_name": "Calls",
                "event_name": name,
                "default_aggregation": {"formula": "count"},
            }
        )
        payload = {"stripe_customer_id": client.v1.customers.create().id, "value": "1"}
        event = client.v1.billing.meter_events.create({"event_name": name, "payload": payload})
        cls: type = stripe.billing.MeterEvent
        assert sorted(differences(event.to_dict(), cls, "event", version)) == []
        adjustment = client.v1.billing.meter_event_adjustments.create(
            {"event_name": name, "type": "cancel", "cancel": {"identifier": event.identifier}}
        )
        cls = stripe.billing.MeterEventAdjustment
        assert sorted(differences(adjustment.to_dict(), cls, "adjustment", version)) == []


def test_the_comparison_can_fail() -> None:
    wrong = {"id": 5, "object": "price", "surprise": 1, "active": "yes", "created": None}
    found = set(differences(wrong, stripe.Price, "price", ENDIVE))
    assert {
        "price.id is 5, not a string",
        "price.surprise is not a field of Price",
        "price.active is 'yes', not a boolean",
        "price.created is null",
        "price.currency is missing",
    } <= found
