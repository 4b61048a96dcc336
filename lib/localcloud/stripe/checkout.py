"""Paying a Checkout Session: the page and `/_local/pay` come through here.

Since basil, the subscription is made only when its first payment has succeeded
(https://docs.stripe.com/changelog/basil/2025-03-31/checkout-legacy-subscription-upgrade).
"""

from dataclasses import dataclass

from localcloud.stripe import checkout_discounts, checkout_intent, invoicing
from localcloud.stripe import subscription_life as life
from localcloud.stripe.cards import CardDetails
from localcloud.stripe.errors import StripeError, invalid
from localcloud.stripe.resources import (
    customers,
    payment_intents,
    payment_methods,
    setup_intents,
)
from localcloud.stripe.store import Obj
from localcloud.stripe.subscription_invoices import begins_with_invoice, bill
from localcloud.stripe.subscription_objects import billing_mode
from localcloud.stripe.work import Work


@dataclass(frozen=True)
class Outcome:
    """`status` is `complete`, `declined` (with the refusal) or `requires_action`."""

    status: str
    session: Obj
    error: StripeError | None = None


def collects(session: Obj) -> bool:
    """Whether the page asks for a card: not if nothing is due and a card only `if_required`."""
    return bool(session["amount_total"]) or session["payment_method_collection"] == "always"


def pay(work: Work, session: Obj, card: CardDetails | None, email: str | None) -> Outcome:
    """Pay an open session with a card, or with none where it asks for none.

    Raises a 400 if the session is not open or wants a card; a refusal is an outcome.
    """
    _check_open(session)
    checkout_discounts.check(work, session)
    if not collects(session):
        return _complete(work, session, None, None, {"email": email, "name": None})
    if card is None:
        raise invalid("This Checkout Session asks for a card.", "card")
    try:
        method = payment_methods.new(work, card, {"email": email})
    except StripeError as wrong:
        return Outcome("declined", session, wrong)
    intent = checkout_intent.of(work, session)
    if intent["object"] == "setup_intent":
        error = setup_intents.confirm(work, intent, method)
    else:
        error = payment_intents.confirm(work, intent, method)
    if error:
        work.update(session, _pending=None)
        return Outcome("declined", session, error)
    pending = {"method": method["id"], "email": email, "name": card.name}
    if intent["status"] == "requires_action":
        work.update(session, _pending=pending)
        return Outcome("requires_action", session)
    return _complete(work, session, intent, method, pending)


def authenticate(work: Work, session: Obj, *, passed: bool) -> Outcome:
    """The customer passed, or failed, 3D Secure for the card that asked for it."""
    _check_open(session)
    pending = session.get("_pending")
    if not pending:
        raise invalid("This Checkout Session is not waiting for authentication.")
    intent = checkout_intent.of(work, session)
    method = work.need("payment_method", pending["method"])
    module = setup_intents if intent["object"] == "setup_intent" else payment_intents
    work.update(session, _pending=None)
    if not passed:
        return Outcome("declined", session, module.fail_authentication(work, intent, method))
    if error := module.confirm(work, intent, method, authenticated=True):
        return Outcome("declined", session, error)
    return _complete(work, session, intent, method, pending)


def _check_open(session: Obj) -> None:
    if session["status"] == "complete":
        raise invalid(
            "This Checkout Session has already been paid.", code="payment_intent_unexpected_state"
        )
    if session["status"] != "open":
        raise invalid("This Checkout Session has expired.", code="checkout_session_expired")


def _complete(
    work: Work, session: Obj, intent: Obj | None, method: Obj | None, pending: Obj
) -> Outcome:
    """The session is paid, or had nothing to pay and no card to save (`intent`, `method` None)."""
    customer = _customer(work, session, pending)
    if customer and intent:
        work.update(intent, customer=customer["id"])
        if charge := work.find("charge", intent.get("latest_charge")):
            work.update(charge, customer=customer["id"])
    changes: Obj = {}
    if session["mode"] == "subscription" and customer:
        changes = _subscribe(work, session, customer, intent, method)
    elif intent:
        changes["payment_intent"] = intent["id"]
        checkout_discounts.redeem(work, session, None)
    details = {**(session["customer_details"] or {}), "email": pending["email"]}
    work.update(
        session,
        **changes,
        customer=customer["id"] if customer else None,
        customer_details={
            "address": payment_methods.EMPTY_ADDRESS,
            "email": (customer or details)["email"],
            "name": pending["name"],
            "phone": None,
            "tax_exempt": "none",
            "tax_ids": [],
        },
        payment_status="paid" if session["amount_total"] else "no_payment_required",
        status="complete",
        url=None,
        _due=None,
        _pending=None,
    )
    work.emit("checkout.session.completed", session)
    return Outcome("complete", session)


def _customer(work: Work, session: Obj, pending: Obj) -> Obj | None:
    """The session's customer; a new one where the mode makes one."""
    if session["customer"]:
        customer = work.need("customer", session["customer"])
        if not customer["email"] and pending["email"]:
            work.update(customer, "customer.updated", email=pending["email"])
        return customer
    if session["customer_creation"] != "always":
        return None
    return customers.new(work, email=pending["email"], name=pending["name"])


def _subscribe(
    work: Work, session: Obj, customer: Obj, intent: Obj | None, method: Obj | None
) -> Obj:
    if method:
        payment_methods.attach_to(work, method, customer)
    data = session["_subscription_data"]
    trial_end = data.get("trial_end")
    if "trial_period_days" in data:
        trial_end = work.now + data["trial_period_days"] * 86400
    work.version = session["_version"]  # the billing mode follows the version that made the session
    fields = {k: data[k] for k in ("description", "metadata", "trial_settings") if k in data}
    if "billing_mode" in data:
        fields["billing_mode"] = billing_mode(data["billing_mode"]["type"])
    items = [
        {"price": work.need("price", line["_price"]), "quantity": line["quantity"]}
        for line in session["_lines"]
    ]
    subscription = life.build(
        work,
        customer,
        items,
        trial_end=trial_end,
        default_payment_method=method["id"] if method else None,
        **fields,
    )
    checkout_discounts.redeem(work, session, subscription)
    if begins_with_invoice(work, subscription):
        balance = checkout_intent.settles_balance(work, session)
        invoice = bill(work, subscription, "subscription_create", balance=balance, pending=False)
        paid = intent if intent and intent["object"] == "payment_intent" else None
        invoicing.settle(work, invoice, paid)
    life.save(work, subscription)
    work.emit("customer.subscription.created", subscription)
    return {"subscription": subscription["id"], "invoice": subscription["latest_invoice"]}
