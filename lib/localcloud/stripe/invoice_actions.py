"""What someone does to an invoice by hand: finalize, pay, void, give up or delete it.

Source: Stripe's documentation "Status transitions and finalization".
"""

from localcloud.stripe import dunning, invoicing, retry_schedule, subscription_standing
from localcloud.stripe.errors import StripeError, invalid
from localcloud.stripe.store import Obj
from localcloud.stripe.work import Work

NOT_OPEN = "You can only pass in open invoices. This invoice isn't open."


def finalize(work: Work, invoice: Obj, *, advance: bool | None = None) -> None:
    """Open a draft; nothing is charged yet, but where nothing is due it is paid with that.

    `advance` sets `auto_advance` first: whether it is charged by itself, within an hour. Raises a
    400 if it is no draft.
    """
    if invoice["status"] != "draft":
        raise invalid(
            "This invoice is already finalized, you can't re-finalize a non-draft invoice."
        )
    if advance is not None:
        invoice["auto_advance"] = advance
        invoice["_due"] = invoice.get("_due") or work.now + invoicing.DRAFT_SECONDS
    invoicing.finalize(work, invoice)
    if invoice["amount_due"] == 0:
        invoicing.settle(work, invoice, None)
        subscription_standing.review(work, invoice)


def check_payable(invoice: Obj) -> None:
    """Raise a 400 unless the invoice can be paid; an uncollectible one still can, and a draft."""
    if invoice["status"] == "paid":
        raise invalid("Invoice is already paid")
    if invoice["status"] == "void":
        raise invalid(NOT_OPEN)


def pay(work: Work, invoice: Obj, method: Obj | None, *, off_session: bool) -> StripeError | None:
    """Charge an invoice to `method`, else to the card that would pay it; returns the refusal."""
    if invoice["status"] == "draft":
        finalize(work, invoice)
    if invoice["status"] == "paid":
        return None
    if invoice["auto_advance"] and not invoice["attempted"]:
        return dunning.first_attempt(work, invoice, method, off_session=off_session)
    subscription = work.find("subscription", invoice["_subscription"])
    method = method or dunning.method_of(work, invoice, subscription)
    error = invoicing.pay(work, invoice, method, off_session=off_session)
    subscription_standing.review(work, invoice)
    return error


def pay_out_of_band(work: Work, invoice: Obj) -> None:
    """Record that the invoice was paid elsewhere: no charge, and no `payment_succeeded`."""
    if invoice["status"] == "draft":
        finalize(work, invoice)
    if invoice["status"] == "paid":
        return
    before = work.present(invoice)
    invoicing.drop_intent(work, invoice)
    retry_schedule.stop(invoice)
    work.update(
        invoice,
        amount_paid=invoice["amount_due"],
        amount_remaining=0,
        status="paid",
        status_transitions={**invoice["status_transitions"], "paid_at": work.now},
    )
    work.announce_change("invoice.updated", before, invoice)
    work.emit("invoice.paid", invoice)
    subscription_standing.review(work, invoice)


def send(work: Work, invoice: Obj) -> None:
    """Send an invoice to its customer, finalized first; there is no mail, only the event.

    Raises a 400 for one that is charged automatically or that nobody has to pay any more.
    """
    if invoice["collection_method"] != "send_invoice":
        raise invalid(
            "You can only manually send an invoice if its collection method is 'send_invoice'."
        )
    if invoice["status"] not in ("draft", "open"):
        raise invalid("This invoice cannot be sent right now.")
    if invoice["status"] == "draft":
        finalize(work, invoice)
    if invoice["status"] == "open":
        work.emit("invoice.sent", invoice)


def send_by_itself(work: Work, invoice: Obj) -> None:
    """The hour of a draft that is sent is over; whatever else was planned is not done."""
    work.update(invoice, _due=None)
    if invoice["status"] == "draft":
        send(work, invoice)


def void(work: Work, invoice: Obj) -> None:
    """Take back an open or uncollectible invoice. Raises a 400 for any other."""
    if invoice["status"] == "paid":
        raise invalid("Invoices with `paid` payments cannot be voided.")
    if invoice["status"] not in ("open", "uncollectible"):
        raise invalid(NOT_OPEN)
    invoicing.void(work, invoice)
    subscription_standing.review(work, invoice)


def mark_uncollectible(work: Work, invoice: Obj) -> None:
    """Write an open invoice off as a bad debt; it can still be paid. Raises a 400 for any other."""
    if invoice["status"] == "uncollectible":
        raise invalid("This invoice has already been marked uncollectible.")
    if invoice["status"] != "open":
        raise invalid(NOT_OPEN)
    invoicing.write_off(work, invoice)
    subscription_standing.review(work, invoice)


def delete(work: Work, invoice: Obj) -> None:
    """Delete a draft that no subscription has made. Raises a 400 for any other."""
    if invoice["status"] != "draft":
        raise invalid("You can only delete draft invoices.")
    if invoice["_subscription"]:
        raise invalid("You can't delete invoices created by subscriptions.")
    work.emit("invoice.deleted", invoice)
    work.update(invoice, _deleted=True, _due=None)
