"""Invoice items: charges and credits that wait for an invoice (https://docs.stripe.com/api/invoiceitems)."""

from localcloud.stripe.errors import invalid
from localcloud.stripe.lists import page
from localcloud.stripe.nouns import new_id
from localcloud.stripe.params import EXPAND, PAGE, Boolean, Hash, Range, Text
from localcloud.stripe.registry import Resource, Route
from localcloud.stripe.store import Obj, Where, equal, within
from localcloud.stripe.work import Work

URL = "/v1/invoiceitems"
WAITS = Where("json_extract(body, '$.invoice') IS NULL")
EXISTS = Where("json_extract(body, '$._deleted') IS NULL")


def new(work: Work, customer: str, line: Obj, moment: int) -> Obj:
    """Store and announce an item that will become `line` of the next invoice.

    `line` is an invoice line of a subscription item, `moment` (epoch seconds) its proration date.
    """
    details = line["parent"]["subscription_item_details"]
    item = {
        "id": new_id("invoiceitem"),
        "object": "invoiceitem",
        **{
            name: line[name]
            for name in (
                *("amount", "currency", "description", "discountable", "metadata"),
                *("period", "pricing", "quantity", "quantity_decimal"),
            )
        },
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
    """What waits for the subscription's next invoice: the newest change first, its credit first."""
    found = work.store.select(
        "invoiceitem",
        equal("customer", subscription["customer"]),
        equal("_subscription", subscription["id"]),
        WAITS,
        EXISTS,
    )
    found.reverse()
    found.sort(key=lambda item: -item["date"])
    return found


def line_of(item: Obj) -> Obj:
    """The invoice line that the item becomes."""
    line: Obj = item["_line"]
    return line


def retrieve(work: Work, params: Obj, id: str) -> Obj:
    return work.present(work.need("invoiceitem", id))


def list_all(work: Work, params: Obj) -> Obj:
    wheres = [EXISTS]
    for name in ("customer", "invoice"):
        if name in params:
            work.need(name, params[name], param=name)
            wheres.append(equal(name, params[name]))
    if "pending" in params:
        waits = "NULL" if params["pending"] else "NOT NULL"
        wheres.append(Where(f"json_extract(body, '$.invoice') IS {waits}"))
    if "created" in params:
        wheres.append(within("date", params["created"]))
    return page(work, "invoiceitem", URL, params, *wheres)


def delete(work: Work, params: Obj, id: str) -> Obj:
    """Take back an item that no invoice has yet."""
    item = work.need("invoiceitem", id)
    if item["invoice"]:
        raise invalid(
            "This invoice item is attached to an invoice that is no longer editable, so it cannot "
            "be deleted.",
            code="invoice_not_editable",
        )
    work.emit("invoiceitem.deleted", item)
    return work.present(work.update(item, _deleted=True))


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
        Route("GET", URL + "/{id}", retrieve, Hash(EXPAND)),
        Route("DELETE", URL + "/{id}", delete),
    ),
)
