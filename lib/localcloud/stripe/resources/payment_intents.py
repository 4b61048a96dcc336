"""Payment intents: getting paid, over several attempts (https://docs.stripe.com/api/payment_intents)."""

from typing import Any

from localcloud.stripe.cards import AUTHENTICATION_FAILED, card_error, refusal
from localcloud.stripe.errors import StripeError
from localcloud.stripe.nouns import random_text
from localcloud.stripe.resources import charges, payment_methods
from localcloud.stripe.store import Obj
from localcloud.stripe.work import Work

URL = "/v1/payment_intents"


def new(work: Work, amount: int, currency: str, customer: str | None, **fields: Any) -> Obj:
    """A stored and announced payment intent that waits for a payment method."""
    intent = work.new(
        "payment_intent",
        allowed_payment_method_types=None,
        amount=amount,
        amount_capturable=0,
        amount_details={"tip": {}},
        amount_received=0,
        application=None,
        application_fee_amount=None,
        automatic_payment_methods=None,
        canceled_at=None,
        cancellation_reason=None,
        capture_method="automatic",
        confirmation_method="automatic",
        currency=currency,
        customer=customer,
        customer_account=None,
        description=None,
        excluded_payment_method_types=None,
        last_payment_error=None,
        latest_charge=None,
        metadata={},
        next_action=None,
        on_behalf_of=None,
        payment_method=None,
        payment_method_configuration_details=None,
        payment_method_options={
            "card": {
                "installments": None,
                "mandate_options": None,
                "network": None,
                "request_three_d_secure": "automatic",
            }
        },
        payment_method_types=["card"],
        processing=None,
        receipt_email=None,
        review=None,
        setup_future_usage=None,
        shipping=None,
        source=None,
        statement_descriptor=None,
        statement_descriptor_suffix=None,
        status="requires_payment_method",
        transfer_data=None,
        transfer_group=None,
    )
    intent["client_secret"] = f"{intent['id']}_secret_{random_text(25)}"
    intent.update(fields)
    return work.create(intent, "payment_intent.created")


def confirm(
    work: Work, intent: Obj, method: Obj, *, off_session: bool = False, authenticated: bool = False
) -> StripeError | None:
    """Try to charge a card. Returns the bank's refusal; the intent's status says the rest.

    On session a card may ask for 3D Secure: status `requires_action`, no refusal. Off session that
    is a refusal (`authentication_required`).
    """
    if not authenticated and payment_methods.needs_authentication(method, off_session=off_session):
        if off_session:
            message = "Your card was declined. This transaction requires authentication."
            needed = "authentication_required"
            error = card_error(needed, message, decline_code=needed)
            return _refuse(work, intent, method, error)
        _set(
            work,
            intent,
            "payment_intent.requires_action",
            status="requires_action",
            payment_method=method["id"],
            last_payment_error=None,
            next_action=payment_methods.ASK_THE_BANK,
        )
        return None
    if declined := refusal(method["_number"]):
        return _refuse(work, intent, method, declined)
    charge = charges.new(work, intent, method, None)
    if authenticated:
        work.update(method, _set_up=True)
    _set(
        work,
        intent,
        "payment_intent.succeeded",
        status="succeeded",
        amount_received=intent["amount"],
        latest_charge=charge["id"],
        payment_method=method["id"],
        last_payment_error=None,
        next_action=None,
    )
    return None


def fail_authentication(work: Work, intent: Obj, method: Obj) -> StripeError:
    """The customer did not pass 3D Secure; the intent waits for another card."""
    error = card_error("payment_intent_authentication_failure", AUTHENTICATION_FAILED)
    _record_error(work, intent, method, error, charge=None)
    return error


def cancel(work: Work, intent: Obj, reason: str | None = None) -> None:
    """Nobody can pay with the intent any more; one that has ended already stays as it is.

    `reason` is Stripe's `cancellation_reason`.
    """
    if intent["status"] not in ("canceled", "succeeded"):
        _set(
            work,
            intent,
            "payment_intent.canceled",
            status="canceled",
            canceled_at=work.now,
            cancellation_reason=reason,
            next_action=None,
        )


def _set(work: Work, intent: Obj, event: str, **changes: Any) -> None:
    work.update(intent, **changes)
    work.emit(event, intent)


def _refuse(work: Work, intent: Obj, method: Obj, error: StripeError) -> StripeError:
    charge = charges.new(work, intent, method, error)
    _record_error(work, intent, method, error, charge=charge)
    return error


def _record_error(
    work: Work, intent: Obj, method: Obj, error: StripeError, *, charge: Obj | None
) -> None:
    shown = {**error.body()["error"], "payment_method": work.present(method)}
    if charge:
        shown["charge"] = charge["id"]
    _set(
        work,
        intent,
        "payment_intent.payment_failed",
        status="requires_payment_method",
        latest_charge=charge["id"] if charge else intent["latest_charge"],
        payment_method=None,
        last_payment_error=shown,
        next_action=None,
    )
