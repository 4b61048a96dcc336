"""Charges: single attempts to take money (https://docs.stripe.com/api/charges)."""

from localcloud.stripe import disputes
from localcloud.stripe.cards import CARDS
from localcloud.stripe.errors import StripeError
from localcloud.stripe.lists import as_list, filters, page
from localcloud.stripe.params import EXPAND, PAGE, Hash, Range, Text
from localcloud.stripe.registry import Resource, Route
from localcloud.stripe.store import Obj, equal
from localcloud.stripe.work import Work

URL = "/v1/charges"
PAID = {
    "advice_code": None,
    "network_advice_code": None,
    "network_decline_code": None,
    "network_status": "approved_by_network",
    "reason": None,
    "risk_level": "normal",
    "risk_score": 20,
    "seller_message": "Payment complete.",
    "type": "authorized",
}


def new(work: Work, intent: Obj, method: Obj, error: StripeError | None) -> Obj:
    """Record and announce an attempt to charge `method` for an intent, refused with `error`.

    The owner of some test cards disputes what was charged.
    """
    amount = intent["amount"]
    outcome = dict(PAID)
    if error:
        outcome.update(
            network_status="declined_by_network",
            reason=error.decline_code or error.code,
            seller_message="The bank did not return any further details with this decline.",
            type="issuer_declined",
        )
    charge = work.new(
        "charge",
        amount=amount,
        amount_captured=0 if error else amount,
        amount_refunded=0,
        application=None,
        application_fee=None,
        application_fee_amount=None,
        balance_transaction=None,
        billing_details=method["billing_details"],
        calculated_statement_descriptor="GROUNDWORK",
        captured=not error,
        currency=intent["currency"],
        customer=intent["customer"],
        description=intent["description"],
        disputed=False,
        failure_balance_transaction=None,
        failure_code=error.code if error else None,
        failure_message=error.message if error else None,
        fraud_details={},
        metadata=intent["metadata"],
        on_behalf_of=None,
        outcome=outcome,
        paid=not error,
        payment_intent=intent["id"],
        payment_method=method["id"],
        payment_method_details={
            "card": {
                "amount_authorized": None if error else amount,
                **{
                    name: method["card"][name]
                    for name in ("brand", "country", "exp_month", "exp_year", "fingerprint")
                },
                "checks": method["card"]["checks"],
                "funding": method["card"]["funding"],
                "last4": method["card"]["last4"],
                "network": method["card"]["brand"],
                "three_d_secure": None,
                "wallet": None,
            },
            "type": "card",
        },
        receipt_email=None,
        receipt_number=None,
        receipt_url=None,
        refunded=False,
        review=None,
        shipping=None,
        source_transfer=None,
        statement_descriptor=None,
        statement_descriptor_suffix=None,
        status="failed" if error else "succeeded",
        transfer_data=None,
        transfer_group=None,
    )
    work.create(charge, "charge.failed" if error else "charge.succeeded")
    kind = CARDS[method["_number"]].dispute
    if kind and not error:
        disputes.begin(work, charge, kind)
    return charge


def retrieve(work: Work, params: Obj, id: str) -> Obj:
    return work.present(work.need("charge", id))


def list_all(work: Work, params: Obj) -> Obj:
    wheres = filters(params, "created", "customer", "payment_intent")
    return page(work, "charge", URL, params, *wheres)


def _refunds(work: Work, charge: Obj) -> Obj:
    found = work.store.select("refund", equal("charge", charge["id"]))
    return as_list(f"{URL}/{charge['id']}/refunds", [work.present(each) for each in found])


RESOURCE = Resource(
    kind="charge",
    expandable={
        "balance_transaction": "balance_transaction",
        "customer": "customer",
        "payment_intent": "payment_intent",
    },
    included={"refunds": _refunds},
    routes=(
        Route(
            "GET",
            URL,
            list_all,
            Hash(
                {**PAGE, "created": Range(), "customer": Text(), "payment_intent": Text()},
                unbuilt=("transfer_group",),
            ),
        ),
        Route("GET", URL + "/{id}", retrieve, Hash(EXPAND)),
    ),
)
