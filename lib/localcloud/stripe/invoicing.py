"""Making, collecting and giving up invoices of subscriptions."""

from typing import Any

from localcloud.stripe import customer_balance, metered, retry_schedule
from localcloud.stripe.cards import card_error
from localcloud.stripe.errors import StripeError
from localcloud.stripe.invoice_objects import amounts, blank
from localcloud.stripe.nouns import random_text
from localcloud.stripe.resources import invoice_payments, payment_intents, payment_methods
from localcloud.stripe.store import Obj
from localcloud.stripe.work import Work

DRAFT_SECONDS = 3600
PURPOSES = {"manual": "Payment for Invoice", "subscription_create": "Subscription creation"}
"""How the payment intent of an invoice describes itself, by `billing_reason`."""


def draft(
    work: Work, subscription: Obj, lines: list[Obj], reason: str, period: tuple[int, int]
) -> Obj:
    """A stored, not announced draft of an invoice over `lines`.

    `reason` is Stripe's `billing_reason`, `period` what the invoice covers (epoch seconds).
    """
    customer = work.need("customer", subscription["customer"])
    sums = amounts(lines, customer["balance"], subscription["currency"])
    invoice = work.new("invoice", **blank(customer), **sums)
    for each in lines:
        each["invoice"] = invoice["id"]
    invoice.update(
        billing_reason=reason,
        currency=subscription["currency"],
        parent={
            "quote_details": None,
            "subscription_details": {
                "metadata": subscription["metadata"],
                "subscription": subscription["id"],
            },
            "type": "subscription_details",
        },
        period_start=period[0],
        period_end=period[1],
        status="draft",
        _lines=lines,
        _subscription=subscription["id"],
        _intent=None,
    )
    return work.create(invoice)


def finalize_later(work: Work, invoice: Obj) -> None:
    """Leave a draft, not announced yet, open to changes for Stripe's hour."""
    moment = work.now + DRAFT_SECONDS
    work.update(invoice, auto_advance=True, automatically_finalizes_at=moment, _due=moment)


def finalize(work: Work, invoice: Obj, *, balance: bool = True) -> Obj:
    """Number a draft, and open it for payment of what the `balance` leaves to pay.

    `settle` or `pay` go on.
    """
    metered.recount(work, invoice)
    customer = work.need("customer", invoice["customer"])
    sequence = customer["next_invoice_sequence"]
    work.update(customer, next_invoice_sequence=sequence + 1, currency=invoice["currency"])
    if balance:
        customer_balance.apply(work, customer, invoice)
    else:
        invoice.update(amounts(invoice["_lines"], 0, invoice["currency"]), ending_balance=0)
    secret = random_text(40)
    work.update(
        invoice,
        automatically_finalizes_at=None,
        effective_at=work.now,
        hosted_invoice_url=f"{work.base_url}/i/{invoice['id']}/{secret}",
        number=f"{customer['invoice_prefix']}-{sequence:04d}",
        status="open",
        status_transitions={**invoice["status_transitions"], "finalized_at": work.now},
        # A draft that was to advance is charged when it would have been finalised by itself.
        _due=invoice.get("_due") if invoice["auto_advance"] else None,
        webhooks_delivered_at=work.now,
        _secret=secret,
    )
    work.emit("invoice.finalized", invoice)
    return invoice


def pay(
    work: Work, invoice: Obj, method: Obj | None, *, off_session: bool, automatic: bool = False
) -> StripeError | None:
    """Charge an open invoice to a card. Returns the refusal, if any.

    A failed `automatic` attempt plans the next one. Of others only the first counts
    ("attempt_count" of the Invoice object).
    """
    if invoice["amount_remaining"] == 0:
        settle(work, invoice, None)
        return None
    intent = _intent_of(work, invoice)
    before = work.present(invoice)
    counts = automatic or invoice["attempt_count"] == 0
    attempts: dict[str, Any] = {
        "_intent": intent["id"],
        "attempt_count": invoice["attempt_count"] + counts,
    }
    work.update(invoice, attempted=True, **attempts)
    error = _charge(work, intent, method, off_session=off_session)
    if intent["status"] == "succeeded":
        settle(work, invoice, intent, before=before)
        return None
    acting = intent["status"] == "requires_action"
    if automatic:
        needed = card_error("authentication_required", "") if acting else error
        retry_schedule.count(work, invoice, needed, method)
    _tell_failure(work, before, invoice, failed=bool(error or automatic), acting=acting)
    return error


