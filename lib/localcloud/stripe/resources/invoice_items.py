"""Invoice items: charges and credits that wait for an invoice (https://docs.stripe.com/api/invoiceitems)."""

from localcloud.stripe import invoice_item_changes
from localcloud.stripe.currency import Currency
from localcloud.stripe.invoice_composition import SHARED
from localcloud.stripe.lists import filters, page
from localcloud.stripe.nouns import new_id
from localcloud.stripe.params import (
    EXPAND,
    PAGE,
    Boolean,
    Hash,
    Integer,
    Metadata,
    Range,
    Spec,
    Text,
    words,
)
from localcloud.stripe.registry import Resource, Route
from localcloud.stripe.store import EXISTS, Obj, Where, equal
from localcloud.stripe.work import Work

URL = "/v1/invoiceitems"
WAITS = Where("json_extract(body, '$.invoice') IS NULL")


def new(work: Work, customer: str, line: Obj, moment: int) -> Obj:
    """Store and announce an item that will become `line` of the next invoice.

    `line` is an invoice line of a subscription item, `moment` (epoch seconds) its proration date.
    """
    details = line["parent"]["subscription_item_details"]
    item = {
        "id": new_id("invoiceitem"),
        "object": "invoiceitem",
        **{name: line[name] for name in SHARED},
        "customer": customer,
        "customer_account": None,
        "date": moment,
        "discounts": [],
        "invoice": None,
        "livemode": False,
        "parent": {
            "subscription_details": {
                "subscription": details["subscription"],
                "subscription_item": details["subscription_item"],
            },
            "type": "subscription_details",
        },
        "proration": details["proration"],
        "tax_rates": [],
        "test_clock": None,
        "_subscription": details["subscription"],
    }
    details["invoice_item"] = item["id"]
    item["_line"] = line
    return work.create(item, "invoiceitem.created")


def pending(work: Work, subscription: Obj) -> list[Obj]:
    """What waits for the subscription's next invoice: the newest change first, its credit first.

    What belongs to no subscription comes with the first that is invoiced in its currency.
    """
    free = Where("json_extract(body, '$._subscription') IS NULL")
    own = equal("_subscription", subscription["id"])
    found = _waiting(
        work,
        subscription["customer"],
        Where(f"({own.sql} OR {free.sql})", own.values),
        equal("currency", subscription["currency"]),
    )
    found.reverse()
    return sorted(found, key=lambda item: -int(item["date"]))


def waiting(work: Work, customer: str, currency: str | None) -> list[Obj]:
    """What waits for any invoice of a customer, in one currency or in all; the newest first."""
    wheres = [equal("currency", currency)] if currency else []
    return _waiting(work, customer, *wheres)


def _waiting(work: Work, customer: str, *wheres: Where) -> list[Obj]:
    return work.store.select("invoiceitem", equal("customer", customer), *wheres, WAITS, EXISTS)


def line_of(item: Obj) -> Obj:
    """The invoice line that the item becomes."""
    line: Obj = item["_line"]
    return line


def retrieve(work: Work, params: Obj, id: str) -> Obj:
    return work.present(work.need("invoiceitem", id))


def create(work: Work, params: Obj) -> Obj:
    """Charge or credit a customer with the draft that is named, or with the next invoice."""
    return work.present(invoice_item_changes.create(work, params))


def update(work: Work, params: Obj, id: str) -> Obj:
    item = work.need("invoiceitem", id)
    invoice_item_changes.update(work, item, params)
    return work.present(item)


def list_all(work: Work, params: Obj) -> Obj:
    for name in ("customer", "invoice"):
        if name in params:
            work.need(name, params[name], param=name)
    wheres = [EXISTS, *filters(params, "customer", "invoice", created="date")]
    if "pending" in params:
        waits = "NULL" if params["pending"] else "NOT NULL"
        wheres.append(Where(f"json_extract(body, '$.invoice') IS {waits}"))
    return page(work, "invoiceitem", URL, params, *wheres)


def delete(work: Work, params: Obj, id: str) -> Obj:
    """Take back an item that waits, or lies on a draft."""
    item = work.need("invoiceitem", id)
    invoice_item_changes.delete(work, item)
    return work.present(item)


FIELDS: dict[str, Spec] = {
    **EXPAND,
    "amount": Integer(),
    "description": Text(5000, clearable=True),
    "discountable": Boolean(),
    "metadata": Metadata(),
    "period": Hash({"end": Integer(0), "start": Integer(0)}, required=("end", "start")),
    "pricing": Hash({"price": Text()}, required=("price",)),
    "quantity": Integer(1),
}
UNBUILT = words(
    "discounts price_data quantity_decimal tax_behavior tax_code tax_rates unit_amount_decimal"
)
CREATE = Hash(
    {
        **FIELDS,
        "currency": Currency(),
        "customer": Text(),
        "invoice": Text(),
        "subscription": Text(),
    },
    required=("customer",),
    unbuilt=(*UNBUILT, "customer_account"),
)
UPDATE = Hash(FIELDS, unbuilt=(*UNBUILT, "invoicing_rules"))
RESOURCE = Resource(
    kind="invoiceitem",
    expandable={
        "customer": "customer",
        "discounts": "discount",
        "invoice": "invoice",
        "pricing.price_details.price": "price",
    },
    routes=(
        Route(
            "GET",
            URL,
            list_all,
            Hash(
                {
                    **PAGE,
                    "created": Range(),
                    "customer": Text(),
                    "invoice": Text(),
                    "pending": Boolean(),
                },
                unbuilt=("customer_account",),
            ),
        ),
        Route("POST", URL, create, CREATE),
        Route("GET", URL + "/{id}", retrieve, Hash(EXPAND)),
        Route("POST", URL + "/{id}", update, UPDATE),
        Route("DELETE", URL + "/{id}", delete),
    ),
)
