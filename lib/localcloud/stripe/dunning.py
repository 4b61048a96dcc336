"""Collecting a failed renewal: retries when they are due, and what follows when all have failed."""

from localcloud.stripe import invoicing, retry_schedule
from localcloud.stripe import subscription_life as life
from localcloud.stripe.store import Obj
from localcloud.stripe.work import Work

COLLECTING = ("active", "past_due", "trialing")


def on_due(work: Work, invoice: Obj) -> None:
    """A retry that was planned is due.

    Without a card, or with one that was refused for good, it only counts: Stripe goes on scheduling
    and makes the attempt once there is another card ("attempt_count" of the Invoice object).
    """
    subscription = work.find("subscription", invoice["_subscription"])
    if (
        invoice["status"] != "open"
        or not subscription
        or subscription["status"] not in COLLECTING
        or subscription["pause_collection"]
    ):
        invoicing.stop_collecting(work, invoice)
        return
    if invoice["next_payment_attempt"] is not None:
        _retry(work, subscription, invoice)
    if invoice["status"] == "open" and invoice["next_payment_attempt"] is None:
        retry_schedule.stop(invoice)
        work.store.put(invoice)
        give_up(work, work.need("subscription", subscription["id"]))


def _retry(work: Work, subscription: Obj, invoice: Obj) -> None:
    method = life.method_of(work, subscription)
    if method is None or method["id"] == invoice.get("_hopeless"):
        before = work.present(invoice)
        invoice["attempt_count"] += 1
        retry_schedule.count(work, invoice, None, None)
        invoicing.announce_change(work, before, invoice)
    else:
        life.pay_invoice(work, invoice, method, off_session=True, automatic=True)


def give_up(work: Work, subscription: Obj) -> None:
    """All retries have failed: cancel, mark unpaid, or leave as it is, by the account's setting."""
    then = retry_schedule.current(work).then
    if then == "cancel":
        life.end(work, subscription, reason="payment_failed")
    elif then == "unpaid":
        life.save(work, subscription, life.UPDATED, status="unpaid")
