"""An invoice in the portal: its lines, its sums, and the way to pay it."""

from aiohttp import web

from localcloud.stripe.pages import render
from localcloud.stripe.pages.portal_visit import Visit, refusal
from localcloud.stripe.store import Obj


def show(visit: Visit, query: dict[str, str], alert: str | None = None) -> web.Response:
    """The page of one of the customer's invoices."""
    invoice = visit.work.find("invoice", query["invoice"])
    if (
        not visit.feature("invoice_history")["enabled"]
        or invoice is None
        or invoice.get("_deleted")
        or invoice["customer"] != visit.customer["id"]
        or invoice["status"] == "draft"
    ):
        raise refusal()
    currency = invoice["currency"]
    return visit.page(
        "portal_invoice.html",
        alert=alert,
        date=render.day(invoice["created"]),
        email=invoice["customer_email"] or "",
        hosted=invoice["hosted_invoice_url"],
        lines=[
            {
                "text": render.described(line),
                "from": render.day(line["period"]["start"]),
                "to": render.day(line["period"]["end"]),
                "amount": render.money(line["amount"], currency),
            }
            for line in invoice["_lines"]
        ],
        number=invoice["number"],
        state=invoice["status"],
        sums=_sums(invoice),
    )


def _sums(invoice: Obj) -> list[tuple[str, str]]:
    currency = invoice["currency"]
    off = sum(each["amount"] for each in invoice["total_discount_amounts"])
    moved = invoice["amount_due"] - invoice["total"]
    sums = [
        ("Subtotal", invoice["subtotal"]),
        *([("Discount", -off)] if off else []),
        ("Total", invoice["total"]),
        *(
            [("Applied to your balance" if moved > 0 else "Paid from your balance", moved)]
            if moved
            else []
        ),
        ("Amount due", invoice["amount_due"]),
        ("Amount paid", invoice["amount_paid"]),
    ]
    return [(label, render.money(amount, currency)) for label, amount in sums]
