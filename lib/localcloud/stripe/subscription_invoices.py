"""What a subscription is billed for: its items' periods, and invoice items that wait."""

from localcloud.stripe import (
    invoice_objects,
    invoicing,
    metered,
    pricing,
    subscription_discounts,
)
from localcloud.stripe.resources import invoice_items
from localcloud.stripe.store import Obj
from localcloud.stripe.subscription_objects import in_advance, items_of, period_of
from localcloud.stripe.work import Work


def bill(
    work: Work, subscription: Obj, reason: str, *, balance: bool = True, pending: bool = True
) -> Obj:
    """An open invoice for the current period, see `draft`; `balance`: a credit pays for it."""
    invoice = draft(work, subscription, reason, pending=pending)
    work.emit("invoice.created", invoice)
    return invoicing.finalize(work, invoice, balance=balance)


def draft(work: Work, subscription: Obj, reason: str, *, pending: bool = True) -> Obj:
    """A draft for what waits and for the current period of every item; a trial's costs nothing.

    Without `pending`, what waits waits on: Checkout has shown and charged the items alone.

    Of a metered item it is what was used up to that period. `reason` is Stripe's `billing_reason`.
    """
    period = period_of(work, subscription)
    cycle = reason in ("subscription_cycle", "upcoming")
    lines: list[Obj] = []
    for item in items_of(work, subscription):
        if in_advance(work, item):
            lines.append(_line(work, subscription, item))
        else:
            lines += metered.due(work, subscription, item)
    waiting = invoice_items.pending(work, subscription) if pending else []
    span = period if cycle else (work.now, work.now)
    return _compose(work, subscription, (waiting, lines), reason, span)


def begins_with_invoice(work: Work, subscription: Obj) -> bool:
    """Flexible billing mode makes no first invoice if it would have no lines."""
    if subscription["billing_mode"]["type"] == "classic":
        return True
    paid = any(in_advance(work, item) for item in items_of(work, subscription))
    return paid or bool(invoice_items.pending(work, subscription))


def draft_pending(work: Work, subscription: Obj, *, last: bool = False) -> Obj | None:
    """A draft for nothing but what waits, and on the `last` invoice for what was used until now.

    None if there is neither.
    """
    lines = metered.rest(work, subscription) if last else []
    waiting = invoice_items.pending(work, subscription)
    if not lines and not waiting:
        return None
    moment = (work.now, work.now)
    return _compose(work, subscription, (waiting, lines), "subscription_update", moment)


def _compose(
    work: Work,
    subscription: Obj,
    parts: tuple[list[Obj], list[Obj]],
    reason: str,
    period: tuple[int, int],
) -> Obj:
    """A draft of invoice items that have waited, which come first at Stripe, and of lines."""
    waiting, lines = parts
    lines = [invoice_items.line_of(each) for each in waiting] + lines
    active = subscription_discounts.take_off(work, subscription, lines)
    invoice = invoicing.draft(work, subscription, lines, reason, period)
    invoice["discounts"] = [each["id"] for each in active if not each["subscription_item"]]
    invoice["_discounts"] = [each["id"] for each in active]
    for each in waiting:
        work.update(each, invoice=invoice["id"])
    remember_debits(work, invoice)
    subscription["latest_invoice"] = invoice["id"]
    return work.update(invoice)


def _line(work: Work, subscription: Obj, item: Obj) -> Obj:
    price = work.need("price", item["_price"])
    product = work.find("product", price["product"]) or {"name": "Product"}
    trial = subscription["status"] == "trialing"
    amount = 0 if trial else pricing.amount(price, item["quantity"])
    note = f"Trial period for {product['name']}" if trial else ""
    return invoice_objects.line(work, item, amount, period_of(work, subscription), note)


def remember_debits(work: Work, invoice: Obj) -> None:
    """Note on every item what it was charged last, and where: a later credit refers to it."""
    for line in invoice["_lines"]:
        details = line["parent"]["subscription_item_details"] or {"subscription_item": None}
        item = work.find("subscription_item", details["subscription_item"])
        if item is None or line["amount"] < 0 or "_usage" in line:
            continue
        last = item.get("_debit")
        if last and last["line"] == line["id"]:
            work.update(item, _debit={**last, "invoice": invoice["id"]})
        elif last is None or last["start"] <= line["period"]["start"]:
            work.update(item, _debit=debit_of(line, line["amount"]))


def debit_of(line: Obj, gross: int) -> Obj:
    """What a line charged, and what that was before discounts (`gross`), in minor units."""
    return {
        "amount": line["amount"] - sum(off["amount"] for off in line["discount_amounts"]),
        "end": line["period"]["end"],
        "gross": gross,
        "invoice": line["invoice"],
        "line": line["id"],
        "start": line["period"]["start"],
    }
