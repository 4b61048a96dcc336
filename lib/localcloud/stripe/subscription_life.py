"""How a subscription lives: it starts, is paid for, and ends; `subscription_renewal` goes on."""

from typing import Any

from localcloud.stripe import invoicing, metered, periods
from localcloud.stripe.errors import StripeError
from localcloud.stripe.store import Obj, among, equal
from localcloud.stripe.subscription_invoices import draft_pending
from localcloud.stripe.subscription_objects import blank, items_of, new_item, period_of
from localcloud.stripe.work import Work

UPDATED = "customer.subscription.updated"
ENDED = ("canceled", "incomplete_expired")
INCOMPLETE_SECONDS = 23 * 3600
WARNING_SECONDS = 3 * 86400


def build(
    work: Work, customer: Obj, items: list[Obj], *, trial_end: int | None = None, **fields: Any
) -> Obj:
    """Store a subscription, not announced yet, `active` or `trialing`.

    `items` are `{"price": <price object>, "quantity", "metadata"}`; `trial_end` is epoch seconds.
    """
    first: Obj = items[0]["price"]
    anchor = trial_end or work.now
    recurring = first["recurring"]
    end = trial_end or periods.next_end(
        anchor, recurring["interval"], recurring["interval_count"], work.now
    )
    subscription = work.new(
        "subscription",
        **blank(work),
        billing_cycle_anchor=anchor,
        currency=first["currency"],
        customer=customer["id"],
        start_date=work.now,
        status="trialing" if trial_end else "active",
        trial_start=work.now if trial_end else None,
        trial_end=trial_end,
        _warned=False,
    )
    subscription.update(fields)
    stored = [new_item(work, subscription, item, (work.now, end)) for item in items]
    subscription["_items"] = [item["id"] for item in stored]
    subscription["_prices"] = [item["_price"] for item in stored]
    return save(work, subscription)


def save(work: Work, subscription: Obj, event: str | None = None, **changes: Any) -> Obj:
    """Change, store and announce a subscription, and set its next deadline."""
    before = work.present(subscription) if event else None
    subscription.update(changes)
    subscription["_due"] = _due(work, subscription)
    work.store.put(subscription)
    if event == UPDATED and before is not None:
        work.announce_change(UPDATED, before, subscription)
    elif event:
        work.emit(event, subscription)
    return subscription


def _due(work: Work, subscription: Obj) -> int | None:
    status = subscription["status"]
    if status in ENDED:
        return None
    if status == "incomplete":
        return int(subscription["created"]) + INCOMPLETE_SECONDS
    pause = subscription["pause_collection"] or {}
    pending = subscription["pending_update"] or {}
    moments = [subscription["cancel_at"], pause.get("resumes_at"), pending.get("expires_at")]
    if status != "paused":
        moments.append(period_of(work, subscription)[1])
    if status == "trialing" and not subscription["_warned"]:
        moments.append(subscription["trial_end"] - WARNING_SECONDS)
    first = min((moment for moment in moments if moment is not None), default=None)
    return None if first is None else max(first, work.now)  # nothing happens in the past


def method_of(work: Work, subscription: Obj) -> Obj | None:
    """The card that pays: the subscription's own, else the customer's default."""
    customer = work.find("customer", subscription["customer"])
    default = customer["invoice_settings"]["default_payment_method"] if customer else None
    return work.find("payment_method", subscription["default_payment_method"] or default)


def settle_pending(work: Work, subscription: Obj) -> Obj | None:
    """Invoice and charge what waits for an invoice and what was used, if there is any of it."""
    invoice = draft_pending(work, subscription, last=True)
    if invoice:
        work.emit("invoice.created", invoice)
        invoicing.finalize(work, invoice)
        invoicing.pay(work, invoice, method_of(work, subscription), off_session=True)
    return invoice


def expire(work: Work, subscription: Obj) -> Obj:
    """The first payment never came."""
    for invoice in unsettled(work, subscription, "open"):
        invoicing.void(work, invoice)
    return save(
        work,
        subscription,
        UPDATED,
        status="incomplete_expired",
        ended_at=work.now,
    )


def end(
    work: Work, subscription: Obj, details: Obj | None = None, *, reason: str | None = None
) -> Obj:
    """Cancel now. `details` are `comment` and `feedback` of the customer; `reason` is Stripe's.

    What is owed stays owed, as open invoices and drafts, but nothing is collected by itself.
    """
    for invoice in unsettled(work, subscription, "draft", "open"):
        invoicing.stop_collecting(work, invoice)
    told = subscription["cancellation_details"]["reason"]
    reason = reason or told or "cancellation_requested"
    return save(
        work,
        subscription,
        "customer.subscription.deleted",
        status="canceled",
        canceled_at=subscription["canceled_at"] or work.now,
        ended_at=work.now,
        pending_update=None,
        _pending=None,
        cancellation_details={
            **subscription["cancellation_details"],
            **(details or {}),
            "reason": reason,
        },
    )


def unsettled(work: Work, subscription: Obj, *statuses: str) -> list[Obj]:
    """The invoices of a subscription that have one of these statuses, oldest first."""
    found = work.store.select(
        "invoice",
        equal("customer", subscription["customer"]),
        equal("_subscription", subscription["id"]),
        among("status", statuses),
    )
    return found[::-1]


def advance(work: Work, subscription: Obj, start: int) -> None:
    """Move all items to the period that begins at `start`; usage up to then is due."""
    for item in items_of(work, subscription):
        metered.close(item, start, free=subscription["status"] == "paused")
        recurring = work.need("price", item["_price"])["recurring"]
        item["current_period_start"] = start
        item["current_period_end"] = periods.next_end(
            subscription["billing_cycle_anchor"],
            recurring["interval"],
            recurring["interval_count"],
            start,
        )
        work.store.put(item)


def collect(
    work: Work, subscription: Obj, invoice: Obj, method: Obj | None, *, off_session: bool
) -> StripeError | None:
    """Pay an invoice, and set (not store) the status that follows for a running subscription.

    Returns the refusal, if any.
    """
    error = invoicing.pay(work, invoice, method, off_session=off_session, automatic=True)
    set_status(work, subscription, paid=invoice["status"] == "paid")
    return error


def set_status(work: Work, subscription: Obj, *, paid: bool) -> None:
    """Set (not store) what a payment, or its failure, makes of a running subscription.

    A trial that has something paid for stays one.
    """
    if not paid:
        subscription["status"] = "past_due"
    elif subscription["status"] != "trialing":
        subscription["status"] = "active"
    mark_customer(work, subscription, paid=paid)


def mark_customer(work: Work, subscription: Obj, *, paid: bool) -> None:
    """A customer is delinquent while any subscription is past due."""
    customer = work.find("customer", subscription["customer"])
    if customer and customer["delinquent"] == paid:
        others = work.store.select(
            "subscription", equal("customer", customer["id"]), equal("status", "past_due")
        )
        if not paid or all(other["id"] == subscription["id"] for other in others):
            work.update(customer, "customer.updated", delinquent=not paid)
