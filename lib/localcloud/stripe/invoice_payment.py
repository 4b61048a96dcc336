"""Somebody pays an invoice himself: on its page, by `/_local/pay`, or by confirming its intent.

He is there to pass 3D Secure, which a renewal that asked for it has been waiting for
("Using webhooks with subscriptions": `invoice.payment_action_required`).
"""

from dataclasses import dataclass

from localcloud.stripe import dunning, invoice_actions, invoicing, subscription_standing
from localcloud.stripe.cards import CardDetails
from localcloud.stripe.errors import StripeError, invalid
from localcloud.stripe.resources import payment_intents, payment_methods
from localcloud.stripe.store import Obj, equal
from localcloud.stripe.work import Work

PAYABLE = ("open", "uncollectible")


@dataclass(frozen=True)
class Outcome:
    """`status` is `complete`, `declined` (with the refusal) or `requires_action`."""

    status: str
    invoice: Obj
    error: StripeError | None = None


def of_intent(work: Work, intent: Obj) -> Obj | None:
    """The invoice that a payment intent pays."""
    found = work.store.select(
        "invoice", equal("customer", intent["customer"]), equal("_intent", intent["id"]), limit=1
    )
    return found[0] if found else None


def waiting(work: Work, invoice: Obj) -> Obj | None:
    """The invoice's payment intent, if that waits for the customer to pass 3D Secure."""
    intent = work.find("payment_intent", invoice["_intent"])
    return intent if intent and intent["status"] == "requires_action" else None


def pay(work: Work, invoice: Obj, card: CardDetails | None) -> Outcome:
    """Pay with a card as typed, or with the one on file. Raises a 400 if there is nothing to pay.

    A refusal is an outcome, and stays on record.
    """
    _check_payable(invoice)
    if card:
        try:
            method = payment_methods.new(work, card, {"email": invoice["customer_email"]})
        except StripeError as wrong:
            return Outcome("declined", invoice, wrong)
    else:
        subscription = work.find("subscription", invoice["_subscription"])
        on_file = dunning.method_of(work, invoice, subscription)
        if on_file is None:
            raise invalid("This invoice has no card on file. Name one that pays it.", "card")
        method = on_file
    return charge(work, invoice, method)


def charge(work: Work, invoice: Obj, method: Obj, *, off_session: bool = False) -> Outcome:
    """Charge an open invoice to a card, in the presence of its owner unless `off_session`."""
    error = invoice_actions.pay(work, invoice, method, off_session=off_session)
    if error:
        return Outcome("declined", invoice, error)
    if waiting(work, invoice):
        return Outcome("requires_action", invoice)
    _keep(work, invoice, method)
    return Outcome("complete", invoice)


def authenticate(work: Work, invoice: Obj, *, passed: bool) -> Outcome:
    """The customer passed, or failed, the 3D Secure that the invoice's payment waits for."""
    _check_payable(invoice)
    intent = waiting(work, invoice)
    if intent is None:
        raise invalid("This invoice is not waiting for authentication.")
    method = work.need("payment_method", intent["payment_method"])
    if passed:
        error = payment_intents.confirm(work, intent, method, authenticated=True)
    else:
        error = payment_intents.fail_authentication(work, intent, method)
    if error:
        work.emit("invoice.payment_failed", invoice)
        return Outcome("declined", invoice, error)
    invoicing.settle(work, invoice, intent)
    subscription_standing.review(work, invoice)
    _keep(work, invoice, method)
    return Outcome("complete", invoice)


def _check_payable(invoice: Obj) -> None:
    if invoice["status"] == "paid":
        raise invalid("This invoice has already been paid.", code="invoice_not_open")
    if invoice["status"] not in PAYABLE:
        raise invalid(f"This invoice is {invoice['status']}: it cannot be paid.")


def _keep(work: Work, invoice: Obj, method: Obj) -> None:
    """Save a new card that has paid, and let it pay the subscription if its settings say so."""
    if method["customer"] is None:
        customer = work.need("customer", invoice["customer"])
        payment_methods.attach_to(work, method, customer)
    subscription = work.find("subscription", invoice["_subscription"])
    if subscription:
        settings = subscription["payment_settings"]
        if settings["save_default_payment_method"] == "on_subscription":
            work.update(
                subscription,
                "customer.subscription.updated",
                default_payment_method=method["id"],
            )
