"""What a subscription and its items are made of."""

from localcloud.stripe import pricing
from localcloud.stripe.nouns import new_id
from localcloud.stripe.store import Obj
from localcloud.stripe.versions import CLOVER
from localcloud.stripe.work import Work

NO_DETAILS = {"comment": None, "feedback": None, "reason": None}


def blank(work: Work) -> Obj:
    """The fields of a subscription that uses no special feature."""
    flexible = work.version[:10] >= CLOVER
    return {
        "application": None,
        "application_fee_percent": None,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor_config": None,
        "billing_mode": billing_mode("flexible" if flexible else "classic"),
        "billing_schedules": [],
        "billing_thresholds": None,
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "cancellation_details": dict(NO_DETAILS),
        "collection_method": "charge_automatically",
        "customer_account": None,
        "days_until_due": None,
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "ended_at": None,
        "invoice_settings": {"account_tax_ids": None, "issuer": {"type": "self"}},
        "latest_invoice": None,
        "managed_payments": None,
        "metadata": {},
        "next_pending_invoice_item_invoice": None,
        "on_behalf_of": None,
        "pause_collection": None,
        "payment_settings": {
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": "off",
        },
        "pending_invoice_item_interval": None,
        "pending_setup_intent": None,
        "pending_update": None,
        "schedule": None,
        "test_clock": None,
        "transfer_data": None,
        "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
    }


def billing_mode(kind: str) -> Obj:
    """`classic`, or `flexible`, which new subscriptions are from API version clover on."""
    if kind == "classic":
        return {"flexible": None, "type": "classic"}
    return {"flexible": {"proration_discounts": "included"}, "type": "flexible"}


def new_item(work: Work, subscription: Obj, item: Obj, period: tuple[int, int]) -> Obj:
    """Store an item, `{"price", "quantity"?, "metadata"?}`, with the subscription's period.

    A metered one has no quantity. What it is used for counts from now on (`_used_from`).
    """
    stored = {
        "id": new_id("subscription_item"),
        "object": "subscription_item",
        "billed_until": None,
        "billing_thresholds": None,
        "created": work.now,
        "current_period_end": period[1],
        "current_period_start": period[0],
        "current_trial": None,
        "discounts": [],
        "metadata": item.get("metadata") or {},
        "subscription": subscription["id"],
        "tax_rates": [],
        "_price": item["price"]["id"],
        "_used_from": work.now,
    }
    if item["price"]["recurring"]["usage_type"] == "licensed":
        stored["quantity"] = item.get("quantity", 1)
    work.store.put(stored)
    return stored


def items_of(work: Work, subscription: Obj) -> list[Obj]:
    """The stored items, in their order."""
    return [work.need("subscription_item", identifier) for identifier in subscription["_items"]]


def period_of(work: Work, subscription: Obj) -> tuple[int, int]:
    """Start and end of the current period; all items share it."""
    item = work.need("subscription_item", subscription["_items"][0])
    return item["current_period_start"], item["current_period_end"]


def full(work: Work, item: Obj) -> int:
    """What an item costs in advance for a whole period, in minor units."""
    if not in_advance(work, item):
        return 0
    return pricing.amount(work.need("price", item["_price"]), item["quantity"])


def in_advance(work: Work, item: Obj) -> bool:
    """Whether an item is paid before it is used; metered usage is not, nor prorated."""
    return bool(work.need("price", item["_price"])["recurring"]["usage_type"] == "licensed")
