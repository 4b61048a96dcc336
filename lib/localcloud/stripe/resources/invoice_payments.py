"""Invoice payments: which payment paid which invoice (https://docs.stripe.com/api/invoice-payment)."""

from localcloud.stripe.lists import filters, page
from localcloud.stripe.params import EXPAND, PAGE, Enum, Hash, Text
from localcloud.stripe.registry import Resource, Route
from localcloud.stripe.store import Obj
from localcloud.stripe.work import Work

URL = "/v1/invoice_payments"


def new(work: Work, invoice: Obj, intent: Obj) -> Obj:
    """Record and announce that a payment intent paid an invoice in full."""
    payment = work.new(
        "invoice_payment",
        amount_paid=intent["amount_received"],
        amount_requested=intent["amount"],
        currency=intent["currency"],
        invoice=invoice["id"],
        is_default=True,
        payment={"payment_intent": intent["id"], "type": "payment_intent"},
        status="paid",
        status_transitions={"canceled_at": None, "paid_at": work.now},
    )
    return work.create(payment, "invoice_payment.paid")


def retrieve(work: Work, params: Obj, id: str) -> Obj:
    return work.present(work.need("invoice_payment", id))


def list_all(work: Work, params: Obj) -> Obj:
    return page(work, "invoice_payment", URL, params, *filters(params, "invoice", "status"))


RESOURCE = Resource(
    kind="invoice_payment",
    expandable={"invoice": "invoice", "payment.payment_intent": "payment_intent"},
    routes=(
        Route(
            "GET",
            URL,
            list_all,
            Hash(
                {**PAGE, "invoice": Text(), "status": Enum(("canceled", "open", "paid"))},
                unbuilt=("created", "payment"),
            ),
        ),
        Route("GET", URL + "/{id}", retrieve, Hash(EXPAND)),
    ),
)
