"""What the next invoice would be: the change is made, its invoice shown, and all of it undone.

Source: Stripe's documentation "Preview prorations", and "Create a preview invoice" of the API.
"""

import contextlib
from dataclasses import replace

from localcloud.stripe import plan_change, subscription_discounts
from localcloud.stripe import subscription_life as life
from localcloud.stripe.errors import StripeError, invalid, missing_param
from localcloud.stripe.nouns import random_text
from localcloud.stripe.params import EXPAND, Boolean, Hash, Integer, Text, words
from localcloud.stripe.proration import moment_of
from localcloud.stripe.resources.subscription_params import ANCHOR, ITEM_CHANGES, PRORATION
from localcloud.stripe.store import Obj, among, equal
from localcloud.stripe.subscription_cancel import credit_rest
from localcloud.stripe.subscription_checks import quantity_of, recurring_price
from localcloud.stripe.subscription_ending import end_with_period
from localcloud.stripe.subscription_invoices import draft, draft_pending
from localcloud.stripe.subscription_objects import period_of
from localcloud.stripe.work import Work

PARAMS = Hash(
    {
        **EXPAND,
        "customer": Text(),
        "discounts": subscription_discounts.PARAMS,
        "subscription": Text(),
        "subscription_details": Hash(
            {
                "billing_cycle_anchor": ANCHOR,
                "cancel_at_period_end": Boolean(),
                "cancel_now": Boolean(),
                "items": ITEM_CHANGES,
                "proration_behavior": PRORATION,
                "proration_date": Integer(0),
                "trial_end": Integer(0, words=("now",)),
            },
            unbuilt=words(
                """billing_mode billing_schedules cancel_at default_tax_rates metadata pause
                resume_at start_date"""
            ),
        ),
    },
    unbuilt=words(
        """automatic_tax currency customer_account customer_details invoice_items issuer
        on_behalf_of preview_mode schedule schedule_details"""
    ),
)


class _UndoneError(Exception):
    """Ends a preview; nothing of it remains."""


def preview(work: Work, params: Obj) -> Obj:
    """The invoice that would come next, or at once, if the subscription were changed so."""
    quiet = replace(work, announce=lambda *_: None)
    shown: Obj = {}
    with contextlib.suppress(_UndoneError), work.store.savepoint():
        invoice = _invoice(quiet, params)
        identifier = f"upcoming_in_1{random_text(23)}"
        lines = [{**line, "invoice": identifier} for line in invoice["_lines"]]
        invoice.update(id=identifier, billing_reason="upcoming", _lines=lines)
        shown.update(quiet.present(invoice))
        raise _UndoneError
    return shown


def _invoice(work: Work, params: Obj) -> Obj:
    details = params.get("subscription_details", {})
    if "subscription" not in params and details.get("items"):
        return _new(work, params, details)
    subscription = _subscription(work, params)
    if details.get("cancel_now"):
        return _last(work, subscription, details)
    if "discounts" in params:
        subscription_discounts.replace(work, subscription, params["discounts"])
    invoice = plan_change.change(work, subscription, details)
    if "cancel_at_period_end" in details:
        end_with_period(work, subscription, wanted=details["cancel_at_period_end"])
    return invoice or _upcoming(work, subscription)


def _subscription(work: Work, params: Obj) -> Obj:
    """The subscription named, or the customer's next to renew."""
    if "subscription" in params:
        subscription = work.need("subscription", params["subscription"], param="subscription")
        if params.get("customer") not in (None, subscription["customer"]):
            raise invalid(
                f"The subscription {subscription['id']} does not belong to the customer "
                f"{params['customer']}.",
                "subscription",
            )
        if subscription["status"] in life.ENDED:
            raise _none(subscription["customer"])
        return subscription
    if "customer" not in params:
        raise missing_param("customer")
    customer = work.need("customer", params["customer"], param="customer")
    running = work.store.select(
        "subscription",
        equal("customer", customer["id"]),
        among("status", ("active", "past_due", "trialing")),
    )
    if not running:
        raise _none(customer["id"])
    return min(running, key=lambda each: period_of(work, each)[1])


def _new(work: Work, params: Obj, details: Obj) -> Obj:
    """The first invoice of a subscription that does not exist yet."""
    if "customer" not in params:
        raise missing_param("customer")
    customer = work.need("customer", params["customer"], param="customer")
    items = []
    for place, item in enumerate(details["items"]):
        at = f"subscription_details[items][{place}]"
        if "price" not in item:
            raise missing_param(f"{at}[price]")
        price = recurring_price(work, item["price"], f"{at}[price]")
        items.append({"price": price, **quantity_of(price, item, at)})
    trial_end = details.get("trial_end")
    subscription = life.build(
        work, customer, items, trial_end=None if trial_end == "now" else trial_end
    )
    at = "subscription_details[items]"
    subscription_discounts.begin(work, subscription, params, details["items"], at)
    return draft(work, subscription, "subscription_create")


def _last(work: Work, subscription: Obj, details: Obj) -> Obj:
    """What `cancel` with `invoice_now` would settle."""
    if details.get("proration_behavior") != "none":
        credit_rest(work, subscription, moment_of(work, subscription, details))
    invoice = draft_pending(work, subscription, last=True)
    if invoice is None:
        raise _none(subscription["customer"])
    return invoice


def _upcoming(work: Work, subscription: Obj) -> Obj:
    """The invoice at the end of the current period."""
    end = period_of(work, subscription)[1]
    then = replace(work, now=end)
    if subscription["cancel_at"] is not None and subscription["cancel_at"] <= end:
        then = replace(work, now=subscription["cancel_at"])
        last = draft_pending(then, subscription, last=True)
        if last is None:
            raise _none(subscription["customer"])
        return last
    if subscription["status"] == "trialing":
        subscription["status"] = "active"
    life.advance(then, subscription, end)
    return draft(then, subscription, "upcoming")


def _none(customer: str) -> StripeError:
    message = f"No upcoming invoices for customer: {customer}"
    return StripeError(404, message, code="invoice_upcoming_none")
