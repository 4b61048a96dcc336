"""Collecting a renewal: the first attempt, retries, and what follows when all have failed."""

from localcloud.stripe import invoicing, retry_schedule, subscription_standing
from localcloud.stripe import subscription_life as life
from localcloud.stripe.errors import StripeError
from localcloud.stripe.store import Obj
from localcloud.stripe.work import Work

COLLECTING = ("active", "canceled", "past_due", "trialing")
"""An end stops automatic collection; a canceled one collects only if asked to again afterwards."""


def on_due(work: Work, invoice: Obj) -> None:
    """A draft's hour is over, or a retry that was planned is due, or all have failed."""
    if invoice["status"] == "draft":
        invoicing.finalize(work, invoice)
    if invoice["status"] == "open" and not invoice["attempted"]:
        first_attempt(work, invoice)
    else:
        _go_on(work, invoice)
    if invoice["status"] == "open" and invoice["_due"] == work.now:
        retry_schedule.stop(invoice)
        work.store.put(invoice)
        give_up(work, invoice)


def first_attempt(
    work: Work, invoice: Obj, method: Obj | None = None, *, off_session: bool = True
) -> StripeError | None:
    """Charge an invoice that has just been finalised; a refusal makes a subscription `past_due`.

    Whatever was invoiced for the subscription in the meantime, and is not void, decides about it
    instead. Returns the refusal, if any.
    """
    subscription = work.find("subscription", invoice["_subscription"])
    method = method or method_of(work, invoice, subscription)
    decides = subscription and subscription_standing.newest(work, subscription)
    own = decides is not None and decides["id"] == invoice["id"]
    if subscription and own and subscription["status"] in ("active", "past_due"):
        before = work.present(subscription)
        error = life.collect(work, subscription, invoice, method, off_session=off_session)
        life.save(work, subscription)
        work.announce_change(life.UPDATED, before, subscription)
        return error
    error = invoicing.pay(work, invoice, method, off_session=off_session, automatic=True)
    subscription_standing.review(work, invoice)
    return error


def method_of(work: Work, invoice: Obj, subscription: Obj | None) -> Obj | None:
    """The card that pays an invoice: its own, else its subscription's, else the customer's."""
    if own := work.find("payment_method", invoice["default_payment_method"]):
        return own
    if subscription:
        return life.method_of(work, subscription)
    customer = work.need("customer", invoice["customer"])
    return work.find("payment_method", customer["invoice_settings"]["default_payment_method"])


def _go_on(work: Work, invoice: Obj) -> None:
    """Make the next attempt, unless the invoice is not collected any more."""
    subscription = work.find("subscription", invoice["_subscription"])
    if invoice["status"] != "open" or not subscription or subscription["status"] not in COLLECTING:
        invoicing.stop_collecting(work, invoice)
    elif invoice["next_payment_attempt"] is not None:
        _retry(work, subscription, invoice)


def _retry(work: Work, subscription: Obj, invoice: Obj) -> None:
    """Try the card on file.

    Without a card, or with one that was refused for good, it only counts: Stripe goes on scheduling
    and makes the attempt once there is another card ("attempt_count" of the Invoice object).
    """
    method = method_of(work, invoice, subscription)
    if method is None or method["id"] == invoice.get("_hopeless"):
        before = work.present(invoice)
        invoice["attempt_count"] += 1
        retry_schedule.count(work, invoice, None, None)
        work.announce_change("invoice.updated", before, invoice)
    else:
        invoicing.pay(work, invoice, method, off_session=True, automatic=True)
        subscription_standing.review(work, invoice)


def give_up(work: Work, invoice: Obj) -> None:
    """All retries have failed: cancel, mark unpaid, or leave as it is, by the account's setting."""
    subscription = work.find("subscription", invoice["_subscription"])
    then = retry_schedule.current(work).then
    if subscription is None or subscription["status"] in life.ENDED:
        return
    if then == "cancel":
        life.end(work, subscription, reason="payment_failed")
    elif then == "unpaid":
        for draft in life.unsettled(work, subscription, "draft"):
            invoicing.stop_collecting(work, draft)
        life.save(work, subscription, life.UPDATED, status="unpaid")
