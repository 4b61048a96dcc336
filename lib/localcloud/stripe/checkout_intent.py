"""What a Checkout Session charges, and the intent with which it does."""

from localcloud.stripe import customer_balance
from localcloud.stripe.resources import payment_intents, setup_intents
from localcloud.stripe.store import Obj
from localcloud.stripe.work import Work


def due(work: Work, session: Obj) -> int:
    """What is charged at once (minor units): the total, and the customer's balance with it.

    A credit pays for it, a debt is paid with it, as on the first invoice that follows; the
    session's own `amount_total` knows neither.
    """
    total = int(session["amount_total"])
    if not settles_balance(work, session):
        return total
    customer = work.need("customer", session["customer"])
    return customer_balance.due(total, customer["balance"], session["currency"])


def settles_balance(work: Work, session: Obj) -> bool:
    """Whether the customer's balance counts: it does on invoices, so not for single payments.

    A trial's first invoice, over nothing, leaves the balance alone.
    """
    customer = work.find("customer", session["customer"])
    return bool(
        customer
        and session["mode"] == "subscription"
        and session["amount_total"]
        and customer["currency"] in (None, session["currency"])
    )


def of(work: Work, session: Obj) -> Obj:
    """The session's intent, made at the first attempt: to pay, or to save a card for later.

    If something else is due than at an attempt before, it is another one.
    """
    amount = due(work, session)
    if found := work.find(*(session.get("_intent") or ("", ""))):
        if found.get("amount", 0) == amount:
            return found
        drop(work, session)
    if amount:
        subscription = session["mode"] == "subscription"
        intent = payment_intents.new(
            work,
            amount,
            session["currency"],
            session["customer"],
            description="Subscription creation" if subscription else None,
            setup_future_usage="off_session" if subscription else None,
        )
    else:
        intent = setup_intents.new(work, session["customer"])
    work.update(session, _intent=[intent["object"], intent["id"]])
    return intent


def drop(work: Work, session: Obj) -> None:
    """Give the intent of an attempt that was declined up; stores the session."""
    intent = work.find(*(session.get("_intent") or ("", "")))
    if intent and intent["object"] == "payment_intent":
        payment_intents.cancel(work, intent)
    elif intent:
        work.update(intent, status="canceled")
        work.emit("setup_intent.canceled", intent)
    work.update(session, _intent=None)
