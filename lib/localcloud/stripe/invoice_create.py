"""Invoices made by hand: a draft for what waits, for what is added to it, or for nothing yet."""

from localcloud.stripe import invoice_update
from localcloud.stripe.errors import invalid, missing_param
from localcloud.stripe.invoice_objects import amounts, blank
from localcloud.stripe.resources import invoice_items
from localcloud.stripe.store import Obj
from localcloud.stripe.work import Work


def create(work: Work, params: Obj) -> Obj:
    """A stored and announced draft.

    It is finalized an hour later if `auto_advance` says so. What waits for the customer's next
    invoice comes with it only if `pending_invoice_items_behavior` is `include`.
    """
    if "customer" not in params:
        raise missing_param("customer")
    customer = work.need("customer", params["customer"], param="customer")
    waiting = []
    if params.get("pending_invoice_items_behavior") == "include":
        waiting = invoice_items.waiting(work, customer["id"], params.get("currency"))
    currency = params.get("currency") or (waiting[0] if waiting else customer)["currency"] or "usd"
    waiting = [item for item in waiting if item["currency"] == currency]
    lines = [invoice_items.line_of(item) for item in waiting]
    sums = amounts(lines, customer["balance"], currency)
    invoice = work.new("invoice", **blank(customer), **sums)
    invoice.update(
        billing_reason="manual",
        currency=currency,
        parent=None,
        period_start=work.now,
        period_end=work.now,
        status="draft",
        _discounts=[],
        _intent=None,
        _lines=[{**line, "invoice": invoice["id"]} for line in lines],
        _subscription=None,
    )
    invoice.update(invoice_update.changes(work, invoice, params))
    if invoice["collection_method"] == "send_invoice" and invoice["due_date"] is None:
        raise invalid(
            "If invoice collection method is 'send_invoice', you must specify 'due_date' or "
            "'days_until_due'."
        )
    invoice_update.plan(work, invoice, params)
    work.create(invoice, "invoice.created")
    for item in waiting:
        work.update(item, invoice=invoice["id"])
    return invoice
