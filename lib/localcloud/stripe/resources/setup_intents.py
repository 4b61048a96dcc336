"""Setup intents: saving a card without charging it (https://docs.stripe.com/api/setup_intents)."""

from localcloud.stripe.cards import AUTHENTICATION_FAILED, card_error, refusal
from localcloud.stripe.errors import StripeError
from localcloud.stripe.lists import filters, page
from localcloud.stripe.nouns import random_text
from localcloud.stripe.params import EXPAND, PAGE, Hash, Range, Text
from localcloud.stripe.registry import Resource, Route
from localcloud.stripe.resources import payment_methods
from localcloud.stripe.store import Obj
from localcloud.stripe.work import Work

URL = "/v1/setup_intents"


def new(work: Work, customer: str | None) -> Obj:
    """A stored and announced setup intent that waits for a payment method."""
    intent = work.new(
        "setup_intent",
        allowed_payment_method_types=None,
        application=None,
        automatic_payment_methods=None,
        cancellation_reason=None,
        customer=customer,
        customer_account=None,
        description=None,
        excluded_payment_method_types=None,
        flow_directions=None,
        last_setup_error=None,
        latest_attempt=None,
        mandate=None,
        metadata={},
        next_action=None,
        on_behalf_of=None,
        payment_method=None,
        payment_method_configuration_details=None,
        payment_method_options={
            "card": {
                "mandate_options": None,
                "network": None,
                "request_three_d_secure": "automatic",
            }
        },
        payment_method_types=["card"],
        single_use_mandate=None,
        status="requires_payment_method",
        usage="off_session",
    )
    intent["client_secret"] = f"{intent['id']}_secret_{random_text(25)}"
    return work.create(intent, "setup_intent.created")


def confirm(
    work: Work, intent: Obj, method: Obj, *, authenticated: bool = False
) -> StripeError | None:
    """Try to save a card. Returns the bank's refusal; the intent's status says the rest."""
    if not authenticated and payment_methods.needs_authentication(method, off_session=False):
        work.update(
            intent,
            status="requires_action",
            payment_method=method["id"],
            last_setup_error=None,
            next_action=payment_methods.ASK_THE_BANK,
        )
        work.emit("setup_intent.requires_action", intent)
        return None
    if error := refusal(method["_number"], saving=True):
        return _refuse(work, intent, method, error)
    if authenticated:
        work.update(method, _set_up=True)
    work.update(
        intent,
        status="succeeded",
        payment_method=method["id"],
        last_setup_error=None,
        next_action=None,
    )
    work.emit("setup_intent.succeeded", intent)
    return None


def fail_authentication(work: Work, intent: Obj, method: Obj) -> StripeError:
    """The customer did not pass 3D Secure; the intent waits for another card."""
    error = card_error("setup_intent_authentication_failure", AUTHENTICATION_FAILED)
    return _refuse(work, intent, method, error)


def _refuse(work: Work, intent: Obj, method: Obj, error: StripeError) -> StripeError:
    work.update(
        intent,
        status="requires_payment_method",
        payment_method=None,
        next_action=None,
        last_setup_error={**error.body()["error"], "payment_method": work.present(method)},
    )
    work.emit("setup_intent.setup_failed", intent)
    return error


def retrieve(work: Work, params: Obj, id: str) -> Obj:
    return work.present(work.need("setup_intent", id))


def list_all(work: Work, params: Obj) -> Obj:
    wheres = filters(params, "created", "customer", "payment_method")
    return page(work, "setup_intent", URL, params, *wheres)


RESOURCE = Resource(
    kind="setup_intent",
    expandable={
        "customer": "customer",
        "latest_attempt": "setup_attempt",
        "payment_method": "payment_method",
    },
    routes=(
        Route(
            "GET",
            URL,
            list_all,
            Hash(
                {**PAGE, "created": Range(), "customer": Text(), "payment_method": Text()},
                unbuilt=("attach_to_self", "customer_account"),
            ),
        ),
        Route("GET", URL + "/{id}", retrieve, Hash({**EXPAND, "client_secret": Text()})),
    ),
)
