"""Changes of a customer's balance (https://docs.stripe.com/api/customer_balance_transactions)."""

from typing import Any

from localcloud.stripe.currency import Currency
from localcloud.stripe.errors import no_such
from localcloud.stripe.lists import filters, page
from localcloud.stripe.params import EXPAND, PAGE, Hash, Integer, Metadata, Range, Text
from localcloud.stripe.registry import Resource, Route
from localcloud.stripe.store import Obj, equal
from localcloud.stripe.work import Work, given, merge_metadata

URL = "/v1/customers/{customer}/balance_transactions"
KIND = "customer_balance_transaction"


def new(work: Work, customer: Obj, amount: int, kind: str, **fields: Any) -> Obj:
    """Record that the customer's balance, already changed, has changed by `amount`."""
    transaction = work.new(
        KIND,
        amount=amount,
        checkout_session=None,
        credit_note=None,
        currency=customer["currency"] or "usd",
        customer=customer["id"],
        customer_account=None,
        description=None,
        ending_balance=customer["balance"],
        invoice=None,
        metadata={},
        type=kind,
    )
    transaction.update(fields)
    return work.create(transaction)


def create(work: Work, params: Obj, customer: str) -> Obj:
    """Give credit (a negative amount) or take it."""
    found = work.need("customer", customer)
    balance = found["balance"] + params["amount"]
    work.update(
        found,
        "customer.updated",
        balance=balance,
        currency=found["currency"] or params["currency"],
    )
    return work.present(
        new(
            work,
            found,
            params["amount"],
            "adjustment",
            currency=params["currency"],
            description=params.get("description"),
            metadata=merge_metadata({}, params.get("metadata")),
        )
    )


def _own(work: Work, customer: str, identifier: str) -> Obj:
    work.need("customer", customer)
    transaction = work.need(KIND, identifier)
    if transaction["customer"] != customer:
        raise no_such(KIND, identifier)
    return transaction


def retrieve(work: Work, params: Obj, customer: str, id: str) -> Obj:
    return work.present(_own(work, customer, id))


def update(work: Work, params: Obj, customer: str, id: str) -> Obj:
    transaction = _own(work, customer, id)
    return work.present(work.update(transaction, **given(transaction, params, "description")))


def list_all(work: Work, params: Obj, customer: str) -> Obj:
    work.need("customer", customer)
    wheres = [equal("customer", customer), *filters(params, "created", "invoice")]
    return page(work, KIND, URL.format(customer=customer), params, *wheres)


RESOURCE = Resource(
    kind=KIND,
    expandable={"customer": "customer", "invoice": "invoice"},
    routes=(
        Route(
            "POST",
            URL,
            create,
            Hash(
                {
                    **EXPAND,
                    "amount": Integer(),
                    "currency": Currency(),
                    "description": Text(350),
                    "metadata": Metadata(),
                },
                required=("amount", "currency"),
            ),
        ),
        Route("GET", URL, list_all, Hash({**PAGE, "created": Range(), "invoice": Text()})),
        Route("GET", URL + "/{id}", retrieve, Hash(EXPAND)),
        Route(
            "POST",
            URL + "/{id}",
            update,
            Hash({**EXPAND, "description": Text(350, clearable=True), "metadata": Metadata()}),
        ),
    ),
)
