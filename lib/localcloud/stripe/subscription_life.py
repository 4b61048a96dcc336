"""How a subscription lives: it starts, renews, pauses and ends, by API, page or deadline."""

from typing import Any

from localcloud.stripe import invoicing, periods
from localcloud.stripe.errors import StripeError
from localcloud.stripe.store import Obj, equal
from localcloud.stripe.subscription_invoices import bill, draft, draft_pending
from localcloud.stripe.subscription_objects import blank, items_of, new_item, period_of
from localcloud.stripe.work import Work, difference

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
    stored = [new_item(work, subscription, item, end) for item in items]
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
        announce_change(work, before, subscription)
    elif event:
        work.emit(event, subscription)
    return subscription


def announce_change(work: Work, before: Obj, subscription: Obj) -> None:
    """Announce what differs from `before`, the subscription as presented earlier."""
    after = work.present(subscription)
    previous = difference(before, after)
    if previous:
        work.announce(work, UPDATED, after, previous)


def _due(work: Work, subscription: Obj) -> int | None:
    status = subscription["status"]
    if status in ENDED:
        return None
    if status == "incomplete":
        return int(subscription["created"]) + INCOMPLETE_SECONDS
    moments = [subscription["cancel_at"]]
    if status != "paused":
        moments.append(period_of(work, subscription)[1])
    if status == "trialing" and not subscription["_warned"]:
        moments.append(max(subscription["trial_end"] - WARNING_SECONDS, subscription["created"]))
    return min((moment for moment in moments if moment is not None), default=None)


def method_of(work: Work, subscription: Obj) -> Obj | None:
    """The card that pays: the subscription's own, else the customer's default."""
    customer = work.find("customer", subscription["customer"])
    default = customer["invoice_settings"]["default_payment_method"] if customer else None
    return work.find("payment_method", subscription["default_payment_method"] or default)


def on_due(work: Work, subscription: Obj) -> None:
    """What a deadline brings. `work.now` is the deadline."""
    if subscription["status"] == "incomplete":
        expire(work, subscription)
    elif subscription["cancel_at"] is not None and subscription["cancel_at"] <= work.now:
        settle_pending(work, subscription)
        end(work, subscription)
    elif period_of(work, subscription)[1] <= work.now:
        renew(work, subscription)
    else:
        save(work, subscription, _warned=True)
        work.emit("customer.subscription.trial_will_end", subscription)


def settle_pending(work: Work, subscription: Obj) -> Obj | None:
    """Invoice and charge what waits for an invoice, if anything does."""
    invoice = draft_pending(work, subscription)
    if invoice:
        invoicing.finalize(work, invoice)
        invoicing.pay(work, invoice, method_of(work, subscription), off_session=True)
    return invoice


def expire(work: Work, subscription: Obj) -> Obj:
    """The first payment never came."""
    _void_open_invoice(work, subscription)
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
    """Cancel now. `details` are `comment` and `feedback` of the customer; `reason` is Stripe's."""
    _void_open_invoice(work, subscription)
    told = subscription["cancellation_details"]["reason"]
    reason = reason or told or "cancellation_requested"
    return save(
        work,
        subscription,
        "customer.subscription.deleted",
        status="canceled",
        canceled_at=subscription["canceled_at"] or work.now,
        ended_at=work.now,
        cancellation_details={
            **subscription["cancellation_details"],
            **(details or {}),
            "reason": reason,
        },
    )


def _void_open_invoice(work: Work, subscription: Obj) -> None:
    """Void what was never begun; what a running subscription owes stays open, but is left alone."""
    invoice = work.find("invoice", subscription["latest_invoice"])
    if invoice is None or invoice["status"] != "open":
        return
    if subscription["status"] == "incomplete":
        invoicing.void(work, invoice)
    else:
        invoicing.stop_collecting(work, invoice)


def renew(work: Work, subscription: Obj) -> None:
    """Begin the next period and charge for it; a refusal makes the subscription `past_due`."""
    method = method_of(work, subscription)
    ending_trial = subscription["status"] == "trialing"
    missing = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
    if ending_trial and method is None and missing == "cancel":
        end(work, subscription)
    elif ending_trial and method is None and missing == "pause":
        save(work, subscription, UPDATED, status="paused")
        work.emit("customer.subscription.paused", subscription)
    else:
        before = work.present(subscription)
        if subscription["status"] == "unpaid":
            draft_period(work, subscription)
        else:
            begin_period(work, subscription, method)
        save(work, subscription)
        announce_change(work, before, subscription)


def begin_period(work: Work, subscription: Obj, method: Obj | None) -> None:
    """Enter the period after the current one and charge for it; stores all but the subscription."""
    advance(work, subscription, period_of(work, subscription)[1])
    if subscription["status"] == "trialing":
        subscription["status"] = "active"
    invoice = bill(work, subscription, "subscription_cycle")
    collect(work, subscription, invoice, method, off_session=True)


def draft_period(work: Work, subscription: Obj) -> None:
    """Enter the next period of an unpaid subscription: its invoices stay drafts, uncharged."""
    advance(work, subscription, period_of(work, subscription)[1])
    work.emit("invoice.created", draft(work, subscription, "subscription_cycle"))


def resume(work: Work, subscription: Obj) -> Obj:
    """Take up a paused subscription with a new billing cycle; it stays paused until it is paid."""
    before = work.present(subscription)
    subscription["billing_cycle_anchor"] = work.now
    advance(work, subscription, work.now)
    invoice = bill(work, subscription, "subscription_update")
    invoicing.pay(work, invoice, method_of(work, subscription), off_session=True)
    resumed = invoice["status"] == "paid"
    save(work, subscription, status="active" if resumed else "paused")
    announce_change(work, before, subscription)
    if resumed:
        work.emit("customer.subscription.resumed", subscription)
    return subscription


def advance(work: Work, subscription: Obj, start: int) -> None:
    """Move all items to the period that begins at `start`."""
    for item in items_of(work, subscription):
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
    paid = invoice["status"] == "paid"
    subscription["status"] = "active" if paid else "past_due"
    _mark_customer(work, subscription, paid=paid)
    return error


def pay_invoice(
    work: Work, invoice: Obj, method: Obj | None, *, off_session: bool, automatic: bool = False
) -> StripeError | None:
    """Pay an open invoice later on; a subscription that waited for it is `active` again."""
    subscription = work.need("subscription", invoice["_subscription"])
    before = work.present(subscription)
    error = invoicing.pay(
        work,
        invoice,
        method or method_of(work, subscription),
        off_session=off_session,
        automatic=automatic,
    )
    waited = subscription["status"] in ("incomplete", "past_due", "unpaid")
    if invoice["status"] == "paid" and waited and subscription["latest_invoice"] == invoice["id"]:
        save(work, subscription, status="active")
        _mark_customer(work, subscription, paid=True)
        announce_change(work, before, subscription)
    return error


def _mark_customer(work: Work, subscription: Obj, *, paid: bool) -> None:
    """A customer is delinquent while any subscription is past due."""
    customer = work.find("customer", subscription["customer"])
    if customer and customer["delinquent"] == paid:
        others = work.store.select(
            "subscription", equal("customer", customer["id"]), equal("status", "past_due")
        )
        if not paid or all(other["id"] == subscription["id"] for other in others):
            work.update(customer, "customer.updated", delinquent=not paid)