def _intent_of(work: Work, invoice: Obj) -> Obj:
    """What the invoice is paid by, in as many attempts as it takes."""
    return work.find("payment_intent", invoice["_intent"]) or payment_intents.new(
        work,
        invoice["amount_remaining"],
        invoice["currency"],
        invoice["customer"],
        description=PURPOSES.get(invoice["billing_reason"], "Subscription update"),
        setup_future_usage="off_session" if invoice["_subscription"] else None,
    )


def _charge(
    work: Work, intent: Obj, method: Obj | None, *, off_session: bool
) -> StripeError | None:
    """Try the card, if there is one.

    Where the bank wants 3D Secure of a customer who is not there, the intent waits for it.
    """
    if method is None:
        return None
    wanted = payment_methods.needs_authentication(method, off_session=off_session)
    return payment_intents.confirm(work, intent, method, off_session=off_session and not wanted)


def _tell_failure(work: Work, before: Obj, invoice: Obj, *, failed: bool, acting: bool) -> None:
    """Announce an attempt that did not pay; a first payment without a card has not been one."""
    if failed or acting:
        work.announce_change("invoice.updated", before, invoice)
    if failed:
        work.emit("invoice.payment_failed", invoice)
    if acting:
        work.emit("invoice.payment_action_required", invoice)


def stop_collecting(work: Work, invoice: Obj) -> None:
    """Finalise a draft, or try an open invoice, no more by itself; it can still be paid."""
    before = work.present(invoice)
    retry_schedule.stop(invoice)
    work.store.put(invoice)
    work.announce_change("invoice.updated", before, invoice)


def settle(work: Work, invoice: Obj, intent: Obj | None, *, before: Obj | None = None) -> None:
    """Mark an invoice paid, by a succeeded payment intent unless nothing was due.

    `before` is the invoice as presented earlier, if the attempt has changed it. Only a payment is
    announced as a change of it ("Using webhooks with subscriptions": `invoice.updated`).
    """
    before = before or work.present(invoice)
    retry_schedule.stop(invoice)
    work.update(
        invoice,
        amount_paid=invoice["amount_due"],
        amount_remaining=0,
        attempted=True,
        attempt_count=max(invoice["attempt_count"], 1) if intent else 0,
        status="paid",
        status_transitions={**invoice["status_transitions"], "paid_at": work.now},
        _intent=intent["id"] if intent else None,
    )
    if intent:
        invoice_payments.new(work, invoice, intent)
        work.announce_change("invoice.updated", before, invoice)
    work.emit("invoice.paid", invoice)
    work.emit("invoice.payment_succeeded", invoice)


def write_off(work: Work, invoice: Obj) -> None:
    """Give an open invoice up as a bad debt; it can still be paid."""
    before = work.present(invoice)
    retry_schedule.stop(invoice)
    moments = {**invoice["status_transitions"], "marked_uncollectible_at": work.now}
    work.update(
        invoice,
        status="uncollectible",
        status_details={"uncollectible": {"reason": "user_forgiven"}},
        status_transitions=moments,
    )
    work.announce_change("invoice.updated", before, invoice)
    work.emit("invoice.marked_uncollectible", invoice)


def void(work: Work, invoice: Obj) -> None:
    """Give up an open invoice; what the customer's balance paid of it is his again.

    Nobody can pay by its payment intent any more.
    """
    before = work.present(invoice)
    drop_intent(work, invoice, "void_invoice")
    if customer := work.find("customer", invoice["customer"]):
        customer_balance.give_back(work, customer, invoice)
    retry_schedule.stop(invoice)
    work.update(
        invoice,
        status="void",
        status_transitions={**invoice["status_transitions"], "voided_at": work.now},
    )
    work.announce_change("invoice.updated", before, invoice)
    work.emit("invoice.voided", invoice)


def drop_intent(work: Work, invoice: Obj, reason: str | None = None) -> None:
    """Nobody can pay by the invoice's payment intent any more; `reason` is Stripe's."""
    if intent := work.find("payment_intent", invoice["_intent"]):
        payment_intents.cancel(work, intent, reason)
