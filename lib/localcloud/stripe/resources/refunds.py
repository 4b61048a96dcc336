"""Refunds: money given back, all of a charge or a part (https://docs.stripe.com/api/refunds)."""

from localcloud.stripe import currency
from localcloud.stripe.errors import StripeError, invalid, missing_param
from localcloud.stripe.lists import filters, page
from localcloud.stripe.params import EXPAND, PAGE, Enum, Hash, Integer, Metadata, Range, Text, words
from localcloud.stripe.registry import Resource, Route
from localcloud.stripe.store import Obj, equal
from localcloud.stripe.work import Work, difference, given, merge_metadata

URL = "/v1/refunds"


def create(work: Work, params: Obj) -> Obj:
    """Refund `amount` (minor units) of a charge, or all that is left of it."""
    charge = _charge(work, params)
    _check_undisputed(work, charge)
    left = charge["amount_captured"] - charge["amount_refunded"]
    if left == 0:
        raise invalid(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )
    amount = params.get("amount", left)
    if amount > left:
        raise invalid(
            f"Refund amount ({_money(amount, charge)}) is greater than unrefunded amount on charge "
            f"({_money(left, charge)})",
            "amount",
        )
    refund = work.create(_new(work, charge, amount, params), "refund.created")
    before = work.present(charge)
    refunded = charge["amount_refunded"] + amount
    work.update(charge, amount_refunded=refunded, refunded=refunded == charge["amount_captured"])
    after = work.present(charge)
    work.announce(work, "charge.refunded", after, difference(before, after))
    return work.present(refund)


def _charge(work: Work, params: Obj) -> Obj:
    """The successful charge that is named, or that paid the payment intent that is named."""
    if ("charge" in params) == ("payment_intent" in params):
        if "charge" in params:
            raise invalid("You may only specify one of these parameters: charge, payment_intent.")
        raise missing_param("charge")
    if "charge" in params:
        charge: Obj | None = work.need("charge", params["charge"], param="charge")
        name = f"Charge {params['charge']}"
    else:
        intent = work.need("payment_intent", params["payment_intent"], param="payment_intent")
        charge = work.find("charge", intent["latest_charge"])
        name = f"PaymentIntent {intent['id']}"
    if charge is None or charge["status"] != "succeeded":
        raise StripeError(400, f"This {name} does not have a successful charge to refund.")
    return charge


def _check_undisputed(work: Work, charge: Obj) -> None:
    """Raise a 400 for a charge whose money the cardholder's bank has taken back."""
    if not charge["disputed"]:
        return
    found = work.store.select("dispute", equal("charge", charge["id"]))
    if not all(dispute["is_charge_refundable"] for dispute in found):
        raise invalid(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.",
            code="charge_disputed",
        )


def _money(amount: int, charge: Obj) -> str:
    return currency.text(amount, charge["currency"])


def _new(work: Work, charge: Obj, amount: int, params: Obj) -> Obj:
    refund = work.new(
        "refund",
        amount=amount,
        balance_transaction=None,
        charge=charge["id"],
        currency=charge["currency"],
        destination_details={
            "card": {
                "reference": None,
                "reference_status": "pending",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        },
        metadata=merge_metadata({}, params.get("metadata")),
        payment_intent=charge["payment_intent"],
        reason=params.get("reason"),
        receipt_number=None,
        source_transfer_reversal=None,
        status="succeeded",
        transfer_reversal=None,
    )
    del refund["livemode"]  # a refund has none
    return refund


def retrieve(work: Work, params: Obj, id: str) -> Obj:
    return work.present(work.need("refund", id))


def update(work: Work, params: Obj, id: str) -> Obj:
    refund = work.need("refund", id)
    return work.present(work.update(refund, "refund.updated", **given(refund, params)))


def list_all(work: Work, params: Obj) -> Obj:
    wheres = filters(params, "charge", "created", "payment_intent")
    return page(work, "refund", URL, params, *wheres)


RESOURCE = Resource(
    kind="refund",
    expandable={"charge": "charge", "payment_intent": "payment_intent"},
    routes=(
        Route(
            "POST",
            URL,
            create,
            Hash(
                {
                    **EXPAND,
                    "amount": Integer(1),
                    "charge": Text(),
                    "metadata": Metadata(),
                    "payment_intent": Text(),
                    "reason": Enum(("duplicate", "fraudulent", "requested_by_customer")),
                },
                unbuilt=words(
                    """currency customer instructions_email origin refund_application_fee
                    reverse_transfer"""
                ),
            ),
        ),
        Route(
            "GET",
            URL,
            list_all,
            Hash({**PAGE, "charge": Text(), "created": Range(), "payment_intent": Text()}),
        ),
        Route("GET", URL + "/{id}", retrieve, Hash(EXPAND)),
        Route("POST", URL + "/{id}", update, Hash({**EXPAND, "metadata": Metadata()})),
    ),
)
