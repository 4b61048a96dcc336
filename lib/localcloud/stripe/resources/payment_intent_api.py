"""Payment intents in the API (https://docs.stripe.com/api/payment_intents)."""

from localcloud.stripe import invoice_payment
from localcloud.stripe.errors import StripeError, invalid, not_built
from localcloud.stripe.lists import filters, page
from localcloud.stripe.params import EXPAND, PAGE, Boolean, Hash, Range, Text, words
from localcloud.stripe.registry import Resource, Route
from localcloud.stripe.resources import payment_methods
from localcloud.stripe.resources.payment_intents import URL
from localcloud.stripe.store import Obj
from localcloud.stripe.work import Work

UNEXPECTED = "payment_intent_unexpected_state"


def retrieve(work: Work, params: Obj, id: str) -> Obj:
    return work.present(work.need("payment_intent", id))


def list_all(work: Work, params: Obj) -> Obj:
    return page(work, "payment_intent", URL, params, *filters(params, "created", "customer"))


def confirm(work: Work, params: Obj, id: str) -> Obj:
    """Pay an invoice by its intent. A refusal is a 402, and the attempt stays on record.

    With the customer there a card may ask for 3D Secure: the answer's status is `requires_action`,
    and the invoice's page, or `/_local/pay`, goes on.
    """
    intent = work.need("payment_intent", id)
    _check_confirmable(intent)
    invoice = invoice_payment.of_intent(work, intent)
    if invoice is None:
        raise not_built("confirming a payment intent that is no invoice's")
    outcome = invoice_payment.charge(
        work,
        invoice,
        _method(work, intent, params),
        off_session=bool(params.get("off_session")),
    )
    if outcome.error:
        outcome.error.keeps_changes = True
        raise outcome.error
    return retrieve(work, {}, id)


def _check_confirmable(intent: Obj) -> None:
    if intent["status"] == "succeeded":
        raise _refused("it has already succeeded after being previously confirmed")
    if intent["status"] == "canceled":
        raise _refused("it has a status of canceled")


def _refused(why: str) -> StripeError:
    return invalid(f"You cannot confirm this PaymentIntent because {why}.", code=UNEXPECTED)


def _method(work: Work, intent: Obj, params: Obj) -> Obj:
    if "payment_method" not in params:
        if intent["payment_method"] is None:
            raise _refused(
                "it's missing a payment method. You can either update the PaymentIntent with a "
                "payment method and then confirm it again, or confirm it again directly with a "
                "payment method or ConfirmationToken"
            )
        return work.need("payment_method", intent["payment_method"])
    method = payment_methods.take(work, params["payment_method"], "payment_method")
    if method["customer"] not in (None, intent["customer"]):
        raise invalid(
            "The provided PaymentMethod is attached to another customer than the PaymentIntent.",
            "payment_method",
        )
    return method


RESOURCE = Resource(
    kind="payment_intent",
    expandable={
        "customer": "customer",
        "latest_charge": "charge",
        "payment_method": "payment_method",
    },
    routes=(
        Route(
            "GET",
            URL,
            list_all,
            Hash({**PAGE, "created": Range(), "customer": Text()}, unbuilt=("customer_account",)),
        ),
        Route("GET", URL + "/{id}", retrieve, Hash({**EXPAND, "client_secret": Text()})),
        Route(
            "POST",
            URL + "/{id}/confirm",
            confirm,
            Hash(
                {
                    **EXPAND,
                    "off_session": Boolean(),
                    "payment_method": Text(),
                    "return_url": Text(),
                },
                unbuilt=words(
                    """allowed_payment_method_types amount_details amount_to_confirm capture_method
                    confirmation_token error_on_requires_action excluded_payment_method_types hooks
                    mandate mandate_data payment_details payment_method_data payment_method_options
                    radar_options receipt_email setup_future_usage shipping use_stripe_sdk"""
                ),
            ),
        ),
    ),
)
