"""What a draft is made of, changed by hand: lines come and go, and the sums follow.

Source: "Invoice items" and "Edit an invoice" of Stripe's documentation.
"""

from localcloud.stripe import subscription_discounts
from localcloud.stripe.errors import invalid
from localcloud.stripe.invoice_objects import amounts
from localcloud.stripe.nouns import new_id
from localcloud.stripe.store import Obj
from localcloud.stripe.work import Work

SHARED = (
    *("amount", "currency", "description", "discountable", "metadata", "period", "pricing"),
    *("quantity", "quantity_decimal"),
)
"""What an invoice item and the line that it becomes have in common."""


def line_for(item: Obj) -> Obj:
    """The invoice line that an item made by hand becomes."""
    subscription = item["_subscription"]
    return {
        "id": new_id("line_item"),
        "object": "line_item",
        **{name: item[name] for name in SHARED},
        "discount_amounts": [],
        "discounts": [],
        "invoice": item["invoice"],
        "livemode": False,
        "parent": {
            "invoice_item_details": {
                "invoice_item": item["id"],
                "proration": False,
                "proration_details": {"credited_items": None},
                "subscription": subscription,
            },
            "subscription_item_details": None,
            "type": "invoice_item_details",
        },
        "pretax_credit_amounts": [],
        "subscription": subscription,
        "subtotal": item["amount"],
        "taxes": [],
    }


def editable(work: Work, identifier: str, item: Obj) -> Obj:
    """The draft that a parameter `invoice` names for an item, or a 400."""
    invoice = work.need("invoice", identifier, param="invoice")
    if invoice["customer"] != item["customer"]:
        raise invalid("The invoice belongs to another customer.", "invoice")
    if invoice["status"] != "draft":
        raise invalid(
            "Invalid invoice: This invoice is no longer editable", "invoice", "invoice_not_editable"
        )
    if invoice["currency"] != item["currency"]:
        raise invalid(
            f"The invoice item is in {item['currency']}, the invoice in {invoice['currency']}.",
            "currency",
        )
    return invoice


def add(work: Work, invoice: Obj, item: Obj) -> None:
    """Put an item first on a draft; stores both."""
    line = item["_line"]
    line["invoice"] = invoice["id"]
    work.update(item, invoice=invoice["id"])
    recount(work, invoice, [line, *invoice["_lines"]])


def change(work: Work, invoice: Obj, item: Obj) -> None:
    """Bring a draft's line up to its item."""
    line = {**item["_line"], "invoice": invoice["id"]}
    lines = [line if each["id"] == line["id"] else each for each in invoice["_lines"]]
    recount(work, invoice, lines)


def remove(work: Work, invoice: Obj, item: Obj) -> None:
    """Take an item's line off a draft."""
    lines = [each for each in invoice["_lines"] if each["id"] != item["_line"]["id"]]
    recount(work, invoice, lines)


def recount(work: Work, invoice: Obj, lines: list[Obj]) -> None:
    """Give a draft these lines; discounts, sums and what is due follow. Announces the change."""
    lines = [{**line} for line in lines]
    subscription = work.find("subscription", invoice["_subscription"])
    if subscription:
        known = invoice["_discounts"]
        subscription_discounts.take_off_again(work, subscription, known, lines)
    customer = work.need("customer", invoice["customer"])
    sums = amounts(lines, customer["balance"], invoice["currency"])
    work.update(invoice, "invoice.updated", _lines=lines, **sums)
